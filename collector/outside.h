/* SPDX-License-Identifier: ISC */
/*
 * One process of the run that has no sampler inside, read from /proc/PID: the same fields, by the same
 * two limits of smaps_rollup. It costs one descriptor, and shares nothing with another one's.
 *
 * Some of its files are read under locks that the process itself may hold for as long as a file system
 * does not answer it. What is behind them is asked with patience: where no answer comes, the process is
 * known by what needs no lock (status) until one does, and a while after.
 */
#ifndef MSTAT_COLLECTOR_OUTSIDE_H
#define MSTAT_COLLECTOR_OUTSIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/patience.h"
#include "core/record.h"
#include "core/wire.h"

struct outside;

/* What smaps_rollup may take: struct rollup_limits. */
struct outside_limits {
	uint64_t stall_ns;   /* no walk that is predicted to take longer */
	uint32_t budget_ppm; /* of a CPU, for all walks of the tree; 0: none at all */
	uint32_t live;	     /* processes that share it; 0: none may walk */
};

/*
 * Opens /proc/PID. What is read later is that process's or nothing: its pid's next owner is another.
 * Who it is outside_describe() tells: the caller holds its start time against what it expects.
 * patience is borrowed until the close; with NULL, what may have to wait is not read (-EAGAIN).
 * Returns 0 and *ret, the caller's to close; else -ENOENT (gone), -EMFILE, -ENOMEM, and so on.
 */
int outside_open(pid_t pid, struct patience *patience, struct outside **ret);

/*
 * When it was started, in clock ticks since boot; 0: it is there, but does not tell. Returns 0; -ESRCH
 * where it has ended and was waited for; -EMFILE and so on: nothing is known.
 */
int outside_started(struct outside *o, uint64_t *ret);

/* Whether it runs on the memory of that process, its parent; false where that cannot be told. */
bool outside_shares_memory(struct outside *o, pid_t parent);

/*
 * Who it is now, as a sampler's hello would say (flags and freq 0), but that pids and ids are as the
 * collector sees them. What cannot be read, or is gone with a zombie's memory, is empty (and
 * start_ticks 0). The strings stay until the next call for this process. Returns 0; -ESRCH where it
 * has ended and was waited for; -ENOMEM, -EMFILE, -EACCES, and so on: nothing is known.
 */
int outside_describe(struct outside *o, struct wire_hello *ret);

/*
 * Why there is no sampler in it, in a few printable words, for people to read. Found out at the first
 * call, which is best made after a sample: its loader must have had the time to start one. It stays
 * as it is until the close, also across an exec; unless it could not be told for want of an answer.
 */
const char *outside_why(struct outside *o);

/*
 * Whether more may be told than outside_describe() and outside_why() did when they were called last:
 * there was no answer then, and by now there is hope of one. True once: both are to be called anew.
 */
bool outside_tells_more(struct outside *o);

/*
 * Reads one sample into rec, which the caller has initialised and given its tick: status and, where
 * the limits allow it, smaps_rollup; if slow, also stat, io and schedstat. What it may not read is
 * REASON_DENIED, each for itself; what it gives no answer for REASON_FAILED, and for a while after
 * REASON_NOT_DUE. Of taskstats it says what a sampler that was refused says, so that
 * whoever asks for that one asks for this. now_ns is of the host's CLOCK_MONOTONIC. Returns 0, or
 * -ESRCH when the process has ended, waited for or not: rec is then of no use.
 */
int outside_sample(struct outside *o, const struct outside_limits *given, uint64_t now_ns,
		   bool slow, struct record *rec);

/* Accepts NULL. */
void outside_close(struct outside *o);

#endif
