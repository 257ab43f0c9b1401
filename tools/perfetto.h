/* SPDX-License-Identifier: ISC */
/*
 * A trace for Perfetto's viewer (perfetto_trace.proto): a track with counters for the tree and for each
 * process, and what happened as instants on them. Times are those since the run's start. Written as it
 * comes: memory grows with the number of processes alone.
 */
#ifndef MSTAT_TOOLS_PERFETTO_H
#define MSTAT_TOOLS_PERFETTO_H

#include "tools/rowfilter.h"
#include "tools/table.h"

struct perfetto;

/* fd is borrowed, and so is the filter, whose times are the trace's. 0 or -ENOMEM. */
int perfetto_open(int fd, const struct rowfilter *filter, struct perfetto **ret);
/* NULL is accepted. */
void perfetto_close(struct perfetto *perfetto);

/* Feeds it from these tables, as decode_table() gives them; they are borrowed. */
void perfetto_feed(struct perfetto *perfetto, struct table *ticks, struct table *samples,
		   struct table *events, struct table *processes, struct table *summary);

/* Writes out what is left. Returns the first error of the output. */
int perfetto_finish(struct perfetto *perfetto);

#endif
