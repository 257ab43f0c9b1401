/* SPDX-License-Identifier: ISC */
/*
 * [app thread] Memory for those who walk their stacks now: neither on the stack, which may be a coroutine's of a few
 * KiB, nor thread-local, which would make every thread's stack smaller. It comes from mmap(2) and is never given back.
 */
#ifndef MSTAT_PRELOAD_HEAP_ROOMS_H
#define MSTAT_PRELOAD_HEAP_ROOMS_H

#include <stddef.h>
#include <stdint.h>

#include "core/heapwire.h"
#include "preload/heap/unwind.h"

struct room {
	uint64_t frame[HEAPWIRE_FRAMES_MAX];
	struct unwind_state state;
};

/* NULL: there is no memory, or a thousand threads are at it. */
struct room *rooms_take(unsigned *ret_id);
void rooms_give(unsigned id);

/* [fork child] Who had one is not here. */
void rooms_in_child(void);

/* [guest] Bytes of what was ever used. */
size_t rooms_memory(void);

#endif
