/* SPDX-License-Identifier: ISC */
/* The processes that a run file tells of: who each is, and, where that is wanted, all that is known of it. */
#ifndef MSTAT_TOOLS_PROCLIST_H
#define MSTAT_TOOLS_PROCLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bytes.h"
#include "tools/rowfilter.h"
#include "tools/table.h"

struct proclist;

/* Who a process was at one time. It lives as long as the list. */
struct proclist_name {
	uint64_t pid;
	const char *comm;
	size_t comm_len;
};

/* details: for a table of them. schema is borrowed. 0 or -ENOMEM. */
int proclist_open(const struct table_schema *schema, bool details, struct proclist **ret);
/* NULL is accepted. */
void proclist_close(struct proclist *list);

/* Takes the content of a PROCESS section. 0, -EBADMSG or -ENOMEM. */
int proclist_take(struct proclist *list, struct bytes_in *section);
/* Takes the content of a LIFE section, of a list with details. The same. */
int proclist_take_life(struct proclist *list, struct bytes_in *section);

/* The newest that was told of that process; NULL: nothing was. */
const struct proclist_name *proclist_find(const struct proclist *list, uint64_t id);

/* Opens the table for proclist_put(): who it is, and the columns that the file has of a whole life. */
int proclist_open_table(const struct proclist *list, enum table_format format, struct table **ret);

/* A row for each process that the filter takes, by id, of a list with details. */
void proclist_put(const struct proclist *list, const struct rowfilter *filter, struct table *table);

#endif
