/* SPDX-License-Identifier: ISC */
/* The table of the summary: what a run file's header knows, and what the run came to. */
#ifndef MSTAT_TOOLS_INFOLIST_H
#define MSTAT_TOOLS_INFOLIST_H

#include <stdbool.h>

#include "core/bytes.h"
#include "tools/reader.h"
#include "tools/table.h"

struct infolist;

/* is_object: all in one row, each under its name; else rows of a name and a value. 0 or -ENOMEM. */
int infolist_open(const struct reader *reader, bool is_object, struct infolist **ret);
/* NULL is accepted. */
void infolist_close(struct infolist *list);

/* Opens the table for infolist_put(). Its names are the list's. */
int infolist_open_table(const struct infolist *list, enum table_format format, struct table **ret);

/* Takes the content of a SUMMARY section; the last one counts. 0, -EBADMSG or -ENOMEM. */
int infolist_take(struct infolist *list, struct bytes_in *section);

void infolist_put(const struct infolist *list, struct table *table);

#endif
