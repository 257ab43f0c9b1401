/* SPDX-License-Identifier: ISC */
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>

#include "core/wire.h"
#include "preload/aside.h"
#include "preload/guest.h"
#include "preload/sampler.h"
#include "preload/sys.h"

/* How many guests a second begin at once; others may have to go before they have begun. */
#define AT_ONCE_PER_SECOND 10u
#define LATER_NS	   100000000u

/* What the lock guards. */
static uint32_t lock;  /* futex: 0 free, 1 held */
static uint32_t away;  /* how many calls the guest is stepping aside for */
static bool left;      /* one of them is aside_leave() */
static bool ending;    /* none comes back */
static uint32_t backs; /* guests that began at once, in the second that began then */
static uint64_t second_ns;

/* The calling thread has set up a filter for itself alone. */
static __thread bool thread_is_barred;

/* Signals are blocked while it is held: a handler may change ids, too. */
static void take_lock(uint64_t *ret_signals)
{
	uint64_t all = ~(uint64_t)0;

	sys_4(SYS_rt_sigprocmask, SIG_SETMASK, &all, ret_signals, sizeof(all));
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		sys_4(SYS_futex, &lock, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1, 0);
}

static void drop_lock(const uint64_t *signals)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	sys_3(SYS_futex, &lock, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
	sys_4(SYS_rt_sigprocmask, SIG_SETMASK, signals, 0, sizeof(*signals));
}

bool aside_is_barred(void)
{
	return thread_is_barred || sampler_is_barred();
}

/* With the lock held. */
static void step(void)
{
	if (away++ == 0)
		guest_stop();
}

bool aside_step(void)
{
	uint64_t signals;

	if (aside_is_barred() || !guest_is_here())
		return false;
	take_lock(&signals);
	step();
	drop_lock(&signals);
	return true;
}

static uint64_t delay_ns(void)
{
	uint64_t now_ns = sys_clock_ns(CLOCK_MONOTONIC);

	if (now_ns - second_ns >= 1000000000u) {
		second_ns = now_ns;
		backs = 0;
	}
	return backs++ < AT_ONCE_PER_SECOND ? 0 : LATER_NS;
}

/* With the lock held. */
static void back(void)
{
	if (--away == 0 && !ending)
		sampler_start(WIRE_HELLO_RESTART, delay_ns());
}

void aside_back(void)
{
	uint64_t signals;

	take_lock(&signals);
	back();
	drop_lock(&signals);
}

void aside_leave(void)
{
	uint64_t signals;

	if (aside_is_barred() || !guest_is_here())
		return;
	take_lock(&signals);
	if (!left)
		step();
	left = true;
	drop_lock(&signals);
}

void aside_return(void)
{
	uint64_t signals;

	if (!__atomic_load_n(&left, __ATOMIC_ACQUIRE) || aside_is_barred() || !guest_is_here())
		return;
	take_lock(&signals);
	if (left)
		back();
	left = false;
	drop_lock(&signals);
}

void aside_end(void)
{
	uint64_t signals;

	take_lock(&signals);
	ending = true;
	guest_stop();
	drop_lock(&signals);
}

bool aside_bar(bool all_threads)
{
	if (aside_is_barred())
		return false;
	if (!all_threads) {
		thread_is_barred = true;
		return true;
	}
	/* A vfork child's filter is its own; the memory is its parent's. */
	if (!aside_step() && !guest_is_copy())
		return false;
	sampler_bar(true);
	return true;
}

void aside_unbar(bool all_threads)
{
	if (!all_threads) {
		thread_is_barred = false;
		return;
	}
	sampler_bar(false);
	if (!guest_is_copy())
		aside_back();
}

void aside_forget(void)
{
	lock = 0;
	away = 0;
	backs = 0;
	left = false;
	ending = false;
}
