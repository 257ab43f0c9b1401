/* SPDX-License-Identifier: ISC */
/* The two limits of smaps_rollup: what a walk may be predicted to take, and what all may. */
#include "tests/unit/unit.h"

#include "core/rollup.h"

#define MIB_KIB 1024
#define MS	1000000ull
/* Where nothing moves. */
#define IDLE_MS 500
#define LATER	(1ull << 60)

static const struct rollup_limits usual = {.stall_ns = 10 * MS, .budget_ppm = 10000, .live = 1};

static struct record with_rss(int64_t kib)
{
	struct record rec;

	record_init(&rec);
	if (kib >= 0)
		record_set(&rec, FIELD_RSS, kib);
	return rec;
}

static enum reason asked(const struct rollup *last, int64_t rss_kib, uint64_t now_ns,
			 struct rollup_limits limits)
{
	struct record rec = with_rss(rss_kib);

	return rollup_reason(last, &rec, now_ns, &limits);
}

/* The smallest stall limit under which a walk is allowed: what it is predicted to take. */
static uint64_t predicted(struct rollup last, int64_t rss_kib)
{
	struct rollup_limits limits = usual;
	uint64_t low = 0, high = 1000000 * MS;

	while (low < high) {
		limits.stall_ns = low + (high - low) / 2;
		if (asked(&last, rss_kib, LATER, limits) == REASON_OK)
			high = limits.stall_ns;
		else
			low = limits.stall_ns + 1;
	}
	return low;
}

static void first(void **state)
{
	static const struct rollup none;

	(void)state;
	assert_int_equal(predicted(none, 100 * MIB_KIB), 100 * 12000);
	/* No walk is for nothing, also where the size is not known. */
	assert_int_equal(predicted(none, 0), 10000);
	assert_int_equal(predicted(none, -1), 10000);
	assert_int_equal(asked(&none, 833 * MIB_KIB, 0, usual), REASON_OK);
	assert_int_equal(asked(&none, 834 * MIB_KIB, 0, usual), REASON_STALL);
}

static void as_measured(void **state)
{
	/* 20 us per MiB, where it was large enough to tell; where not, new memory is as usual. */
	static const struct rollup large = {.cost_ns = 2 * MS, .rss_kib = 100 * MIB_KIB};
	static const struct rollup small = {.cost_ns = 300000, .rss_kib = 3 * MIB_KIB};
	static const struct rollup cheap = {.cost_ns = MS / 10, .rss_kib = 100 * MIB_KIB};

	(void)state;
	assert_int_equal(predicted(large, 100 * MIB_KIB), 2 * MS);
	assert_int_equal(predicted(large, 50 * MIB_KIB), 1 * MS);
	assert_int_equal(predicted(large, 200 * MIB_KIB), 4 * MS);
	assert_int_equal(predicted(small, 103 * MIB_KIB), 300000 + 100 * 12000);
	assert_int_equal(predicted(cheap, 200 * MIB_KIB), MS / 10 + 100 * 12000);
	assert_int_equal(predicted(cheap, 1 * MIB_KIB), 10000);
}

static void not_due(void **state)
{
	static const struct rollup last = {
		.cost_ns = MS, .rss_kib = 100 * MIB_KIB, .walked_ns = 500};
	const uint64_t due = 500 + IDLE_MS * MS;
	struct rollup_limits limits = usual;

	(void)state;
	assert_int_equal(asked(&last, MIB_KIB, 499, limits), REASON_NOT_DUE);
	assert_int_equal(asked(&last, MIB_KIB, due - 1, limits), REASON_NOT_DUE);
	assert_int_equal(asked(&last, MIB_KIB, due, limits), REASON_OK);
	limits.budget_ppm = 0;
	assert_int_equal(asked(&last, MIB_KIB, due, limits), REASON_NOT_DUE);
	limits = usual;
	limits.live = 0;
	assert_int_equal(asked(&last, MIB_KIB, due, limits), REASON_NOT_DUE);
	limits = usual;
	limits.stall_ns = 0;
	assert_int_equal(asked(&last, MIB_KIB, due, limits), REASON_STALL);
	/* What is not due is not too dear, either. */
	assert_int_equal(asked(&last, MIB_KIB, due - 1, limits), REASON_NOT_DUE);
}

