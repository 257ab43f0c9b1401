/* SPDX-License-Identifier: ISC */
/* A heap profile as pprof reads it: profile.proto, compressed by gzip. */
#ifndef MSTAT_TOOLS_PPROF_H
#define MSTAT_TOOLS_PPROF_H

#include <stddef.h>
#include <stdint.h>

#include "tools/heapview.h"

struct pprof_about {
	uint64_t time_ns;	/* of the run's start, since 1970; 0: not known */
	uint64_t duration_ns;	/* from then to the instant; 0: not known */
	const char *comment[2]; /* NULL: none */
	size_t comment_len[2];
};

/*
 * Writes it to fd, which is borrowed. A sample for each process and stack, with what was ever allocated
 * and what is live of it, by blocks and bytes. Returns 0, -ENOMEM, or what write(2) gives.
 */
int pprof_write(const struct heapview *view, const struct pprof_about *about, int fd);

#endif
