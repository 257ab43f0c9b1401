/* SPDX-License-Identifier: ISC */
/*
 * The processes of a run: who they are, what was recorded of them since the last block, and the
 * newest values, of which the tree's sums are made.
 */
#ifndef MSTAT_COLLECTOR_PROCESS_H
#define MSTAT_COLLECTOR_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/record.h"
#include "core/rows.h"
#include "core/wire.h"

/* The values of one process that the tree's row is made of; KiB but for the last two. */
struct process_values {
	bool has_rss, has_pss;
	int64_t rss, rss_anon, rss_shmem;
	int64_t pss, pss_anon, pss_file, pss_shmem;
	uint64_t pss_ns; /* when PSS was read */
	/* RssAnon and RssShmem then: what has come and gone since moves what PSS accounts for. */
	int64_t walk_anon, walk_shmem;
	int64_t self; /* bytes: of it, what is mstat's own */
};

struct process {
	uint64_t id; /* from 1, in the order in which they were heard of */
	pid_t pid;
	uint64_t start_ticks;
	struct rows_process info;    /* its strings are owned by this struct, in text */
	char *text;		     /* owned */
	unsigned peers;		     /* connections that speak for it now: two around an exec */
	struct process *next_ending; /* in the run's list of those whose connection ended */
	bool is_ending;
	struct process *next_changed; /* in the run's list of those to be written */
	bool is_changed;
	uint64_t last_tick;
	uint64_t merged_tick;	     /* of the newest sample that the merge took note of */
	int64_t sampler_cpu;	     /* ns: of the connection that speaks, newest */
	uint64_t sampler_cpu_before; /* ns: of those that ended; modulo 2^64 */
	uint64_t asked_ns;	     /* taskstats on its behalf, last time */
	unsigned asks;		     /* and how often then */
	struct record *rows;	     /* owned: not yet written, ascending ticks */
	size_t rows_count, rows_size;
	size_t live_at; /* its place in the merge's list of the living, from 1; 0: not in */
	struct process_values values;
};

struct processes {
	void *tree;	       /* tsearch(3), by pid and start time */
	struct process **list; /* owned, by id - 1 */
	size_t count, size;
};

/* The process of that pid and start time, made where it is new; NULL where memory is out. */
struct process *processes_get(struct processes *all, pid_t pid, uint64_t start_ticks,
			      bool *ret_new);

/* Takes over what a hello says. Returns 0 or -ENOMEM. */
int process_describe(struct process *process, const struct wire_hello *hello, const char *how);

/* Frees its strings: an ended process is kept for the case that it comes back, by exec. */
void process_forget(struct process *process);

/* Room for one more row, put where its tick belongs; NULL where memory is out. */
struct record *process_add_row(struct process *process, const struct record *rec);

void processes_done(struct processes *all);

#endif
