/* SPDX-License-Identifier: ISC */
/*
 * Comparing two pieces of work in one process: many short slices in ABBA order. Printed is the
 * ratio of the medians of A over B, with a 95% interval from pairs (bootstrap), and both medians.
 */
#ifndef MSTAT_BENCH_H
#define MSTAT_BENCH_H

#include <stddef.h>

/* Runs a and b, slices times each; each is how many operations are in a slice. */
void bench_compare(const char *name, void (*a)(void), void (*b)(void), size_t slices, size_t each);

#endif
