/* SPDX-License-Identifier: ISC */
/* The command line of mstat-diff, and the names of mstat -runs. */
#include "tests/unit/unit.h"

#include <getopt.h>

#include "tools/diffoptions.h"
#include "tools/repeat.h"

static char error[512];

#define READ(options, ...) read_words(options, (char *[]){(char *)"mstat-diff", __VA_ARGS__, NULL})

static enum diffoptions_result read_words(struct diffoptions *ret, char **words)
{
	int count = 0;

	while (words[count])
		count++;
	optind = 1;
	error[0] = '\0';
	return diffoptions_read(count, words, ret, error, sizeof(error));
}

static void test_two_runs(void **state)
{
	struct diffoptions o;

	(void)state;
	assert_int_equal(READ(&o, "a", "b"), DIFFOPTIONS_RUN);
	assert_int_equal(o.a_count, 1);
	assert_int_equal(o.count, 2);
	assert_string_equal(o.name[0], "a");
	assert_string_equal(o.name[1], "b");
	assert_int_equal(o.top, 10);
	assert_false(o.bytes || o.gate.is_on);
	diffoptions_done(&o);
}

static void test_two_sides(void **state)
{
	struct diffoptions o;

	(void)state;
	assert_int_equal(READ(&o, "-bytes", "-top=3", "a", "b", "--", "c"), DIFFOPTIONS_RUN);
	assert_int_equal(o.a_count, 2);
	assert_int_equal(o.count, 3);
	assert_string_equal(o.name[2], "c");
	assert_true(o.bytes && o.top == 3);
	diffoptions_done(&o);
}

static void test_gates(void **state)
{
	struct diffoptions o;

	(void)state;
	assert_int_equal(READ(&o, "-fail-above", "5%", "a", "b"), DIFFOPTIONS_RUN);
	assert_true(o.gate.is_on && o.gate.is_part && o.gate.above == 5);
	diffoptions_done(&o);
	assert_int_equal(READ(&o, "-fail-above", "1.5MiB", "a", "b"), DIFFOPTIONS_RUN);
	assert_true(o.gate.is_on && !o.gate.is_part && o.gate.above == 1572864);
	diffoptions_done(&o);
	for (const char **word = (const char *[]){"", "-5%", "5 %", "much", "5%%", "%", NULL};
	     *word; word++) {
		assert_int_equal(READ(&o, "-fail-above", (char *)*word, "a", "b"), DIFFOPTIONS_BAD);
		assert_non_null(strstr(error, "is not a part such as 5% or a size such as 100MiB"));
	}
}

static void test_refuses(void **state)
{
	struct diffoptions o;

	(void)state;
	assert_int_equal(READ(&o, "a"), DIFFOPTIONS_BAD);
	assert_string_equal(error, "two runs are compared: A B, or A... -- B... (-h for help)");
	diffoptions_done(&o);
	assert_int_equal(READ(&o, "a", "b", "c"), DIFFOPTIONS_BAD);
	assert_string_equal(error, "which runs are to be compared with which? A... -- B... (-h for "
				   "help)");
	diffoptions_done(&o);
	assert_int_equal(READ(&o, "a", "--"), DIFFOPTIONS_BAD);
	assert_string_equal(error, "no run behind the --");
	diffoptions_done(&o);
	/* A's were a pattern of the shell that matches nothing. */
	assert_int_equal(READ(&o, "-fail-above", "5%", "--", "b1", "b2"), DIFFOPTIONS_BAD);
	assert_string_equal(error, "no run before the --");
	diffoptions_done(&o);
	assert_int_equal(READ(&o, "a", "-bytes", "b"), DIFFOPTIONS_BAD);
	assert_string_equal(error, "flags stand before the runs: -bytes");
	diffoptions_done(&o);
	assert_int_equal(READ(&o, "-top", "many", "a", "b"), DIFFOPTIONS_BAD);
	assert_int_equal(READ(&o, "-byte", "a", "b"), DIFFOPTIONS_BAD);
	assert_int_equal(READ(&o, "-fail-above"), DIFFOPTIONS_BAD);
	assert_int_equal(READ(&o, "-h"), DIFFOPTIONS_HELP);
	assert_int_equal(READ(&o, "-version"), DIFFOPTIONS_VERSION);
}

static void test_too_many(void **state)
{
	char *words[DIFFSTATS_MAX + 5] = {(char *)"mstat-diff", (char *)"b", (char *)"--"};
	struct diffoptions o;

	(void)state;
	for (size_t i = 3; i < DIFFSTATS_MAX + 4; i++)
		words[i] = (char *)"a";
	assert_int_equal(read_words(&o, words), DIFFOPTIONS_BAD);
	diffoptions_done(&o);
	words[DIFFSTATS_MAX + 3] = NULL;
	words[1] = (char *)"--";
	words[2] = (char *)"b";
	words[3] = (char *)"--";
	assert_int_equal(read_words(&o, words), DIFFOPTIONS_RUN);
	diffoptions_done(&o);
}

static void expect_name(const char *out, unsigned number, unsigned of, const char *want)
{
	char *got = repeat_name(out, number, of);

	assert_string_equal(got, want);
	free(got);
}

static void test_names_of_runs(void **state)
{
	(void)state;
	expect_name("run.mstat", 1, 1, "run-1.mstat");
	expect_name("run.mstat", 3, 10, "run-03.mstat");
	expect_name("a.b/run", 7, 100, "a.b/run-007");
	expect_name("./.hidden", 2, 9, "./.hidden-2");
	expect_name("x.y.tsv", 9, 9, "x.y-9.tsv");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_runs), cmocka_unit_test(test_two_sides),
		cmocka_unit_test(test_gates),	 cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_too_many), cmocka_unit_test(test_names_of_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
