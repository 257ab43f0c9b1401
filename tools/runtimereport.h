/* SPDX-License-Identifier: ISC */
/*
 * What a page tells of the runtimes of a run: of the largest processes whose runtime has told of its memory, that
 * and their RSS over time. The file is read twice more, where there are any; nothing is kept but what the page
 * will have (RUNREPORT_RUNTIME_POINTS).
 */
#ifndef MSTAT_TOOLS_RUNTIMEREPORT_H
#define MSTAT_TOOLS_RUNTIMEREPORT_H

#include <stdint.h>

#include "tools/runreport.h"
#include "tools/series.h"

/*
 * Values that a page shows of a process: columns of its samples, but for RUNTIMEREPORT_GO_HELD, which is what Go has
 * from the kernel: go_sys_bytes less go_heap_released_bytes, where both are known.
 */
#define RUNTIMEREPORT_COLUMNS 13
#define RUNTIMEREPORT_GO_HELD "go_held_bytes"

struct runtimereport_process {
	uint32_t number; /* in the report's processes; it is in their list */
	uint64_t samples, first_tick, last_tick;
	uint64_t bucket_ticks; /* 0: all samples are there */
	unsigned width;	       /* values that it has */
	const char *name[RUNTIMEREPORT_COLUMNS];
	struct series series; /* these, by tick; a row has RSS and what was read with it */
};

struct runtimereport {
	unsigned n;
	struct runtimereport_process process[RUNREPORT_RUNTIMES]; /* the largest first */
};

/*
 * Reads of fd, which is borrowed, what belongs to the report that runreport_read() has made of it. 0, or an error of
 * reader.h or read(2): that the file is cut or corrupt is known by now, and no error here. runtimereport_done() is
 * right after all of them.
 */
int runtimereport_read(int fd, const struct runreport *report, struct runtimereport *ret);
void runtimereport_done(struct runtimereport *runtimes);

#endif
