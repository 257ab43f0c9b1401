/* SPDX-License-Identifier: ISC */
/*
 * The mappings of a process, line by line: /proc/PID/maps (proc_pid_maps(5)).
 */
#ifndef MSTAT_COLLECTOR_MAPS_H
#define MSTAT_COLLECTOR_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct maps_line {
	uint64_t start, end; /* addresses */
	uint64_t offset;     /* of start, in the file */
	uint64_t inode;	     /* 0: no file */
	char perms[5];	     /* "r-xp" */
	const char *path;    /* as there, newlines as "\012", " (deleted)" included; "": none */
};

/*
 * Calls on_line for one after the other until it returns false. dir is an open /proc/PID. A path that is
 * longer than 4 KiB is cut. Returns 0 or a negative errno: -EACCES; -ESRCH, the process is gone.
 */
int maps_read(int dir, bool (*on_line)(void *arg, const struct maps_line *line), void *arg);

#endif
