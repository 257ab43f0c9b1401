/* SPDX-License-Identifier: ISC */
#include "tests/unit/unit.h"
#include "tools/series.h"

#define ROWS 10000

/* A column that rises and one that jumps about; the second is not always known. */
static struct series_row row_at(uint64_t i)
{
	struct series_row row = {.tick = 1000 + i};

	row.value[0] = (int64_t)i;
	row.value[1] = i % 7 == 3 ? SERIES_UNKNOWN : (int64_t)(i * 7919 % 1009);
	row.value[2] = -(int64_t)i;
	return row;
}

static void grows_in_order(void **state)
{
	struct series series = {.width = 3};

	(void)state;
	for (uint64_t i = 0; i < ROWS; i++) {
		struct series_row row = row_at(i);

		assert_int_equal(series_add(&series, row.tick, row.value), 0);
		assert_int_equal(series_add(&series, row.tick, row.value), 0);
	}
	assert_int_equal(series.n, ROWS);
	assert_int_equal(series_find(&series, 0), 0);
	assert_int_equal(series_find(&series, 1500), 500);
	assert_int_equal(series_find(&series, 1000 + ROWS), ROWS);
	assert_int_equal(series.value[2][77], -77);
	series_done(&series);
}

/* The lowest and the highest known value of the rows of ticks [from, to). */
static void extremes(const struct series *series, unsigned column, uint64_t from, uint64_t to,
		     int64_t ret[2])
{
	ret[0] = INT64_MAX;
	ret[1] = INT64_MIN;
	for (size_t i = 0; i < series->n; i++) {
		int64_t v = series->value[column][i];

		if (series->tick[i] < from || series->tick[i] >= to || v == SERIES_UNKNOWN)
			continue;
		ret[0] = v < ret[0] ? v : ret[0];
		ret[1] = v > ret[1] ? v : ret[1];
	}
}

static void keeps_extremes(void **state)
{
	struct series all = {.width = 3};
	struct series some = {.width = 3};
	struct series_thin thin = {
		.to = &some, .ticks = 100, .keys = 2, .whole_from = 5010, .whole_to = 5090};
	size_t whole = 0;

	(void)state;
	for (uint64_t i = 0; i < ROWS; i++) {
		struct series_row row = row_at(i);

		assert_int_equal(series_add(&all, row.tick, row.value), 0);
		assert_int_equal(series_thin_add(&thin, &row), 0);
	}
	assert_int_equal(series_thin_end(&thin), 0);
	assert_true(some.n <= ROWS / 100 * 4 + 81 + 8);
	for (uint64_t from = 1000; from < 1000 + ROWS; from += 100) {
		for (unsigned column = 0; column < 2; column++) {
			int64_t want[2], got[2];

			extremes(&all, column, from, from + 100, want);
			extremes(&some, column, from, from + 100, got);
			assert_int_equal(got[0], want[0]);
			assert_int_equal(got[1], want[1]);
		}
	}
	for (size_t i = 0; i < some.n; i++) {
		struct series_row row = row_at(some.tick[i] - 1000);

		assert_true(i == 0 || some.tick[i] > some.tick[i - 1]);
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(some.value[k][i], row.value[k]);
		whole += some.tick[i] >= 5010 && some.tick[i] <= 5090;
	}
	assert_int_equal(whole, 81);
	series_done(&all);
	series_done(&some);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_in_order),
		cmocka_unit_test(keeps_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
