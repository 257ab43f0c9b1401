/* SPDX-License-Identifier: ISC */
/* CPython's allocator in bytes: its state among others, arenas and pools of both sizes, and what is none. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "collector/runtimes/python/obmalloc.h"

#define ADDRESS UINT64_C(0x7f0000000000)
#define TABLE	UINT64_C(0x7f1234560000)
#define ENTRY	OBMALLOC_ENTRY_SIZE
#define WORDS	1024u

static uint64_t words[WORDS];

/* 3.12's struct _obmalloc_mgmt, of arenas of so many pools. */
static void put(unsigned at, unsigned pools)
{
	words[at] = TABLE;
	words[at + 1] = 64;
	words[at + 2] = TABLE + 40 * ENTRY;
	words[at + 3] = TABLE + 2 * ENTRY;
	words[at + 4 + pools] = TABLE + 63 * ENTRY;
	words[at + 5 + pools] = 40; /* count, times, most */
	words[at + 6 + pools] = 50;
	words[at + 7 + pools] = 45;
}

static int find(struct obmalloc_places *ret)
{
	return obmalloc_find((const uint8_t *)words, sizeof(words), ADDRESS, ret);
}

static int setup(void **state)
{
	(void)state;
	memset(words, 0, sizeof(words));
	return 0;
}

static void finds(void **state)
{
	static const unsigned pools[] = {64, 256};
	struct obmalloc_places places;

	for (size_t i = 0; i < UNIT_COUNT(pools); i++) {
		setup(state);
		assert_int_equal(find(&places), -EAGAIN);
		put(100, pools[i]);
		assert_int_equal(find(&places), 0);
		assert_int_equal(places.arenas, ADDRESS + 800);
		assert_int_equal(places.max, ADDRESS + 808);
		assert_int_equal(places.count, ADDRESS + 8 * (105 + pools[i]));
		put(500, pools[i]);
		assert_int_equal(find(&places), -ENOTUNIQ);
	}
	/* The last that fits, and one that does not. */
	setup(state);
	put(WORDS - 72, 64);
	assert_int_equal(find(&places), 0);
	setup(state);
	put(WORDS - 71 - 1, 64);
	assert_int_equal(obmalloc_find((const uint8_t *)words, sizeof(words) - 8, ADDRESS, &places),
			 -EAGAIN);
}

/* One word otherwise, and it is none. */
static void finds_none(void **state)
{
	static const struct {
		unsigned at;
		uint64_t value;
	} wrong[] = {
		{0, 0},
		{0, TABLE + 4},
		{1, 8},
		{1, 65},
		{1, 64 + ((uint64_t)1 << 32)},
		{1, OBMALLOC_ARENAS_MAX * 2},
		{2, TABLE + 64 * ENTRY},
		{2, TABLE + 1},
		{3, TABLE - ENTRY},
		{40, 7},
		{69, 0},
		{69, 46},
		{70, 44},
		{71, 65},
	};
	struct obmalloc_places places;

	for (size_t i = 0; i < UNIT_COUNT(wrong); i++) {
		setup(state);
		put(0, 64);
		assert_int_equal(find(&places), 0);
		words[wrong[i].at] = wrong[i].value;
		assert_int_equal(find(&places), -EAGAIN);
	}
}

static void heads(void **state)
{
	struct obmalloc_head none = {0, 0, 0}, good = {TABLE, 3, 16};

	(void)state;
	assert_true(obmalloc_is_head(&none));
	assert_true(obmalloc_is_head(&good));
	none.count = 1;
	assert_false(obmalloc_is_head(&none));
	good.count = 17;
	assert_false(obmalloc_is_head(&good));
}

static void arenas(void **state)
{
	struct {
		uint64_t address, unused;
		uint32_t free, pools;
		uint64_t links[3];
	} table[2] = {{0}, {.address = 0x1000, .unused = 0x10000, .free = 60, .pools = 63}};
	struct obmalloc_arena arena;

	(void)state;
	assert_int_equal(sizeof(table[0]), ENTRY);
	assert_true(obmalloc_arena((const uint8_t *)table, 0, &arena));
	assert_int_equal(arena.address, 0);
	assert_true(obmalloc_arena((const uint8_t *)table, 1, &arena));
	assert_int_equal(obmalloc_first_pool(&arena, 4096), 0x1000);
	assert_int_equal(obmalloc_first_pool(&arena, 16384), 0x4000);
	assert_int_equal(obmalloc_used_pools(&arena, 4096), 15);
	assert_int_equal(obmalloc_used_pools(&arena, 16384), 3);
	assert_int_equal(obmalloc_arena_bytes(&arena, 16384), 1 << 20);
	assert_int_equal(obmalloc_arena_bytes(&arena, 4096), 63 * 4096);
	arena.unused = 0x9000;
	assert_int_equal(obmalloc_used_pools(&arena, 16384), UINT64_MAX);
	table[1].free = 64;
	assert_false(obmalloc_arena((const uint8_t *)table, 1, &arena));
	table[1].free = 0;
	table[1].unused = 0;
	assert_false(obmalloc_arena((const uint8_t *)table, 1, &arena));
}

static void pools(void **state)
{
	uint32_t pool[12] = {[8] = 7, [9] = 3, [11] = 16384 - 64};

	(void)state;
	assert_int_equal(obmalloc_pool_size((const uint8_t *)pool, 7), 16384);
	assert_int_equal(obmalloc_pool_size((const uint8_t *)pool, 8), 0);
	pool[11] = 4096 - 64;
	assert_int_equal(obmalloc_pool_size((const uint8_t *)pool, 7), 4096);
	pool[11] = 4096 - 32; /* blocks are multiples of 8 */
	assert_int_equal(obmalloc_pool_size((const uint8_t *)pool, 7), 4096);
	pool[11] = 4096 - 48;
	assert_int_equal(obmalloc_pool_size((const uint8_t *)pool, 7), 0);
	pool[9] = UINT32_MAX;
	pool[11] = 4096;
	assert_int_equal(obmalloc_pool_size((const uint8_t *)pool, 7), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(finds, setup),
		cmocka_unit_test_setup(finds_none, setup),
		cmocka_unit_test(heads),
		cmocka_unit_test(arenas),
		cmocka_unit_test(pools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
