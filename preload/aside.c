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

static uint32_t lock;  /* futex: 0 free, 1 held */
static uint32_t away;  /* how many calls the guest is stepping aside for */
static uint32_t backs; /* guests that began at once, in the second that began then */
static uint64_t second_ns;
static bool left; /* aside_leave() */

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

bool aside_step(void)
{
	uint64_t signals;

	if (sampler_is_barred() || !guest_is_here())
		return false;
	take_lock(&signals);
	if (away++ == 0)
		guest_stop();
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

void aside_back(void)
{
	uint64_t signals;

	take_lock(&signals);
	if (--away == 0)
		sampler_start(WIRE_HELLO_RESTART, delay_ns());
	drop_lock(&signals);
}

void aside_leave(void)
{
	if (!__atomic_load_n(&left, __ATOMIC_ACQUIRE) && aside_step())
		__atomic_store_n(&left, true, __ATOMIC_RELEASE);
}

void aside_return(void)
{
	if (__atomic_load_n(&left, __ATOMIC_ACQUIRE) && guest_is_here() &&
	    __atomic_exchange_n(&left, false, __ATOMIC_ACQ_REL))
		aside_back();
}

bool aside_bar(void)
{
	if (!aside_step())
		return false;
	sampler_bar(true);
	return true;
}

void aside_unbar(void)
{
	sampler_bar(false);
	aside_back();
}

void aside_forget(void)
{
	lock = 0;
	away = 0;
	backs = 0;
	left = false;
}
