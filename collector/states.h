/* SPDX-License-Identifier: ISC */
/*
 * In which state the tree's tasks (threads) are: the fields of SOURCE_STATES.
 */
#ifndef MSTAT_COLLECTOR_STATES_H
#define MSTAT_COLLECTOR_STATES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/cgroup.h"
#include "core/record.h"

struct states {
	uint64_t due_ns; /* not to be read before */
	int proc;	 /* owned, or -1: /proc */
	int netlink;	 /* owned, or -1: on v1, who asks the kernel for a cgroup's states */
	uint16_t family;
	uint32_t seq;
	pid_t *tasks; /* owned */
};

void states_init(struct states *states);
void states_done(struct states *states);

/*
 * Counts them, at most once a second and so that it takes no more than 1% of a CPU; other rows get
 * REASON_NOT_DUE. REASON_ABSENT without a cgroup (NULL), REASON_STALL with more than 2048 tasks.
 * tasks_iowait is known on v1 alone. now_ns is CLOCK_MONOTONIC.
 */
void states_sample(struct states *states, const struct cgroup *cg, uint64_t now_ns,
		   struct record *row);

#endif
