/* SPDX-License-Identifier: ISC */
/* What outside.c and outside_why.c share, and nobody else needs. */
#ifndef MSTAT_COLLECTOR_OUTSIDE_INTERNAL_H
#define MSTAT_COLLECTOR_OUTSIDE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/patience.h"
#include "core/rollup.h"

struct outside_strings;
struct errand;

struct outside {
	int dir; /* /proc/PID, O_PATH: owned, at the end by a question that is out */
	pid_t pid;
	pid_t tid; /* the thread whose files tell of the memory; 0: the main thread */
	struct rollup rollup;
	struct outside_strings *strings; /* owned: what was described last; NULL */
	char why[80];			 /* empty: not found out yet */
	struct patience *patience;	 /* borrowed; NULL: nothing that may wait is asked */
	struct errand *out;		 /* owned: the question that is not answered yet; NULL */
	uint64_t walked_ns;		 /* CPU time of walks that rollup knows nothing of yet */
	uint64_t rest_ns, rested_ns;	 /* after no answer: so long nothing is asked, until then */
	bool is_partial;		 /* what was described lacks an answer */
};

/*
 * What is asked of a process. answer() is called on another thread, with a copy of it that has nothing
 * but pid, tid and dir, and takes back walked_ns; it fills buf and returns how much of it, or -errno.
 */
struct question {
	ssize_t (*answer)(struct outside *o, const struct question *question, void *buf,
			  size_t size);
	const char *file; /* of static life */
	bool of_memory;
	bool is_slow, is_walk; /* of a sample */
	pid_t parent;
	uint64_t extra_ns; /* it is waited for longer, by that */
};

/*
 * Asks, and waits a little: for whatever opens or reads files that the kernel gives under mmap_lock or
 * exec_update_lock. It costs some 13 us of CPU, whatever is asked. Returns what answer() does; or
 * -ETIMEDOUT where there is no answer yet, or none to an earlier question; -EAGAIN where it is too
 * early to ask one that gave none; -EBUSY where too many others give none, or no thread is to be had;
 * -ENOMEM.
 */
ssize_t outside_ask(struct outside *o, const struct question *question, void *buf, size_t size);

/* Asks for a file, as outside_read() reads it. */
ssize_t outside_ask_file(struct outside *o, const char *file, bool of_memory, void *buf,
			 size_t size);

/*
 * Takes note of an answer that came too late. Returns 0 where outside_ask() would ask now, else what it
 * would return: -ETIMEDOUT while the last question is out, -EAGAIN for a while after.
 */
int outside_settle(struct outside *o);

/* Waits for no answer any more, and closes o->dir when nobody reads in it. */
void outside_ask_done(struct outside *o);

/* For want of an answer, and not of the thing: it may be had later. */
bool outside_is_unanswered(ssize_t err);

/*
 * A file of the process: its own, or (of_memory) of the thread that still has the memory where the main
 * thread has ended. Returns a descriptor of the caller's or -errno: -ENOENT where the process is gone.
 */
int outside_file(const struct outside *o, const char *name, bool of_memory);

/*
 * Reads such a file by one read(), which gives a small one whole; what does not fit is cut. Returns its
 * length or -errno: -ENOENT where there is no such file, -ESRCH where the process (or thread) is gone.
 */
ssize_t outside_read(const struct outside *o, const char *name, bool of_memory, void *buf,
		     size_t size);

/* A symbolic link of the process, without following it; ends with a zero byte. Length or -errno. */
ssize_t outside_link(const struct outside *o, const char *name, char *buf, size_t size);

#endif
