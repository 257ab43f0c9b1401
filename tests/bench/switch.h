/* SPDX-License-Identifier: ISC */
/*
 * What libmstat-switched.so (tests/targets/switched_guest.c) adds for the programs that measure it.
 */
#ifndef MSTAT_BENCH_SWITCH_H
#define MSTAT_BENCH_SWITCH_H

#include <stdint.h>

/* Since it was switched off for the first time. */
struct switch_count {
	uint64_t ticks; /* that it has taken */
	uint64_t
		cpu_ns; /* of its thread while it was on, up to the last time it was switched off */
};

/* [app thread] Switches the sampler of this process on or off, and tells what it has done so far. */
void switch_sampler(int on, struct switch_count *ret);

#endif
