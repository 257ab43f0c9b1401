/* SPDX-License-Identifier: ISC */
/*
 * Whom the kernel killed because memory ran out: it counts its kills, but does not tell whom. Those
 * of the tree that died of SIGKILL about then are named.
 */
#ifndef MSTAT_COLLECTOR_OOM_H
#define MSTAT_COLLECTOR_OOM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/process.h"

#define OOM_VICTIMS_MAX 8

struct oom_victim {
	const struct process *process; /* borrowed: to be kept as long as oom_refers() to it */
	uint64_t at_ns;
};

struct oom {
	uint64_t last_ns; /* when the counter was last seen to go up; 0: never */
	struct oom_victim victim[OOM_VICTIMS_MAX]; /* the first ones */
	unsigned count;
	struct oom_victim
		recent[OOM_VICTIMS_MAX]; /* who died of SIGKILL, and is none yet: a ring */
	unsigned next;
};

/* The kernel's counter has gone up. */
void oom_note_kills(struct oom *oom, uint64_t now_ns);

/* The process ended so, as in wait(2). */
void oom_note_exit(struct oom *oom, const struct process *process, uint64_t at_ns, int status);

bool oom_refers(const struct oom *oom, const struct process *process);

/* Those that died at the time of a kill; *ret is borrowed. Returns how many. */
unsigned oom_victims(const struct oom *oom, const struct oom_victim **ret);

#endif
