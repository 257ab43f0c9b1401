/* SPDX-License-Identifier: ISC */
/* What is reckoned of a Go runtime's memory: one that is made up, in our own. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <unistd.h>

#include "collector/runtimes/go/memory.h"
#include "collector/runtimes/go/memstats.h"
#include "tests/unit/godwarf_make.h"

#define PROCESSORS 3
#define PLACES	   136 /* of an mcache: two for each class */
#define STRUCT_MAX 16384

/* Its structures, laid out as the layout says. */
struct world {
	struct go_layout layout;
	struct go_memory memory;
	uint8_t mstats[STRUCT_MAX], controller[STRUCT_MAX], heap[STRUCT_MAX], sched[STRUCT_MAX];
	uint8_t p[PROCESSORS][STRUCT_MAX], cache[PROCESSORS][STRUCT_MAX];
	uint8_t span[2][STRUCT_MAX], empty[STRUCT_MAX];
	uint64_t list[PROCESSORS], allp[3], allglen;
};

static struct world w;
static struct go_memstats stats;

static void put(uint8_t *to, enum go_member member, uint64_t value)
{
	assert_true(w.layout.has[member]);
	memcpy(to + w.layout.member[member], &value, 8);
}

/* In one of the three heapStatsDelta. */
static void put_delta(unsigned which, enum go_member member, unsigned i, uint64_t value)
{
	put(w.mstats + w.layout.member[GO_STATS] + which * w.layout.member[GO_DELTA_SIZE] + i * 8,
	    member, value);
}

static void drop(enum go_member first, enum go_member last)
{
	for (unsigned i = first; i <= last; i++) {
		w.layout.has[i] = false;
		w.layout.member[i] = 0;
	}
}

static uint64_t address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static void make_layout(bool is_new)
{
	static struct go_layout all;
	struct go_make how = {.version = 4};

	if (!all.has[0])
		free(go_make_program(&how, &all).p);
	w.layout = all;
	if (is_new) {
		drop(GO_HEAP_SYS, GO_TINY_ALLOCS);
		drop(GO_HEAP_GOAL, GO_HEAP_GOAL);
		drop(GO_SCHED_FREE_N, GO_SCHED_FREE_N);
		drop(GO_P_FREE_N, GO_P_FREE_N);
	} else {
		drop(GO_NEXT_GC, GO_NEXT_GC);
		drop(GO_GC_HEAP_GOAL, GO_GC_MAPPED_READY);
		drop(GO_MSPAN_COUNT_BEFORE, GO_MSPAN_COUNT_BEFORE);
	}
	w.layout.global[GO_GLOBAL_MEMSTATS] = address(w.mstats);
	w.layout.global[GO_GLOBAL_MHEAP] = address(w.heap);
	w.layout.global[GO_GLOBAL_CONTROLLER] = address(w.controller);
	w.layout.global[GO_GLOBAL_SCHED] = address(w.sched);
	w.layout.global[GO_GLOBAL_ALLP] = address(w.allp);
	w.layout.global[GO_GLOBAL_ALLGLEN] = address(&w.allglen);
	w.layout.global[GO_GLOBAL_EMPTY_SPAN] = address(w.empty);
	assert_null(go_memstats_missing(&w.layout));
}

static void make_processors(void)
{
	for (unsigned i = 0; i < PROCESSORS; i++) {
		w.list[i] = address(w.p[i]);
		put(w.p[i], GO_P_MCACHE, address(w.cache[i]));
		put(w.p[i], w.layout.has[GO_P_FREE_N] ? GO_P_FREE_N : GO_P_FREE_SIZE, i);
		put(w.cache[i], GO_MCACHE_TINY_ALLOCS, 10 * i);
		for (unsigned k = 0; k < PLACES; k++)
			put(w.cache[i] + 8 * k, GO_MCACHE_ALLOC, address(w.empty));
	}
	w.allp[0] = address(w.list);
	w.allp[1] = PROCESSORS;
	w.allp[2] = PROCESSORS;
}

/* Objects of 16 bytes (class 2) without pointers, and of 32768 (the last class). */
static void make_spans(void)
{
	put(w.span[0], GO_MSPAN_ELEM_SIZE, 16);
	put(w.span[0], GO_MSPAN_ELEMS, 512);
	put(w.span[0], GO_MSPAN_COUNT, 500);
	put(w.span[1], GO_MSPAN_ELEM_SIZE, 32768);
	put(w.span[1], GO_MSPAN_ELEMS, 4);
	put(w.span[1], GO_MSPAN_COUNT, 3);
	for (unsigned i = 0; i < 2; i++)
		put(w.span[i], GO_MSPAN_SWEEPGEN, 7);
	if (w.layout.has[GO_MSPAN_COUNT_BEFORE]) {
		put(w.span[0], GO_MSPAN_COUNT_BEFORE, 100);
		put(w.span[1], GO_MSPAN_COUNT_BEFORE, 1);
	}
	/* Counts have two bytes; what follows them is another's. */
	put(w.cache[1] + 8 * 5, GO_MCACHE_ALLOC, address(w.span[0]));
	put(w.cache[2] + 8 * 135, GO_MCACHE_ALLOC, address(w.span[1]));
	/* A processor that has none. */
	put(w.p[0], GO_P_MCACHE, 0);
}

