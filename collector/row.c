/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "collector/row.h"

static size_t count_present(const struct record *rec)
{
	size_t n = 0;

	for (unsigned word = 0; word < FIELD_MAX / 64; word++)
		n += (size_t)__builtin_popcountll(rec->present[word]);
	return n;
}

struct row *row_new(const struct record *rec)
{
	struct row *row = malloc(sizeof(*row) + count_present(rec) * sizeof(*row->value));
	size_t n = 0;

	if (!row)
		return NULL;
	row->tick = rec->tick;
	row->late_us = rec->late_us;
	row->dropped = rec->dropped;
	memcpy(row->reason, rec->reason, sizeof(row->reason));
	memcpy(row->present, rec->present, sizeof(row->present));
	for (unsigned word = 0; word < FIELD_MAX / 64; word++)
		for (uint64_t bits = rec->present[word]; bits; bits &= bits - 1)
			row->value[n++] = rec->value[word * 64 + (unsigned)__builtin_ctzll(bits)];
	return row;
}

void row_unpack(const struct row *row, struct record *ret)
{
	size_t n = 0;

	ret->tick = row->tick;
	ret->late_us = row->late_us;
	ret->dropped = row->dropped;
	memcpy(ret->reason, row->reason, sizeof(ret->reason));
	memcpy(ret->present, row->present, sizeof(ret->present));
	for (unsigned word = 0; word < FIELD_MAX / 64; word++)
		for (uint64_t bits = row->present[word]; bits; bits &= bits - 1)
			ret->value[word * 64 + (unsigned)__builtin_ctzll(bits)] = row->value[n++];
}
