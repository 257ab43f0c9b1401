/* SPDX-License-Identifier: ISC */
/* Records as they wait for their block. */
#include "tests/unit/unit.h"

#include "collector/row.h"

static void set(struct record *rec, unsigned field)
{
	record_set(rec, field, -(int64_t)field * 1000003);
}

static void unpacks(const struct record *rec)
{
	struct row *row = row_new(rec);
	struct record got;

	assert_non_null(row);
	/* What was there before is not taken for a value. */
	memset(&got, 0x55, sizeof(got));
	row_unpack(row, &got);
	free(row);
	assert_int_equal(got.tick, rec->tick);
	assert_int_equal(got.late_us, rec->late_us);
	assert_int_equal(got.dropped, rec->dropped);
	assert_memory_equal(got.reason, rec->reason, sizeof(got.reason));
	assert_memory_equal(got.present, rec->present, sizeof(got.present));
	for (unsigned field = 0; field < FIELD_MAX; field++)
		if (record_has(rec, field))
			assert_int_equal(got.value[field], rec->value[field]);
}

static void roundtrip(void **state)
{
	struct record rec;

	(void)state;
	record_init(&rec);
	unpacks(&rec);
	rec.tick = 1234567890123;
	rec.late_us = 77;
	rec.dropped = 3;
	rec.reason[SOURCE_STATUS] = REASON_OK;
	rec.reason[SOURCE_MAX - 1] = REASON_DENIED;
	set(&rec, 0);
	set(&rec, FIELD_RSS);
	set(&rec, 63);
	set(&rec, 64);
	set(&rec, FIELD_MAX - 1);
	unpacks(&rec);
	for (unsigned field = 0; field < FIELD_MAX; field++)
		set(&rec, field);
	unpacks(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(roundtrip)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
