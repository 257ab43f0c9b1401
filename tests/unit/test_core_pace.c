/* SPDX-License-Identifier: ISC */
/* Ticks left out so that a sampler keeps below its share of a CPU. */
#include "tests/unit/unit.h"

#include "core/pace.h"

#define MS 1000000ull

/* A second in periods of a tenth: every tick of freq that is taken costs tick_ns, walks take walks_ppm. */
static uint64_t second(struct pace *pace, uint64_t *now_ns, uint64_t *cpu_ns, uint64_t *walks_ns,
		       uint64_t tick_cost_ns, uint64_t freq, uint64_t walks_ppm)
{
	uint64_t before = *cpu_ns;

	for (int i = 0; i < 10; i++) {
		*cpu_ns += tick_cost_ns * freq / 10 / (pace->skips + 1) + walks_ppm * 100;
		*walks_ns += walks_ppm * 100;
		*now_ns += 100 * MS;
		pace_reckon(pace, *now_ns, *cpu_ns, *walks_ns);
	}
	return (*cpu_ns - before) / 1000; /* ppm */
}

static void test_next(void **unused)
{
	struct pace pace = {0};

	(void)unused;
	assert_int_equal(pace_next(&pace, 41), 42);
	pace.skips = 1;
	assert_int_equal(pace_next(&pace, 41), 42);
	assert_int_equal(pace_next(&pace, 42), 44);
	pace.skips = UINT32_MAX;
	assert_int_equal(pace_next(&pace, 5), 1ull << 32);
}

static void test_cheap(void **unused)
{
	struct pace pace = {0};
	uint64_t now = 1, cpu = 300000, walks = 0;

	(void)unused;
	for (int i = 0; i < 5; i++)
		second(&pace, &now, &cpu, &walks, 16000, 1000, 0);
	assert_int_equal(pace.skips, 0);
}

/* From the first tenth of a second on it is thinned, for the long run to below the limit. */
static void test_dear(void **unused)
{
	struct pace pace = {0};
	uint64_t now = 1, cpu = 0, walks = 0;

	(void)unused;
	pace_reckon(&pace, now, cpu, walks);
	second(&pace, &now, &cpu, &walks, 23000, 1000, 0);
	assert_int_equal(pace.skips, 1);
	for (int i = 0; i < 20; i++)
		assert_in_range(second(&pace, &now, &cpu, &walks, 23000, 1000, 0), 10000, 20000);
	/* Ten times as dear: to a tenth at the next reckoning; and back when it is cheap again. */
	second(&pace, &now, &cpu, &walks, 230000, 1000, 0);
	second(&pace, &now, &cpu, &walks, 230000, 1000, 0);
	assert_in_range(second(&pace, &now, &cpu, &walks, 230000, 1000, 0), 10000, 20000);
	for (int i = 0; i < 20; i++)
		second(&pace, &now, &cpu, &walks, 5000, 1000, 0);
	assert_int_equal(pace.skips, 0);
}

/* Walks leave the ticks less, but never less than half. */
static void test_walks(void **unused)
{
	struct pace pace = {0};
	uint64_t now = 1, cpu = 0, walks = 0;

	(void)unused;
	for (int i = 0; i < 5; i++)
		second(&pace, &now, &cpu, &walks, 15000, 1000, 10000);
	assert_int_equal(pace.skips, 1);
	for (int i = 0; i < 5; i++)
		second(&pace, &now, &cpu, &walks, 15000, 1000, 500000);
	assert_int_equal(pace.skips, 1);
}

/* One tenth of a second that looks dear costs every other tick of a second, and no more. */
static void test_outlier(void **unused)
{
	struct pace pace = {0};
	uint64_t now = 1, cpu = 0, walks = 0;

	(void)unused;
	pace_reckon(&pace, now, cpu, walks);
	second(&pace, &now, &cpu, &walks, 20000, 59, 0);
	cpu += 50 * MS;
	pace_reckon(&pace, now += 100 * MS, cpu, walks);
	assert_int_equal(pace.skips, 1);
	second(&pace, &now, &cpu, &walks, 20000, 59, 0);
	assert_int_equal(pace.skips, 0);
}

/* A clock that stood still, or a counter that jumped, makes no division by zero and no overflow. */
static void test_odd(void **unused)
{
	struct pace pace = {0};

	(void)unused;
	pace_reckon(&pace, 1, 0, 0);
	pace_reckon(&pace, 1, 0, 0);
	pace_reckon(&pace, 1 + 100 * MS, UINT64_MAX, 0);
	assert_in_range(pace.skips, 1, 100);
	pace_reckon(&pace, 1 + 2000 * MS, 0, UINT64_MAX);
	assert_in_range(pace_next(&pace, 7), 8, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),	cmocka_unit_test(test_cheap),
		cmocka_unit_test(test_dear),	cmocka_unit_test(test_walks),
		cmocka_unit_test(test_outlier), cmocka_unit_test(test_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
