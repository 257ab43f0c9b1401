/* SPDX-License-Identifier: ISC */
/*
 * preload/guest.c and sampler.c with a switch, for measuring what the sampler costs: with the library's
 * other objects this becomes libmstat-switched.so. While it is switched off its clock stands still, so
 * that ticks, full readings and smaps_rollups come as often in the time that it is on as they would if
 * it had never been off. Nothing else differs: it sleeps by the same call, on the same word.
 */
#define guest_wait guest_wait_on
#include "preload/guest.c"
#undef guest_wait

#include <time.h>

#include "tests/bench/switch.h"

#define EXPORT	  __attribute__((visibility("default")))
#define GUEST_OFF ((enum guest_command)3)

enum guest_command guest_wait(uint64_t deadline_ns);

static struct switch_count count;
static uint64_t off_ns;	   /* how long it has been off */
static uint64_t on_cpu_ns; /* the thread's when it was switched on */
static uint32_t off;	   /* futex: 1 once it is off */
static uint32_t was_ever;  /* it has been off: from now on it is counted what it takes */

static uint64_t on_clock_ns(int clock)
{
	uint64_t now = sys_clock_ns(clock);

	return clock == CLOCK_MONOTONIC ? now - off_ns : now;
}

/* [guest] */
static void be_off(void)
{
	uint64_t from = sys_clock_ns(CLOCK_MONOTONIC);

	if (was_ever)
		count.cpu_ns += sys_clock_ns(CLOCK_THREAD_CPUTIME_ID) - on_cpu_ns;
	was_ever = 1;
	store(&off, 1);
	wake(&off);
	while (load(&guest.command) == GUEST_OFF)
		sys_4(SYS_futex, &guest.command, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, GUEST_OFF, 0);
	off_ns += sys_clock_ns(CLOCK_MONOTONIC) - from;
	on_cpu_ns = sys_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	store(&off, 0);
	wake(&off);
}

enum guest_command guest_wait(uint64_t deadline_ns)
{
	enum guest_command command;

	while ((command = guest_wait_on(deadline_ns + off_ns)) == GUEST_OFF)
		be_off();
	if (command == GUEST_RUN && was_ever)
		count.ticks++;
	return command;
}

/* [app thread] Returns when the sampler is asleep as it was asked to. */
EXPORT void switch_sampler(int on, struct switch_count *ret)
{
	uint32_t is = on ? 1 : 0;

	if (load(&off) == is) {
		store(&guest.command, on ? GUEST_RUN : GUEST_OFF);
		wake(&guest.command);
	}
	while (load(&off) == is)
		sys_4(SYS_futex, &off, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, is, 0);
	*ret = count;
}

#define sys_clock_ns on_clock_ns
#include "preload/sampler.c"
