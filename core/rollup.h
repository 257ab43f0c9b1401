/* SPDX-License-Identifier: ISC */
/*
 * When smaps_rollup of a process may be read. The kernel walks all its page tables for it, and an
 * mmap() or munmap() meanwhile waits for the whole walk: 10 ms per GiB of 4 KiB pages. Hence two
 * limits: how long one walk may take, and how much of a CPU all walks of the tree may. And a process
 * whose memory stays as it is within 1% is walked twice a second at most.
 */
#ifndef MSTAT_CORE_ROLLUP_H
#define MSTAT_CORE_ROLLUP_H

#include <stdint.h>

#include "core/record.h"

/* What is remembered of the last walk of a process; all zero before the first. */
struct rollup {
	uint64_t cost_ns; /* CPU time, not wall time: one preemption would forbid all walks after */
	uint64_t rss_kib; /* at that walk */
	uint64_t walked_ns;
	uint64_t parts_kib[3]; /* of its memory then: anonymous, of files, shared */
};

struct rollup_limits {
	uint64_t stall_ns;   /* no walk that is predicted to take longer */
	uint64_t budget_ppm; /* of a CPU, for all walks, one process's half of it; 0: none */
	uint32_t live;	     /* processes that share it; 0: not known yet, so none */
};

/* What CPU time a walk would take now; rec and rollup as below. */
uint64_t rollup_predict(const struct rollup *rollup, const struct record *rec);

/*
 * REASON_OK where smaps_rollup may be read now, else why not: REASON_NOT_DUE, REASON_STALL. rec holds
 * this tick's status: by its VmRSS the cost is predicted. now_ns is of the clock that
 * rollup_done() is told.
 */
enum reason rollup_reason(const struct rollup *rollup, const struct record *rec, uint64_t now_ns,
			  const struct rollup_limits *limits);

/*
 * A walk was tried, at that cost, and rec holds what came of it: the cost is put beside it where there
 * is something.
 */
void rollup_done(struct rollup *rollup, struct record *rec, uint64_t cost_ns, uint64_t now_ns);

#endif
