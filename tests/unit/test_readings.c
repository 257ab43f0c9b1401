/* SPDX-License-Identifier: ISC */
/* What was read of runtimes finds its row. */
#include "tests/unit/unit.h"

#include "collector/readings.h"

static struct record reading(uint64_t tick)
{
	struct record rec;

	record_init(&rec);
	rec.tick = tick;
	rec.reason[SOURCE_GO] = REASON_OK;
	record_set(&rec, FIELD_GO_SYS, (int64_t)tick);
	rec.reason[SOURCE_JVM] = REASON_FAILED;
	return rec;
}

/* A row that had another value before. */
static struct record row(uint64_t tick)
{
	struct record rec;

	record_init(&rec);
	rec.tick = tick;
	rec.reason[SOURCE_STATUS] = REASON_OK;
	record_set(&rec, FIELD_RSS, 77);
	rec.reason[SOURCE_JVM] = REASON_OK;
	record_set(&rec, FIELD_JVM_THREADS, 1);
	return rec;
}

static void finds_row(void **state)
{
	struct readings *all = NULL;
	struct record rec = row(5);

	(void)state;
	assert_false(readings_take(all, &rec));
	for (uint64_t tick = 4; tick < 8; tick++) {
		struct record read = reading(tick);

		readings_add(&all, &read);
	}
	assert_true(readings_take(all, &rec));
	assert_int_equal(rec.value[FIELD_GO_SYS], 5);
	assert_int_equal(rec.reason[SOURCE_GO], REASON_OK);
	assert_int_equal(rec.value[FIELD_RSS], 77);
	assert_int_equal(rec.tick, 5);
	/* What the reading says of a source is all that is said of it. */
	assert_int_equal(rec.reason[SOURCE_JVM], REASON_FAILED);
	assert_false(record_has(&rec, FIELD_JVM_THREADS));
	/* None stands in two rows; one that was passed over stands in none. */
	rec = row(5);
	assert_false(readings_take(all, &rec));
	rec = row(9);
	assert_true(readings_take(all, &rec));
	assert_int_equal(rec.value[FIELD_GO_SYS], 7);
	assert_false(readings_take(all, &rec));
	readings_free(all);
}

static void forgets_oldest(void **state)
{
	struct readings *all = NULL;
	struct record rec;

	(void)state;
	for (uint64_t tick = 1; tick <= 1000; tick++) {
		struct record read = reading(tick);

		readings_add(&all, &read);
	}
	rec = row(500);
	assert_false(readings_take(all, &rec));
	for (uint64_t tick = 990; tick <= 1000; tick++) {
		rec = row(tick);
		assert_true(readings_take(all, &rec));
		assert_int_equal(rec.value[FIELD_GO_SYS], tick);
	}
	readings_free(all);
	readings_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_row),
		cmocka_unit_test(forgets_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
