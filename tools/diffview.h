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

/* "32.1 MiB", or as a number; a difference with its sign. buf of at least 40 bytes. */
void diffview_bytes(double bytes, bool is_signed, bool is_exact, char *buf, size_t size);

#endif
