/* SPDX-License-Identifier: ISC */
/* The command line of mstat-decode: what is read, what is refused, and what may have been meant. */
#include "tests/unit/unit.h"

#include <getopt.h>

#include "tools/decodeoptions.h"

static char error[512];

/* Reads "mstat-decode" and these words, which end with NULL. */
static enum decodeoptions_result read_words(struct decodeoptions *ret, const char *const *words)
{
	char *argv[32] = {(char *)"mstat-decode"};
	int argc = 1;

	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	optind = 1;
	*error = '\0';
	return decodeoptions_read(argc, argv, ret, error, sizeof(error));
}

#define READ(ret, ...) read_words(ret, (const char *const[]){__VA_ARGS__, NULL})

static void all_of_samples(void **state)
{
	struct decodeoptions options;

	(void)state;
	assert_int_equal(READ(&options, "-what", "samples", "--columns=pid,rss_bytes", "-where",
			      "pid=3", "-where", "comm=sh", "-from", "1", "-to", "1m", "-step",
			      "100ms", "-format", "csv", "-o", "out", "run.mstat"),
			 DECODEOPTIONS_RUN);
	assert_int_equal(options.what, DECODE_SAMPLES);
	assert_int_equal(options.tables, 1u << DECODE_SAMPLES);
	assert_int_equal(options.format, DECODEOPTIONS_CSV);
	assert_int_equal(options.columns, 2);
	assert_string_equal(options.column[1], "rss_bytes");
	assert_int_equal(options.filter.pids, 1);
	assert_int_equal(options.filter.comms, 1);
	assert_int_equal(options.filter.from_ns, 1000000000);
	assert_int_equal(options.filter.to_ns, 60000000000);
	assert_int_equal(options.step_ns, 100000000);
	assert_string_equal(options.output, "out");
	assert_string_equal(options.input, "run.mstat");
	decodeoptions_done(&options);
	assert_int_equal(READ(&options, "-step", "1m30s", "f"), DECODEOPTIONS_RUN);
	assert_int_equal(options.step_ns, 90000000000);
	decodeoptions_done(&options);
}

/* What is wrong is said of the word that is wrong. */
static void words_that_are_none(void **state)
{
	struct decodeoptions options;

	(void)state;
	assert_int_equal(READ(&options, "run.mstat", "-format", "csv"), DECODEOPTIONS_BAD);
	assert_string_equal(error, "flags stand before the run file: -format");
	decodeoptions_done(&options);
	assert_int_equal(READ(&options, "run.mstat", "other.mstat"), DECODEOPTIONS_BAD);
	assert_string_equal(error, "one run file at a time, not also \"other.mstat\"");
	decodeoptions_done(&options);
	assert_int_equal(READ(&options, "-o", "", "run.mstat"), DECODEOPTIONS_BAD);
	assert_string_equal(error, "-o: \"\" is no file's name");
	decodeoptions_done(&options);
}

static void several_tables(void **state)
{
	struct decodeoptions options;

	(void)state;
	assert_int_equal(READ(&options, "-format", "sqlite", "-o", "x", "-where", "pid=1", "f"),
			 DECODEOPTIONS_RUN);
	assert_int_equal(options.tables, (1u << DECODE_TABLES) - 1);
	decodeoptions_done(&options);
	assert_int_equal(READ(&options, "-format", "sqlite", "f"), DECODEOPTIONS_BAD);
	decodeoptions_done(&options);
	assert_int_equal(READ(&options, "-format", "sqlite", "-at", "peak", "-o", "x", "f"),
			 DECODEOPTIONS_BAD);
	decodeoptions_done(&options);
}

static void profiles(void **state)
{
	struct decodeoptions options;

	(void)state;
	assert_int_equal(READ(&options, "-what", "heap", "f"), DECODEOPTIONS_RUN);
	assert_int_equal(options.format, DECODEOPTIONS_TEXT);
	assert_string_equal(options.at, "peak");
	decodeoptions_done(&options);
	assert_int_equal(READ(&options, "-at", "peak", "f"), DECODEOPTIONS_BAD);
	assert_string_equal(error, "-at is only for -what heap");
	decodeoptions_done(&options);
	assert_int_equal(READ(&options, "-what", "heap", "-step", "1s", "f"), DECODEOPTIONS_BAD);
	decodeoptions_done(&options);
}

static void nearest(void **state)
{
	static const char *const names[] = {"time_ns", "rss_anon_bytes", "pid", "pss_bytes",
					    "rss_bytes"};
	char buf[64];

	(void)state;
	assert_string_equal(decodeoptions_nearest("rs_bytes", names, 5, buf, sizeof(buf)),
			    "rss_bytes, pss_bytes, rss_anon_bytes");
	/* What lacks an end comes first. */
	assert_string_equal(decodeoptions_nearest("rss", names, 2, buf, sizeof(buf)),
			    "rss_anon_bytes, time_ns");
	assert_string_equal(decodeoptions_nearest("x", names, 0, buf, sizeof(buf)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_samples), cmocka_unit_test(words_that_are_none),
		cmocka_unit_test(several_tables), cmocka_unit_test(profiles),
		cmocka_unit_test(nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
