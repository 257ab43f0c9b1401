/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "collector/readings.h"
#include "collector/row.h"

/* A second's at the highest rate that runtimes.c allows itself, for one process. */
#define READINGS_MAX 128

struct readings {
	unsigned first, count; /* in row[], which is a ring */
	struct row *row[READINGS_MAX];
};

static struct row *first_of(const struct readings *all)
{
	return all->row[all->first];
}

static void drop_first(struct readings *all)
{
	free(first_of(all));
	all->first = (all->first + 1) % READINGS_MAX;
	all->count--;
}

void readings_add(struct readings **all, const struct record *rec)
{
	struct row *row;

	if (!*all)
		*all = calloc(1, sizeof(**all));
	row = *all ? row_new(rec) : NULL;
	if (!row)
		return;
	if ((*all)->count == READINGS_MAX)
		drop_first(*all);
	(*all)->row[((*all)->first + (*all)->count++) % READINGS_MAX] = row;
}

void readings_merge(struct record *into, const struct record *from)
{
	for (unsigned source = 0; source < SOURCE_MAX; source++)
		if (from->reason[source] != REASON_UNKNOWN)
			record_drop(into, source, from->reason[source]);
	for (unsigned word = 0; word < FIELD_MAX / 64; word++)
		for (uint64_t bits = from->present[word]; bits; bits &= bits - 1) {
			unsigned field = word * 64 + (unsigned)__builtin_ctzll(bits);

			record_set(into, field, from->value[field]);
		}
}

bool readings_take(struct readings *all, struct record *row)
{
	struct record rec;
	bool found = false;

	while (all && all->count && first_of(all)->tick <= row->tick) {
		row_unpack(first_of(all), &rec);
		drop_first(all);
		found = true;
	}
	if (found)
		readings_merge(row, &rec);
	return found;
}

void readings_free(struct readings *all)
{
	while (all && all->count)
		drop_first(all);
	free(all);
}
