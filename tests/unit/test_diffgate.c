/* SPDX-License-Identifier: ISC */
/* When a larger peak is a failure, and which runs are compared with which. */
#include "tests/unit/unit.h"

#include "tools/diffgate.h"

#define MIB (INT64_C(1) << 20)

static char line[512];

/* Runs with these exact peaks, in MiB, up to a 0; B's after another one up to a second 0. */
static struct diffsides make_sides(const int64_t *peak)
{
	struct diffsides sides = {.run = calloc(16, sizeof(*sides.run))};

	for (size_t i = 0; peak[i + (sides.a_count != 0)];) {
		struct diffrun *run = &sides.run[sides.count++];

		for (unsigned k = 0; k < DIFFRUN_VALUES; k++)
			run->value[k] = DIFFRUN_UNKNOWN;
		run->has_cgroup = true;
		run->value[DIFFRUN_EXACT] = peak[i + (sides.a_count != 0)] * MIB;
		run->value[DIFFRUN_SAMPLED] = run->value[DIFFRUN_EXACT] - MIB;
		i++;
		if (!sides.a_count && !peak[i])
			sides.a_count = sides.count;
	}
	sides.cut = diffstats_cut(sides.a_count, sides.count - sides.a_count);
	return sides;
}

#define SIDES(...) make_sides((const int64_t[]){__VA_ARGS__, 0})

static enum diffgate_verdict judge(struct diffsides *sides, const struct diffgate *gate)
{
	enum diffgate_verdict ret;

	assert_int_equal(diffgate_judge(gate, sides, &ret, line, sizeof(line)), 0);
	return ret;
}

static enum diffgate_verdict judge_and_free(struct diffsides sides, struct diffgate gate)
{
	enum diffgate_verdict ret = judge(&sides, &gate);

	free(sides.run);
	return ret;
}

static const struct diffgate five = {true, true, 5}, ten_mib = {true, false, 10 * MIB};

static void test_single_runs(void **state)
{
	(void)state;
	assert_int_equal(judge_and_free(SIDES(100, 0, 105), five), DIFFGATE_PASSED);
	assert_string_equal(line, "");
	assert_int_equal(judge_and_free(SIDES(100, 0, 106), five), DIFFGATE_ABOVE);
	assert_string_equal(line,
			    "the peak has risen from 100.0 MiB to 106.0 MiB: +6.0 MiB (+6.0%), "
			    "above 5% (-fail-above)");
	assert_int_equal(judge_and_free(SIDES(100, 0, 110), ten_mib), DIFFGATE_PASSED);
	assert_int_equal(judge_and_free(SIDES(100, 0, 111), ten_mib), DIFFGATE_ABOVE);
	assert_non_null(strstr(line, "above 10.0 MiB"));
	assert_int_equal(judge_and_free(SIDES(100, 0, 50), five), DIFFGATE_PASSED);
}

/* Far above, and each of them: the interval is above 0. */
static void test_several_runs(void **state)
{
	(void)state;
	assert_int_equal(judge_and_free(SIDES(100, 101, 102, 103, 0, 120, 121, 122, 123), five),
			 DIFFGATE_ABOVE);
	assert_non_null(strstr(line, "; 95% interval +17.0 MiB to +23.0 MiB,"));
	/* Above in the median, but not for sure. */
	assert_int_equal(judge_and_free(SIDES(100, 101, 102, 140, 0, 120, 121, 122, 123), five),
			 DIFFGATE_UNSURE);
	assert_non_null(strstr(line, "may be noise"));
	/* For sure larger, but by less than that. */
	assert_int_equal(judge_and_free(SIDES(100, 101, 102, 103, 0, 104, 105, 105, 106), five),
			 DIFFGATE_PASSED);
}

/* What a hostile file says is told as it is. */
static void test_impossible_peaks(void **state)
{
	struct diffsides sides = SIDES(100, 0, 200);

	(void)state;
	sides.run[1].value[DIFFRUN_EXACT] = INT64_MAX;
	assert_int_equal(judge(&sides, &five), DIFFGATE_ABOVE);
	assert_non_null(strstr(line, "from 100.0 MiB to 8192.0 PiB: +8192.0 PiB ("));
	free(sides.run);
}

/* Too few for an interval: all of B's must be above all of A's. */
static void test_few_runs(void **state)
{
	(void)state;
	assert_int_equal(judge_and_free(SIDES(100, 101, 102, 0, 120, 121, 122), five),
			 DIFFGATE_ABOVE);
	assert_non_null(strstr(line, "; between single runs +18.0 MiB to +22.0 MiB,"));
	assert_int_equal(judge_and_free(SIDES(100, 101, 121, 0, 120, 121, 122), five),
			 DIFFGATE_UNSURE);
}

