/* SPDX-License-Identifier: ISC */
/* What of the heap stands in the summary as that of the peak. */
#include "tests/unit/unit.h"

#include "collector/peak.h"

#define SECOND 1000000000ull

static struct peak peak;
static struct record row, summary;

static int setup(void **state)
{
	(void)state;
	memset(&peak, 0, sizeof(peak));
	record_init(&row);
	record_init(&summary);
	record_set(&row, FIELD_SUM_RSS, 1000);
	record_set(&row, FIELD_SUM_RSS_ANON, 600);
	record_set(&row, FIELD_SUM_RSS_SHMEM, 100);
	return 0;
}

/* So much is live, and slack; -1: stale. */
static void heap_is(int64_t live, int64_t slack)
{
	record_drop(&row, SOURCE_TREE_HEAP, live < 0 ? REASON_STALE : REASON_OK);
	record_drop(&row, SOURCE_TREE_AREAS, slack < 0 ? REASON_STALE : REASON_OK);
	if (live >= 0) {
		record_set(&row, FIELD_SUM_LIVE, live);
		record_set(&row, FIELD_SUM_LIVE_SE, live / 10);
		record_set(&row, FIELD_SUM_INHERITED, live / 5);
	}
	if (slack >= 0) {
		record_set(&row, FIELD_SUM_SLACK, slack);
		record_set(&row, FIELD_SUM_STACKS, slack * 2);
		record_set(&row, FIELD_SUM_REST, slack * 3);
	}
}

static void next(uint64_t now_ns)
{
	peak_note_heap(&peak, &row, now_ns);
}

static void tell(uint64_t now_ns)
{
	next(now_ns);
	peak_tell_heap(&peak, &row, now_ns, &summary);
}

static void is(unsigned field, int64_t value)
{
	if (!record_has(&summary, field))
		fail_msg("the summary has no %s", field_table[field].column);
	assert_int_equal(record_scaled(&summary, field), value);
}

static void is_empty(void)
{
	for (unsigned i = 0; i < FIELD_MAX / 64; i++)
		assert_int_equal(summary.present[i], 0);
}

/* Without hooks nobody tells of a heap: the summary is as it always was. */
static void no_heap(void **state)
{
	(void)state;
	tell(SECOND);
	is_empty();
}

static void of_the_row(void **state)
{
	(void)state;
	heap_is(500, 70);
	next(SECOND);
	heap_is(1000, 80);
	tell(SECOND + 1);
	is(FIELD_PEAK_LIVE, 1000);
	is(FIELD_PEAK_LIVE_SE, 100);
	is(FIELD_PEAK_INHERITED, 200);
	is(FIELD_PEAK_SLACK, 80);
	is(FIELD_PEAK_STACKS, 160);
	is(FIELD_PEAK_REST, 240);
	is(FIELD_PEAK_RSS, 1000 << 10);
	is(FIELD_PEAK_RSS_FILE, 300 << 10);
	is(FIELD_PEAK_RSS_SHMEM, 100 << 10);
}

/* What is stale there is the newest known, for a second; then it is nothing, not an earlier peak's. */
static void stale(void **state)
{
	(void)state;
	heap_is(1000, 80);
	tell(SECOND);
	heap_is(2000, -1);
	tell(2 * SECOND);
	is(FIELD_PEAK_LIVE, 2000);
	is(FIELD_PEAK_SLACK, 80);
	is(FIELD_PEAK_REST, 240);
	tell(2 * SECOND + 1);
	is(FIELD_PEAK_LIVE, 2000);
	assert_false(record_has(&summary, FIELD_PEAK_SLACK));
	assert_false(record_has(&summary, FIELD_PEAK_STACKS));
	assert_false(record_has(&summary, FIELD_PEAK_REST));
	heap_is(-1, -1);
	tell(3 * SECOND + 1);
	is(FIELD_PEAK_LIVE, 2000);
	is(FIELD_PEAK_RSS, 1000 << 10);
	tell(3 * SECOND + 2);
	is_empty();
}

/* A field that one process does not know is not stale; nor is the heap of those that have ended. */
static void unknown(void **state)
{
	(void)state;
	heap_is(1000, 80);
	tell(SECOND);
	record_unset(&row, FIELD_SUM_INHERITED);
	tell(SECOND + 1);
	is(FIELD_PEAK_LIVE, 1000);
	assert_false(record_has(&summary, FIELD_PEAK_INHERITED));
	record_drop(&row, SOURCE_TREE_HEAP, REASON_UNKNOWN);
	record_drop(&row, SOURCE_TREE_AREAS, REASON_UNKNOWN);
	tell(SECOND + 2);
	is_empty();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_heap, setup),
		cmocka_unit_test_setup(of_the_row, setup),
		cmocka_unit_test_setup(stale, setup),
		cmocka_unit_test_setup(unknown, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
