/* SPDX-License-Identifier: ISC */
/*
 * The launcher's command line, read as Go's flag package reads one: -freq 59, -freq=59, --freq 59.
 */
#ifndef MSTAT_TOOLS_OPTIONS_H
#define MSTAT_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
	const char *out; /* NULL: PROG.PID.mstat */
	uint32_t freq;
	const char **env; /* owned array of K=V */
	size_t env_count;
	const char *preload; /* NULL: our library where it is found; "none"; a path */
	uint64_t stall_ns;
	uint32_t budget_ppm;
	bool runtimes;		       /* they are read */
	uint64_t memory_max, swap_max; /* bytes; UINT64_MAX: no limit */
	uint64_t max_size;	       /* of the record, bytes; 0: no limit */
	uint64_t fail_above;	       /* a peak that is a failure, bytes; UINT64_MAX: none is */
	bool heap;		       /* the sampler that hooks allocations */
	uint64_t heap_interval;	       /* bytes */
	unsigned runs;		       /* one after the other, a record each; 0: one, as ever */
	bool wait_all, kill_rest, delayacct;
	bool verbose, quiet, live;
	char **command; /* the program and its arguments, ends with NULL */
};

enum options_result {
	OPTIONS_RUN,	 /* go on */
	OPTIONS_HELP,	 /* -h: print options_usage */
	OPTIONS_VERSION, /* -version */
	OPTIONS_BAD,	 /* error says why, in one line */
};

extern const char options_usage[];

/* Strings are borrowed from argv. error is filled where the result is OPTIONS_BAD. */
enum options_result options_read(int argc, char **argv, struct options *ret, char *error,
				 size_t error_size);

void options_done(struct options *options);

#endif
