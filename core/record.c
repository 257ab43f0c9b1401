/* SPDX-License-Identifier: ISC */
#include "core/record.h"

void record_init(struct record *rec)
{
	rec->tick = 0;
	rec->late_us = 0;
	rec->dropped = 0;
	for (unsigned i = 0; i < SOURCE_MAX; i++)
		rec->reason[i] = REASON_UNKNOWN;
	for (unsigned i = 0; i < FIELD_MAX / 64; i++)
		rec->present[i] = 0;
}

void record_drop(struct record *rec, enum source source, enum reason reason)
{
	rec->reason[source] = (uint8_t)reason;
	for (unsigned i = 0; i < FIELD_MAX; i++)
		if (field_source(i) == (int)source)
			record_unset(rec, i);
}
