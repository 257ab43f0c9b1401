/* SPDX-License-Identifier: ISC */
/* A line of a terminal, put together cell by cell: no more than it has, whatever is put there. */
#ifndef MSTAT_TOOLS_TEXTLINE_H
#define MSTAT_TOOLS_TEXTLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TEXTLINE_MIN 50
#define TEXTLINE_MAX 200
/* The color of a cell that has none of its own. Else 0xRRGGBB. */
#define TEXTLINE_PLAIN UINT32_MAX

/* How a terminal, or a file, takes text. */
struct textline_style {
	unsigned width; /* cells of a line, at most TEXTLINE_MAX */
	bool is_utf8;	/* else ASCII; the locale of LC_CTYPE is to be that */
	bool has_color;
};

struct textline_cell {
	char text
		[16]; /* a character, and what combines with it; "": the second half of the one before */
	uint32_t ink, paper;
};

struct textline {
	const struct textline_style *style; /* borrowed */
	unsigned used;
	struct textline_cell cell[TEXTLINE_MAX];
};

/*
 * As whoever reads the descriptor takes it, by the locale of LC_CTYPE. What is no terminal has 80 cells and no
 * color; a terminal as many as it has, or COLUMNS says, and none where NO_COLOR (no-color.org) or TERM forbid it.
 */
struct textline_style textline_style_of(int fd);

void textline_init(struct textline *line, const struct textline_style *style);
/* How many cells a text takes: plain UTF-8 (plain.h). */
unsigned textline_cells(const struct textline *line, const char *text);
/* Such a text, in at most width cells, dots at its end where it needs more. Returns the cell after it. */
unsigned textline_put(struct textline *line, unsigned at, unsigned width, const char *text,
		      uint32_t ink);
/* The same to the left of a cell. */
void textline_put_left(struct textline *line, unsigned end, const char *text, uint32_t ink);
/* So many eighths of a cell are filled from below, 0 to 8, with ink on paper. */
void textline_fill(struct textline *line, unsigned at, unsigned eighths, uint32_t ink,
		   uint32_t paper);
/* Whether nothing was put there. */
bool textline_is_free(const struct textline *line, unsigned from, unsigned to);
/* Writes it, without blanks at its end, and a newline. It is empty then. */
void textline_end(struct textline *line, FILE *to);

#endif
