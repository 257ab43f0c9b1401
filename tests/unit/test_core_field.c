/* SPDX-License-Identifier: ISC */
/* The laws of the field table: what a new line in it can get wrong. */
#include "tests/unit/unit.h"

#include <linux/taskstats.h>

#include "core/bytes.h"
#include "core/record.h"
#include "core/rows.h"
#include "core/wire.h"

/* Columns whose name does not end with a unit: plain counts, the heap's bytes, and the two that are compatible. */
static const char *const plain[] = {
	"rss",
	"kernel",
	"threads",
	"minor_faults",
	"major_faults",
	"processes",
	"oom_kills",
	"ticks",
	"samples",
	"processes_sampled",
	"samples_dropped",
	"limit_hits",
	"ticks_per_sample",
	"exit_status",
	"peers_refused",
	"missed_ticks",
	"processes_outside",
	"tasks_sleeping",
	"tasks_running",
	"tasks_stopped",
	"tasks_uninterruptible",
	"tasks_iowait",
	"processes_inside",
	"processes_by_exit_record",
	"exit_records_lost",
	"fork_events_lost",
	"go_heap_objects",
	"go_mallocs",
	"go_frees",
	"go_num_gc",
	"go_num_forced_gc",
	"go_goroutines",
	"jvm_threads",
	"glibc_arenas",
	"python_arenas",
	"python_blocks",
};
static const char *const units[] = {"_bytes", "_ns", "_count", "_ppb"};

/* The tables once more as the lines are, with ids out of range or used twice still to be seen. */
#define SOURCE_LINE(id, token, scope, format, file) {id, file, sizeof(file)},
static const struct {
	unsigned id;
	const char *file;
	size_t size;
} source_lines[] = {SOURCE_TABLE(SOURCE_LINE)};
#define FIELD_LINE(id, token, source, key, arg, scale, column) \
	{id, SOURCE_##source, key, sizeof(key), arg, scale, column, sizeof(column)},
static const struct {
	unsigned id, source;
	const char *key;
	size_t key_size;
	uint64_t arg, scale;
	const char *column;
	size_t column_size;
} field_lines[] = {FIELD_TABLE(FIELD_LINE)};

static void source_ids(void **state)
{
	bool seen[SOURCE_MAX] = {false};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(source_lines); i++) {
		unsigned id = source_lines[i].id;

		assert_true(id < SOURCE_MAX && !seen[id]);
		seen[id] = true;
		/* With its end, so that text is what the array holds. */
		assert_true(source_lines[i].size <= sizeof(source_table[id].file));
		assert_string_equal(source_table[id].file, source_lines[i].file);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(source_lines[i].file, source_lines[j].file);
	}
	for (unsigned i = 0; i < SOURCE_MAX; i++)
		assert_int_equal(source_table[i].known, seen[i]);
}

static void field_ids(void **state)
{
	bool seen[FIELD_MAX] = {false};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(field_lines); i++) {
		unsigned id = field_lines[i].id;

		assert_true(id < FIELD_MAX && !seen[id]);
		seen[id] = true;
		assert_true(source_table[field_lines[i].source].known);
		assert_true(field_lines[i].key_size <= sizeof(field_table[id].key));
		assert_true(field_lines[i].column_size <= sizeof(field_table[id].column));
		assert_string_equal(field_table[id].key, field_lines[i].key);
		assert_string_equal(field_table[id].column, field_lines[i].column);
		assert_int_equal(field_table[id].arg, field_lines[i].arg);
		assert_int_equal(field_table[id].scale, field_lines[i].scale);
		assert_int_not_equal(field_lines[i].scale, 0);
	}
	for (unsigned i = 0; i < FIELD_MAX; i++)
		assert_int_equal(field_table[i].known, seen[i]);
}

static bool unit_is_told(const char *column)
{
	for (size_t i = 0; i < UNIT_COUNT(plain); i++)
		if (!strcmp(column, plain[i]))
			return true;
	for (size_t i = 0; i < UNIT_COUNT(units); i++) {
		size_t len = strlen(units[i]);

		if (strlen(column) > len && !strcmp(column + strlen(column) - len, units[i]))
			return true;
	}
	/* The kernel's own name of what the disk gave is a name with its unit already. */
	return !strcmp(column, "read_bytes") || !strcmp(column, "write_bytes");
}

static void columns(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(field_lines); i++) {
		const char *column = field_lines[i].column;

		if (!unit_is_told(column))
			fail_msg("column %s does not end with its unit", column);
		assert_true(strspn(column, "abcdefghijklmnopqrstuvwxyz0123456789_") ==
			    strlen(column));
		for (size_t j = 0; j < i; j++) {
			bool same = !strcmp(column, field_lines[j].column);

			if (same && field_lines[i].source == field_lines[j].source)
				fail_msg("source %u tells column %s twice", field_lines[i].source,
					 column);
		}
	}
}

/* Whether a line has what its source's format reads it by. */
static bool line_fits(size_t i)
{
	bool key = field_lines[i].key[0] != '\0';
	uint64_t arg = field_lines[i].arg;

	switch (source_table[field_lines[i].source].format) {
	case FORMAT_NONE:
	case FORMAT_SINGLE:
		return !key && !arg;
	case FORMAT_KEYED:
		/* What the reader itself puts beside it is no line of the text. */
		return !arg && (key || field_lines[i].id == FIELD_ROLLUP_COST ||
				field_lines[i].id == FIELD_EVERY);
	case FORMAT_POSITIONAL:
		return !key && arg > 0 && arg <= 52;
	case FORMAT_PRESSURE:
		return !arg &&
		       (!strcmp(field_lines[i].key, "some") || !strcmp(field_lines[i].key, "full"));
	case FORMAT_TASKSTATS:
		return !key && arg >= 8 && arg % 8 == 0 && arg <= 560 - 8;
	default:
		return false;
	}
}

