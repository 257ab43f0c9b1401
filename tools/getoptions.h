/* SPDX-License-Identifier: ISC */
/* The command line of mstat-get. */
#ifndef MSTAT_TOOLS_GETOPTIONS_H
#define MSTAT_TOOLS_GETOPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct getoptions {
	bool with_children, verbose, watch, peak, bytes;
	uint64_t every_ns;
	pid_t taskstats;    /* 0: not asked for */
	pid_t memstats;	    /* of a Go program; likewise */
	pid_t goroutines;   /* likewise */
	bool json;	    /* of memstats */
	const char *cgroup; /* NULL: not asked for */
	const char *out;    /* a run file; NULL: nothing is recorded */
	pid_t *pids;	    /* owned: getoptions_done() */
	size_t pid_count;
};

enum getoptions_result {
	GETOPTIONS_RUN,
	GETOPTIONS_HELP,
	GETOPTIONS_VERSION,
	GETOPTIONS_BAD, /* error says why, one line without newline */
};

extern const char getoptions_usage[];

/* Reads argv, as Go's flag package does; -r, -v and -w may also stand in one word. */
enum getoptions_result getoptions_read(int argc, char **argv, struct getoptions *ret, char *error,
				       size_t error_size);

void getoptions_done(struct getoptions *options);

#endif
