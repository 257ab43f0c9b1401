/* SPDX-License-Identifier: ISC */
/*
 * A record that waits for its block, in as little memory as it needs: a struct record has room for every
 * field there is, and a sample has a dozen of them.
 */
#ifndef MSTAT_COLLECTOR_ROW_H
#define MSTAT_COLLECTOR_ROW_H

#include <stdint.h>

#include "core/record.h"

struct row {
	uint64_t tick, late_us, dropped;
	uint8_t reason[SOURCE_MAX];
	uint64_t present[FIELD_MAX / 64];
	int64_t value[]; /* of those that are present, in the order of their ids */
};

/* The caller's, to free(); NULL where memory is out. */
struct row *row_new(const struct record *rec);

/* Values of fields that are not present stay what they were. */
void row_unpack(const struct row *row, struct record *ret);

#endif
