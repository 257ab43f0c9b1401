/* SPDX-License-Identifier: ISC */
/*
 * A run as it is recorded: what samplers and cgroup tell goes in, the tree's rows and the run
 * file's sections come out. It knows no socket, no cgroup and no clock.
 */
#ifndef MSTAT_COLLECTOR_RUN_H
#define MSTAT_COLLECTOR_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/merge.h"
#include "collector/process.h"
#include "collector/proxy.h"
#include "collector/runfile.h"

struct run {
	uint32_t freq;
	uint64_t start_ns;    /* the host's CLOCK_MONOTONIC when the program was started */
	uint64_t end_ns;      /* when the program ended; 0: it has not */
	uint64_t now_ns;      /* the newest instant that the run was told of */
	struct runfile *file; /* borrowed; NULL: none */
	void (*on_tick)(void *arg, const struct record *row, int64_t time_ns);
	void *arg;

	struct processes processes;
	struct merge merge;
	struct proxy proxy;
	struct record *rows; /* owned: the tree's, not yet written */
	size_t rows_count, rows_size;
	struct process *ending;	 /* borrowed list: connections that ended in this drain */
	struct process *changed; /* borrowed list: to be written with the block */
	size_t buffered;	 /* rows of all subjects that wait for a block */
	uint64_t flushed_ns;
	unsigned refusals; /* since the last block */

	int64_t oom_kills; /* the counter at the newest row */
	struct record summary;
};

/* file and on_tick may be NULL. */
void run_init(struct run *run, uint32_t freq, struct runfile *file);

/* The program is started now. */
void run_start(struct run *run, uint64_t now_ns);

/* A sampler speaks for the process with that pid; NULL where memory is out. */
struct process *run_hello(struct run *run, pid_t pid, uint64_t heard_ns,
			  const struct wire_hello *hello);

/* One of its samples. False where it cannot be one: of a tick that was or will never be. */
bool run_sample(struct run *run, struct process *process, const struct record *rec);

/* A connection that spoke for the process is over. */
void run_gone(struct run *run, struct process *process);

/* The cgroup's values at a tick; and that so many ticks before it were missed. */
void run_tick(struct run *run, const struct record *row, uint64_t missed);

/* A connection was not taken, or not any longer. Each is counted, not each is told. */
void run_refused(struct run *run, uint64_t at_ns, pid_t pid, const char *why);

void run_event(struct run *run, uint64_t at_ns, enum event kind, uint64_t process, int64_t number,
	       const char *text);

/* A drain is over: completes the rows of ticks before until, writes a block once a second. */
void run_settle(struct run *run, uint64_t now_ns, uint64_t until_tick);

/*
 * The end: all rows, and the summary (whose other fields the caller has set) with them. The program
 * ended at end_ns.
 */
void run_finish(struct run *run, uint64_t now_ns, uint64_t end_ns);

void run_done(struct run *run);

#endif
