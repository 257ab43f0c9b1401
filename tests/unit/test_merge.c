/* SPDX-License-Identifier: ISC */
/* The tree's rows: sums over the living, what is too old, who is gone, what is left over. */
#include "tests/unit/unit.h"

#include "collector/merge.h"
#include "core/tick.h"

#define FREQ	10
#define MIB	1024 /* in KiB, as the kernel tells a process's memory */
#define OUT_MAX 4096

static struct merge merge;
static struct process processes[4];
static struct record out[OUT_MAX];
static size_t out_count;

static int setup(void **state)
{
	(void)state;
	memset(&merge, 0, sizeof(merge));
	memset(processes, 0, sizeof(processes));
	merge.freq = FREQ;
	out_count = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	merge_done(&merge);
	return 0;
}

static void keep(void *arg, struct record *row)
{
	(void)arg;
	assert_true(out_count < OUT_MAX);
	out[out_count++] = *row;
}

static void run_until(uint64_t until)
{
	out_count = 0;
	merge_run(&merge, until, keep, NULL);
}

/* A tick's row with the usage of a cgroup of v2 and its classes; all but usage may be 0. */
static void put_tick(uint64_t tick, int64_t usage, int64_t anon, int64_t file, int64_t kernel)
{
	struct record row;

	record_init(&row);
	row.tick = tick;
	record_set(&row, FIELD_V2_USAGE, usage);
	record_set(&row, FIELD_V2_ANON, anon);
	record_set(&row, FIELD_V2_FILE, file);
	record_set(&row, FIELD_V2_KERNEL, kernel);
	record_set(&row, FIELD_V2_SHMEM, file);
	merge_tick(&merge, &row);
}

/* A sample of so much RSS, half of it anonymous; pss -1: not read at this tick. */
static void put_sample(unsigned who, uint64_t tick, int64_t rss, int64_t pss)
{
	struct record rec;

	record_init(&rec);
	rec.tick = tick;
	record_set(&rec, FIELD_RSS, rss);
	record_set(&rec, FIELD_RSS_ANON, rss / 2);
	record_set(&rec, FIELD_SELF_BYTES, 1000);
	if (pss >= 0) {
		record_set(&rec, FIELD_PSS, pss);
		record_set(&rec, FIELD_PSS_ANON, pss / 2);
		record_set(&rec, FIELD_PSS_FILE, pss / 4);
		record_set(&rec, FIELD_PSS_SHMEM, pss / 4);
	}
	merge_sample(&merge, &processes[who], &rec);
}

static int64_t value(size_t row, unsigned field)
{
	assert_true(row < out_count);
	if (!record_has(&out[row], field))
		fail_msg("row %zu has no %s", row, field_table[field].column);
	return out[row].value[field];
}

static void sums(void **state)
{
	(void)state;
	put_sample(0, 100, 40 * MIB, 20 * MIB);
	put_sample(1, 100, 60 * MIB, 30 * MIB);
	put_tick(100, 200 << 20, 50 << 20, 30 << 20, 20 << 20);
	run_until(101);
	assert_int_equal(out_count, 1);
	assert_int_equal(value(0, FIELD_PROCESSES), 2);
	assert_int_equal(value(0, FIELD_SUM_RSS), 100 * MIB);
	assert_int_equal(value(0, FIELD_SUM_RSS_ANON), 50 * MIB);
	assert_int_equal(value(0, FIELD_SUM_PSS), 50 * MIB);
	assert_int_equal(value(0, FIELD_SUM_PSS_ANON), 25 * MIB);
	assert_int_equal(value(0, FIELD_SUM_SELF), 2000);
	assert_int_equal(value(0, FIELD_PSS_AGE), 0);
	assert_int_equal(value(0, FIELD_LOOSE_ANON), (50 - 25) << 20);
	/* Two quarters, rounded down each: 5 and 7.5 MiB. */
	assert_int_equal(value(0, FIELD_LOOSE_SHMEM), (30 << 20) - (12 * 1024 + 512) * 1024);
	assert_int_equal(value(0, FIELD_RESIDUAL), 100 << 20);
	assert_false(record_has(&out[0], FIELD_NO_CGROUP));
}

