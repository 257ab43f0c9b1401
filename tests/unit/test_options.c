/* SPDX-License-Identifier: ISC */
/* The launcher's command line, and the values that only show inside. */
#include "tests/unit/unit.h"
#include "tools/options.h"

#include <getopt.h>

static char error[512];

/* Words up to NULL, mstat before them. */
#define READ(options, ...) read_words(options, (char *[]){(char *)"mstat", __VA_ARGS__, NULL})

static enum options_result read_words(struct options *ret, char **words)
{
	int count = 0;

	while (words[count])
		count++;
	optind = 1;
	error[0] = '\0';
	return options_read(count, words, ret, error, sizeof(error));
}

static void test_defaults(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(READ(&o, "prog", "-v"), OPTIONS_RUN);
	assert_null(o.out);
	assert_null(o.preload);
	assert_int_equal(o.freq, 10);
	assert_int_equal(o.stall_ns, 10000000);
	assert_int_equal(o.budget_ppm, 5000);
	assert_int_equal(o.env_count, 0);
	assert_false(o.verbose || o.quiet || o.live);
	assert_false(o.wait_all || o.kill_rest || o.delayacct || o.heap);
	assert_int_equal(o.heap_interval, 524288);
	assert_true(o.memory_max == UINT64_MAX && o.swap_max == UINT64_MAX);
	assert_string_equal(o.command[0], "prog");
	assert_string_equal(o.command[1], "-v");
	assert_null(o.command[2]);
	options_done(&o);
}

static void test_all_flags(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(READ(&o, "-o", "a b", "-freq=59", "--env", "A=1", "-env=B=", "-preload",
			      "none", "-pss-stall", "1.5ms", "-pss-budget=0.5%", "-live", "-v=1",
			      "-q=true", "--", "-prog"),
			 OPTIONS_RUN);
	assert_string_equal(o.out, "a b");
	assert_string_equal(o.preload, "none");
	assert_int_equal(o.freq, 59);
	assert_int_equal(o.stall_ns, 1500000);
	assert_int_equal(o.budget_ppm, 5000);
	assert_int_equal(o.env_count, 2);
	assert_string_equal(o.env[0], "A=1");
	assert_string_equal(o.env[1], "B=");
	assert_true(o.verbose && o.quiet && o.live);
	assert_string_equal(o.command[0], "-prog");
	options_done(&o);
}

static void test_bools(void **state)
{
	static const struct {
		const char *word;
		bool ok, on;
	} cases[] = {
		{"-v", true, true},	     {"--v", true, true},      {"-v=true", true, true},
		{"-v=1", true, true},	     {"-v=t", true, true},     {"-v=TRUE", true, true},
		{"-v=false", true, false},   {"-v=0", true, false},    {"-v=F", true, false},
		{"-v=False", true, false},   {"-v=yes", false, false}, {"-v=", false, false},
		{"-v=truely", false, false},
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		enum options_result got = READ(&o, (char *)cases[i].word, "prog");

		if (got != (cases[i].ok ? OPTIONS_RUN : OPTIONS_BAD) ||
		    (cases[i].ok && o.verbose != cases[i].on))
			fail_msg("%s: %d %s", cases[i].word, got, error);
		options_done(&o);
	}
}

static void test_durations(void **state)
{
	static const struct {
		const char *word;
		int64_t ns; /* -1: refused */
	} cases[] = {
		{"0", 0},
		{"10ms", 10000000},
		{"250us", 250000},
		{"250\xc2\xb5s", 250000},
		{"1.5s", 1500000000},
		{".5s", 500000000},
		{"7ns", 7},
		{"0ms", 0},
		{"10", -1},
		{"-1ms", -1},
		{"ms", -1},
		{"10 ms", -1},
		{"1e300s", -1},
		{"nan", -1},
		{"infs", -1},
		{"10m", -1},
		{"", -1},
		{"10msx", -1},
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		enum options_result got = READ(&o, "-pss-stall", (char *)cases[i].word, "prog");

		if ((got == OPTIONS_RUN) != (cases[i].ns >= 0) ||
		    (got == OPTIONS_RUN && (int64_t)o.stall_ns != cases[i].ns))
			fail_msg("%s: %d %lld", cases[i].word, got, (long long)o.stall_ns);
		options_done(&o);
	}
}

