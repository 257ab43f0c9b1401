/* SPDX-License-Identifier: ISC */
/* A plot in characters: for terminals, logs and mail. */
#ifndef MSTAT_TOOLS_PLOTTEXT_H
#define MSTAT_TOOLS_PLOTTEXT_H

#include <stdio.h>

#include "tools/plot.h"
#include "tools/textline.h"

/* The columns of a plot for lines of so many cells: finer than these, so that each has its highest value. */
unsigned plottext_columns(unsigned width);

/* 0 or -ENOMEM; the stream has its own errors. */
int plottext_write(const struct plot *plot, const struct textline_style *style, FILE *to);

#endif
