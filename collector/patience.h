/* SPDX-License-Identifier: ISC */
/*
 * Waiting for what may never end, but not for long: a job is done on a helper thread, and who asked
 * for it goes on without it when time runs out. What the kernel keeps waiting for ever costs him that
 * once. A job that came too late is not lost sight of: see patience_is_back().
 *
 * All functions are for one thread; what is done in a job is done on another.
 */
#ifndef MSTAT_COLLECTOR_PATIENCE_H
#define MSTAT_COLLECTOR_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

struct patience;

/*
 * The head of a block that holds all that the job needs, and nothing that somebody else may free or
 * close meanwhile.
 */
struct patience_job {
	void (*work)(struct patience_job *job);	   /* on a helper, with all signals blocked */
	void (*discard)(struct patience_job *job); /* frees the block; on any thread */
	bool is_out, is_dropped;		   /* patience's own */
};

/*
 * wait_ns: what a job is waited for, where no other one is out; where some are, it is divided by one
 * more than there are, so that many together cost a few waits. out_max: so many may be out. Starts no
 * thread yet. Returns 0 and *ret, the caller's to free; or -ENOMEM.
 */
int patience_new(uint64_t wait_ns, unsigned out_max, struct patience **ret);

/*
 * Has the job done, and waits for it; extra_ns longer than for others. Where there is no thread to be
 * had, it is done here. Returns 0 when it is done, and -ETIMEDOUT when it is out: then it is the
 * helper's alone until it is back. On -EBUSY it was not begun, for too many are out.
 */
int patience_run(struct patience *p, struct patience_job *job, uint64_t extra_ns);

/* Whether the job is the caller's (again). */
bool patience_is_back(struct patience *p, const struct patience_job *job);

/* The caller wants it no more: discards it, now or when it is back. Accepts NULL as the job. */
void patience_drop(struct patience *p, struct patience_job *job);

/* How many are out. */
unsigned patience_out(struct patience *p);

/*
 * Waits for nobody: those that are out, each of which must have been dropped, go on until they are
 * back or the process ends, which they do not keep from ending. Accepts NULL.
 */
void patience_free(struct patience *p);

#endif