/* Whether it rests for so long, and no longer, after a walk; its memory moves. */
static bool rests_for(uint64_t ns, uint64_t cost_ns, uint64_t budget_ppm, uint32_t live)
{
	struct rollup_limits limits = {
		.stall_ns = UINT64_MAX, .budget_ppm = budget_ppm, .live = live};
	struct record rec = with_rss(5);
	struct rollup last = {0};

	rollup_done(&last, &rec, cost_ns, 1000);
	record_set(&rec, FIELD_RSS_ANON, 1000);
	return rollup_reason(&last, &rec, 1000 + ns - 1, &limits) == REASON_NOT_DUE &&
	       rollup_reason(&last, &rec, 1000 + ns, &limits) == REASON_OK;
}

static void rests(void **state)
{
	(void)state;
	/* One process has half of the budget. */
	assert_true(rests_for(200 * MS, MS, 10000, 1));
	assert_true(rests_for(200 * MS, MS, 10000, 2));
	assert_true(rests_for(5000 * MS, MS, 10000, 50));
	assert_true(rests_for(2 * MS, MS, 1000000, 1));
	assert_true(rests_for(666, 10, 30000, 1));
	/* Ten seconds each of ten thousand: their product with a million takes 67 bits. */
	assert_true(rests_for(10000000000 * MS, 10000 * MS, 10000, 10000));
}

/* What hardly changes is walked twice a second; what does, as the limits say. */
static void idle(void **state)
{
	struct record rec = with_rss(100 * MIB_KIB);
	struct rollup last = {0};

	(void)state;
	record_set(&rec, FIELD_RSS_ANON, 60 * MIB_KIB);
	record_set(&rec, FIELD_RSS_FILE, 40 * MIB_KIB);
	rollup_done(&last, &rec, MS / 10, 1000);
	assert_int_equal(rollup_reason(&last, &rec, 1000 + 499 * MS, &usual), REASON_NOT_DUE);
	assert_int_equal(rollup_reason(&last, &rec, 1000 + 500 * MS, &usual), REASON_OK);
	record_set(&rec, FIELD_RSS_ANON, 60 * MIB_KIB + 700);
	assert_int_equal(rollup_reason(&last, &rec, 1000 + 100 * MS, &usual), REASON_NOT_DUE);
	/* As large as before, but other memory. */
	record_set(&rec, FIELD_RSS_FILE, 39 * MIB_KIB);
	assert_int_equal(rollup_reason(&last, &rec, 1000 + 100 * MS, &usual), REASON_OK);
	assert_int_equal(rollup_reason(&last, &rec, 1000 + 9 * MS, &usual), REASON_NOT_DUE);
}

static void done(void **state)
{
	struct record rec = with_rss(5);
	struct rollup last = {0};

	(void)state;
	rec.reason[SOURCE_ROLLUP] = REASON_OK;
	rollup_done(&last, &rec, 77, 1000);
	assert_int_equal(last.cost_ns, 77);
	assert_int_equal(last.rss_kib, 5);
	assert_int_equal(last.walked_ns, 1000);
	assert_true(record_has(&rec, FIELD_ROLLUP_COST));
	assert_int_equal(rec.value[FIELD_ROLLUP_COST], 77);

	/* What was refused took its time, too, but there is no row for it. */
	rec = with_rss(5);
	rec.reason[SOURCE_ROLLUP] = REASON_DENIED;
	rollup_done(&last, &rec, 88, 1000);
	assert_int_equal(last.cost_ns, 88);
	assert_false(record_has(&rec, FIELD_ROLLUP_COST));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first), cmocka_unit_test(as_measured), cmocka_unit_test(not_due),
		cmocka_unit_test(rests), cmocka_unit_test(idle),	cmocka_unit_test(done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