static void test_percents(void **state)
{
	static const struct {
		const char *word;
		int64_t ppm; /* -1: refused */
	} cases[] = {
		{"1%", 10000}, {"0%", 0}, {"100%", 1000000}, {"0.01%", 100}, {"101%", -1},
		{"-1%", -1},   {"1", -1}, {"%", -1},	     {"1%%", -1},    {"nan%", -1},
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		enum options_result got = READ(&o, "-pss-budget", (char *)cases[i].word, "prog");

		if ((got == OPTIONS_RUN) != (cases[i].ppm >= 0) ||
		    (got == OPTIONS_RUN && o.budget_ppm != cases[i].ppm))
			fail_msg("%s: %d %u", cases[i].word, got, o.budget_ppm);
		options_done(&o);
	}
}

static void test_sizes(void **state)
{
	static const struct {
		const char *word;
		int64_t bytes; /* -1: refused */
	} cases[] = {
		{"300000000", 300000000},
		{"300000000B", 300000000},
		{"4K", 4096},
		{"4KB", 4096},
		{"4KiB", 4096},
		{"512M", 536870912},
		{"512MiB", 536870912},
		{"1.5G", 1610612736},
		{"1GiB", 1073741824},
		{"1GB", 1073741824},
		{".5T", 549755813888},
		{"2TiB", 2199023255552},
		{"1.9", 1},
		{"0", -1}, /* memory: the program could not even begin */
		{"0.1", -1},
		{"", -1},
		{"M", -1},
		{"-1M", -1},
		{"+1M", -1},
		{" 1M", -1},
		{"1 M", -1},
		{"1m", -1},
		{"1MM", -1},
		{"1Mi", -1},
		{"1iB", -1},
		{"1MiBx", -1},
		{"1P", -1},
		{"1e9", -1},
		{"0x10", -1},
		{"1.2.3", -1},
		{"max", -1},
		{"5000000T", -1},
		{"99999999999999999999999999", -1},
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		enum options_result got = READ(&o, "-memory-max", (char *)cases[i].word, "prog");

		if ((got == OPTIONS_RUN) != (cases[i].bytes >= 0) ||
		    (got == OPTIONS_RUN && (int64_t)o.memory_max != cases[i].bytes))
			fail_msg("%s: %d %lld", cases[i].word, got, (long long)o.memory_max);
		assert_true(o.swap_max == UINT64_MAX);
		options_done(&o);
	}
	assert_int_equal(READ(&o, "-memory-swap-max", "0", "prog"), OPTIONS_RUN);
	assert_int_equal(o.swap_max, 0);
	assert_int_equal(READ(&o, "-memory-swap-max=64M", "prog"), OPTIONS_RUN);
	assert_int_equal(o.swap_max, 67108864);
	assert_int_equal(READ(&o, "-memory-swap-max=x", "prog"), OPTIONS_BAD);
	assert_string_equal(error, "-memory-swap-max: \"x\" is not a size such as 512MiB");
}

static void test_rest(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(READ(&o, "-wait-all", "-delayacct", "prog"), OPTIONS_RUN);
	assert_true(o.wait_all && o.delayacct && !o.kill_rest);
	assert_int_equal(READ(&o, "-kill-rest", "-wait-all=false", "prog"), OPTIONS_RUN);
	assert_true(o.kill_rest && !o.wait_all);
	assert_int_equal(READ(&o, "-kill-rest", "-wait-all", "prog"), OPTIONS_BAD);
	assert_null(strchr(error, '\n'));
}

