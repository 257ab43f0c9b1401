/* SPDX-License-Identifier: ISC */
/*
 * What is known of each Go minor without looking at a program's debugging information: the offsets of members
 * of its runtime's structures, and places in its runtime's code that have the address of one of its variables.
 * Made by make-tables of programs of that minor, and kept in tables/.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_TABLE_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "collector/runtimes/go/layout.h"

struct go_table_member {
	enum go_member member;
	uint32_t offset;
};

/* A function that every program of this minor has, and how long it is. */
struct go_table_function {
	const char *name;
	uint32_t size;
};

/* The four bytes at offset are the distance from behind them to the variable, and that much further. */
struct go_table_place {
	uint16_t function; /* its number in the table */
	uint16_t offset;
	enum go_global global;
	int32_t addend;
};

struct go_table {
	unsigned minor;
	const struct go_table_member *members;
	size_t members_count;
	const struct go_table_function *functions; /* in the order of their names */
	size_t functions_count;
	const struct go_table_place *places;
	size_t places_count;
};

/* The one of go1.MINOR; NULL: there is none. */
const struct go_table *go_table_find(unsigned minor);

/* The tables by number, NULL behind the last. */
const struct go_table *go_table_at(size_t number);

/* Sets the members of a layout, and that it has no others; variables stay. */
void go_table_members(const struct go_table *table, struct go_layout *layout);

#endif
