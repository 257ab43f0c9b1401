/* SPDX-License-Identifier: ISC */
/*
 * Tables into a file of SQLite, each under its name, with their columns. Numbers are integers, unknown
 * values NULL, text is as it came. Columns have no type: each value has its own.
 */
#ifndef MSTAT_TOOLS_DATABASE_H
#define MSTAT_TOOLS_DATABASE_H

#include "tools/table.h"

struct database;

/* path: of an empty file, which nobody else sees as yet. Returns 0 or a negative errno. */
int database_open(const char *path, struct database **ret);

/* Creates a table of that name, and feeds it from this one. A negative errno on failure. */
int database_add(struct database *database, const char *name, struct table *table);

/* All is written. Returns 0 or a negative errno. */
int database_commit(struct database *database);

/* NULL is accepted. */
void database_close(struct database *database);

#endif
