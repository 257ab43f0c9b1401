/* SPDX-License-Identifier: ISC */
/*
 * What the runtimes in the run's processes think of their memory, on the run's ticks. Readers
 * (collector/runtimes/) do their work on helper threads; what they have not read in time is null.
 *
 * All functions are for the collector's thread.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_H
#define MSTAT_COLLECTOR_RUNTIMES_H

#include <stdint.h>

#include "collector/run.h"

struct runtimes;

/*
 * Returns 0 and *ret, the caller's to free; -EPERM: a seccomp filter that we are under would kill for it; or
 * -ENOMEM. Starts no thread yet.
 */
int runtimes_new(struct runtimes **ret);

/*
 * To be called at each tick after those were sampled who are sampled from outside: recognises the programs that
 * have come, and reads those that are due.
 */
void runtimes_tick(struct runtimes *all, struct run *run, uint64_t tick, uint64_t now_ns);

/* Waits for no reader. Before run_done(). Accepts NULL. */
void runtimes_free(struct runtimes *all);

#endif
