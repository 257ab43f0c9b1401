/* SPDX-License-Identifier: ISC */
/*
 * The tree's row of a tick: the cgroup's totals beside the sums over the processes' newest
 * samples, and what the two say of each other.
 *
 * Samples arrive later than the tick that they belong to, by a drain period: so ticks wait here
 * until those of their time are in.
 */
#ifndef MSTAT_COLLECTOR_MERGE_H
#define MSTAT_COLLECTOR_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/process.h"
#include "core/record.h"

/* A PSS older than this is not summed up, nor what is known of a heap and of where memory is. */
#define MERGE_STALE_NS 1000000000u

struct merge_item {
	uint64_t tick;
	uint64_t order;		 /* of arrival */
	struct process *process; /* borrowed */
	bool gone;		 /* no sample: the process is not there from this tick on */
	struct process_values values;
};

struct merge {
	uint32_t freq;
	uint64_t order;
	struct merge_item *items; /* owned: samples and ends, not yet taken in */
	size_t items_count, items_size;
	struct record *ticks; /* owned: the cgroup's rows that wait, ascending ticks */
	size_t ticks_count, ticks_size;
	struct process **live; /* owned list, borrowed processes: those that are summed up */
	size_t live_count, live_size;
};

/*
 * Takes note of a process's sample. One that was taken in the second half of its tick's period, and a
 * second one of the same tick (the last one, at exit), count from the next tick on: they would stand
 * beside what the cgroup held before. Memory out: it is left out.
 */
void merge_sample(struct merge *merge, struct process *process, const struct record *rec);
/* Takes note of its end after last_tick. */
void merge_gone(struct merge *merge, struct process *process, uint64_t last_tick);

/* Takes note of a tick's row with the cgroup's values. */
void merge_tick(struct merge *merge, const struct record *row);

/*
 * Completes the rows of all waiting ticks before until, and hands each to done, in order. The
 * row lives during the call.
 */
void merge_run(struct merge *merge, uint64_t until, void (*done)(void *arg, struct record *row),
	       void *arg);

void merge_done(struct merge *merge);

#endif