static void make_counters(void)
{
	/* Each in all of the three, one of them less than nothing. */
	for (unsigned i = 0; i < 3; i++) {
		uint64_t n = i == 2 ? (uint64_t)-1 : 2;

		put_delta(i, GO_DELTA_IN_HEAP, 0, n * 1000000);
		put_delta(i, GO_DELTA_RELEASED, 0, n * 100000);
		put_delta(i, GO_DELTA_IN_STACKS, 0, n * 10000);
		put_delta(i, GO_DELTA_IN_WORK_BUFS, 0, n * 1000);
		put_delta(i, GO_DELTA_IN_PTR_BITS, 0, n * 100);
		put_delta(i, GO_DELTA_TINY_ALLOCS, 0, 7);
		put_delta(i, GO_DELTA_LARGE_ALLOC, 0, 50000);
		put_delta(i, GO_DELTA_LARGE_ALLOCS, 0, 1);
		put_delta(i, GO_DELTA_LARGE_FREE, 0, i == 0 ? 50000 : 0);
		put_delta(i, GO_DELTA_LARGE_FREES, 0, i == 0);
		put_delta(i, GO_DELTA_SMALL_ALLOCS, 2, 100);
		put_delta(i, GO_DELTA_SMALL_ALLOCS, 67, 1);
		put_delta(i, GO_DELTA_SMALL_FREES, 2, 20);
	}
	put(w.mstats, GO_STACKS_SYS, 1);
	put(w.mstats, GO_MSPAN_SYS, 2000);
	put(w.mstats, GO_MCACHE_SYS, 3000);
	put(w.mstats, GO_BUCKHASH_SYS, 4000);
	put(w.mstats, GO_GC_MISC_SYS, 5000);
	put(w.mstats, GO_OTHER_SYS, 6000);
	put(w.mstats, GO_NUM_GC, 258);
	put(w.mstats, GO_LAST_GC, 1700000000);
	put(w.mstats + 8, GO_PAUSE_NS, 111);
	put(w.heap, GO_HEAP_SPANS_INUSE, 1600);
	put(w.heap, GO_HEAP_CACHES_INUSE, 2400);
	put(w.sched, GO_SCHED_NGSYS, 5);
	w.allglen = 100;
}

static void make_new(void)
{
	memset(&w, 0, sizeof(w));
	w.memory = (struct go_memory){.pid = getpid()};
	make_layout(true);
	make_processors();
	make_spans();
	make_counters();
	put(w.controller, GO_GC_HEAP_INUSE, 3000000);
	put(w.controller, GO_GC_HEAP_RELEASED, 300000);
	put(w.controller, GO_GC_HEAP_FREE, 700000);
	put(w.controller, GO_GC_TOTAL_ALLOC, 3 * (50000 + 1600 + 32768));
	put(w.controller, GO_GC_TOTAL_FREE, 50000 + 3 * 320);
	put(w.controller, GO_GC_HEAP_GOAL, 4000000);
	put(w.controller, GO_GC_MEMORY_LIMIT, INT64_MAX);
	put(w.controller, GO_GC_TRIGGERED, UINT64_MAX);
	put(w.controller, GO_GC_MAPPED_READY, 4000000);
	put(w.sched, GO_SCHED_FREE_STACK, 6);
	put(w.sched, GO_SCHED_FREE_NO_STACK, 7);
}

/* Up to 1.18: the caches' room has been counted. */
static void make_old(void)
{
	memset(&w, 0, sizeof(w));
	w.memory = (struct go_memory){.pid = getpid()};
	make_layout(false);
	make_processors();
	make_spans();
	make_counters();
	put(w.mstats, GO_HEAP_SYS, 4000000);
	put(w.mstats, GO_HEAP_INUSE, 3000000);
	put(w.mstats, GO_HEAP_RELEASED, 300000);
	put(w.controller, GO_HEAP_GOAL, 4444444);
	put(w.sched, GO_SCHED_FREE_N, 13);
}

static int read_it(void)
{
	return go_memstats_read(&w.layout, 27, &w.memory, &stats);
}

