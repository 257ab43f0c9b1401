/* SPDX-License-Identifier: ISC */
/*
 * How often a sampler that becomes too dear may sample: it leaves out ticks rather than take more than
 * 2% of a CPU. A tick is some 20 us of CPU, so this begins at some 500 ticks a second.
 */
#ifndef MSTAT_CORE_PACE_H
#define MSTAT_CORE_PACE_H

#include <stdint.h>

/* The share of a CPU that a sampler may take, its walks of page tables included. */
#define PACE_LIMIT_PPM 20000u

/* All zero at first. */
struct pace {
	uint32_t skips;	   /* ticks left out after each that is taken */
	uint64_t cpu_ns;   /* at the last reckoning: of the whole sampler, */
	uint64_t walks_ns; /* of its walks alone, */
	uint64_t at_ns;	   /* and when that was; 0: there was none */
};

/* The next tick to be taken after that one; those of several samplers of one pace coincide. */
uint64_t pace_next(const struct pace *pace, uint64_t tick);

/*
 * Reckons again: to fewer ticks after a tenth of a second, to more after a second. cpu_ns is the CPU
 * time that the sampler has taken so far, walks_ns what its walks took of it: they have limits of
 * their own (rollup.h), and only leave less to the ticks.
 */
void pace_reckon(struct pace *pace, uint64_t now_ns, uint64_t cpu_ns, uint64_t walks_ns);

#endif
