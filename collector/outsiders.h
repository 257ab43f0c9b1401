/* SPDX-License-Identifier: ISC */
/*
 * The processes of the run that no sampler speaks for: found in the cgroup and by what the kernel
 * tells of forks, given a tenth of a second to say hello, then sampled from outside.
 */
#ifndef MSTAT_COLLECTOR_OUTSIDERS_H
#define MSTAT_COLLECTOR_OUTSIDERS_H

#include <stddef.h>
#include <stdint.h>

#include "collector/cgroup.h"
#include "collector/outside.h"
#include "collector/patience.h"
#include "collector/run.h"

struct outsiders {
	struct outside_limits limits;
	uint64_t hello_ns;     /* a sampler says hello within this time, or there is none */
	const char *why;       /* static: why there is no sampler in any; NULL: it is found out */
	struct process **list; /* owned; borrowed processes, each with an open outside */
	size_t count, size;
	struct patience *patience; /* borrowed: with those that do not answer */
	uint64_t looked_ns;	   /* into the cgroup */
	uint64_t slow_last;	   /* the newest group of ticks in which everything was read */
};

/* patience is borrowed until outsiders_done(). */
void outsiders_init(struct outsiders *all, struct patience *patience, uint64_t stall_ns,
		    uint32_t budget_ppm);

/* No process has a sampler, and the words say why: nobody is waited for. */
void outsiders_expect_none(struct outsiders *all, const char *why);

/* A process with that pid is of the run; one that has ended with it may have been another. */
void outsiders_see(struct outsiders *all, struct run *run, pid_t pid);

/*
 * To be called in each drain, after the samplers' messages were read: begins with those who were
 * silent for too long, ends with those for whom a sampler speaks now. cg may be NULL. live: the
 * processes that share the budget of smaps_rollup, those sampled outside included.
 */
void outsiders_look(struct outsiders *all, struct run *run, const struct cgroup *cg, uint32_t live);

/* One sample of each, at that tick. */
void outsiders_tick(struct outsiders *all, struct run *run, uint64_t tick, uint64_t now_ns);

/* The last look: who is not there any more has ended, whether we were told or not. */
void outsiders_look_last(struct outsiders *all, struct run *run);

/* The run is over: nobody is told. */
void outsiders_done(struct outsiders *all);

#endif
