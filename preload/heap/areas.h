/* SPDX-License-Identifier: ISC */
/*
 * [guest] What the process's anonymous memory is for, as far as the kernel's list of mappings tells: the
 * allocator's (sampled blocks are in it), and threads' stacks (a guard stands below).
 */
#ifndef MSTAT_PRELOAD_HEAP_AREAS_H
#define MSTAT_PRELOAD_HEAP_AREAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Resident bytes. */
struct areas {
	int64_t heap, stacks;
};

/*
 * Looks on: four milliseconds at a time, and reads the list of mappings at the beginning. Pages are counted by
 * mincore(2), which takes 1.5 ms a GiB where smaps takes 12, and keeps nobody from mapping memory for longer than
 * 25 us. A page that was only read counts though it is the kernel's page of zeroes.
 *
 * The next call after AREAS_WHOLE and AREAS_FAILED begins anew.
 */
enum areas_answer {
	AREAS_WHOLE,  /* all was looked at, and *ret is it */
	AREAS_PART,   /* call it again */
	AREAS_FAILED, /* the list cannot be read, is too long, or mincore() is not permitted */
};
enum areas_answer areas_look(struct areas *ret);

/* [init] The kernel's page size. */
void areas_init(size_t page);

/* Bytes mapped. */
size_t areas_memory(void);

#endif
