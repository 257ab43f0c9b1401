/* SPDX-License-Identifier: ISC */
/* What outside.c and outside_why.c share, and nobody else needs. */
#ifndef MSTAT_COLLECTOR_OUTSIDE_INTERNAL_H
#define MSTAT_COLLECTOR_OUTSIDE_INTERNAL_H

#include <stddef.h>
#include <sys/types.h>

#include "core/rollup.h"

struct outside_strings;

struct outside {
	int dir; /* owned: /proc/PID, O_PATH */
	pid_t pid;
	pid_t tid; /* the thread whose files tell of the memory; 0: the main thread */
	struct rollup rollup;
	struct outside_strings *strings; /* owned: what was described last; NULL */
	char why[80];			 /* empty: not found out yet */
};

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
