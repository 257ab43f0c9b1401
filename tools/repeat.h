/* SPDX-License-Identifier: ISC */
/*
 * The same program run several times, one after the other: each time a child of ours does all that one run
 * takes, and ends. Here is what passes signals on to it, stops when it stops, and knows when enough is enough.
 */
#ifndef MSTAT_TOOLS_REPEAT_H
#define MSTAT_TOOLS_REPEAT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* No more runs than that. */
#define REPEAT_MAX 100

/* A run's peak, as its child has told it. */
struct repeat_peak {
	int64_t bytes;
	bool is_known, is_exact;
};

struct repeat {
	unsigned of, begun;	  /* runs: wanted, begun */
	struct repeat_peak *peak; /* owned: by run; the child sets that of its own */
	sigset_t signals;	  /* as they were blocked before */
	struct sigaction child;	  /* as it was */
	int ended_by;		  /* a signal that has come, after which no run is begun; 0: none */
};

/* run.mstat is run-03.mstat, with as many digits as the last one has; the caller's. NULL: no memory. */
char *repeat_name(const char *out, unsigned number, unsigned of);
/* Whether such names can be made of it: it is not a device or a folder. */
bool repeat_can_name(const char *out);

/* From here on signals wait. 0 or -ENOMEM; repeat_end() is right after both. */
int repeat_begin(struct repeat *repeat, unsigned of);
void repeat_end(struct repeat *repeat);

/*
 * Begins the next run: 0 in its child, for which all is as it was before repeat_begin(), else the child's pid;
 * or a negative errno. -ECANCELED: there are no more, or a signal has come.
 */
pid_t repeat_start(struct repeat *repeat);
/* Until that child has ended: its wait status. */
int repeat_wait(struct repeat *repeat, pid_t pid);

/* A line on the peaks of n runs. */
void repeat_print(FILE *to, const struct repeat_peak *peak, unsigned n);

#endif
