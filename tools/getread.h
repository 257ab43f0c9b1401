/* SPDX-License-Identifier: ISC */
/*
 * The processes that were asked for, and with them what descends from them, at one instant after the other.
 */
#ifndef MSTAT_TOOLS_GETREAD_H
#define MSTAT_TOOLS_GETREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tools/getproc.h"
#include "tools/getstats.h"

enum getread_state {
	GETREAD_MEASURED, /* PSS alone may be unknown */
	GETREAD_GONE,	  /* there is no such process, or it has ended */
	GETREAD_KERNEL,	  /* a kernel thread: it has no memory of its own */
	GETREAD_THREAD,	  /* not a process, but a thread of memory.leader */
	GETREAD_FAILED,	  /* it could not be read: error */
};

struct getread_row {
	struct getproc_id id; /* where it is unknown, the pid alone */
	enum getread_state state;
	int error;		       /* a negative errno */
	struct getproc_memory memory;  /* if it was measured */
	struct getstats_delays delays; /* if they were asked for */
	unsigned depth;		       /* below the given one that it descends from */
	bool is_given;
};

/* A picture of all of them. The rows of a process's descendants follow its own. */
struct getread_shot {
	struct getread_row *rows; /* owned */
	size_t count;
};

struct getread_total {
	int64_t bytes
		[GETPROC_COLUMNS]; /* sums of what is known; GETPROC_UNKNOWN where nothing is */
	size_t processes;	   /* measured */
	size_t without_pss;	   /* of them */
	int pss_error;		   /* why, of the first of them */
	size_t failed;		   /* that live and could not be read */
	int error;		   /* likewise */
	size_t missed;		   /* of the given ones, not measured */
};

struct getread;

/*
 * Opens the processes, each once: what is read later is theirs, never a next owner's of their pids.
 * A pid that is none is no error of this: its row says so. with_children: all descendants, too.
 * Returns 0 and *ret, to be closed; -ENOENT and so on: there is no /proc; -ENOMEM.
 */
int getread_open(const pid_t *pids, size_t count, bool with_children, struct getread **ret);

/* From now on PSS is not read, which processes have to wait for. */
void getread_skip_pss(struct getread *get);

/* From now on the kernel is asked for the delays of each, too, as long as it allows that. */
void getread_ask_delays(struct getread *get);

/*
 * Reads them all. Of the given ones each has a row, also when it is gone; of the others those that
 * could be measured or failed otherwise than by ending. Rows are in the order of pids, but for the tree. Returns 0 and *ret_shot, to be freed, or an
 * error: nothing could be read.
 */
int getread_take(struct getread *get, struct getread_shot *ret_shot);

void getread_free_shot(struct getread_shot *shot);

void getread_add_up(const struct getread_shot *shot, struct getread_total *ret);

/* Accepts NULL. */
void getread_close(struct getread *get);

#endif
