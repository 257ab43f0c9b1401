/* SPDX-License-Identifier: ISC */
/*
 * What the kernel tells of every process of the machine: that it was forked, exec'd and ended (the
 * proc connector, linux/cn_proc.h), and what it had used when it ended (taskstats' exit records).
 *
 * It comes from the kernel (lifecycle_new()): a thread of its own, with all signals blocked, reads the
 * messages as they come; they wait in a bounded queue for the one thread that calls these functions.
 * Or from mstatd (collector/broker.h), of the trees only that it was asked to follow.
 */
#ifndef MSTAT_COLLECTOR_LIFECYCLE_H
#define MSTAT_COLLECTOR_LIFECYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/names.h"
#include "core/taskstats.h"

struct lifecycle;

enum life_kind { LIFE_FORK, LIFE_EXEC, LIFE_EXIT, LIFE_RECORD };

/*
 * Ids are those of the initial pid namespace. What comes when:
 * - the FORK of a process before all else of it, and before the FORK of its children;
 * - a RECORD for every thread, an EXIT for every process. The kernel makes the record first, but the
 *   EXIT may be handed over first. wait(2) may return before the kernel has made the EXIT;
 * - EXIT means that the main thread ended. Where other threads outlive it (pthread_exit() in main(),
 *   execve() in another thread) more comes of the process, an EXEC even: the RECORD with
 *   TASKSTATS_GROUP, of whichever thread, tells its end, and the status may be another then;
 * - of threads that end at the same time, the RECORD with TASKSTATS_GROUP need not be the last.
 */
struct life_event {
	enum life_kind kind;
	uint64_t time_ns; /* the host's CLOCK_MONOTONIC: when it happened, RECORD: was read */
	pid_t pid;    /* thread group; RECORD before Linux 5.19: the thread, as tells_group says */
	pid_t parent; /* FORK, RECORD: thread group of the real parent; else 0 */
	int status;   /* EXIT: as wait(2) has it; else 0 */
	const struct taskstats_exit *record; /* RECORD: borrowed for the call; else NULL */
	const struct life_name *name; /* EXEC: what it is now, likewise; NULL: could not be had */
};

/* What the kernel told and nobody heard, of the whole machine. */
struct lifecycle_losses {
	uint64_t records;	  /* exit records, of threads, that found the socket full */
	uint64_t record_overruns; /* how often the reader found that some were lost */
	uint64_t events;	  /* fork, exec, exit events (of threads too) that found it full */
	uint64_t event_overruns;
	uint64_t queue; /* of both: came when our own queue was full */
};

/*
 * Opens what may be opened, makes sure with a child of its own that messages really come (that child
 * is never handed over, makes no SIGCHLD and is reaped), and starts the thread. clock_offset is our
 * CLOCK_MONOTONIC minus the host's. Returns 0 even if only one of both can be had, -errno if neither:
 * there is no *ret then.
 */
int lifecycle_new(int64_t clock_offset, struct lifecycle **ret);

/* What lifecycle_new()'s error means and what would help, on one line. */
const char *lifecycle_why(int error);

/* Where it comes from: what a source must do is said at the functions below. */
struct lifecycle_source {
	bool (*has_events)(const struct lifecycle *l, const char **ret_why);
	bool (*has_records)(const struct lifecycle *l, const char **ret_why);
	bool (*marks_last)(const struct lifecycle *l);
	void (*take)(struct lifecycle *l,
		     void (*on_event)(void *arg, const struct life_event *event), void *arg);
	bool (*settle)(struct lifecycle *l, unsigned timeout_ms);
	void (*losses)(struct lifecycle *l, struct lifecycle_losses *ret);
	void (*free)(struct lifecycle *l);
};

/* The first member of a source's own struct. */
struct lifecycle {
	const struct lifecycle_source *source;
};

/* Whether FORK, EXEC, EXIT, or RECORD come. If not, *ret_why says on one line why not and what would
 * help; borrowed from l. */
static inline bool lifecycle_has_events(const struct lifecycle *l, const char **ret_why)
{
	return l->source->has_events(l, ret_why);
}

static inline bool lifecycle_has_records(const struct lifecycle *l, const char **ret_why)
{
	return l->source->has_records(l, ret_why);
}

/* Whether the RECORD of a process's last thread says so (TASKSTATS_GROUP: Linux 5.19). */
static inline bool lifecycle_marks_last(const struct lifecycle *l)
{
	return l->source->marks_last(l);
}

/* Hands over what is queued. on_event must not call this. */
static inline void lifecycle_take(struct lifecycle *l,
				  void (*on_event)(void *arg, const struct life_event *event),
				  void *arg)
{
	l->source->take(l, on_event, arg);
}

/*
 * Waits, at most so long, until all that had happened at the call is in the queue; lifecycle_take() then
 * gives it. Returns whether it is.
 */
static inline bool lifecycle_settle(struct lifecycle *l, unsigned timeout_ms)
{
	return l->source->settle(l, timeout_ms);
}

/* Counted from the start to the last lifecycle_settle() at least. */
static inline void lifecycle_losses(struct lifecycle *l, struct lifecycle_losses *ret)
{
	l->source->losses(l, ret);
}

/* Ends what it listens to. NULL is accepted. */
static inline void lifecycle_free(struct lifecycle *l)
{
	if (l)
		l->source->free(l);
}

/* The kernel's: bounds the queue, which holds LIFECYCLE_QUEUE_MAX bytes if this is not called. */
#define LIFECYCLE_QUEUE_MAX ((size_t)256 << 20)
void lifecycle_limit(struct lifecycle *l, size_t bytes);

#endif
