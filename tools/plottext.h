/* SPDX-License-Identifier: ISC */
/* A plot in characters: for terminals, logs and mail. */
#ifndef MSTAT_TOOLS_PLOTTEXT_H
#define MSTAT_TOOLS_PLOTTEXT_H

#include <stdio.h>

#include "tools/plot.h"
#include "tools/textline.h"

/* Narrower than that there is no room for a chart. */
#define PLOTTEXT_MIN 50
#define PLOTTEXT_MAX TEXTLINE_MAX

/* How many columns a plot for lines of so many cells is made with: finer than they are, so that each has its highest value. */
unsigned plottext_columns(unsigned width);

/* 0 or -ENOMEM; the stream has its own errors. */
int plottext_write(const struct plot *plot, const struct textline_style *style, FILE *to);

#endif
