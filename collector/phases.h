/* SPDX-License-Identifier: ISC */
/*
 * The phases of a run, between its start, its marks and its end, and the peak of each. It is told
 * of marks and of the tree's rows, and knows no file, no cgroup and no clock.
 *
 * A row is told when all samples of its tick are in, which is after the marks of that tick: a phase
 * that has ended is complete, and handed on, only with the first row that is past it.
 * All times are ns since the run's start.
 */
#ifndef MSTAT_COLLECTOR_PHASES_H
#define MSTAT_COLLECTOR_PHASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"
#include "core/rows.h"

/* The first ones are kept, to be shown at the end of the run. */
#define PHASES_KEPT 20

struct phase; /* one that is not complete */

struct phases {
	struct phase *first,
		*open;	/* owned list: those that have ended, and the one that has not */
	uint64_t count; /* of phases that began */
	/* Called with each when it is complete, in order; the phase is borrowed for the call. */
	void (*on_phase)(void *arg, const struct rows_phase *phase);
	void *arg;
	struct rows_phase kept[PHASES_KEPT]; /* their names are owned */
	size_t kept_count;
};

/* The run starts, and with it its first phase. on_phase may be NULL. */
void phases_init(struct phases *phases, void (*on_phase)(void *arg, const struct rows_phase *phase),
		 void *arg);

/* The kernel's own peak of the phase that is going on, so far. */
void phases_exact(struct phases *phases, int64_t peak);

/* A mark, no earlier than the one before: ends the phase that is going on, and begins another. */
void phases_mark(struct phases *phases, uint64_t at_ns, const char *name, size_t len);

/* A row of the tree, later than the row before it. */
void phases_row(struct phases *phases, const struct record *row, uint64_t time_ns);

/* All rows were told: the last phase ends. */
void phases_end(struct phases *phases, uint64_t at_ns);

void phases_done(struct phases *phases);

#endif