/* A value that was not read at a tick keeps its newest, and a PSS its age; too old, it is none. */
static void ages(void **state)
{
	(void)state;
	put_sample(0, 100, 40 * MIB, 20 * MIB);
	for (uint64_t tick = 100; tick <= 112; tick++) {
		if (tick > 100)
			put_sample(0, tick, 41 * MIB, -1);
		put_tick(tick, 1, 1, 1, 1);
	}
	run_until(113);
	assert_int_equal(out_count, 13);
	for (size_t i = 0; i <= 10; i++) {
		assert_int_equal(value(i, FIELD_SUM_PSS), 20 * MIB);
		assert_int_equal(value(i, FIELD_PSS_AGE), i * 100000000);
		assert_int_equal(out[i].reason[SOURCE_TREE_PSS], REASON_OK);
	}
	for (size_t i = 11; i <= 12; i++) {
		assert_false(record_has(&out[i], FIELD_SUM_PSS));
		assert_false(record_has(&out[i], FIELD_LOOSE_ANON));
		assert_int_equal(out[i].reason[SOURCE_TREE_PSS], REASON_STALE);
		assert_int_equal(value(i, FIELD_SUM_RSS), 41 * MIB);
	}
}

/* One process without a PSS makes the sum unknown, not smaller. */
static void part_unknown(void **state)
{
	(void)state;
	put_sample(0, 100, 40 * MIB, 20 * MIB);
	put_sample(1, 100, 10 * MIB, -1);
	put_tick(100, 1, 1, 1, 1);
	run_until(101);
	assert_false(record_has(&out[0], FIELD_SUM_PSS));
	assert_int_equal(value(0, FIELD_SUM_RSS), 50 * MIB);
}

static void gone(void **state)
{
	(void)state;
	put_sample(0, 100, 40 * MIB, 20 * MIB);
	put_sample(1, 100, 60 * MIB, 30 * MIB);
	for (uint64_t tick = 100; tick < 104; tick++)
		put_tick(tick, 1, 1, 1, 1);
	merge_gone(&merge, &processes[1], 101);
	run_until(104);
	assert_int_equal(value(0, FIELD_SUM_RSS), 100 * MIB);
	assert_int_equal(value(1, FIELD_SUM_RSS), 100 * MIB);
	assert_int_equal(value(2, FIELD_SUM_RSS), 40 * MIB);
	assert_int_equal(value(2, FIELD_PROCESSES), 1);
	/* Its end is told twice, and the other's: nobody is there, and all is known of nobody. */
	merge_gone(&merge, &processes[1], 104);
	merge_gone(&merge, &processes[0], 104);
	put_tick(105, 7, 5, 1, 1);
	run_until(106);
	assert_int_equal(value(0, FIELD_PROCESSES), 0);
	assert_int_equal(value(0, FIELD_SUM_RSS), 0);
	assert_int_equal(value(0, FIELD_SUM_PSS), 0);
	assert_int_equal(value(0, FIELD_LOOSE_ANON), 5);
}

/* The old image's connection ends, and the new image's sample is of the tick of that end. */
static void exec_in_a_tick(void **state)
{
	(void)state;
	put_sample(0, 100, 40 * MIB, 20 * MIB);
	merge_gone(&merge, &processes[0], 100);
	put_sample(0, 101, 5 * MIB, -1);
	put_tick(100, 1, 1, 1, 1);
	put_tick(101, 1, 1, 1, 1);
	run_until(102);
	assert_int_equal(value(0, FIELD_SUM_RSS), 40 * MIB);
	assert_int_equal(value(1, FIELD_PROCESSES), 1);
	assert_int_equal(value(1, FIELD_SUM_RSS), 5 * MIB);
	/* The old image's PSS is not the new one's. */
	assert_false(record_has(&out[1], FIELD_SUM_PSS));
}

/* Samples come in any order; a tick waits for until, and what is of a later one with it. */
static void order(void **state)
{
	(void)state;
	put_sample(0, 102, 3 * MIB, 3 * MIB);
	put_sample(0, 100, 1 * MIB, 1 * MIB);
	put_sample(0, 101, 2 * MIB, 2 * MIB);
	for (uint64_t tick = 99; tick < 103; tick++)
		put_tick(tick, 1, 1, 1, 1);
	run_until(101);
	assert_int_equal(out_count, 2);
	assert_int_equal(value(0, FIELD_PROCESSES), 0);
	assert_int_equal(value(1, FIELD_SUM_RSS), 1 * MIB);
	run_until(UINT64_MAX);
	assert_int_equal(out_count, 2);
	assert_int_equal(out[0].tick, 101);
	assert_int_equal(value(0, FIELD_SUM_RSS), 2 * MIB);
	assert_int_equal(value(1, FIELD_SUM_RSS), 3 * MIB);
	/* Later than its tick was completed: it counts from the next one on. */
	put_sample(1, 101, 8 * MIB, 8 * MIB);
	put_tick(103, 1, 1, 1, 1);
	run_until(UINT64_MAX);
	assert_int_equal(value(0, FIELD_SUM_RSS), 11 * MIB);
}

