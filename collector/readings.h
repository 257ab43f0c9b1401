/* SPDX-License-Identifier: ISC */
/*
 * What runtimes.c has read of a process, until the row comes that it belongs to: a sampler's comes up to a
 * few drains later than its tick, and not on every one.
 */
#ifndef MSTAT_COLLECTOR_READINGS_H
#define MSTAT_COLLECTOR_READINGS_H

#include <stdbool.h>

#include "core/record.h"

struct readings;

/* Keeps it; of too many the oldest are lost. *all is NULL at first, and owned. */
void readings_add(struct readings **all, const struct record *rec);

/*
 * Adds to the row the newest reading that is not younger than it, and forgets that and all older ones: no
 * reading stands in two rows. Returns whether there was one. all may be NULL.
 */
bool readings_take(struct readings *all, struct record *row);

/* Adds the sources of a reading to a record; what else that says of them is replaced. */
void readings_merge(struct record *into, const struct record *from);

/* Accepts NULL. */
void readings_free(struct readings *all);

#endif
