/* SPDX-License-Identifier: ISC */
/* How sure a difference of a few values is. */
#include "tests/unit/unit.h"

#include "tools/diffstats.h"

/*
 * By counting all ways in which the ranks may fall (Python: combinations(range(m + n), m), U = sum - m(m-1)/2):
 * as many U as have, together with all lower ones, no more than 2.5% of them.
 */
static void test_cuts_as_counted(void **state)
{
	static const struct {
		size_t a, b;
		int cut;
	} known[] = {{1, 1, 0}, {1, 38, 0}, {1, 39, 1}, {2, 7, 0},   {2, 8, 1},
		     {3, 3, 0}, {3, 4, 0},  {3, 5, 1},	{4, 4, 1},   {5, 5, 3},
		     {5, 7, 6}, {6, 6, 6},  {8, 8, 14}, {10, 10, 24}};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(known); i++) {
		assert_int_equal(diffstats_cut(known[i].a, known[i].b), known[i].cut);
		assert_int_equal(diffstats_cut(known[i].b, known[i].a), known[i].cut);
	}
	/* Of the tables of critical values (Mann and Whitney, two-sided, 5%): 127. */
	assert_int_equal(diffstats_cut(20, 20), 128);
}

/* Where the normal distribution is near: mn/2 - 1.96 sqrt(mn(m + n + 1) / 12) = 3197.3. */
static void test_cuts_many(void **state)
{
	int cut = diffstats_cut(DIFFSTATS_MAX, DIFFSTATS_MAX);

	(void)state;
	assert_true(cut >= 4192 && cut <= 4202);
}

struct example {
	int64_t a[8], b[8];
	size_t a_count, b_count;
	double median_a, median_b, shift, low, high;
};

/*
 * By inverting the test: the interval has the shifts by which B's values can be moved down without the exact
 * two-sided test (all combinations counted) refusing that they are as A's at 5%.
 */
static const struct example examples[] = {
	{{100, 103, 101, 107, 104}, {111, 109, 118, 113, 110}, 5, 5, 103, 111, 9, 4, 15},
	{{100, 103, 101, 107, 104}, {102, 99, 108, 105, 98}, 5, 5, 103, 102, -1, -6, 5},
	{{10, 20, 31, 47, 58, 64}, {13, 26, 39, 52, 71, 90, 101}, 6, 7, 39, 52, 17.5, -21, 59},
};

static void test_intervals_as_inverted(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(examples); i++) {
		const struct example *is = &examples[i];
		struct diffstats got;

		assert_int_equal(diffstats_compare(is->a, is->a_count, is->b, is->b_count,
						   diffstats_cut(is->a_count, is->b_count), &got),
				 0);
		assert_true(got.is_sure);
		assert_true(got.a == is->median_a && got.b == is->median_b);
		assert_true(got.shift == is->shift);
		assert_true(got.low == is->low && got.high == is->high);
	}
}

/* The other way round it is the same with another sign. */
static void test_sides_are_alike(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(examples); i++) {
		const struct example *is = &examples[i];
		int cut = diffstats_cut(is->a_count, is->b_count);
		struct diffstats got;

		assert_int_equal(
			diffstats_compare(is->b, is->b_count, is->a, is->a_count, cut, &got), 0);
		assert_true(got.shift == -is->shift);
		assert_true(got.low == -is->high && got.high == -is->low);
	}
}

static void test_few_have_all_differences(void **state)
{
	static const int64_t a[] = {10, 30, 20}, b[] = {35, 15};
	struct diffstats got;

	(void)state;
	assert_int_equal(diffstats_compare(a, 3, b, 2, diffstats_cut(3, 2), &got), 0);
	assert_false(got.is_sure);
	assert_true(got.a == 20 && got.b == 25);
	assert_true(got.low == -15 && got.high == 25);
	assert_int_equal(diffstats_compare(a, 1, b, 1, diffstats_cut(1, 1), &got), 0);
	assert_true(got.shift == 25 && got.low == 25 && got.high == 25);
}

/* What is said to be so in 95 of 100 cases is so in no fewer: of 4000 pairs of samples from one source. */
static void test_covers(void **state)
{
	int cut = diffstats_cut(5, 6);
	unsigned covered = 0;

	(void)state;
	unit_random_init();
	for (unsigned i = 0; i < 4000; i++) {
		int64_t a[5], b[6];
		struct diffstats got;

		/* Skewed, with ties; B's are 7 more. */
		for (unsigned k = 0; k < 6; k++) {
			if (k < 5)
				a[k] = (int64_t)unit_below(1 + unit_below(100));
			b[k] = 7 + (int64_t)unit_below(1 + unit_below(100));
		}
		assert_int_equal(diffstats_compare(a, 5, b, 6, cut, &got), 0);
		covered += got.low <= 7 && got.high >= 7;
		assert_true(got.low <= got.shift && got.shift <= got.high);
	}
	/* 3 standard errors, of 0.34%, below. */
	assert_true(covered >= 4000 * 94 / 100);
}

static void test_medians(void **state)
{
	int64_t odd[] = {5, 1, 9}, even[] = {4, 1, 9, 2};

	(void)state;
	assert_true(diffstats_median(odd, 3) == 5);
	assert_true(diffstats_median(even, 4) == 3);
	assert_true(diffstats_median(even, 1) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts_as_counted),
		cmocka_unit_test(test_cuts_many),
		cmocka_unit_test(test_intervals_as_inverted),
		cmocka_unit_test(test_sides_are_alike),
		cmocka_unit_test(test_few_have_all_differences),
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_medians),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
