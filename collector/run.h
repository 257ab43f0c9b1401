/* SPDX-License-Identifier: ISC */
/*
 * A run as it is recorded: what samplers and cgroup tell goes in, the tree's rows and the run
 * file's sections come out. It knows no socket, no cgroup and no clock.
 */
#ifndef MSTAT_COLLECTOR_RUN_H
#define MSTAT_COLLECTOR_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/lifecycle.h"
#include "collector/merge.h"
#include "collector/oom.h"
#include "collector/peak.h"
#include "collector/phases.h"
#include "collector/process.h"
#include "collector/proxy.h"
#include "collector/runfile.h"

/* What is summed up over all processes that ever were. */
struct run_sums {
	int64_t inside, outside; /* how they were measured */
	uint64_t sampler_cpu;	 /* ns */
};

struct run {
	uint32_t freq;
	uint64_t start_ns; /* the host's CLOCK_MONOTONIC when the program was started */
	uint64_t end_ns;   /* when the program ended; 0: it has not */
	uint64_t now_ns;   /* the newest instant that the run was told of */
	/* CLOCK_BOOTTIME minus CLOCK_MONOTONIC, ns: start times of /proc are of the former. */
	int64_t boottime_ns;
	bool is_joined;	      /* its processes may have been there before it: nobody launched it */
	bool is_closed;	      /* who is forked by them is not of it */
	bool hears_ends;      /* the kernel tells of every fork and exit: run_life() */
	bool hears_last;      /* and the exit record of each one's last thread, marked as such */
	struct runfile *file; /* borrowed; NULL: none */
	void (*on_tick)(void *arg, const struct record *row, int64_t time_ns);
	void (*on_note)(void *arg, pid_t pid, const char *text); /* collector_config has both */
	void *arg;
	/* Whether there is such a process, be it a zombie; NULL: nobody can tell. */
	bool (*is_there)(pid_t pid);

	struct processes processes;
	struct process *root; /* borrowed: the program itself; NULL: not started yet */
	struct run_sums sums; /* of those that were dropped; in the end of all */
	uint64_t swept_ns;    /* when it was looked who can be dropped */
	struct merge merge;
	struct proxy proxy;
	struct phases phases;
	struct record *rows; /* owned: the tree's, not yet written */
	size_t rows_count, rows_size;
	struct process *ending;	   /* borrowed list: connections that ended in this drain */
	struct process *changed;   /* borrowed list: to be written with the block */
	struct process *fading;	   /* borrowed list: to be forgotten after the next one */
	struct process *with_rows; /* borrowed list */
	size_t buffered;	   /* rows of all subjects that wait for a block */
	uint64_t flushed_ns;
	unsigned refusals; /* since the last block */

	struct peak peak;
	bool peak_is_new; /* it is not in the file yet */
	struct oom oom;
	int64_t oom_kills; /* the counter at the newest row */
	/* Of a cgroup that was there before the run: what it had come to then. */
	int64_t peak_before, oom_kills_before;
	struct record summary;
};

/* file, on_tick and on_note may be NULL. */
void run_init(struct run *run, uint32_t freq, struct runfile *file);

/* The program is started now. */
void run_start(struct run *run, uint64_t now_ns);

/* The program itself, which runs now: the tree is what comes from it. NULL where memory is out. */
struct process *run_root(struct run *run, pid_t pid, uint64_t now_ns);

/* The program has ended so, as in wait(2), whose word is better than all others'. */
void run_root_ended(struct run *run, uint64_t at_ns, int status);

/* Whether a process of the tree has, or last had, that pid. */
bool run_knows(const struct run *run, pid_t pid);

/* A process with that pid is in the cgroup; NULL where memory is out. */
struct process *run_seen(struct run *run, pid_t pid);

/* What the kernel tells of a process of this or any other tree: collector/run_life.c. */
void run_life(struct run *run, const struct life_event *event);

/* A sampler speaks for the process with that pid; NULL where memory is out. */
struct process *run_hello(struct run *run, pid_t pid, uint64_t heard_ns,
			  const struct wire_hello *hello);

/*
 * It has run another program since then, so called (NULL: not known). Where it is sampled still, that
 * is the program's before; what it says of itself is better than what others say.
 */
void run_named(struct run *run, struct process *process, uint64_t time_ns,
	       const struct life_name *name);

/* One of its samples. False where it cannot be one: of a tick that was or will never be. */
bool run_sample(struct run *run, struct process *process, const struct record *rec);

/*
 * What was read of the runtimes in it at a tick: it stands in the process's row of that tick, or, where there
 * is none yet, in the next one that comes.
 */
void run_reading(struct run *run, struct process *process, const struct record *rec);

/*
 * A message of heapwire.h, which is sound, of one of its connections; those that came later have greater
 * numbers. What nobody could make sense of is left out: that of a connection before the newest one that has
 * begun with a HEAPWIRE_RESTART, and that of one which has not, in this run file. False where it cannot be
 * one: of a tick to come.
 */
bool run_heap(struct run *run, struct process *process, uint64_t peer, enum wire_kind kind,
	      const uint8_t *body, size_t len);

/* A connection that spoke for the process is over. */
void run_gone(struct run *run, struct process *process);

/* It is sampled from outside now (why it has no sampler: a few words), and not any longer. */
void run_outside(struct run *run, struct process *process, const struct wire_hello *hello,
		 const char *why);
void run_outside_gone(struct run *run, struct process *process);

/* There is no living process with that pid, or it is another one. */
void run_missing(struct run *run, struct process *process);

/* The cgroup's values at a tick; and that so many ticks before it were missed. */
void run_tick(struct run *run, const struct record *row, uint64_t missed);

/* The cgroup was there before, with these values: its peak and its kills up to here are not the run's. */
void run_note_before(struct run *run, const struct record *row);

/* The kernel's own peak of the cgroup; for the summary, if it is one of the run. */
void run_peak(struct run *run, int64_t peak);

/* The kernel has killed that many, in all, because memory ran out. */
void run_oom(struct run *run, int64_t kills);

/* A connection was not taken, or not any longer. Each is counted, not each is told. */
void run_refused(struct run *run, uint64_t at_ns, pid_t pid, const char *why);

void run_event(struct run *run, uint64_t at_ns, enum event kind, uint64_t process, int64_t number,
	       const char *text);

/* A mark of the program's, the number-th; it ends the phase, whose exact peak was told before. */
void run_mark(struct run *run, uint64_t at_ns, uint64_t number, const char *text, size_t len);

/* A drain is over: completes the rows of ticks before until, writes a block once a second. */
void run_settle(struct run *run, uint64_t now_ns, uint64_t until_tick);

/*
 * What was recorded up to now is in the file that there was; the rest goes into another one, which is told
 * of every process that lives, and of the peak. Borrowed; its header is written before anything else is.
 */
void run_turn(struct run *run, struct runfile *file);

/*
 * The end: all rows, and the summary (whose other fields the caller has set) with them. The program
 * ended at end_ns.
 */
void run_finish(struct run *run, uint64_t now_ns, uint64_t end_ns);

void run_done(struct run *run);

/* For run_life.c. */
uint64_t run_since_start(const struct run *run, uint64_t ns);
struct process *run_add(struct run *run, pid_t pid, uint64_t start_ns);
void run_note_change(struct run *run, struct process *process);
/* It lives after all. */
void run_revive(struct run *run, struct process *process);
void run_end(struct run *run, struct process *process, uint64_t at_ns);

#endif