static void check_common(void)
{
	assert_true(stats.is_agreed);
	assert_true(stats.is_still);
	assert_int_equal(stats.heap_sys, 4000000);
	assert_int_equal(stats.heap_idle, 1000000);
	assert_int_equal(stats.heap_inuse, 3000000);
	assert_int_equal(stats.heap_released, 300000);
	assert_int_equal(stats.stack_inuse, 30000);
	assert_int_equal(stats.stack_sys, 30001);
	assert_int_equal(stats.gc_sys, 5000 + 3000 + 300);
	assert_int_equal(stats.sys, 4000000 + 30001 + 2000 + 3000 + 4000 + 8300 + 6000);
	assert_int_equal(stats.mspan_inuse, 1600);
	assert_int_equal(stats.mcache_inuse, 2400);
	assert_int_equal(stats.num_gc, 258);
	assert_int_equal(stats.pause_ns[1], 111);
	/* Those that have ended wait with the scheduler, and with each processor. */
	assert_int_equal(stats.goroutines, 100 - 5 - 13 - 0 - 1 - 2);
	assert_int_equal(stats.heap_objects, stats.mallocs - stats.frees);
	assert_int_equal(stats.alloc, stats.heap_alloc);
	assert_int_equal(stats.frees, 3 * 20 + 1 + 21 + 30);
}

static void test_new(void **state)
{
	(void)state;
	make_new();
	assert_int_equal(read_it(), 0);
	check_common();
	assert_int_equal(stats.total_alloc, 3 * (50000 + 1600 + 32768) + 400 * 16 + 2 * 32768);
	assert_int_equal(stats.heap_alloc, stats.total_alloc - 50000 - 3 * 320);
	assert_int_equal(stats.mallocs, 3 * (1 + 100 + 1) + 21 + 30 + 400 + 2);
	assert_int_equal(stats.next_gc, 4000000);
	assert_int_equal(stats.by_size_count, 68);
	assert_int_equal(stats.by_size[2].size, 16);
	assert_int_equal(stats.by_size[2].mallocs, 300 + 400);
	assert_int_equal(stats.by_size[2].frees, 60);
	assert_int_equal(stats.by_size[67].mallocs, 3 + 2);
}

/* A span that has been given back is in the counters, though it still stands in its cache. */
static void test_leaving(void **state)
{
	(void)state;
	make_new();
	put(w.span[0], GO_MSPAN_SWEEPGEN, 4);
	assert_int_equal(read_it(), 0);
	assert_true(stats.is_agreed);
	assert_int_equal(stats.total_alloc, 3 * (50000 + 1600 + 32768) + 2 * 32768);
	assert_int_equal(stats.by_size[2].mallocs, 300);
}

static void test_old(void **state)
{
	(void)state;
	make_old();
	assert_int_equal(read_it(), 0);
	check_common();
	assert_int_equal(stats.total_alloc, 3 * (50000 + 1600 + 32768) - 12 * 16 - 32768);
	assert_int_equal(stats.mallocs, 3 * (1 + 100 + 1) + 21 + 30 - 12 - 1);
	assert_int_equal(stats.next_gc, 4444444);
	assert_int_equal(stats.by_size[2].mallocs, 300 - 12);
}

/* heapGoal() */
static void test_goal(void **state)
{
	static const struct {
		unsigned minor;
		uint64_t limit, sweep, triggered, marked, want;
	} cases[] = {
		{27, INT64_MAX, 5000000, UINT64_MAX, 0, 5000000},
		{27, INT64_MAX, 0, 3990000, 0, 3990000 + 65536},
		{27, INT64_MAX, 0, 3000000, 0, 4000000},
		/* Of 4 MB, 700 kB are free, and 275 kB are objects: the rest is not for these. */
		{19, 5000000, 0, UINT64_MAX, 0,
		 5000000 - (4000000 - 700000 - 274080) - 1048576 + 1},
		{19, 1000000, 0, UINT64_MAX, 123, 123},
		{19, 5000000, 0, UINT64_MAX, 1500000, 1500000},
	};

	(void)state;
	for (unsigned i = 0; i < UNIT_COUNT(cases); i++) {
		uint64_t want = cases[i].want;

		make_new();
		put(w.controller, GO_GC_MEMORY_LIMIT, cases[i].limit);
		put(w.controller, GO_GC_SWEEP_TRIGGER, cases[i].sweep);
		put(w.controller, GO_GC_TRIGGERED, cases[i].triggered);
		put(w.controller, GO_GC_HEAP_MARKED, cases[i].marked);
		assert_int_equal(go_memstats_read(&w.layout, cases[i].minor, &w.memory, &stats), 0);
		if (i == 3) {
			uint64_t room = 5000000 - (4000000 - 700000 - stats.heap_alloc);

			want = room - 1048576 < 1048576 ? 1048576 : room - 1048576;
		}
		assert_int_equal(stats.next_gc, want);
	}
	/* Since 1.21, three of a hundred are left free. */
	make_new();
	put(w.controller, GO_GC_HEAP_GOAL, UINT64_MAX);
	put(w.controller, GO_GC_MEMORY_LIMIT, 400000000);
	assert_int_equal(read_it(), 0);
	{
		uint64_t room = 400000000 - (4000000 - 700000 - stats.heap_alloc);

		assert_int_equal(stats.next_gc, room - room / 100 * 3);
		assert_int_equal(go_memstats_read(&w.layout, 20, &w.memory, &stats), 0);
		assert_int_equal(stats.next_gc, room - 1048576);
	}
}

