/* SPDX-License-Identifier: ISC */
#include <linux/acct.h>
#include <string.h>

#include "collector/life.h"
#include "core/parse.h"

/* Fields of samples that give the same column, in the order of their worth. */
#define GIVERS_MAX 4
static struct {
	uint16_t field;			/* of LAST */
	uint16_t giver[GIVERS_MAX + 1]; /* 0 ends: field 0 gives none */
} last[64];
static unsigned last_count;

static void find_givers(unsigned field)
{
	unsigned n = 0;

	for (unsigned i = 1; i < FIELD_MAX && n < GIVERS_MAX; i++)
		if (field_table[i].known &&
		    source_table[field_table[i].source].scope == SCOPE_PROCESS &&
		    !strcmp(field_table[i].column, field_table[field].column))
			last[last_count].giver[n++] = (uint16_t)i;
	last[last_count++].field = (uint16_t)field;
}

static void make_givers(void)
{
	for (unsigned i = 0; i < FIELD_MAX && last_count < 64; i++)
		if (field_source(i) == SOURCE_LAST)
			find_givers(i);
}

void life_note_sample(struct record *life, const struct record *sample)
{
	if (!last_count)
		make_givers();
	life->reason[SOURCE_LAST] = REASON_OK;
	for (unsigned i = 0; i < last_count; i++) {
		for (const uint16_t *giver = last[i].giver; *giver; giver++) {
			if (!record_has(sample, *giver))
				continue;
			record_set(life, last[i].field, record_scaled(sample, *giver));
			break;
		}
	}
}

static int64_t sum(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* Of threads: the longest life, the highest peak (which is the process's), the sum of all else. */
static int64_t join(unsigned field, int64_t before, int64_t now)
{
	switch (field) {
	case FIELD_X_ELAPSED:
	case FIELD_X_HWM:
	case FIELD_X_PEAK_VIRTUAL:
		return before > now ? before : now;
	default:
		return sum(before, now);
	}
}

void life_note_exit(struct record *life, const struct taskstats_exit *record)
{
	struct record thread;

	record_init(&thread);
	if (!parse_source(SOURCE_EXIT, record->bytes, record->len, &thread))
		return;
	if (record->flags & AFORK) {
		record_unset(&thread, FIELD_X_HWM);
		record_unset(&thread, FIELD_X_PEAK_VIRTUAL);
	}
	life->reason[SOURCE_EXIT] = REASON_OK;
	for (unsigned i = 0; i < FIELD_MAX; i++) {
		if (!record_has(&thread, i))
			continue;
		record_set(life, i,
			   record_has(life, i) ? join(i, life->value[i], thread.value[i])
					       : thread.value[i]);
	}
}

void life_note_status(struct record *life, int status)
{
	life->reason[SOURCE_ENDED] = REASON_OK;
	record_set(life, FIELD_LIFE_STATUS, status);
}
