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
 * Walks all page tables, as smaps_rollup does: /proc/PID/smaps. False where it cannot be read, or there are
 * too many mappings.
 */
bool areas_read(struct areas *ret);

/* Bytes mapped. */
size_t areas_memory(void);

#endif
