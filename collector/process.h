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

#include "collector/names.h"
#include "collector/row.h"
#include "core/record.h"
#include "core/rows.h"
#include "core/wire.h"

/* What samplers with hooks tell of: the heap, and what memory is for as far as was looked. */
enum process_part {
	PROCESS_HEAP,
	PROCESS_AREAS,
	PROCESS_PARTS,
};

#define PROCESS_PART_VALUES 4

struct process_told {
	bool is_told;
	uint8_t known; /* a bit for each value */
	int64_t value[PROCESS_PART_VALUES];
	uint64_t ns; /* when that was */
};

/* The values of one process that the tree's row is made of; KiB where nothing else is said. */
struct process_values {
	bool is_outside, has_rss, has_pss;
	int64_t rss, rss_anon, rss_shmem;
	int64_t pss, pss_anon, pss_file, pss_shmem;
	uint64_t pss_ns; /* when PSS was read */
	/* RssAnon and RssShmem then: what has come and gone since moves what PSS accounts for. */
	int64_t walk_anon, walk_shmem;
	int64_t self;				 /* bytes: of it, what is mstat's own */
	struct process_told told[PROCESS_PARTS]; /* bytes; the values are merge.c's */
};

struct outside;
struct readings;
struct runtime;
struct process_text;
struct process_next;

#define PROCESS_OUTSIDE_TICKS 512

struct process {
	uint64_t id; /* from 1, in the order in which they were heard of; never given again */
	pid_t pid;
	uint64_t start_ticks; /* word 22 of /proc/PID/stat; 0: not known */
	uint64_t start_ns;    /* the host's CLOCK_MONOTONIC, as the kernel told; 0: it has not */
	struct rows_process info; /* its strings are owned by this struct, in text and how */
	struct process_text
		*text;	   /* comm, exe, argv; shared with those forked by it; may be NULL */
	uint64_t named_ns; /* the host's CLOCK_MONOTONIC: text is of what ran then */
	struct process_next *next;    /* owned: what it runs now, once the past is settled; NULL */
	char how[64];		      /* how it is measured, and why so */
	char comm[WIRE_COMM_MAX + 1]; /* its newest name, also when text is forgotten */
	int64_t last_rss;	      /* KiB, of its newest sample; 0: never known */
	bool is_told;		      /* its strings stand in the run file as they are */
	bool is_dead;		      /* by the kernel's word, not only by a connection's end */
	bool was_inside;	      /* a sampler spoke for it */
	bool has_spoken;	      /* and, or a look from outside, for what it runs now */
	bool was_outside;	      /* it was sampled from outside */
	bool has_inside_sample;	      /* and not only its hello came */
	uint64_t outside_tick;	      /* of its newest sample from outside */
	/* Of that and those before it, which have one: a bit for each tick, modulo their number. */
	uint64_t outside_ticks[PROCESS_OUTSIDE_TICKS / 64];
	uint64_t exit_ns;    /* when its main thread ended, by the kernel; 0: not told */
	int exit_status;     /* and how, as in wait(2) */
	bool is_over;	     /* the exit record of its last thread has come */
	bool is_leader_last; /* no other thread outlived that one */
	/* The lives of its pid before and after it, as long as both are kept; NULL: none. */
	struct process *before, *after;
	unsigned peers;		   /* connections that speak for it now: two around an exec */
	uint64_t known_ns;	   /* when we learned of it */
	uint64_t silent_ns;	   /* since when it has been without one */
	unsigned misses;	   /* looks at it that found nothing */
	struct outside *outside;   /* of the outsiders: it is sampled from outside now */
	unsigned images;	   /* programs that it has run, as far as told: by hello and exec */
	unsigned outside_image;	   /* the one that outside describes */
	struct runtime *runtime;   /* of runtimes.c: its runtimes are read, or looked for */
	unsigned runtime_images;   /* those that runtimes.c knows, and one; 0: it knows of none */
	bool runtime_denied;	   /* that they may not be read is said */
	struct readings *readings; /* owned: of it, for rows that are to come; may be NULL */
	uint8_t unread[SOURCE_MAX]; /* enum reason: why a row has no reading of a source */
	struct process *next_open, *prev_open; /* in the list of those that have not ended */
	struct process *next_ending; /* in the run's list of those whose connection ended */
	bool is_ending;
	struct process *next_changed; /* in the run's list of those to be written */
	bool is_changed;
	struct process *next_fading; /* in that of those to be forgotten with the next block */
	bool is_fading;
	uint64_t faded_ns;	   /* when it was forgotten last; 0: never */
	struct process *next_rows; /* in that of those that have rows */
	struct record *life; /* owned: what is known of its whole life (SCOPE_LIFE); may be NULL */
	uint64_t last_tick;
	uint64_t heap_peer;   /* the connection whose heap it is, in this run file; 0: none */
	uint64_t merged_tick; /* of the newest sample that the merge took note of */
	int64_t sampler_cpu;  /* ns: of the connection that speaks, newest */
	uint64_t sampler_cpu_before; /* ns: of those that ended; modulo 2^64 */
	uint64_t asked_ns;	     /* taskstats on its behalf, last time */
	unsigned asks;		     /* and how often then */
	struct row **rows; /* owned, and what is in it: not yet written, ascending ticks */
	size_t rows_count, rows_size;
	bool has_rows;	  /* it is in the list of those */
	size_t live_at;	  /* its place in the merge's list of the living, from 1; 0: not in */
	unsigned waiting; /* samples and ends of it that the merge has not taken in */
	struct process_values values;
};

