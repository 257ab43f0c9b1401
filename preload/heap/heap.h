/* SPDX-License-Identifier: ISC */
/*
 * The program's allocations, as the hooks see them: which are sampled, and what is kept of those.
 *
 * [app thread] functions are called within malloc() and its like: by a thread that may hold any lock of
 * the program's. They call nothing of libc, leave errno alone, and make no system call under a seccomp
 * filter of the program's; the allocator itself is asked how it is only as account.h says. What cannot be
 * kept, for want of memory, is not sampled.
 */
#ifndef MSTAT_PRELOAD_HEAP_HEAP_H
#define MSTAT_PRELOAD_HEAP_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/heap/live.h"
#include "preload/heap/lock.h"

/* A thread's own; zero when it starts. */
struct heap_thread {
	uint64_t left;	/* bytes to the next picked one, it included; 0: nobody knows yet */
	uint64_t seed;	/* 0: nothing was drawn yet, or nothing that still holds */
	bool is_inside; /* it is at work here: a hook that is called now passes on only */
	/* From before a fork to after it, or in its child: whether it had the locks. */
	bool has_tables;
};
extern __thread struct heap_thread heap_thread
	__attribute__((visibility("hidden"), tls_model("initial-exec")));

/* [init] Begins. interval: bytes, at least 1. */
void heap_start(uint64_t interval);
uint64_t heap_interval(void);

/* [app thread] A block that heap_passes() was false of; NULL: it was refused. */
void heap_sample(void *block, size_t size);

/*
 * [app thread] Counts an allocation, before or after it is made: none of its bytes is picked, as with all but
 * a few. False: it was not counted, and is heap_sample()'s when it is made. What was counted and then refused
 * has passed all the same: a gap that is drawn anew (heap_sample()) is as long as what is left of one.
 */
static inline __attribute__((always_inline)) bool heap_passes(size_t size)
{
	uint64_t left = heap_thread.left;

	if (__builtin_expect(size >= left, 0))
		return false;
	heap_thread.left = left - size;
	return true;
}

/* [app thread] Both, after the allocation. */
static inline __attribute__((always_inline)) void heap_took(void *block, size_t size)
{
	if (!heap_passes(size))
		heap_sample(block, size);
}

/* [app thread] Where live_may_have(): before the block is freed, for another thread may get it then. */
void heap_drop(void *block);

/* [app thread] Likewise before a realloc(), which may fail: then heap_put_back(). False: it was not there. */
bool heap_lift(void *block, struct live_block *ret);
void heap_put_back(const struct live_block *block);

/* [app thread] The program's own mappings, in whole pages. */
void heap_mapped(void *at, size_t size);
void heap_unmapped(const void *at, size_t size);

/*
 * [app thread] Before the kernel unmaps or moves these addresses, for another thread may be given them then: what
 * is known of them is put aside, and stays live. Returns where it is; 0: there was nothing.
 */
uint64_t heap_lift_range(const void *at, size_t size);
/* [app thread] And after it. Its first kept bytes are at an address now, perhaps the old one; the others are gone. */
void heap_put_range(uint64_t aside, size_t size, const void *to, size_t kept);

/* [app thread] A library was unloaded. */
void heap_unloaded(void);

/* Around fork(): [app thread] before, after; [fork child]. */
void heap_before_fork(void);
void heap_after_fork(void);
void heap_in_child(void);

/* [app thread] Whether something was sampled since this process began, or was forked. */
bool heap_has_news(void);

/* [guest] stacks.h is under this lock. False: it could not be had in time. */
bool heap_lock(void);
void heap_unlock(void);

/* [guest] Counts the frees so far, which wait for whoever has the lock: unless somebody has it now. */
void heap_settle(void);

/* [guest] Allocations and frees of this process that could not be kept: its sums are wrong by those. */
uint64_t heap_lost(void);

/* [guest] Bytes of memory of its own. */
size_t heap_memory(void);

#endif
