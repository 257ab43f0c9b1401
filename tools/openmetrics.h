/* SPDX-License-Identifier: ISC */
/*
 * A table of ticks, samples or the summary as OpenMetrics text, with the names of metric.h. Columns of
 * no metric (those of a newer mstat) are left out.
 *
 * All points of one metric have to stand together: they are kept in a file without a name, by series,
 * and written at the end. Memory grows with the number of processes, not with that of the samples.
 */
#ifndef MSTAT_TOOLS_OPENMETRICS_H
#define MSTAT_TOOLS_OPENMETRICS_H

#include <stdbool.h>

#include "core/field.h"
#include "tools/reader.h"
#include "tools/table.h"

struct openmetrics;

/*
 * Feeds itself from the table, whose rows are of that scope (SCOPE_RUN: names and values). reader and
 * table are borrowed. Returns 0 or a negative errno; *ret is to be closed in any case.
 */
int openmetrics_open(enum scope scope, const struct reader *reader, struct table *table,
		     struct openmetrics **ret);
/* NULL is accepted. */
void openmetrics_close(struct openmetrics *metrics);

/* Whether it was the file of the points (spool.h) that has failed. NULL is accepted. */
bool openmetrics_is_spool_bad(const struct openmetrics *metrics);

/* Writes all that it was fed to fd. Returns 0 or a negative errno. */
int openmetrics_write(struct openmetrics *metrics, int fd);

#endif