static void test_heap(void **state)
{
	static const struct {
		const char *word;
		int64_t bytes; /* -1: refused */
	} cases[] = {
		{"1", 1},      {"512KiB", 524288}, {"1.5M", 1572864}, {"1TiB", INT64_C(1) << 40},
		{"1025G", -1}, {"2T", -1},	   {"0", -1},	      {"0.5", -1},
		{"", -1},      {"-1", -1},	   {"1e3", -1},	      {"512k", -1},
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		enum options_result got = READ(&o, "-heap-interval", (char *)cases[i].word, "prog");

		if ((got == OPTIONS_RUN) != (cases[i].bytes >= 0) ||
		    (got == OPTIONS_RUN && (int64_t)o.heap_interval != cases[i].bytes))
			fail_msg("%s: %d %lld", cases[i].word, got, (long long)o.heap_interval);
		/* It implies -heap. */
		assert_true(got != OPTIONS_RUN || o.heap);
	}
	assert_string_equal(error, "-heap-interval: \"512k\" is not a size from 1 to 1TiB");
	assert_int_equal(READ(&o, "-heap", "prog"), OPTIONS_RUN);
	assert_true(o.heap);
	assert_int_equal(o.heap_interval, 524288);
	assert_int_equal(READ(&o, "-heap-interval=4K", "-heap=false", "prog"), OPTIONS_RUN);
	assert_false(o.heap);
	assert_int_equal(READ(&o, "-heap", "-preload", "none", "prog"), OPTIONS_BAD);
	assert_string_equal(error, "-heap and -preload none exclude each other");
	assert_int_equal(READ(&o, "-heap=maybe", "prog"), OPTIONS_BAD);
}

static void test_runs(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(READ(&o, "prog"), OPTIONS_RUN);
	assert_int_equal(o.runs, 0);
	assert_int_equal(READ(&o, "-runs", "10", "prog"), OPTIONS_RUN);
	assert_int_equal(o.runs, 10);
	assert_int_equal(READ(&o, "-runs=100", "prog"), OPTIONS_RUN);
	for (const char **word = (const char *[]){"0", "-1", "101", "ten", "", "1.5", NULL}; *word;
	     word++) {
		assert_int_equal(READ(&o, "-runs", (char *)*word, "prog"), OPTIONS_BAD);
		assert_non_null(strstr(error, "is not a whole number from 1 to 100"));
	}
}

static void test_long_words(void **state)
{
	static char word[70000];
	struct options o;

	(void)state;
	memset(word, 'x', sizeof(word) - 1);
	word[0] = '-';
	assert_int_equal(READ(&o, word, "prog"), OPTIONS_BAD);
	assert_true(strlen(error) < sizeof(error) - 1);
	assert_int_equal(READ(&o, "-freq", word, "prog"), OPTIONS_BAD);
	assert_true(strlen(error) < sizeof(error) - 1);
	assert_int_equal(READ(&o, "-o", word, "prog"), OPTIONS_RUN);
	assert_ptr_equal(o.out, word);
}

static void test_nothing(void **state)
{
	char *none[] = {NULL};
	struct options o;

	(void)state;
	optind = 1;
	assert_int_equal(options_read(0, none, &o, error, sizeof(error)), OPTIONS_BAD);
	assert_int_equal(read_words(&o, (char *[]){(char *)"mstat", NULL}), OPTIONS_BAD);
	assert_int_equal(READ(&o, ""), OPTIONS_BAD);
	assert_int_equal(READ(&o, "-"), OPTIONS_RUN);
	assert_string_equal(o.command[0], "-");
}

static void test_asked(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(READ(&o, "-h"), OPTIONS_HELP);
	assert_int_equal(READ(&o, "-freq", "59", "--help", "prog"), OPTIONS_HELP);
	assert_int_equal(READ(&o, "-version"), OPTIONS_VERSION);
	assert_int_equal(READ(&o, "-env", "A=1", "-version"), OPTIONS_VERSION);
	options_done(&o);
	assert_int_equal(READ(&o, "prog", "-h"), OPTIONS_RUN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),   cmocka_unit_test(test_all_flags),
		cmocka_unit_test(test_bools),	   cmocka_unit_test(test_durations),
		cmocka_unit_test(test_percents),   cmocka_unit_test(test_runs),
		cmocka_unit_test(test_long_words), cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_asked),	   cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_rest),	   cmocka_unit_test(test_heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
