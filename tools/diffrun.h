/* SPDX-License-Identifier: ISC */
/*
 * What of a run can be compared with another one: its peaks, its processes by what they are called, and
 * its live heap at the peak by stack. Read from a run file of which nothing is believed.
 */
#ifndef MSTAT_TOOLS_DIFFRUN_H
#define MSTAT_TOOLS_DIFFRUN_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/heapdecode.h"
#include "tools/intern.h"

#define DIFFRUN_UNKNOWN INT64_MIN

enum diffrun_value {
	DIFFRUN_EXACT,	 /* the peak by the kernel */
	DIFFRUN_SAMPLED, /* the highest row of the tree; the next are of that row, if it is here */
	DIFFRUN_ANON,
	DIFFRUN_FILE,
	DIFFRUN_SHMEM, /* of file */
	DIFFRUN_KERNEL,
	DIFFRUN_SWAP,
	DIFFRUN_HEAP, /* live */
	DIFFRUN_HEAP_ERROR,
	DIFFRUN_SLACK,
	DIFFRUN_WITHOUT_CACHE, /* the highest of anon, kernel and shmem together */
	DIFFRUN_DURATION,      /* ns */
	DIFFRUN_CPU,	       /* of all processes, ns */
	DIFFRUN_PROCESSES,
	DIFFRUN_STATUS, /* as wait(2) has it */
	DIFFRUN_VALUES
};

/* All processes that were called the same. */
struct diffrun_group {
	uint32_t comm, argv; /* texts */
	uint32_t count;
	int64_t peak; /* the highest RSS that one of them had, bytes */
};

struct diffrun_stack {
	uint32_t names; /* text: folded */
	int64_t bytes;
	double square; /* the variance of bytes */
};

/* A file whose functions have no names in the stacks. */
struct diffrun_nameless {
	uint32_t path, why; /* texts */
};

struct diffrun {
	struct texts *texts; /* borrowed */
	int64_t value[DIFFRUN_VALUES];
	bool has_cgroup; /* what was sampled of the tree is a cgroup's memory; else a sum of RSS */
	uint32_t freq, machine; /* machine: text, the host and its kernel; 0: not told */
	bool is_part;		/* the run began in another file: not all its processes are here */
	bool is_cut;
	uint64_t offset;       /* where it is cut, or what is corrupt begins */
	char why[320];	       /* of an error, and of a cut */
	struct intern groups;  /* of struct diffrun_group */
	bool has_heap;	       /* the file has told of a heap */
	char no_heap[320];     /* why there are no stacks though it has; else "" */
	struct intern stacks;  /* of struct diffrun_stack */
	struct intern unnamed; /* of struct diffrun_nameless */
};

/*
 * Reads fd, which must be seekable. texts outlives the run, has "" as its text 0, and is the same for all
 * runs that are to be compared. Returns 0, or an error of reader.h or read(2), which why is about. A file
 * that is cut is no error where something is whole; else it is -ENODATA. diffrun_done() is right after all.
 */
int diffrun_read(int fd, struct texts *texts, struct diffrun *ret);
void diffrun_done(struct diffrun *run);

#endif
