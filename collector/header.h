/* SPDX-License-Identifier: ISC */
/*
 * The items of a run file's header: what a reader must know of the run and of the machine.
 */
#ifndef MSTAT_COLLECTOR_HEADER_H
#define MSTAT_COLLECTOR_HEADER_H

#include <stdint.h>

#include "collector/runfile.h"

struct header {
	char *const *argv; /* the command, ends with NULL */
	const char *cgroup_mode;
	const char *cgroup; /* NULL: none */
	uint32_t freq;
	uint64_t start_monotonic_ns, start_realtime_ns; /* the same instant by two clocks */
	uint32_t cpus;
};

/* Writes the whole header. */
void header_write(struct runfile *file, const struct header *header);

#endif