/* The kernel of v1 has other fields for the same, and may lack that of its own memory. */
static void legacy(void **state)
{
	struct record row;

	(void)state;
	record_init(&row);
	row.tick = 100;
	record_set(&row, FIELD_V1_USAGE, 1000);
	record_set(&row, FIELD_V1_ANON, 500);
	record_set(&row, FIELD_V1_FILE, 200);
	merge_tick(&merge, &row);
	row.tick = 101;
	record_set(&row, FIELD_V1_KERNEL, 100);
	merge_tick(&merge, &row);
	run_until(102);
	assert_false(record_has(&out[0], FIELD_RESIDUAL));
	assert_int_equal(out[0].reason[SOURCE_BALANCE], REASON_ABSENT);
	assert_int_equal(value(0, FIELD_LOOSE_ANON), 500);
	assert_false(record_has(&out[0], FIELD_LOOSE_SHMEM));
	assert_int_equal(value(1, FIELD_RESIDUAL), 200);
	assert_int_equal(out[1].reason[SOURCE_BALANCE], REASON_OK);
}

/* A sample with a heap: so much is live, with that error, and twice, thrice of the others. */
static struct record heap_sample(uint64_t tick, int64_t live, int64_t se)
{
	struct record rec;

	record_init(&rec);
	rec.tick = tick;
	record_set(&rec, FIELD_RSS, 10);
	rec.reason[SOURCE_HEAP] = REASON_OK;
	record_set(&rec, FIELD_HEAP_LIVE, live);
	record_set(&rec, FIELD_HEAP_LIVE_SE, se);
	record_set(&rec, FIELD_HEAP_INHERITED, 2 * live);
	record_set(&rec, FIELD_HEAP_MAPPED, 3 * live);
	rec.reason[SOURCE_AREAS] = REASON_NOT_DUE;
	return rec;
}

static void put_heap(unsigned who, uint64_t tick, int64_t live, int64_t se)
{
	struct record rec = heap_sample(tick, live, se);

	merge_sample(&merge, &processes[who], &rec);
}

/* One that tells what memory is for: so much is slack, and twice, thrice of the others. */
static void put_areas(unsigned who, uint64_t tick, int64_t slack)
{
	struct record rec = heap_sample(tick, 1000, 1);

	rec.reason[SOURCE_AREAS] = REASON_OK;
	record_set(&rec, FIELD_HEAP_SLACK, slack);
	record_set(&rec, FIELD_HEAP_STACKS, 2 * slack);
	record_set(&rec, FIELD_HEAP_REST, 3 * slack);
	merge_sample(&merge, &processes[who], &rec);
}

/* Sums over those that tell of a heap; of its error the root of the squares' sum. */
static void heaps(void **state)
{
	(void)state;
	put_sample(2, 100, 40 * MIB, 20 * MIB);
	put_tick(100, 1, 1, 1, 1);
	put_heap(0, 101, 1000000, 3000);
	put_heap(1, 101, 500000, 4000);
	put_tick(101, 1, 1, 1, 1);
	run_until(102);
	/* Nobody has one, and that is no news. */
	assert_int_equal(out[0].reason[SOURCE_TREE_HEAP], REASON_UNKNOWN);
	assert_false(record_has(&out[0], FIELD_SUM_LIVE));
	assert_int_equal(out[1].reason[SOURCE_TREE_HEAP], REASON_OK);
	assert_int_equal(value(1, FIELD_SUM_LIVE), 1500000);
	assert_int_equal(value(1, FIELD_SUM_LIVE_SE), 5000);
	assert_int_equal(value(1, FIELD_SUM_INHERITED), 3000000);
	assert_int_equal(value(1, FIELD_SUM_MAPPED), 4500000);
	/* One ends; and of nothing there is no error. */
	merge_gone(&merge, &processes[0], 101);
	put_heap(1, 102, 700, 0);
	put_tick(102, 1, 1, 1, 1);
	run_until(103);
	assert_int_equal(value(0, FIELD_SUM_LIVE), 700);
	assert_int_equal(value(0, FIELD_SUM_LIVE_SE), 0);
	merge_gone(&merge, &processes[1], 102);
	put_tick(103, 1, 1, 1, 1);
	run_until(104);
	assert_int_equal(out[0].reason[SOURCE_TREE_HEAP], REASON_UNKNOWN);
	assert_int_equal(value(0, FIELD_PROCESSES), 1);
}