/* A sampled peak is lower than an exact one: never one with the other. */
static void test_like_with_like(void **state)
{
	struct diffsides sides = SIDES(100, 0, 120);

	(void)state;
	sides.run[0].value[DIFFRUN_EXACT] = DIFFRUN_UNKNOWN;
	sides.run[0].value[DIFFRUN_SAMPLED] = 119 * MIB;
	assert_int_equal(judge(&sides, &five), DIFFGATE_PASSED);
	sides.run[0].value[DIFFRUN_SAMPLED] = 100 * MIB;
	assert_int_equal(judge(&sides, &five), DIFFGATE_ABOVE);
	assert_memory_equal(line, "the sampled peak", strlen("the sampled peak"));
	/* Nor a cgroup's memory with a sum of RSS. */
	sides.run[0].has_cgroup = false;
	assert_int_equal(judge(&sides, &five), DIFFGATE_UNLIKE);
	free(sides.run);
}

static void test_cut_runs_are_not_judged(void **state)
{
	struct diffsides sides = SIDES(100, 0, 200);

	(void)state;
	sides.run[1].is_cut = true;
	assert_int_equal(judge(&sides, &five), DIFFGATE_CUT);
	assert_non_null(strstr(line, "not judged"));
	free(sides.run);
}

/* ---- processes of the same name --------------------------------------------------------------------- */

static void add_group(struct diffsides *sides, size_t run, const char *comm, const char *argv,
		      int64_t peak)
{
	struct diffrun_group group = {
		.comm = (uint32_t)texts_put(&sides->texts, comm, strlen(comm)),
		.argv = (uint32_t)texts_put(&sides->texts, argv, strlen(argv)),
		.count = 1,
		.peak = peak};

	assert_true(intern_put(&sides->run[run].groups, &group) >= 0);
}

static struct diffsides make_named(void)
{
	struct diffsides sides = {.run = calloc(2, sizeof(*sides.run)), .a_count = 1, .count = 2};

	assert_int_equal(texts_put(&sides.texts, "", 0), 0);
	for (size_t i = 0; i < 2; i++)
		sides.run[i].groups =
			(struct intern)INTERN_INIT(struct diffrun_group, 2 * sizeof(uint32_t));
	return sides;
}

static const struct diffmatch_row *find_row(const struct diffsides *sides,
					    const struct diffmatch *match, const char *name,
					    const char *argv)
{
	for (size_t i = 0; i < match->count; i++)
		if (!strcmp(texts_at(&sides->texts, match->row[i].name, NULL), name) &&
		    !strcmp(texts_at(&sides->texts, match->row[i].argv, NULL), argv))
			return &match->row[i];
	return NULL;
}

static void test_matches_names(void **state)
{
	struct diffsides sides = make_named();
	struct diffmatch match;
	const struct diffmatch_row *row;

	(void)state;
	add_group(&sides, 0, "prog", "prog 1", 10);
	add_group(&sides, 1, "prog", "prog 2", 30);
	add_group(&sides, 0, "cc", "cc a.c", 100);
	add_group(&sides, 0, "cc", "cc /tmp/1.c", 70);
	add_group(&sides, 0, "cc", "cc /tmp/2.c", DIFFRUN_UNKNOWN);
	add_group(&sides, 1, "cc", "cc a.c", 101);
	add_group(&sides, 1, "cc", "cc /tmp/3.c", 75);
	add_group(&sides, 1, "new", "new", 5);
	assert_int_equal(diffmatch_processes(&sides, &match), 0);
	assert_int_equal(match.count, 4);
	/* The largest difference first. */
	assert_string_equal(texts_at(&sides.texts, match.row[0].name, NULL), "prog");
	row = find_row(&sides, &match, "prog", "");
	assert_true(row && !row->has_others && row->value[0] == 10 && row->value[1] == 30);
	row = find_row(&sides, &match, "cc", "cc a.c");
	assert_true(row && row->has_others && row->value[0] == 100 && row->value[1] == 101);
	row = find_row(&sides, &match, "cc", "");
	assert_true(row && row->has_others && row->value[0] == 70 && row->value[1] == 75);
	assert_true(row->count[0] == 2 && row->count[1] == 1);
	row = find_row(&sides, &match, "new", "");
	assert_true(row && row->count[0] == 0 && row->value[0] == 0 && row->value[1] == 5);
	diffmatch_done(&match);
	diffmatch_free_sides(&sides);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single_runs),
		cmocka_unit_test(test_several_runs),
		cmocka_unit_test(test_impossible_peaks),
		cmocka_unit_test(test_few_runs),
		cmocka_unit_test(test_like_with_like),
		cmocka_unit_test(test_cut_runs_are_not_judged),
		cmocka_unit_test(test_matches_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
