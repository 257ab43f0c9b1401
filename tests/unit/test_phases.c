/* SPDX-License-Identifier: ISC */
/* Phases between marks, and their peaks. */
#include "tests/unit/unit.h"

#include "collector/phases.h"

#define MANY 100

static struct phases phases;
static struct rows_phase got[MANY + 2];
static char names[MANY + 2][16];
static size_t count;

static void take(void *arg, const struct rows_phase *phase)
{
	assert_ptr_equal(arg, &phases);
	assert_true(count < UNIT_COUNT(got));
	snprintf(names[count], sizeof(names[count]), "%.*s", (int)phase->name_len, phase->name);
	got[count++] = *phase;
}

static int setup(void **state)
{
	(void)state;
	count = 0;
	phases_init(&phases, take, &phases);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	phases_done(&phases);
	return 0;
}

static void mark(uint64_t at_ns, const char *name)
{
	phases_mark(&phases, at_ns, name, strlen(name));
}

static void row(uint64_t at_ns, unsigned field, int64_t usage)
{
	struct record rec;

	record_init(&rec);
	if (field < FIELD_MAX)
		record_set(&rec, field, usage);
	phases_row(&phases, &rec, at_ns);
}

/* sampled: -1 for none. */
static void is_phase(size_t i, const char *name, uint64_t start, uint64_t end, int64_t exact,
		     int64_t sampled, uint64_t at_ns)
{
	const struct rows_phase *is = &got[i];

	assert_int_equal(is->number, i + 1);
	assert_string_equal(names[i], name);
	assert_int_equal(is->start_ns, start);
	assert_int_equal(is->end_ns, end);
	assert_int_equal(!(is->known & ROWS_PHASE_EXACT), exact < 0);
	assert_int_equal(is->peak_exact, exact < 0 ? 0 : exact);
	assert_int_equal(!(is->known & ROWS_PHASE_SAMPLED), sampled < 0);
	assert_int_equal(is->peak_sampled, sampled < 0 ? 0 : sampled);
	assert_int_equal(is->peak_ns, at_ns);
}

static void no_mark(void **state)
{
	(void)state;
	row(10, FIELD_V2_USAGE, 5);
	row(20, FIELD_V2_USAGE, 7);
	row(30, FIELD_V2_USAGE, 7);
	phases_exact(&phases, 9);
	phases_end(&phases, 35);
	assert_int_equal(count, 1);
	is_phase(0, "", 0, 35, 9, 7, 20);
	assert_int_equal(phases.count, 1);
}

/* Rows come some ticks after the marks of their time; that of a mark's tick is of the new phase. */
static void rows_come_late(void **state)
{
	(void)state;
	phases_exact(&phases, 60);
	mark(20, "a");
	phases_exact(&phases, 30);
	mark(40, "b");
	row(10, FIELD_V1_USAGE, 50);
	assert_int_equal(count, 0);
	row(20, FIELD_V1_USAGE, 20);
	assert_int_equal(count, 1);
	row(30, FIELD_V1_USAGE, 25);
	row(40, FIELD_V1_USAGE, 70);
	assert_int_equal(count, 2);
	row(50, SOURCE_MAX + FIELD_MAX, 0); /* one in which no usage is known */
	phases_exact(&phases, 80);
	phases_end(&phases, 60);
	assert_int_equal(count, 3);
	is_phase(0, "", 0, 20, 60, 50, 10);
	is_phase(1, "a", 20, 40, 30, 25, 30);
	is_phase(2, "b", 40, 60, 80, 70, 40);
}

static void not_exact(void **state)
{
	(void)state;
	row(10, FIELD_NO_CGROUP, 3);
	mark(20, "a");
	mark(30, "b");
	row(30, FIELD_NO_CGROUP, 4);
	phases_end(&phases, 50);
	is_phase(0, "", 0, 20, -1, 3 * (int64_t)field_table[FIELD_NO_CGROUP].scale, 10);
	is_phase(1, "a", 20, 30, -1, -1, 0);
	is_phase(2, "b", 30, 50, -1, 4 * (int64_t)field_table[FIELD_NO_CGROUP].scale, 30);
}

/* Of what began and ended at one tick nothing is known. */
static void one_tick(void **state)
{
	(void)state;
	phases_exact(&phases, 10);
	mark(20, "a");
	mark(20, "b");
	row(20, FIELD_V2_USAGE, 8);
	phases_exact(&phases, 11);
	mark(30, "c");
	phases_exact(&phases, 12);
	phases_end(&phases, 30);
	assert_int_equal(count, 4);
	is_phase(0, "", 0, 20, 10, -1, 0);
	is_phase(1, "a", 20, 20, -1, -1, 0);
	is_phase(2, "b", 20, 30, 11, 8, 20);
	is_phase(3, "c", 30, 30, -1, -1, 0);
}

/* A sampled value was held: the peak is no less. And no phase ends before it begins. */
static void contradictions(void **state)
{
	(void)state;
	row(10, FIELD_V2_USAGE, 8);
	phases_exact(&phases, 5);
	mark(20, "a");
	phases_end(&phases, 15);
	is_phase(0, "", 0, 20, 8, 8, 10);
	is_phase(1, "a", 20, 20, -1, -1, 0);
	/* After the end nothing begins. */
	mark(30, "b");
	row(40, FIELD_V2_USAGE, 8);
	phases_exact(&phases, 5);
	phases_end(&phases, 50);
	assert_int_equal(count, 2);
}

/* The first ones are kept, with their names. */
static void kept(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= MANY; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", (int)i);
		mark(i * 10, name);
		row(i * 10 + 5, FIELD_V2_USAGE, (int64_t)i);
	}
	phases_end(&phases, 5000);
	assert_int_equal(count, MANY + 1);
	assert_int_equal(phases.count, MANY + 1);
	assert_int_equal(phases.kept_count, PHASES_KEPT);
	for (size_t i = 1; i < PHASES_KEPT; i++) {
		assert_int_equal(phases.kept[i].peak_sampled, i);
		assert_int_equal(phases.kept[i].name_len, strlen(names[i]));
		assert_memory_equal(phases.kept[i].name, names[i], strlen(names[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_mark, setup, teardown),
		cmocka_unit_test_setup_teardown(rows_come_late, setup, teardown),
		cmocka_unit_test_setup_teardown(not_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(one_tick, setup, teardown),
		cmocka_unit_test_setup_teardown(contradictions, setup, teardown),
		cmocka_unit_test_setup_teardown(kept, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