/* What was not told at a tick is as it was, for a second; a part that is too old makes the sum unknown. */
static void old_heaps(void **state)
{
	(void)state;
	put_heap(0, 100, 1000, 1);
	for (uint64_t tick = 100; tick <= 112; tick++) {
		if (tick > 100)
			put_sample(0, tick, 41 * MIB, -1);
		put_heap(1, tick, 10, 1);
		put_tick(tick, 1, 1, 1, 1);
	}
	run_until(113);
	assert_int_equal(out_count, 13);
	for (size_t i = 0; i <= 10; i++)
		assert_int_equal(value(i, FIELD_SUM_LIVE), 1010);
	for (size_t i = 11; i <= 12; i++) {
		assert_false(record_has(&out[i], FIELD_SUM_LIVE));
		assert_int_equal(out[i].reason[SOURCE_TREE_HEAP], REASON_STALE);
	}
}

/* One field that one does not know makes that sum unknown, not smaller; the others are as they are. */
static void part_of_heap(void **state)
{
	struct record rec;

	(void)state;
	record_init(&rec);
	rec.tick = 100;
	rec.reason[SOURCE_HEAP] = REASON_OK;
	record_set(&rec, FIELD_HEAP_LIVE, 5);
	record_set(&rec, FIELD_HEAP_LIVE_SE, INT64_MAX);
	merge_sample(&merge, &processes[0], &rec);
	put_heap(1, 100, 1000, INT64_MIN);
	put_tick(100, 1, 1, 1, 1);
	run_until(101);
	assert_int_equal(value(0, FIELD_SUM_LIVE), 1005);
	assert_int_equal(value(0, FIELD_SUM_LIVE_SE), INT64_MAX);
	assert_false(record_has(&out[0], FIELD_SUM_INHERITED));
	assert_false(record_has(&out[0], FIELD_SUM_MAPPED));
	/* Nor is what else is resident smaller. */
	record_init(&rec);
	rec.tick = 101;
	rec.reason[SOURCE_AREAS] = REASON_OK;
	record_set(&rec, FIELD_HEAP_SLACK, 7);
	merge_sample(&merge, &processes[0], &rec);
	put_areas(1, 101, 10);
	put_tick(101, 1, 1, 1, 1);
	run_until(102);
	assert_int_equal(value(0, FIELD_SUM_SLACK), 17);
	assert_false(record_has(&out[0], FIELD_SUM_STACKS));
	assert_false(record_has(&out[0], FIELD_SUM_REST));
}

/* What memory is for: of all that tell a heap, within a second. */
static void areas(void **state)
{
	(void)state;
	put_sample(2, 100, 40 * MIB, 20 * MIB);
	put_tick(100, 1, 1, 1, 1);
	put_areas(0, 101, 5000);
	put_heap(1, 101, 10, 1);
	put_tick(101, 1, 1, 1, 1);
	/* Allocated, and never touched. */
	put_areas(1, 102, -3000);
	for (uint64_t tick = 102; tick <= 112; tick++) {
		put_heap(0, tick, 10, 1);
		put_tick(tick, 1, 1, 1, 1);
	}
	put_areas(0, 113, 100);
	put_tick(113, 1, 1, 1, 1);
	run_until(114);
	assert_int_equal(out_count, 14);
	assert_int_equal(out[0].reason[SOURCE_TREE_AREAS], REASON_UNKNOWN);
	assert_int_equal(out[1].reason[SOURCE_TREE_AREAS], REASON_STALE);
	assert_int_equal(value(1, FIELD_SUM_LIVE), 1010);
	for (size_t i = 2; i <= 11; i++) {
		assert_int_equal(out[i].reason[SOURCE_TREE_AREAS], REASON_OK);
		assert_int_equal(value(i, FIELD_SUM_SLACK), 2000);
		assert_int_equal(value(i, FIELD_SUM_STACKS), 4000);
		assert_int_equal(value(i, FIELD_SUM_REST), 6000);
	}
	assert_int_equal(out[12].reason[SOURCE_TREE_AREAS], REASON_STALE);
	assert_false(record_has(&out[12], FIELD_SUM_SLACK));
	assert_int_equal(value(12, FIELD_SUM_LIVE), 1010);
	/* The other's is too old now. */
	assert_int_equal(out[13].reason[SOURCE_TREE_AREAS], REASON_STALE);
	merge_gone(&merge, &processes[1], 113);
	put_tick(114, 1, 1, 1, 1);
	run_until(115);
	assert_int_equal(value(0, FIELD_SUM_SLACK), 100);
	merge_gone(&merge, &processes[0], 114);
	put_tick(115, 1, 1, 1, 1);
	run_until(116);
	assert_int_equal(out[0].reason[SOURCE_TREE_AREAS], REASON_UNKNOWN);
}

