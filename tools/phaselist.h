/* SPDX-License-Identifier: ISC */
/*
 * The phases of a run, between the program's marks, as a table and for people.
 */
#ifndef MSTAT_TOOLS_PHASELIST_H
#define MSTAT_TOOLS_PHASELIST_H

#include <stdio.h>

#include "collector/collector.h"
#include "core/bytes.h"
#include "tools/table.h"

#define PHASELIST_COLUMNS 7
extern const char *const phaselist_columns[PHASELIST_COLUMNS];

/* Writes a PHASE section's content as a row of these columns. Returns 0 or -EBADMSG. */
int phaselist_put(struct table *table, struct bytes_in *section);

/* A line for each phase, for a terminal; nothing where there were no marks. */
void phaselist_print(FILE *to, const struct collector_phases *phases);

#endif
