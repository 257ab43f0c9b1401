/* SPDX-License-Identifier: ISC */
/*
 * A record: what is known of one subject (a process, the tree, the run) at one tick.
 */
#ifndef MSTAT_CORE_RECORD_H
#define MSTAT_CORE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/field.h"

struct record {
	uint64_t tick;	  /* k of t_k = floor(k * 1e9 / freq), CLOCK_MONOTONIC of the host */
	uint64_t late_us; /* when it was taken, after t_k */
	uint64_t dropped; /* records of this subject lost on the way since the one before */
	uint8_t reason[SOURCE_MAX];	  /* enum reason; REASON_OK where the source was read */
	uint64_t present[FIELD_MAX / 64]; /* bit set: value[] holds what was read */
	int64_t value[FIELD_MAX];	  /* as the kernel gives it; times the field's scale */
};

/* An empty record: nothing present, every source unknown. */
void record_init(struct record *rec);

static inline bool record_has(const struct record *rec, unsigned field)
{
	return rec->present[field / 64] >> (field % 64) & 1;
}

static inline void record_set(struct record *rec, unsigned field, int64_t value)
{
	rec->present[field / 64] |= (uint64_t)1 << (field % 64);
	rec->value[field] = value;
}

static inline void record_unset(struct record *rec, unsigned field)
{
	rec->present[field / 64] &= ~((uint64_t)1 << (field % 64));
}

/* Makes all fields of a source unknown, for that reason. */
void record_drop(struct record *rec, enum source source, enum reason reason);

/*
 * The value of a field in its column's unit: value * scale, wrapped modulo 2^64 (a hostile peer's
 * value may overflow). The field must be present.
 */
static inline int64_t record_scaled(const struct record *rec, unsigned field)
{
	return (int64_t)((uint64_t)rec->value[field] * field_table[field].scale);
}

#endif