/* Without a cgroup the sum of RSS is all there is. */
static void no_cgroup(void **state)
{
	struct record row;

	(void)state;
	put_sample(0, 100, 40 * MIB, 20 * MIB);
	record_init(&row);
	row.tick = 100;
	merge_tick(&merge, &row);
	run_until(101);
	assert_int_equal(value(0, FIELD_NO_CGROUP), 40 * MIB);
	assert_int_equal(value(0, FIELD_SUM_PSS), 20 * MIB);
	assert_false(record_has(&out[0], FIELD_LOOSE_ANON));
	assert_false(record_has(&out[0], FIELD_RESIDUAL));
}

/* A peer's numbers are its own: whatever they are, they are added without overflow. */
static void any_numbers(void **state)
{
	(void)state;
	for (uint64_t tick = 100; tick < 1100; tick++) {
		struct record rec;

		record_init(&rec);
		rec.tick = tick - unit_below(3);
		rec.reason[SOURCE_HEAP] = (uint8_t)unit_below(2);
		rec.reason[SOURCE_AREAS] = (uint8_t)unit_below(2);
		for (unsigned i = 0; i < FIELD_MAX; i++)
			if (field_table[i].known && unit_below(2))
				record_set(&rec, i, unit_value());
		merge_sample(&merge, &processes[unit_below(4)], &rec);
		if (unit_below(8) == 0)
			merge_gone(&merge, &processes[unit_below(4)], tick);
		put_tick(tick, unit_value(), unit_value(), unit_value(), unit_value());
	}
	run_until(UINT64_MAX);
	assert_int_equal(out_count, 1000);
}

/* Many at once: each counts once, and all can go again. */
static void many(void **state)
{
	enum { MANY = 5000 };
	struct process *all = calloc(MANY, sizeof(*all));
	struct record rec;

	(void)state;
	assert_non_null(all);
	record_init(&rec);
	rec.tick = 100;
	record_set(&rec, FIELD_RSS, 3);
	for (size_t i = 0; i < MANY; i++)
		merge_sample(&merge, &all[i], &rec);
	for (size_t i = 0; i < MANY; i += 2)
		merge_gone(&merge, &all[i], 100);
	put_tick(100, 1, 1, 1, 1);
	put_tick(101, 1, 1, 1, 1);
	for (size_t i = 1; i < MANY; i += 2)
		merge_gone(&merge, &all[i], 101);
	put_tick(102, 1, 1, 1, 1);
	run_until(UINT64_MAX);
	assert_int_equal(value(0, FIELD_PROCESSES), MANY);
	assert_int_equal(value(0, FIELD_SUM_RSS), 3 * MANY);
	assert_int_equal(value(1, FIELD_PROCESSES), MANY / 2);
	assert_int_equal(value(1, FIELD_SUM_RSS), 3 * MANY / 2);
	assert_int_equal(value(2, FIELD_PROCESSES), 0);
	merge_done(&merge);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sums, setup, teardown),
		cmocka_unit_test_setup_teardown(ages, setup, teardown),
		cmocka_unit_test_setup_teardown(part_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(gone, setup, teardown),
		cmocka_unit_test_setup_teardown(exec_in_a_tick, setup, teardown),
		cmocka_unit_test_setup_teardown(order, setup, teardown),
		cmocka_unit_test_setup_teardown(legacy, setup, teardown),
		cmocka_unit_test_setup_teardown(heaps, setup, teardown),
		cmocka_unit_test_setup_teardown(old_heaps, setup, teardown),
		cmocka_unit_test_setup_teardown(part_of_heap, setup, teardown),
		cmocka_unit_test_setup_teardown(areas, setup, teardown),
		cmocka_unit_test_setup_teardown(no_cgroup, setup, teardown),
		cmocka_unit_test_setup_teardown(any_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(many, setup, teardown),
	};

	unit_random_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
