/* SPDX-License-Identifier: ISC */
/* The comparison of two sides of runs, for people. */
#ifndef MSTAT_TOOLS_DIFFVIEW_H
#define MSTAT_TOOLS_DIFFVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tools/diffmatch.h"

struct diffview {
	const struct diffsides *sides; /* borrowed */
	FILE *to;		       /* borrowed */
	bool is_exact;		       /* bytes, and all digits of times */
	size_t top;		       /* processes, and stacks, that are shown */
};

/* 0 or -ENOMEM; the stream has its own errors. */
int diffview_put(const struct diffview *view);

/* A difference of bytes with its sign, "+32.1 MiB", or as a number; buf of at least 40 bytes. Returns buf. */
const char *diffview_bytes(double bytes, bool is_exact, char *buf, size_t size);

#endif
