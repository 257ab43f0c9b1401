/* SPDX-License-Identifier: ISC */
/* The calling thread's stack, told from within the program's malloc(): libunwind, on our terms. */
#ifndef MSTAT_PRELOAD_HEAP_UNWIND_H
#define MSTAT_PRELOAD_HEAP_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* [init] On the initial stack, once, before the others. */
void unwind_init(void);

/*
 * [init] Leaves out other code's innermost frames than our own library's: what begins there. For the
 * unit tests, where we are linked into the program. 0, 0: none are left out.
 */
void unwind_leave_out(uintptr_t start, uintptr_t size);

/*
 * [app thread] Whether the calling thread's stack has room for a walk, for which it takes some hundred bytes.
 * Where that is known from earlier walks no system call is made.
 */
bool unwind_has_room(void);

/* What a walk that meets new frames needs beside the stack: libunwind's registers and cursor. */
struct unwind_state {
#if defined(__x86_64__)
	_Alignas(16) uint8_t bytes[3072];
#else
	_Alignas(16) uint8_t bytes[12288];
#endif
};

/*
 * [app thread] Return addresses of the calling thread's stack, innermost first, without the frames of
 * our own library (the hook itself). Returns how many, 0 where it cannot be told. No malloc, no
 * loader lock (where libc has _dl_find_object), no descriptor, never faults, errno is left alone. Not
 * to be called within itself on one thread: the caller guards (a signal handler that interrupts it
 * must not call it). Where all frames were met before, and the stack is the thread's own, it makes no
 * system call and takes no lock.
 */
unsigned unwind_stack(uint64_t *ret_frame, unsigned max, struct unwind_state *state);

/* Calls fn(arg) on the stack that ends at top, which is aligned. It can be unwound through. */
void unwind_call_on(void *top, void (*fn)(void *), void *arg);

/* [app thread] After dlclose(): what is remembered of code that is gone. */
void unwind_forget_all(void);

/* [app thread] Before fork(): false where the lock could not be had; else in the parent after it. [fork child]. */
bool unwind_lock(void);
void unwind_unlock(void);
void unwind_child(void);

#endif