static void formats(void **state)
{
	unsigned count[SOURCE_MAX] = {0};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(field_lines); i++) {
		unsigned source = field_lines[i].source;

		if (!line_fits(i))
			fail_msg("field %u does not suit its source's format", field_lines[i].id);
		count[source]++;
		for (size_t j = 0; j < i; j++)
			if (field_lines[j].source == source && field_lines[i].key[0])
				assert_string_not_equal(field_lines[i].key, field_lines[j].key);
	}
	for (unsigned i = 0; i < SOURCE_MAX; i++) {
		if (!source_table[i].known)
			continue;
		assert_true(source_table[i].scope <= SCOPE_LIFE);
		assert_int_not_equal(count[i], 0);
		if (source_table[i].format == FORMAT_SINGLE)
			assert_int_equal(count[i], 1);
	}
}

/* A column of one meaning has one unit, whatever source it comes from. */
#define SCALE_OF(token) ((uint64_t)field_table[FIELD_##token].scale)

static void scales(void **state)
{
	(void)state;
	assert_int_equal(SCALE_OF(USER), SCALE_OF(C_USER));
	assert_int_equal(SCALE_OF(BEGIN), 1000000000); /* ac_btime64: s */
	assert_int_equal(SCALE_OF(ELAPSED), 1000);     /* ac_etime: us */
	assert_int_equal(SCALE_OF(HIWATER), 1024);     /* kB */
	assert_int_equal(SCALE_OF(S_USER), 10000000);  /* 1/100 s */
	assert_int_equal(SCALE_OF(V2_PSI_SOME), 1000); /* us */
	for (unsigned i = 0; i < FIELD_MAX; i++)
		if (field_table[i].known && field_table[i].key[0] && i != FIELD_THREADS &&
		    (field_table[i].source == SOURCE_STATUS ||
		     field_table[i].source == SOURCE_ROLLUP))
			assert_int_equal(field_table[i].scale, 1024);
}

static void limits(void **state)
{
	(void)state;
	/* A reason shares a byte with its source. */
	_Static_assert(REASON_MAX <= 16, "a reason has four bits on the wire");
	_Static_assert(FIELD_MAX % 64 == 0, "words of presence");
	for (unsigned i = 0; i < REASON_MAX; i++)
		assert_true(reason_table[i][0] && !reason_table[i][sizeof(reason_table[i]) - 1]);
	for (unsigned i = 1; i < EVENT_MAX; i++)
		assert_true(event_table[i][0] && !event_table[i][sizeof(event_table[i]) - 1]);
}

/* The members behind the numbers; what this header does not have yet is checked on captures. */
#define AT(token, member)                                                     \
	do {                                                                  \
		assert_int_equal(field_table[FIELD_##token].arg,              \
				 offsetof(struct taskstats, member));         \
		assert_int_equal(sizeof(((struct taskstats *)0)->member), 8); \
	} while (0)
#define BOTH(token, member)            \
	do {                           \
		AT(token, member);     \
		AT(C_##token, member); \
	} while (0)

static void taskstats_offsets(void **state)
{
	(void)state;
	BOTH(BEGIN, ac_btime64);
	BOTH(ELAPSED, ac_etime);
	BOTH(HIWATER, hiwater_rss);
	BOTH(USER, ac_utime);
	BOTH(SYSTEM, ac_stime);
	BOTH(CPU, cpu_run_virtual_total);
	BOTH(CPU_DELAYS, cpu_count);
	BOTH(CPU_DELAY, cpu_delay_total);
	BOTH(BLKIO_DELAYS, blkio_count);
	BOTH(BLKIO_DELAY, blkio_delay_total);
	BOTH(SWAPIN_DELAYS, swapin_count);
	BOTH(SWAPIN_DELAY, swapin_delay_total);
	BOTH(FREEPAGES_DELAYS, freepages_count);
	BOTH(FREEPAGES_DELAY, freepages_delay_total);
	BOTH(THRASHING_DELAYS, thrashing_count);
	BOTH(THRASHING_DELAY, thrashing_delay_total);
#if TASKSTATS_VERSION >= 11
	BOTH(COMPACT_DELAYS, compact_count);
	BOTH(COMPACT_DELAY, compact_delay_total);
#endif
#if TASKSTATS_VERSION >= 13
	BOTH(WPCOPY_DELAYS, wpcopy_count);
	BOTH(WPCOPY_DELAY, wpcopy_delay_total);
#endif
#if TASKSTATS_VERSION >= 14
	BOTH(IRQ_DELAYS, irq_count);
	BOTH(IRQ_DELAY, irq_delay_total);
#elif TASKSTATS_VERSION == 13
	/* v14 put them right after v13's end. */
	assert_int_equal(field_table[FIELD_IRQ_DELAYS].arg, sizeof(struct taskstats));
	assert_int_equal(field_table[FIELD_IRQ_DELAY].arg, sizeof(struct taskstats) + 8);
#endif
	assert_int_equal(field_table[FIELD_C_IRQ_DELAYS].arg, field_table[FIELD_IRQ_DELAYS].arg);
	assert_int_equal(field_table[FIELD_C_IRQ_DELAY].arg, field_table[FIELD_IRQ_DELAY].arg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(source_ids),
		cmocka_unit_test(field_ids),
		cmocka_unit_test(columns),
		cmocka_unit_test(formats),
		cmocka_unit_test(scales),
		cmocka_unit_test(limits),
		cmocka_unit_test(taskstats_offsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
