/* SPDX-License-Identifier: ISC */
/*
 * What the program's allocator says of itself. The guest may not ask it, having no TLS that libc or an allocator
 * knows: it says that it wants to know, and a thread of the program's asks, after an allocation of its own that
 * is sampled anyway.
 */
#ifndef MSTAT_PRELOAD_HEAP_ACCOUNT_H
#define MSTAT_PRELOAD_HEAP_ACCOUNT_H

#include <stdint.h>

#include "core/record.h"

#define ACCOUNT_UNKNOWN (-1)

/* Bytes; ACCOUNT_UNKNOWN where the allocator does not tell. */
struct account {
	int64_t allocated; /* in the program's hands */
	int64_t active; /* pages that have such blocks, or blocks that the allocator keeps for threads */
	int64_t resident; /* what it has from the kernel, and has not given back */
};

/*
 * [init] ask: calls the allocator, whose code is from start to end. It may take the allocator's locks: it is
 * called with none of ours held and all signals blocked, on a stack of ours, by one thread at a time.
 */
void account_start(void (*ask)(struct account *ret), uintptr_t start, uintptr_t end);

/*
 * [app thread] Asks where the guest waits for it. frame: the calling thread's stack, innermost first. Not of a
 * thread that is at work in the allocator itself, nor where that cannot be told.
 */
void account_offer(const uint64_t *frame, unsigned count);

/* [guest] Wants to know, but not sooner than what was known last took of a CPU allows. */
void account_want(void);

/* [guest] Into a record: what was learnt since the last time. */
void account_fill(struct record *ret);

/* [fork child] Who was asking is not here. */
void account_in_child(void);

#endif
