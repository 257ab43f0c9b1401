/* SPDX-License-Identifier: ISC */
/* Rows thinned to one a step: peaks survive, counters are the newest, nothing dropped is lost. */
#include "tests/unit/unit.h"

#include "core/record.h"
#include "tools/thin.h"

/* Ten ticks a second; tick 0 is the run's start. */
static const struct table_clock clock10 = {.freq = 10, .start_ns = 0};

#define NONE INT64_MIN

static struct table_row make_row(struct record *rec, uint64_t tick, uint64_t process)
{
	record_init(rec);
	return (struct table_row){.tick = tick,
				  .process = process,
				  .pid = 100 + process,
				  .comm = "old",
				  .comm_len = 3,
				  .present = rec->present,
				  .value = rec->value,
				  .reason = rec->reason};
}

/* A sample with rss, pss (a gauge that is not always there) and minor_faults, a counter. */
static void add(struct thin *thin, uint64_t tick, uint64_t process, int64_t rss, int64_t pss,
		int64_t faults)
{
	struct record rec;
	struct table_row row = make_row(&rec, tick, process);

	row.dropped = 1;
	row.late_us = tick;
	if (tick % 2)
		row.comm = "new";
	if (rss != NONE)
		record_set(&rec, FIELD_RSS, rss);
	if (pss != NONE)
		record_set(&rec, FIELD_PSS, pss);
	record_set(&rec, FIELD_MINOR_FAULTS, faults);
	rec.reason[SOURCE_STATUS] = REASON_OK;
	rec.reason[SOURCE_ROLLUP] = pss == NONE ? REASON_NOT_DUE : REASON_OK;
	assert_int_equal(thin_add(thin, &row), 0);
}

static struct thin *open_samples(uint64_t step_ns)
{
	struct thin *thin;

	assert_int_equal(thin_open(&table_builtin, SCOPE_PROCESS, &clock10, step_ns, &thin), 0);
	return thin;
}

static int64_t value(const struct table_row *row, unsigned field)
{
	return row->present[field / 64] >> (field % 64) & 1 ? row->value[field] : NONE;
}

static void expect(struct thin *thin, uint64_t tick, uint64_t process, int64_t rss, int64_t pss,
		   int64_t faults)
{
	struct table_row row;

	assert_true(thin_next(thin, &row));
	assert_int_equal(row.tick, tick);
	assert_int_equal(row.late_us, tick);
	assert_int_equal(row.process, process);
	assert_int_equal(row.pid, 100 + process);
	assert_int_equal(value(&row, FIELD_RSS), rss);
	assert_int_equal(value(&row, FIELD_PSS), pss);
	assert_int_equal(value(&row, FIELD_MINOR_FAULTS), faults);
	assert_int_equal(row.reason[SOURCE_ROLLUP], pss == NONE ? REASON_NOT_DUE : REASON_OK);
}

static void expect_no_more(struct thin *thin)
{
	struct table_row row;

	assert_false(thin_next(thin, &row));
}

static void peaks_survive(void **state)
{
	struct thin *thin = open_samples(1000000000);
	struct table_row row;

	(void)state;
	add(thin, 0, 1, 10, 7, 1);
	add(thin, 1, 1, 90, NONE, 5);
	add(thin, 2, 1, 90, 8, 9);
	add(thin, 9, 1, 20, 3, 2); /* it runs another program now: its faults begin again */
	add(thin, 10, 1, 15, NONE, 3);
	thin_finish(thin);
	/* The first of two that are as large. */
	expect(thin, 1, 1, 90, 8, 2);
	expect(thin, 10, 1, 15, NONE, 3);
	expect_no_more(thin);
	thin_close(thin);

	thin = open_samples(1000000000);
	for (uint64_t tick = 0; tick < 10; tick++)
		add(thin, tick, 1, tick == 4 ? 50 : 1, NONE, 0);
	thin_finish(thin);
	assert_true(thin_next(thin, &row));
	assert_int_equal(row.dropped, 10);
	assert_memory_equal(row.comm, "new", 3);
	assert_int_equal(row.tick, 4);
	thin_close(thin);
}

/* Where the main column is not known, the step's last row. */
static void last_row(void **state)
{
	struct thin *thin = open_samples(1000000000);

	(void)state;
	add(thin, 1, 1, NONE, 5, 1);
	add(thin, 3, 1, NONE, 4, 2);
	add(thin, 11, 1, NONE, 5, 3);
	add(thin, 12, 1, 0, 6, 4);
	add(thin, 13, 1, NONE, 7, 5);
	thin_finish(thin);
	expect(thin, 3, 1, NONE, 5, 2);
	expect(thin, 12, 1, 0, 7, 5);
	thin_close(thin);
}

