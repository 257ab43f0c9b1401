/* SPDX-License-Identifier: ISC */
/* A plot laid out for print: the tree and its processes one above the other, on a canvas. */
#ifndef MSTAT_TOOLS_FIGURE_H
#define MSTAT_TOOLS_FIGURE_H

#include "tools/canvas.h"
#include "tools/plot.h"

/* From left to right: what a plot for a figure is made with. */
#define FIGURE_COLUMNS 560

/* How large a canvas it needs. */
struct canvas_point figure_size(const struct plot *plot);
void figure_draw(const struct plot *plot, struct canvas *canvas);

#endif
