/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "tools/getlive.h"
#include "tools/plain.h"

/* Of what fits: the note of how many more there are, and the last line. */
#define LINES_KEPT 2

size_t getlive_clip(const char *line, size_t len, size_t columns)
{
	size_t at = 0, used = 0;

	while (at < len) {
		size_t n = plain_len((const unsigned char *)line + at, len - at);
		/* How wide the terminal draws others than ASCII it does not tell: two is the most. */
		size_t width = n > 1 ? 2 : 1;

		if (used + width > columns)
			break;
		used += width;
		at += n ? n : 1;
	}
	return at;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

static void draw_line(FILE *to, const char *line, size_t columns)
{
	size_t len = strcspn(line, "\n");

	fprintf(to, "%.*s\033[K\n", (int)getlive_clip(line, len, columns), line);
}

size_t getlive_draw(FILE *to, const char *text, size_t rows, size_t columns, size_t drawn)
{
	size_t count = count_lines(text);
	/* The cursor is below them. In a terminal's last column some wrap already. */
	size_t room = rows > 1 ? rows - 1 : 1;
	size_t width = columns > 1 ? columns - 1 : 1;
	size_t first = count <= room ? count : room > LINES_KEPT ? room - LINES_KEPT : 0;
	size_t line = 0, shown = 0;

	if (drawn)
		fprintf(to, "\033[%zuA", drawn);
	fputc('\r', to);
	for (; *text; text = strchr(text, '\n') + 1, line++) {
		if (line == first && count > room && room > LINES_KEPT - 1) {
			fprintf(to, "... %zu more\033[K\n", count - first - 1);
			shown++;
		}
		if (line >= first && line != count - 1)
			continue;
		draw_line(to, text, width);
		shown++;
	}
	fputs("\033[J", to);
	return shown;
}
