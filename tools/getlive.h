/* SPDX-License-Identifier: ISC */
/* Lines that are drawn again and again over themselves, where a terminal shows them. */
#ifndef MSTAT_TOOLS_GETLIVE_H
#define MSTAT_TOOLS_GETLIVE_H

#include <stddef.h>
#include <stdio.h>

/* How much of a line (without its newline) fits into so many columns; no character is cut. */
size_t getlive_clip(const char *line, size_t len, size_t columns);

/*
 * Draws the text, whole lines, over the lines that were drawn before (0: below what is there). Not more
 * than fit into a window of that size: of too many lines the first ones, how many more there are, and the
 * last. Returns how many lines it has drawn.
 */
size_t getlive_draw(FILE *to, const char *text, size_t rows, size_t columns, size_t drawn);

#endif
