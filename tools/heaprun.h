/* SPDX-License-Identifier: ISC */
/*
 * Where the memory of a run's processes came from, as it was at one instant: what the HEAP sections of a
 * run file come to, which are taken one after the other, as they stand there.
 *
 * Memory grows with the number of different stacks, never with that of the messages. Stacks are kept as
 * paths in one tree for all processes, from the outermost frame inwards, and frames as places in files,
 * so that what runs the same program shares nearly all. Nothing in the file is believed.
 */
#ifndef MSTAT_TOOLS_HEAPRUN_H
#define MSTAT_TOOLS_HEAPRUN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/bytes.h"
#include "core/heapwire.h"
#include "tools/intern.h"

/* Up to when. */
struct heaprun_instant {
	bool is_end; /* of each process what it told last, whether it lived to the run's end or not */
	uint64_t tick; /* else: all up to this tick, of the processes that were alive then */
	uint64_t ns;   /* the same since the run's start */
};

/* A part of a file that is mapped to be executed; 0 is none. */
struct heaprun_module {
	uint32_t path, build_id; /* texts */
	uint64_t inode;		 /* where there is no build id; 0: not told */
	uint64_t offset, size;	 /* in the file */
	uint64_t start;		 /* its address where it was told of first */
};

struct heaprun_frame {
	uint64_t offset; /* in the file; without a module, the address */
	uint64_t module;
};

/* A stack is a node and its parents, up to 0, which is no frame. */
struct heaprun_node {
	uint32_t parent, frame;
};

struct heaprun_told; /* by one program of a process, on one connection */

struct heaprun_process {
	uint64_t id;
	uint64_t pid, ppid; /* ppid: as it was told first */
	uint64_t first_ns, last_ns;
	uint64_t
		exec_ns; /* when it began to run the program that it ran at the instant; 0: its first */
	uint32_t comm, exe; /* texts */
	bool ended;
	bool is_new;	    /* since the last exec no list of modules has come */
	uint64_t lost;	    /* up to the instant: allocations and frees that it could not keep */
	bool is_bypassed;   /* its allocator is not seen */
	bool is_counted;    /* it was alive, and has told something: see heaprun_settle() */
	bool has_inherited; /* of what is live, some was allocated before its fork */
	bool is_heir;	    /* and that is counted with it */
	struct heaprun_told *told; /* owned; up to the instant */
	struct heaprun_told *next; /* owned; maybe of a later time */
};

struct heaprun {
	struct heaprun_instant until;
	bool is_told;	     /* there was a HEAP section */
	uint64_t first_tick; /* the first at which anything was told */
	uint64_t last_tick;  /* the last one of the file */
	struct texts texts;
	struct intern modules;	 /* of struct heaprun_module */
	struct intern frames;	 /* of struct heaprun_frame */
	struct intern nodes;	 /* of struct heaprun_node */
	struct intern processes; /* of struct heaprun_process */
};

/* 0 or -ENOMEM. heaprun_done() is right after both. */
int heaprun_init(struct heaprun *run, const struct heaprun_instant *until);
void heaprun_done(struct heaprun *run);

/* The content of a PROCESS, EVENT or HEAP section; others are passed over. 0, -EBADMSG or -ENOMEM. */
int heaprun_take(struct heaprun *run, uint64_t kind, struct bytes_in section);

/*
 * To be called when all was taken: decides which processes count, and for what. What was allocated before
 * a fork is in the tables of both processes, but once in the tree: it counts for the one it was allocated
 * by, as long as that lives, and then for one of the living that have it: that with the lowest id.
 * Returns 0 or -ENOMEM.
 */
int heaprun_settle(struct heaprun *run);

/* What a process holds by one stack. */
struct heaprun_sample {
	const struct heaprun_process *process;
	uint32_t node;
	uint32_t flags; /* enum heapwire_stack_flag */
	uint64_t interval;
	struct heapwire_sums sums;
	double live_square; /* the variance of live_bytes, in bytes * bytes */
};

/* Begins as {0}. */
struct heaprun_cursor {
	uint32_t process, stack;
};

/* The next one that counts and is not all 0; false: no more. The same order each time. */
bool heaprun_next(const struct heaprun *run, struct heaprun_cursor *cursor,
		  struct heaprun_sample *ret);

/* The largest interval of sampling of those that count; 0: there are none. */
uint64_t heaprun_interval(const struct heaprun *run);

static inline const struct heaprun_module *heaprun_module_at(const struct heaprun *run, uint64_t i)
{
	return intern_at(&run->modules, (uint32_t)i);
}

static inline const struct heaprun_frame *heaprun_frame_at(const struct heaprun *run, uint32_t i)
{
	return intern_at(&run->frames, i);
}

static inline const struct heaprun_node *heaprun_node_at(const struct heaprun *run, uint32_t i)
{
	return intern_at(&run->nodes, i);
}

static inline const struct heaprun_process *heaprun_process_at(const struct heaprun *run,
							       uint32_t i)
{
	return intern_at(&run->processes, i);
}

#endif
