/* SPDX-License-Identifier: ISC */
/*
 * Whether the peak has risen so far that it is a failure. It is, where both are true: by the best estimate it
 * has risen by more than what was given, and it is no noise that it has risen at all: the interval is above 0,
 * or, where there are too few runs for one, all of B's runs are above all of A's.
 */
#ifndef MSTAT_TOOLS_DIFFGATE_H
#define MSTAT_TOOLS_DIFFGATE_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/diffmatch.h"

struct diffgate {
	bool is_on;
	bool is_part; /* above is a part of A's median, in percent; else bytes */
	double above;
};

enum diffgate_verdict {
	DIFFGATE_PASSED,
	DIFFGATE_UNSURE, /* passed, for it may be noise */
	DIFFGATE_ABOVE,	 /* a failure */
	DIFFGATE_CUT,	 /* a run is not whole: its peak is not known */
	DIFFGATE_UNLIKE, /* there is no peak that all runs have */
};

/* line: what is to be said of it, one line without newline; empty for DIFFGATE_PASSED. 0 or -ENOMEM. */
int diffgate_judge(const struct diffgate *gate, const struct diffsides *sides,
		   enum diffgate_verdict *ret, char *line, size_t size);

#endif