/* What is not true: nothing at all, but never a number. */
static void test_untrue(void **state)
{
	(void)state;
	make_new();
	put_delta(0, GO_DELTA_IN_HEAP, 0, 1ull << 30);
	assert_int_equal(read_it(), -EAGAIN);
	/* But in the middle of a change. */
	make_new();
	put_delta(0, GO_DELTA_IN_HEAP, 0, 2000001);
	assert_int_equal(read_it(), 0);
	assert_false(stats.is_agreed);
	assert_false(stats.is_still);
	make_new();
	put(w.controller, GO_GC_TOTAL_FREE, 1ull << 50);
	assert_int_equal(read_it(), -EAGAIN);
	make_new();
	w.allp[1] = 0;
	assert_int_equal(read_it(), -EAGAIN);
	w.allp[1] = 1ull << 40;
	assert_int_equal(read_it(), -EAGAIN);
	w.allp[1] = PROCESSORS;
	w.list[1] = 8;
	assert_int_equal(read_it(), -EAGAIN);
	make_new();
	put(w.cache[1] + 8 * 7, GO_MCACHE_ALLOC, 8);
	assert_int_equal(read_it(), -EAGAIN);
	make_new();
	w.memory.pid = 0x7ffffff;
	assert_int_equal(read_it(), -ESRCH);
	/* Other sizes of objects than are known. */
	make_new();
	put(w.controller, GO_GC_TOTAL_ALLOC, 12345678);
	assert_int_equal(read_it(), 0);
	assert_int_equal(stats.by_size_count, 0);
	/* More than the heap has in use. */
	assert_false(stats.is_agreed);
	make_new();
	put(w.controller, GO_GC_TOTAL_ALLOC, 0);
	put(w.controller, GO_GC_TOTAL_FREE, 0);
	put(w.cache[1] + 8 * 5, GO_MCACHE_ALLOC, 0);
	put(w.cache[2] + 8 * 135, GO_MCACHE_ALLOC, 0);
	assert_int_equal(read_it(), 0);
	assert_int_equal(stats.alloc, 0);
	assert_false(stats.is_agreed);
}

/* A layout, too, is only read: what does not fit is named, and nothing is read beyond. */
static void test_bounds(void **state)
{
	(void)state;
	unit_random_init();
	for (unsigned i = 0; i < 20000; i++) {
		if (i % 2)
			make_new();
		else
			make_old();
		for (unsigned k = 0; k <= unit_below(3); k++) {
			size_t member = unit_below(GO_MEMBERS);

			w.layout.member[member] = (uint32_t)unit_value();
			w.layout.has[member] = true;
		}
		if (i % 5 == 0)
			w.layout.has[unit_below(GO_MEMBERS)] = false;
		if (go_memstats_missing(&w.layout))
			continue;
		read_it();
		static struct go_raw raw;

		go_memstats_reckon(&w.layout, 0, &raw, &stats);
	}
}

/* All that there is of a structure is read at once, also what is of another Go than the rest. */
static void test_others(void **state)
{
	static const struct {
		bool is_new;
		enum go_member member;
	} cases[] = {
		{true, GO_HEAP_SYS},	 {true, GO_TINY_ALLOCS},      {true, GO_HEAP_GOAL},
		{false, GO_NEXT_GC},	 {false, GO_GC_MEMORY_LIMIT}, {false, GO_GC_TOTAL_ALLOC},
		{false, GO_TINY_ALLOCS},
	};

	(void)state;
	for (unsigned i = 0; i < UNIT_COUNT(cases); i++) {
		if (cases[i].is_new)
			make_new();
		else
			make_old();
		w.layout.has[cases[i].member] = true;
		w.layout.member[cases[i].member] = 1 << 16;
		assert_non_null(go_memstats_missing(&w.layout));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),    cmocka_unit_test(test_leaving),
		cmocka_unit_test(test_old),    cmocka_unit_test(test_goal),
		cmocka_unit_test(test_untrue), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
