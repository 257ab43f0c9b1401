/* SPDX-License-Identifier: ISC */
/*
 * [guest] Reading /proc/PID/maps, line by line: proc_pid_maps(5).
 */
#ifndef MSTAT_PRELOAD_HEAP_MAPS_H
#define MSTAT_PRELOAD_HEAP_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line has 73 bytes before the path, of at most PATH_MAX, whose newlines are told as \012. */
#define MAPS_CHUNK 20480u

/* A mapping's line. */
struct maps_line {
	uint64_t start, end;
	uint64_t offset; /* of start, in the file */
	uint64_t inode;
	char perms[4];
	const char *path; /* borrowed; a name in brackets; of length 0 where there is neither */
	size_t path_len;
};

void maps_split(const char *at, const char *end, struct maps_line *ret);

/*
 * Calls take() for each line of the file, without its newline, until it returns false. chunk has MAPS_CHUNK
 * bytes. Returns whether all was read and taken.
 */
bool maps_read(const char *path, char *chunk,
	       bool (*take)(void *arg, const char *at, const char *end), void *arg);

#endif
