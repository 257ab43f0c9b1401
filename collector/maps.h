/* SPDX-License-Identifier: ISC */
/*
 * The mappings of a process that somebody asks for: /proc/PID/maps (proc_pid_maps(5)).
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
	char *path;	     /* as there, newlines as "\012", " (deleted)" included; "": none */
};

/* Some are mapped in a handful of parts; a program may map the same a million times. */
#define MAPS_MAX 64

struct maps {
	size_t count;
	struct maps_line line[MAPS_MAX]; /* in the order of addresses; paths are owned */
};

/*
 * Calls on_line for one after the other until it returns false. dir is an open /proc/PID. Only what has a '/' in it is
 * a path, and one that is longer than 4 KiB is cut. Returns 0 or a negative errno: -EACCES; -ESRCH, the process is
 * gone.
 */
int maps_walk(int dir, bool (*on_line)(void *arg, const struct maps_line *line), void *arg);

/* Keeps the first ones whose path is wanted. As maps_walk(), and -ENOMEM; *ret is for maps_done(). */
int maps_read(int dir, bool (*is_wanted)(const char *path), struct maps *ret);
void maps_done(struct maps *maps);

/* The first of which is_it() is true; NULL: there is none. */
const struct maps_line *maps_find(const struct maps *maps,
				  bool (*is_it)(const struct maps_line *line));

#endif
