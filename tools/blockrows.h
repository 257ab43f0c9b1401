/* SPDX-License-Identifier: ISC */
/*
 * The rows of one block of a run file, in the order of their ticks: sections hold them by subject
 * and by column. Memory is a small multiple of the block. Nothing in the block is believed.
 */
#ifndef MSTAT_TOOLS_BLOCKROWS_H
#define MSTAT_TOOLS_BLOCKROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bytes.h"
#include "core/rows.h"
#include "tools/table.h"

struct blockrows;

/* schema is borrowed; fields and sources of other scopes are left out. 0 or -ENOMEM. */
int blockrows_open(const struct table_schema *schema, uint64_t scope, struct blockrows **ret);
void blockrows_close(struct blockrows *rows);

/*
 * Only these fields of the schema are wanted, a bit each (borrowed), and no reasons: the others are
 * passed over, which takes a fourth of the time. Before the first section.
 */
void blockrows_choose(struct blockrows *rows, const uint64_t *fields);

/* Forgets all rows: to be called before each block. */
void blockrows_clear(struct blockrows *rows);

/*
 * Takes the content of a ROWS section. pid and comm, borrowed until the rows are
 * cleared, go into its rows (comm may be NULL). Returns 0, -EBADMSG or -ENOMEM.
 */
int blockrows_add(struct blockrows *rows, struct bytes_in *section, uint64_t pid, const char *comm,
		  size_t comm_len);

/* The next row by tick, then process, then as added; borrowed until the next call; false: no more. */
bool blockrows_next(struct blockrows *rows, struct table_row *ret);

/*
 * Instead of all these, for the content of a section that has one row, as SUMMARY and LIFE: that row,
 * borrowed until the next call. Of several, which only a hostile file has, the last. Returns 0, -EBADMSG
 * or -ENOMEM.
 */
int blockrows_only(struct blockrows *rows, struct bytes_in *section, struct table_row *ret);

#endif
