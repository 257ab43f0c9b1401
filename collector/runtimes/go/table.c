/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "collector/runtimes/go/table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define MINOR 19
#define FILE  "collector/runtimes/go/tables/go1.19.inc"
#include "collector/runtimes/go/tables/table.inc"
#define MINOR 21
#define FILE  "collector/runtimes/go/tables/go1.21.inc"
#include "collector/runtimes/go/tables/table.inc"
#define MINOR 22
#define FILE  "collector/runtimes/go/tables/go1.22.inc"
#include "collector/runtimes/go/tables/table.inc"
#define MINOR 23
#define FILE  "collector/runtimes/go/tables/go1.23.inc"
#include "collector/runtimes/go/tables/table.inc"
#define MINOR 24
#define FILE  "collector/runtimes/go/tables/go1.24.inc"
#include "collector/runtimes/go/tables/table.inc"
#define MINOR 25
#define FILE  "collector/runtimes/go/tables/go1.25.inc"
#include "collector/runtimes/go/tables/table.inc"
#define MINOR 26
#define FILE  "collector/runtimes/go/tables/go1.26.inc"
#include "collector/runtimes/go/tables/table.inc"
#define MINOR 27
#define FILE  "collector/runtimes/go/tables/go1.27.inc"
#include "collector/runtimes/go/tables/table.inc"

static const struct go_table *const TABLES[] = {
	&TABLE_19, &TABLE_21, &TABLE_22, &TABLE_23, &TABLE_24, &TABLE_25, &TABLE_26, &TABLE_27,
};

const struct go_table *go_table_at(size_t number)
{
	return number < COUNT(TABLES) ? TABLES[number] : NULL;
}

const struct go_table *go_table_find(unsigned minor)
{
	for (size_t i = 0; i < COUNT(TABLES); i++)
		if (TABLES[i]->minor == minor)
			return TABLES[i];
	return NULL;
}

void go_table_members(const struct go_table *table, struct go_layout *layout)
{
	memset(layout->member, 0, sizeof(layout->member));
	memset(layout->has, 0, sizeof(layout->has));
	for (size_t i = 0; i < table->members_count; i++) {
		layout->member[table->members[i].member] = table->members[i].offset;
		layout->has[table->members[i].member] = true;
	}
}