static void processes_apart(void **state)
{
	struct thin *thin = open_samples(1000000000);

	(void)state;
	add(thin, 0, 2, 1, NONE, 1);
	add(thin, 0, 9, 5, NONE, 1);
	add(thin, 1, 2, 2, NONE, 2);
	add(thin, 1, 9, 4, NONE, 2);
	add(thin, 10, 9, 1, NONE, 3);
	thin_finish(thin);
	expect(thin, 0, 9, 5, NONE, 2);
	expect(thin, 1, 2, 2, NONE, 2);
	expect(thin, 10, 9, 1, NONE, 3);
	expect_no_more(thin);
	thin_close(thin);
}

/* Rows that come blocks later, within a second, still belong to their step; then it is given out, once. */
static void late_rows(void **state)
{
	struct thin *thin = open_samples(1000000000);

	(void)state;
	add(thin, 9, 1, 1, NONE, 1);
	add(thin, 11, 1, 2, NONE, 2);
	thin_settle(thin);
	expect_no_more(thin);
	for (uint64_t tick = 12; tick < 20; tick++) {
		add(thin, tick, 1, 2, NONE, tick);
		thin_settle(thin);
		expect_no_more(thin);
	}
	add(thin, 8, 2, 7, NONE, 0);
	thin_settle(thin);
	expect_no_more(thin);
	add(thin, 21, 1, 3, NONE, 3);
	thin_settle(thin);
	expect(thin, 8, 2, 7, NONE, 0);
	expect(thin, 9, 1, 1, NONE, 1);
	expect_no_more(thin);
	thin_finish(thin);
	expect(thin, 11, 1, 2, NONE, 19);
	expect(thin, 21, 1, 3, NONE, 3);
	expect_no_more(thin);
	thin_close(thin);
}

/* The tree's rows come in order: a step is given out as soon as it is over. */
static void tree(void **state)
{
	static const int64_t rss[] = {5, 9, 3, 1, 2};
	struct table_row row;
	struct thin *thin;
	struct record rec;

	(void)state;
	assert_int_equal(thin_open(&table_builtin, SCOPE_TREE, &clock10, 300000000, &thin), 0);
	for (size_t i = 0; i < UNIT_COUNT(rss); i++) {
		row = make_row(&rec, i, 0);
		record_set(&rec, i % 2 ? FIELD_V1_USAGE : FIELD_V2_USAGE, rss[i]);
		assert_int_equal(thin_add(thin, &row), 0);
	}
	thin_settle(thin);
	assert_true(thin_next(thin, &row));
	assert_int_equal(row.tick, 1);
	assert_int_equal(value(&row, FIELD_V1_USAGE), 9);
	/* One field tells the column. */
	assert_int_equal(value(&row, FIELD_V2_USAGE), NONE);
	expect_no_more(thin);
	thin_finish(thin);
	assert_true(thin_next(thin, &row));
	assert_int_equal(row.tick, 4);
	expect_no_more(thin);
	thin_close(thin);
}

/* What a hostile file has before the start, and at the ends of time. */
static void strange_times(void **state)
{
	static const uint64_t ticks[] = {0, 1, UINT64_MAX / 2, UINT64_MAX, 5};
	struct table_clock clock = {.freq = 10, .start_ns = UINT64_MAX / 2};
	struct table_row row;
	struct thin *thin;
	struct record rec;
	unsigned count = 0;

	(void)state;
	assert_int_equal(thin_open(&table_builtin, SCOPE_PROCESS, &clock, 1, &thin), 0);
	for (size_t i = 0; i < UNIT_COUNT(ticks); i++) {
		row = make_row(&rec, ticks[i], i);
		assert_int_equal(thin_add(thin, &row), 0);
	}
	thin_settle(thin);
	while (thin_next(thin, &row))
		count++;
	thin_finish(thin);
	while (thin_next(thin, &row))
		count++;
	assert_int_equal(count, UNIT_COUNT(ticks));
	thin_close(thin);
}

/* Memory is not that of the run. */
static void many_steps(void **state)
{
	struct thin *thin = open_samples(100000000);
	struct table_row row;
	uint64_t given = 0;

	(void)state;
	for (uint64_t tick = 0; tick < 10000; tick++) {
		add(thin, tick, tick % 7, 1, NONE, 1);
		if (tick % 10)
			continue;
		thin_settle(thin);
		while (thin_next(thin, &row))
			assert_int_equal(row.tick, given++);
		assert_true(tick - given <= 20);
	}
	thin_close(thin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peaks_survive),
		cmocka_unit_test(last_row),
		cmocka_unit_test(processes_apart),
		cmocka_unit_test(late_rows),
		cmocka_unit_test(tree),
		cmocka_unit_test(strange_times),
		cmocka_unit_test(many_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
