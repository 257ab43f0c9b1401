/* SPDX-License-Identifier: ISC */
/*
 * Ticks: the instants t_k = floor(k * 1e9 / freq) of the host's CLOCK_MONOTONIC, in ns. Everybody
 * samples on the same ones, so rows of one tick belong together.
 */
#ifndef MSTAT_CORE_TICK_H
#define MSTAT_CORE_TICK_H

#include <stdint.h>

#define TICK_SECOND 1000000000ull

/* Ticks a second: what may be asked for, and what is taken where nothing is. */
#define TICK_FREQ_MIN	  1
#define TICK_FREQ_MAX	  1000
#define TICK_FREQ_DEFAULT 10

/* The instant of tick k. Without 128-bit arithmetic, exact for every k; freq is not 0. */
static inline uint64_t tick_ns(uint64_t k, uint32_t freq)
{
	return k / freq * TICK_SECOND + k % freq * TICK_SECOND / freq;
}

/* The number of the newest tick that is not after ns. */
static inline uint64_t tick_at(uint64_t ns, uint32_t freq)
{
	uint64_t k = ns / TICK_SECOND * freq + ns % TICK_SECOND * freq / TICK_SECOND;

	/* floor() of both steps: the next tick may have been reached already. */
	return tick_ns(k + 1, freq) <= ns ? k + 1 : k;
}

/* How often the values that cost more than one read of a small file are asked for: 10 Hz. */
static inline uint32_t tick_slow_every(uint32_t freq)
{
	return (freq + 9) / 10;
}

#endif
