/* SPDX-License-Identifier: ISC */
/* Which rows are wanted. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "tools/rowfilter.h"

static bool takes(const struct rowfilter *filter, uint64_t pid, const char *comm)
{
	return rowfilter_takes(filter, pid, comm, comm ? strlen(comm) : 0);
}

static void everything(void **state)
{
	struct rowfilter filter = {0};

	(void)state;
	assert_false(rowfilter_has_terms(&filter));
	assert_true(takes(&filter, 1, "a"));
	assert_true(takes(&filter, 0, NULL));
	assert_true(rowfilter_takes_time(&filter, INT64_MIN));
	assert_true(rowfilter_takes_time(&filter, INT64_MAX));
	assert_true(rowfilter_takes_span(&filter, 0, UINT64_MAX));
}

static void pids(void **state)
{
	struct rowfilter filter = {0};

	(void)state;
	assert_int_equal(rowfilter_add(&filter, "pid=12,pid=0"), 0);
	assert_int_equal(rowfilter_add(&filter, "pid=7"), 0);
	assert_true(rowfilter_has_terms(&filter));
	assert_true(takes(&filter, 12, "a"));
	assert_true(takes(&filter, 0, ""));
	assert_true(takes(&filter, 7, "b"));
	assert_false(takes(&filter, 1, "a"));
	assert_false(takes(&filter, 120, "a"));
	/* Nobody knows whose it is. */
	assert_false(takes(&filter, 0, NULL));
	rowfilter_done(&filter);
}

static void comms(void **state)
{
	struct rowfilter filter = {0};

	(void)state;
	assert_int_equal(rowfilter_add(&filter, "comm=make,pid=12,comm=a,b=c,comm="), 0);
	assert_true(takes(&filter, 12, "make"));
	assert_true(takes(&filter, 12, "a,b=c"));
	assert_true(takes(&filter, 12, ""));
	assert_false(takes(&filter, 12, "mak"));
	assert_false(takes(&filter, 12, "makes"));
	assert_false(takes(&filter, 12, "a"));
	assert_false(takes(&filter, 13, "make"));
	/* A zero byte is none of ours. */
	assert_false(rowfilter_takes(&filter, 12, "make\0x", 6));
	rowfilter_done(&filter);
}

static void no_terms(void **state)
{
	static const char *const bad[] = {
		"",	   "pid",      "pid=",	    "pid=x",
		"pid=1x",  "pid=-1",   "pid= 1",    "ppid=1",
		"pid=1,",  "pid=1,x",  "pid=1,,",   "pid=,pid=1",
		"Comm=sh", " comm=sh", "name=make", "pid=9999999999999999999"};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
		struct rowfilter filter = {0};

		assert_int_equal(rowfilter_add(&filter, bad[i]), -EINVAL);
		rowfilter_done(&filter);
	}
}

static void times(void **state)
{
	struct rowfilter filter = {.has_from = true, .from_ns = 10};

	(void)state;
	assert_false(rowfilter_takes_time(&filter, -1));
	assert_false(rowfilter_takes_time(&filter, 9));
	assert_true(rowfilter_takes_time(&filter, 10));
	assert_true(rowfilter_takes_span(&filter, 0, 10));
	assert_false(rowfilter_takes_span(&filter, 0, 9));
	filter.has_to = true;
	filter.to_ns = 20;
	assert_true(rowfilter_takes_time(&filter, 20));
	assert_false(rowfilter_takes_time(&filter, 21));
	assert_true(rowfilter_takes_span(&filter, 20, 30));
	assert_true(rowfilter_takes_span(&filter, 0, 30));
	assert_false(rowfilter_takes_span(&filter, 21, 30));
	filter.has_from = false;
	assert_true(rowfilter_takes_time(&filter, -1));
	assert_true(rowfilter_takes_time(&filter, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything), cmocka_unit_test(pids),  cmocka_unit_test(comms),
		cmocka_unit_test(no_terms),   cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
