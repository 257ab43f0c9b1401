/* SPDX-License-Identifier: ISC */
/* Every column has its name outside mstat, and the names are well-formed. */
#include "tests/unit/unit.h"

#include "tools/metric.h"

static bool ends(const char *text, const char *with)
{
	size_t len = strlen(text);

	return len >= strlen(with) && !strcmp(text + len - strlen(with), with);
}

static void check_metric(const char *column, const struct metric *metric)
{
	bool is_bytes =
		ends(column, "_bytes") || !strcmp(column, "rss") || !strcmp(column, "kernel");

	if (!metric)
		fail_msg("%s has no metric", column);
	assert_int_equal(strncmp(metric->family, "mstat_", 6), 0);
	assert_int_equal(strspn(metric->family, "abcdefghijklmnopqrstuvwxyz_"),
			 strlen(metric->family));
	assert_false(ends(metric->family, "_total"));
	assert_int_equal(ends(metric->family, "_bytes"), is_bytes);
	assert_int_equal(ends(metric->family, "_seconds"), ends(column, "_ns"));
	assert_int_equal(ends(metric->family, "_ratio"), ends(column, "_ppb"));
	assert_true(ends(metric->help, "."));
	if (metric->label)
		assert_true(strstr(metric->label, "=\"") && ends(metric->label, "\""));
}

static void columns(void **state)
{
	(void)state;
	for (unsigned id = 0; id < FIELD_MAX; id++) {
		enum scope scope;

		if (!field_table[id].known)
			continue;
		scope = source_table[field_table[id].source].scope;
		if (scope != SCOPE_LIFE)
			check_metric(field_table[id].column,
				     metric_find(scope, field_table[id].column));
	}
	assert_null(metric_find(SCOPE_TREE, "nonsense"));
	assert_null(metric_find(SCOPE_LIFE, "rss_bytes"));
}

/* A family has one kind and one help, and no two columns of it one label. */
static void families(void **state)
{
	(void)state;
	for (unsigned a = 0; a < FIELD_MAX; a++) {
		for (unsigned b = 0; b < a; b++) {
			const struct metric *one, *other;

			if (!field_table[a].known || !field_table[b].known)
				continue;
			one = metric_find(source_table[field_table[a].source].scope,
					  field_table[a].column);
			other = metric_find(source_table[field_table[b].source].scope,
					    field_table[b].column);
			if (!one || !other || one == other || strcmp(one->family, other->family))
				continue;
			assert_int_equal(one->kind, other->kind);
			assert_string_equal(one->help, other->help);
			assert_true(one->label && other->label);
			assert_string_not_equal(one->label, other->label);
		}
	}
}

static void counters(void **state)
{
	(void)state;
	assert_true(metric_is_counter(SCOPE_PROCESS, "minor_faults"));
	assert_true(metric_is_counter(SCOPE_PROCESS, "cpu_ns"));
	assert_true(metric_is_counter(SCOPE_PROCESS, "blkio_delay_count"));
	assert_true(metric_is_counter(SCOPE_TREE, "oom_kills"));
	assert_true(metric_is_counter(SCOPE_TREE, "pressure_some_ns"));
	assert_false(metric_is_counter(SCOPE_TREE, "rss"));
	assert_false(metric_is_counter(SCOPE_TREE, "peak_bytes"));
	assert_false(metric_is_counter(SCOPE_PROCESS, "rollup_cost_ns"));
	assert_false(metric_is_counter(SCOPE_PROCESS, "of_a_newer_mstat"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns),
		cmocka_unit_test(families),
		cmocka_unit_test(counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
