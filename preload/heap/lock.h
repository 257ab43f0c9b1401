/* SPDX-License-Identifier: ISC */
/*
 * A lock for code that runs inside the program's malloc(): a raw futex. Nobody waits for ever: whoever
 * has it may have been cancelled, or be stopped by a debugger. Such a lock is given up: nobody waits
 * for it any more, until it is given back.
 */
#ifndef MSTAT_PRELOAD_HEAP_LOCK_H
#define MSTAT_PRELOAD_HEAP_LOCK_H

#include <errno.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>

#include "preload/sys.h"

/*
 * How often lock_take() waits in vain, and for how long each time. While all of a process is stopped no more than
 * one of them passes.
 */
#define LOCK_WAITS	10u
#define LOCK_WAIT_NS	100000000
#define LOCK_HURRIED_NS 10000000
/* How often it looks before it waits: what is done under a lock takes some microseconds. */
#define LOCK_SPINS 100u

enum lock_word { LOCK_FREE, LOCK_TAKEN, LOCK_AWAITED, LOCK_GIVEN_UP };

struct lock {
	uint32_t word; /* futex: enum lock_word */
};

static inline bool lock_try(struct lock *lock, enum lock_word word)
{
	uint32_t is_free = LOCK_FREE;

	return __atomic_compare_exchange_n(&lock->word, &is_free, word, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

/*
 * [app thread] False: it could not be had in time. While *hurry, which may be NULL, is true, its holder may be
 * waiting for us: then not for long.
 */
static inline bool lock_take(struct lock *lock, const bool *hurry)
{
	uint32_t word;

	for (unsigned i = 0; i < LOCK_SPINS; i++) {
		word = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);
		if (word == LOCK_GIVEN_UP)
			return false;
		if (word == LOCK_FREE && lock_try(lock, LOCK_TAKEN))
			return true;
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
	}
	/* Who waited may not be the only one: it takes the lock as an awaited one. */
	for (unsigned waits = 0; !lock_try(lock, LOCK_AWAITED);) {
		bool hurried = hurry && __atomic_load_n(hurry, __ATOMIC_RELAXED);
		int64_t wait[2] = {0, hurried ? LOCK_HURRIED_NS : LOCK_WAIT_NS};
		long ret;

		word = LOCK_TAKEN;
		__atomic_compare_exchange_n(&lock->word, &word, LOCK_AWAITED, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		if (word == LOCK_GIVEN_UP)
			return false;
		ret = sys_4(SYS_futex, &lock->word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, LOCK_AWAITED,
			    wait);
		if (ret == 0 || ret == -EAGAIN || ret == -EINTR)
			continue;
		/* A wait that does not sleep must not go on for ever either. */
		if (ret != -ETIMEDOUT)
			return false;
		if (!hurried && ++waits < LOCK_WAITS)
			continue;
		word = LOCK_AWAITED;
		__atomic_compare_exchange_n(&lock->word, &word, LOCK_GIVEN_UP, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		return false;
	}
	return true;
}

/* [app thread] Only by whom lock_take() told true. */
static inline void lock_give(struct lock *lock)
{
	uint32_t was = __atomic_exchange_n(&lock->word, LOCK_FREE, __ATOMIC_RELEASE);

	/* After a giving-up others may still be asleep, each until its own time. */
	if (was == LOCK_AWAITED || was == LOCK_GIVEN_UP)
		sys_3(SYS_futex, &lock->word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG,
		      was == LOCK_AWAITED ? 1 : INT32_MAX);
}

/* [fork child] Whoever had it is not here. */
static inline void lock_reset(struct lock *lock)
{
	__atomic_store_n(&lock->word, LOCK_FREE, __ATOMIC_RELAXED);
}

#endif