struct processes {
	void *tree;	       /* tsearch(3): of each pid the newest process */
	struct process **list; /* owned: those that are kept */
	size_t count, size;
	uint64_t ids;	      /* given so far */
	struct process *open; /* those that have not ended, newest first */
};

/* The newest process with that pid, or NULL. */
struct process *processes_find(const struct processes *all, pid_t pid);

/* A new process, the newest with that pid from now on; NULL where memory is out. */
struct process *processes_add(struct processes *all, pid_t pid);

/* Its pid is somebody else's from now on. */
void processes_lose(struct processes *all, struct process *process);

/* It has ended, or it has not after all: in or out of the list of the open ones. */
void processes_close(struct processes *all, struct process *process);
void processes_reopen(struct processes *all, struct process *process);

/* Frees one that has ended, and that nobody holds: the list's last one takes its place there. */
void processes_drop(struct processes *all, size_t at);

/* Takes over what a hello, or /proc, says. Returns 0 or -ENOMEM. */
int process_describe(struct process *process, const struct wire_hello *hello);

/* Its comm is that (or, where a plan is made, will be), all else stays. Returns 0 or -ENOMEM. */
int process_name(struct process *process, const char *comm, size_t len);

/* It is, like its parent that has forked it, what that one is. */
void process_inherit(struct process *process, const struct process *parent);

/*
 * At that time it began to run another program, so called; NULL: that is not known. It is called so
 * from process_turn() on, which returns whether there was such a plan.
 */
void process_plan(struct process *process, uint64_t time_ns, const struct life_name *name);
bool process_turn(struct process *process);

/* As process_plan(), of what it is called now: what is said of it next is of the time before. */
void process_plan_same(struct process *process);

/* When what is planned began; UINT64_MAX: nothing is. */
uint64_t process_turns_at(const struct process *process);

/* Whether what was said at that time is of what it runs now, as far as was told, planned or not. */
bool process_is_newest(const struct process *process, uint64_t said_ns);

/* What was planned is not to be, for a sampler of the new program speaks for itself. */
void process_drop_plan(struct process *process);

/* How it is measured, and why so (may be NULL): "outside, static program". */
void process_set_how(struct process *process, const char *how, const char *why);

/* The record of its life, made where there is none; NULL where memory is out. */
struct record *process_life(struct process *process);

/* It was sampled from outside at that tick, which is later than all before; and whether it was. */
void process_note_outside(struct process *process, uint64_t tick);
bool process_was_outside_at(const struct process *process, uint64_t tick);

/* Frees what is written: an ended process is kept for the case that it comes back, by exec. */
void process_forget(struct process *process);

/* One more row, put where its tick belongs. False where memory is out. */
bool process_add_row(struct process *process, const struct record *rec);

/* Adds what was read to its row of that tick. False where there is none, or no memory. */
bool process_merge_row(struct process *process, const struct record *rec);

/* Frees the first n of its rows; with the last one the list, too, if the process has ended. */
void process_drop_rows(struct process *process, size_t n);

void processes_done(struct processes *all);

#endif
