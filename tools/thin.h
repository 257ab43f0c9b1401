/* SPDX-License-Identifier: ISC */
/*
 * Rows thinned to one a step, and of samples one a step and process: of each column the largest value
 * within the step, of counters the last one (metric.h says which those are). Steps begin at multiples
 * of their length since the run's start.
 *
 * The row's time, with its tick, is when its first memory column (rss, rss_bytes) was largest, so that a
 * peak keeps its instant; where that is never known, of the step's last row. Samples that were dropped
 * are added up. A source has the reason of its last row, unless it was read in any of them.
 *
 * Memory is that of the rows of two seconds: rows of samples may come up to one after newer ones of others,
 * and so some blocks later.
 */
#ifndef MSTAT_TOOLS_THIN_H
#define MSTAT_TOOLS_THIN_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/table.h"

struct thin;

/* schema: borrowed; step_ns is not 0. 0 or -ENOMEM. */
int thin_open(const struct table_schema *schema, enum scope scope, const struct table_clock *clock,
	      uint64_t step_ns, struct thin **ret);
/* NULL is accepted. */
void thin_close(struct thin *thin);

/* Takes a row; its comm is borrowed until the step's row was given out. 0 or -ENOMEM. */
int thin_add(struct thin *thin, const struct table_row *row);

/* A block has ended: steps that nothing more can come to are due. */
void thin_settle(struct thin *thin);
/* All have: every step is due. */
void thin_finish(struct thin *thin);

/* The next row that is due, by tick and then by process, borrowed until the next call. */
bool thin_next(struct thin *thin, struct table_row *ret);

#endif
