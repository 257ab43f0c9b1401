/* SPDX-License-Identifier: ISC */
/*
 * What this machine allows this process to measure, found out by trying it.
 */
#ifndef MSTAT_COLLECTOR_PROBE_H
#define MSTAT_COLLECTOR_PROBE_H

#include <stdbool.h>
#include <stddef.h>

struct probe {
	const char *what; /* static */
	bool is_there;
	char why[512];	  /* what there is, or why there is not; one line */
	const char *mend; /* static: one command or step that would bring it; NULL: none is known */
};

#define PROBES_MAX 13

/*
 * Tries all of it: the cgroup is made and removed, the kernel's events are asked for with a child of our
 * own, which is reaped. Takes some 10 ms. Returns how many probes there are.
 */
size_t probe_all(struct probe ret[PROBES_MAX]);

#endif
