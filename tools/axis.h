/* SPDX-License-Identifier: ISC */
/* Where the lines of a chart's axes are, and what stands at them. */
#ifndef MSTAT_TOOLS_AXIS_H
#define MSTAT_TOOLS_AXIS_H

#include <stddef.h>

/* Room for a label. */
#define AXIS_LABEL 32

/*
 * The smallest 1, 2 or 5 times a power of 10, below 1000, of B, KiB, MiB and so on, of which no more than most
 * fit into top bytes.
 */
double axis_size_step(double top, unsigned most);
/* "0", or in the step's unit: "200 MiB". */
void axis_size_label(double bytes, double step, char ret[AXIS_LABEL]);

/* Likewise of seconds: 1, 2 or 5 times a power of 10, from a minute on what clocks have. */
double axis_time_step(double span, unsigned most);
/* Of an axis that ends at that time: "0", "12.5", "3:07", "1:02:45". */
void axis_time_label(double seconds, double step, double end, char ret[AXIS_LABEL]);
/* What these are: "seconds", "min:s", "h:min:s". */
const char *axis_time_unit(double end);

#endif
