/* SPDX-License-Identifier: ISC */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "tools/plain.h"
#include "tools/textline.h"

/* Cells of a line that nobody says anything of. */
#define PAPER 80

static const struct textline_cell blank = {" ", TEXTLINE_PLAIN, TEXTLINE_PLAIN};

/* Of a terminal. */
static unsigned width_of(int fd)
{
	const char *columns = getenv("COLUMNS");
	unsigned long width = columns ? strtoul(columns, NULL, 10) : 0;
	struct winsize window;

	if (!width && ioctl(fd, TIOCGWINSZ, &window) == 0)
		width = window.ws_col;
	if (!width)
		return PAPER;
	return width < TEXTLINE_MIN   ? TEXTLINE_MIN
	       : width > TEXTLINE_MAX ? TEXTLINE_MAX
				      : (unsigned)width;
}

static bool takes_color(void)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return !(no && *no) && term && strcmp(term, "dumb") != 0;
}

struct textline_style textline_style_of(int fd)
{
	bool is_terminal = isatty(fd);

	return (struct textline_style){.width = is_terminal ? width_of(fd) : PAPER,
				       .is_utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8"),
				       .has_color = is_terminal && takes_color()};
}

void textline_init(struct textline *line, const struct textline_style *style)
{
	line->style = style;
	line->used = 0;
	for (unsigned i = 0; i < TEXTLINE_MAX; i++)
		line->cell[i] = blank;
}

static struct textline_cell *use(struct textline *line, unsigned at)
{
	if (at >= line->style->width)
		return NULL;
	if (at >= line->used)
		line->used = at + 1;
	return &line->cell[at];
}

/* What of a text is to be shown as one: the bytes of it, as they are shown, and their cells. */
struct piece {
	char shown[8];
	size_t len;
	unsigned cells;
};

static struct piece next_piece(const struct textline *line, const char *text)
{
	struct piece piece = {.len = plain_utf8_len((const unsigned char *)text, strlen(text))};
	mbstate_t state = {0};
	wchar_t c;
	int cells = -1;

	if (piece.len == 1)
		cells = 1;
	else if (piece.len && line->style->is_utf8 &&
		 mbrtowc(&c, text, piece.len, &state) == piece.len)
		cells = wcwidth(c);
	if (cells < 0) {
		piece.len = 1;
		piece.cells = (unsigned)snprintf(piece.shown, sizeof(piece.shown), "\\x%02x",
						 (unsigned char)*text);
	} else {
		memcpy(piece.shown, text, piece.len);
		piece.cells = (unsigned)cells;
	}
	return piece;
}

unsigned textline_cells(const struct textline *line, const char *text)
{
	unsigned n = 0;

	while (*text) {
		struct piece piece = next_piece(line, text);

		n += piece.cells;
		text += piece.len;
	}
	return n;
}

/* What takes no cell goes with the character before it, where that has room. */
static void combine(struct textline *line, unsigned at, const char *shown)
{
	struct textline_cell *cell = at ? use(line, at - 1) : NULL;

	if (cell && strlen(cell->text) + strlen(shown) < sizeof(cell->text))
		strcat(cell->text, shown);
}

static void put_piece(struct textline *line, unsigned at, const struct piece *piece, uint32_t ink)
{
	bool is_escape = piece->cells > 2;

	if (!piece->cells)
		combine(line, at, piece->shown);
	for (unsigned i = 0; i < piece->cells; i++) {
		struct textline_cell *cell = use(line, at + i);

		if (!cell)
			return;
		*cell = blank;
		cell->ink = ink;
		if (is_escape)
			snprintf(cell->text, sizeof(cell->text), "%c", piece->shown[i]);
		else
			strcpy(cell->text, i ? "" : piece->shown);
	}
}

unsigned textline_put(struct textline *line, unsigned at, unsigned width, const char *text,
		      uint32_t ink)
{
	unsigned room = at < line->style->width ? line->style->width - at : 0;
	unsigned end = at + (width < room ? width : room);
	bool is_cut = textline_cells(line, text) > end - at;
	unsigned dots = is_cut ? (end - at < 3 ? end - at : 3) : 0;

	while (*text) {
		struct piece piece = next_piece(line, text);

		if (at + piece.cells > end - dots)
			break;
		put_piece(line, at, &piece, ink);
		at += piece.cells;
		text += piece.len;
	}
	for (; dots; dots--, at++)
		put_piece(line, at, &(struct piece){.shown = ".", .cells = 1}, ink);
	return at;
}

void textline_put_left(struct textline *line, unsigned end, const char *text, uint32_t ink)
{
	unsigned n = textline_cells(line, text);

	textline_put(line, n < end ? end - n : 0, end, text, ink);
}

void textline_fill(struct textline *line, unsigned at, unsigned eighths, uint32_t ink,
		   uint32_t paper)
{
	static const char *const blocks[] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
					     "\u2585", "\u2586", "\u2587", "\u2588"};
	static const char *const ascii[] = {" ", ".", ".", ":", ":", "+", "+", "#", "#"};
	struct textline_cell *cell = use(line, at);

	if (!cell)
		return;
	eighths = eighths > 8 ? 8 : eighths;
	strcpy(cell->text, (line->style->is_utf8 ? blocks : ascii)[eighths]);
	cell->ink = ink;
	cell->paper = paper;
}

bool textline_is_free(const struct textline *line, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to && i < line->used; i++)
		if (strcmp(line->cell[i].text, " ") || line->cell[i].paper != TEXTLINE_PLAIN)
			return false;
	return true;
}

/* The nearest of 6 x 6 x 6 colors, or, of what is nearly none, of 24 grays: all terminals have these. */
static unsigned nearest(uint32_t color)
{
	static const int levels[] = {0, 95, 135, 175, 215, 255};
	int red = (int)(color >> 16 & 255), blue = (int)(color & 255);
	unsigned ret = 0;

	if (abs(red - blue) < 24 && abs(red - (int)(color >> 8 & 255)) < 24 && red >= 8)
		return 232 + (unsigned)(red > 238 ? 23 : (red - 8) / 10);
	for (int shift = 16; shift >= 0; shift -= 8) {
		int want = (int)(color >> shift & 255);
		unsigned best = 0;

		for (unsigned i = 1; i < 6; i++)
			if (abs(levels[i] - want) < abs(levels[best] - want))
				best = i;
		ret = ret * 6 + best;
	}
	return 16 + ret;
}

static void put_colors(const struct textline_cell *cell, FILE *to)
{
	fputs("\033[0", to);
	if (cell->ink != TEXTLINE_PLAIN)
		fprintf(to, ";38;5;%u", nearest(cell->ink));
	if (cell->paper != TEXTLINE_PLAIN)
		fprintf(to, ";48;5;%u", nearest(cell->paper));
	fputc('m', to);
}

void textline_end(struct textline *line, FILE *to)
{
	const struct textline_cell *last = &blank;

	while (line->used && textline_is_free(line, line->used - 1, line->used))
		line->used--;
	for (unsigned i = 0; i < line->used; i++) {
		const struct textline_cell *cell = &line->cell[i];

		if (line->style->has_color &&
		    (cell->ink != last->ink || cell->paper != last->paper))
			put_colors(cell, to);
		fputs(cell->text, to);
		last = cell;
	}
	if (line->style->has_color &&
	    (last->ink != TEXTLINE_PLAIN || last->paper != TEXTLINE_PLAIN))
		fputs("\033[0m", to);
	fputc('\n', to);
	textline_init(line, line->style);
}
