/* SPDX-License-Identifier: ISC */
/*
 * Some columns of the rows of one section, each as an array: for what reads millions of rows and needs a
 * few columns of them. blockrows.h gives whole rows, and in the order of their ticks.
 */
#ifndef MSTAT_TOOLS_COLUMNS_H
#define MSTAT_TOOLS_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "core/bytes.h"
#include "tools/table.h"

/* No more columns than that are asked for at once. */
#define COLUMNS_MAX 24
/* The value of a row that has none. */
#define COLUMNS_UNKNOWN INT64_MIN

struct columns;

/* Borrowed until the next section is taken. */
struct columns_rows {
	uint64_t subject;
	size_t n;	      /* 1 or more */
	const uint64_t *tick; /* ascending */
	const int64_t
		*value[COLUMNS_MAX]; /* in the columns' units; NULL: the section has none of it */
};

/* The newest row's value of a column. */
static inline int64_t columns_last(const struct columns_rows *rows, unsigned column)
{
	return rows->value[column] ? rows->value[column][rows->n - 1] : COLUMNS_UNKNOWN;
}

/* n names of columns of that scope, which the schema need not have; schema is borrowed. 0 or -ENOMEM. */
int columns_open(const struct table_schema *schema, uint64_t scope, const char *const *names,
		 unsigned n, struct columns **ret);
void columns_close(struct columns *columns);

/* The content of a ROWS, SUMMARY or LIFE section. 0 or -EBADMSG. */
int columns_take(struct columns *columns, struct bytes_in *section, struct columns_rows *ret);

#endif
