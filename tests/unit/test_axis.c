/* SPDX-License-Identifier: ISC */
#include "tests/unit/unit.h"

#include "tools/axis.h"

#define KIB 1024.0
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static void sizes_step_in_binary_units(void **state)
{
	static const struct {
		double top;
		unsigned most;
		double step;
	} cases[] = {{1, 5, 1},
		     {5, 5, 1},
		     {6, 5, 2},
		     {1000, 5, 200},
		     {2500, 5, 500},
		     {2501, 5, KIB},
		     {512 * MIB, 5, 200 * MIB},
		     {512 * MIB, 4, 200 * MIB},
		     {1 * GIB, 4, 500 * MIB},
		     {2.1 * GIB, 4, GIB},
		     {3e18, 4, 1024 * 1024 * GIB}};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		double step = axis_size_step(cases[i].top, cases[i].most);

		if (i + 1 < UNIT_COUNT(cases) && step != cases[i].step)
			fail_msg("%f in %u: steps of %f", cases[i].top, cases[i].most, step);
		assert_true(step * cases[i].most >= cases[i].top);
	}
}

static void check_size(double bytes, double step, const char *want)
{
	char label[AXIS_LABEL];

	axis_size_label(bytes, step, label);
	assert_string_equal(label, want);
}

static void sizes_are_told_in_the_unit_of_the_step(void **state)
{
	(void)state;
	check_size(0, 200 * MIB, "0");
	check_size(600 * MIB, 200 * MIB, "600 MiB");
	check_size(1500 * MIB, 500 * MIB, "1500 MiB");
	check_size(3 * GIB, GIB, "3 GiB");
	check_size(20, 5, "20 B");
}

static void check_time(double span, unsigned most, double at, const char *want)
{
	char label[AXIS_LABEL];
	double step = axis_time_step(span, most);

	assert_true(step * most >= span);
	axis_time_label(at * step, step, span, label);
	assert_string_equal(label, want);
}

static void times_are_those_of_a_clock(void **state)
{
	(void)state;
	check_time(0.017, 8, 0, "0");
	check_time(0.017, 8, 2, "0.010");
	check_time(0.7, 8, 3, "0.3");
	check_time(6, 8, 5, "5");
	check_time(90, 8, 2, "40");
	check_time(599, 8, 3, "300");
	check_time(1200, 8, 3, "15:00");
	check_time(5400, 8, 5, "1:15:00");
	check_time(86400 * 3, 8, 0, "0");
	check_time(1e9, 8, 0, "0");
	assert_string_equal(axis_time_unit(599), "seconds");
	assert_string_equal(axis_time_unit(600), "min:s");
	assert_string_equal(axis_time_unit(3600), "h:min:s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_step_in_binary_units),
		cmocka_unit_test(sizes_are_told_in_the_unit_of_the_step),
		cmocka_unit_test(times_are_those_of_a_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
