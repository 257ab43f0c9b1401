/* SPDX-License-Identifier: ISC */
/*
 * What the guest does: it connects, says hello, and on every tick reads and sends.
 */
#ifndef MSTAT_PRELOAD_SAMPLER_H
#define MSTAT_PRELOAD_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* sun_path holds 108 bytes, the terminating zero included: unix(7). */
#define SAMPLER_SOCKET_MAX 108

/* What the environment says; written once by the constructor, before any guest lives. */
struct sampler_config {
	char socket[SAMPLER_SOCKET_MAX]; /* path; its last part also names the abstract twin */
	uint32_t freq;			 /* ticks a second, 1 to 1000 */
	uint32_t hello_flags;		 /* enum wire_hello_flag */
	uint64_t stall_ns;		 /* no smaps_rollup that is predicted to take longer */
	uint64_t budget_ppm;		 /* of a CPU, for all smaps_rollups of the tree */
	bool debug;			 /* say why there is no sampler */
};

/* [guest] Samples until it is told to stop or can do nothing more; state is a struct sampler. */
void sampler_main(void *state);

/* The size of its state, for guest_start(). */
size_t sampler_size(void);

extern struct sampler_config sampler_config;

#endif
