/* SPDX-License-Identifier: ISC */
/* What the allocation hooks keep: which blocks are sampled, which are live, their stacks, mappings, modules. */
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include "preload/heap/heap.h"
#include "preload/heap/live.h"
#include "preload/heap/mappings.h"
#include "preload/heap/modules.h"
#include "preload/heap/pick.h"
#include "preload/heap/stacks.h"
#include "tests/unit/unit.h"

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % below;
}

/* Gaps are exponential: mean, variance, and the share of those that are longer than the mean. */
static void test_pick_gap_is_exponential(void **state)
{
	const uint64_t interval = 524288;
	const int n = 1000000;
	uint64_t own = 1;
	double sum = 0, squares = 0;
	int longer = 0;

	(void)state;
	for (int i = 0; i < n; i++) {
		double gap = (double)pick_gap(&own, interval) / (double)interval;

		assert_true(gap >= 0);
		sum += gap;
		squares += gap * gap;
		longer += gap > 1;
	}
	assert_true(fabs(sum / n - 1) < 5 / sqrt(n));
	assert_true(fabs(squares / n - 2) < 5 * sqrt(20) / sqrt(n));
	assert_true(fabs((double)longer / n - exp(-1)) < 5 * 0.5 / sqrt(n));
}

static void test_pick_weight_is_exact(void **state)
{
	static const uint64_t sizes[] = {1,	 16,	  100,	   4096,     100000,	524288,
					 600000, 1000000, 5000000, 20000000, 1ull << 32};

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		double s = (double)sizes[i], t = 524288, p = -expm1(-s / t);
		struct heapwire_sums sums = pick_weight(sizes[i], 524288);

		assert_true(fabs((double)sums.live_bytes - s / p) <= 0.5 + 1e-9 * s / p);
		assert_true(fabs((double)sums.live_blocks - 256 / p) <= 0.5 + 1e-9 * 256 / p);
		assert_true(fabs((double)sums.live_variance -
				 s / p * (s / p) * (1 - p) / t / t * 256) <= 0.51);
		assert_int_equal(sums.bytes, sums.live_bytes);
		assert_int_equal(sums.blocks, sums.live_blocks);
		sums = pick_weight(sizes[i], PICK_ALL);
		assert_int_equal(sums.live_bytes, (int64_t)sizes[i]);
		assert_int_equal(sums.live_blocks, HEAPWIRE_BLOCK);
		assert_int_equal(sums.live_variance, 0);
	}
}

/* What one thread's allocations are estimated to be, by the sums of those that are picked. */
struct estimate {
	double truth, bytes, variance;
};

static void take(struct estimate *to, uint64_t *own, int64_t *left, uint64_t size,
		 uint64_t interval)
{
	struct heapwire_sums sums;

	to->truth += (double)size;
	*left -= (int64_t)size;
	if (*left >= 0)
		return;
	*left = pick_gap(own, interval);
	sums = pick_weight(size, interval);
	to->bytes += (double)sums.live_bytes;
	to->variance += (double)sums.live_variance / HEAPWIRE_VARIANCE * (double)interval *
			(double)interval;
}

/* Of 200 seeded runs at least 95% are within three standard errors, and all together within 0.5%. */
static void test_estimates_are_unbiased(void **state)
{
	/* 660,000 samples in all: a standard error of 0.12%. */
	const uint64_t interval = 8192;
	double truth = 0, bytes = 0;
	int within = 0;

	(void)state;
	seed = 7;
	for (uint64_t run = 1; run <= 200; run++) {
		struct estimate sum = {0};
		uint64_t own = run * 12345677777u; /* no multiple of the generator's own step */
		int64_t left = pick_gap(&own, interval);

		for (unsigned i = 0; i < 100000; i++)
			take(&sum, &own, &left, 16 + draw(256) + (i % 64 ? 0 : draw(16384)),
			     interval);
		within += fabs(sum.bytes - sum.truth) <= 3 * sqrt(sum.variance);
		truth += sum.truth;
		bytes += sum.bytes;
	}
	assert_true(within >= 190);
	assert_true(fabs(bytes / truth - 1) < 0.005);
}

#define BLOCKS 20000u

/* Against a table of its own: blocks come and go, at addresses that are given again. */
static void test_live_blocks_are_found(void **state)
{
	static uint32_t there[BLOCKS]; /* size, 0: free */
	uint64_t base = 0x7f0000001000;
	unsigned count = 0;

	(void)state;
	seed = 3;
	for (unsigned i = 0; i < 400000; i++) {
		uint32_t n = (uint32_t)draw(i < 200000 ? BLOCKS : 2000);
		uint64_t address = base + n * 16 * (n % 3 + 1);
		void *at = (void *)(uintptr_t)address;
		struct live_block block = {address, 1 + draw(1000), n, 0};
		struct live_block got;

		if (there[n]) {
			assert_true(live_may_have(at));
			assert_true(live_has(at));
			assert_true(live_take(at, &got));
			assert_int_equal(got.size, there[n]);
			assert_int_equal(got.address, address);
			assert_false(live_has(at));
			assert_false(live_take(at, &got));
			there[n] = 0;
			count--;
		} else {
			/* Three numbers may have one address. */
			if (live_has(at))
				continue;
			assert_true(live_add(&block));
			there[n] = (uint32_t)block.size;
			count++;
		}
	}
	assert_true(count > 100);
	for (uint32_t n = 0; n < BLOCKS; n++)
		if (there[n]) {
			struct live_block got;

			assert_true(
				live_take((void *)(uintptr_t)(base + n * 16 * (n % 3 + 1)), &got));
			assert_int_equal(got.stack, n);
		}
	for (unsigned i = 0; i < sizeof(live_filter) / sizeof(*live_filter); i++)
		assert_int_equal(live_filter[i], 0);
}

static const struct heapwire_sums one = {256, 100, 256, 100, 1};

static unsigned count_retired(struct live_block *ret)
{
	unsigned count = 0;

	for (unsigned i = 0; i < LIVE_RETIRED_MAX; i++)
		count += live_take_retired(i, ret);
	return count;
}

static void test_retired_blocks_are_taken_later(void **state)
{
	struct live_block block = {.address = 0x7f0000001000, .size = 100, .stack = 1};
	struct live_block got;
	unsigned noted = 0;

	(void)state;
	assert_int_equal(count_retired(&got), 0);
	while (noted < 100 && live_retire((void *)(uintptr_t)(block.address + noted * 16)))
		noted++;
	assert_in_range(noted, 1, 99);
	for (unsigned i = 0; i < noted; i += 2) {
		struct live_block odd = block;

		odd.address += i * 16;
		assert_true(live_add(&odd));
	}
	/* Of those that are not there, nothing is told. */
	assert_int_equal(count_retired(&got), (noted + 1) / 2);
	assert_int_equal((got.address - block.address) / 16, (noted - 1) / 2 * 2);
	assert_int_equal(count_retired(&got), 0);
	/* One that is noted twice takes one place; who comes on and on shall take it out. */
	for (unsigned round = 0; round < 2; round++) {
		unsigned repeats = 0;

		assert_true(live_add(&block));
		while (repeats < 100 && live_retire((void *)(uintptr_t)block.address))
			repeats++;
		assert_in_range(repeats, 2, 99);
		assert_int_equal(count_retired(&got), 1);
		assert_false(live_has((void *)(uintptr_t)block.address));
	}
}

static void test_stacks_are_held_once(void **state)
{
	uint64_t frame[HEAPWIRE_FRAMES_MAX];
	uint32_t id[3000];

	(void)state;
	for (unsigned i = 0; i < HEAPWIRE_FRAMES_MAX; i++)
		frame[i] = 0x1000 + i;
	for (unsigned i = 0; i < 3000; i++) {
		frame[5] = i;
		id[i] = stacks_find(frame, i % 100 + 6, 0);
		assert_int_not_equal(id[i], 0);
	}
	for (unsigned i = 0; i < 3000; i++) {
		frame[5] = i;
		assert_int_equal(stacks_find(frame, i % 100 + 6, 0), id[i]);
		assert_int_not_equal(stacks_find(frame, i % 100 + 6, HEAPWIRE_MAPPING), id[i]);
		assert_int_not_equal(stacks_find(frame, i % 100 + 5, 0), id[i]);
	}
	stacks_new_generation();
	assert_int_not_equal(stacks_find(frame, 2999 % 100 + 6, 0), id[2999]);
}

static unsigned take_all(struct heapwire_sums *ret, unsigned flags)
{
	struct stack *stack;
	unsigned n = 0;
	uint32_t id;

	*ret = (struct heapwire_sums){0};
	while ((stack = stacks_take(&id))) {
		if ((stack->flags & HEAPWIRE_INHERITED) == flags) {
			ret->bytes += stack->now.bytes - stack->told.bytes;
			ret->live_bytes += stack->now.live_bytes - stack->told.live_bytes;
			n++;
		}
		stack->told = stack->now;
	}
	return n;
}

/* A child's sums begin anew; what it has from its parent stands beside, and may be freed. */
static void test_stacks_follow_forks(void **state)
{
	static const struct heapwire_sums freed = {0, 0, -256, -100, -1};
	uint64_t frame[2] = {0xabcd, 0xef01};
	uint32_t id = stacks_find(frame, 2, 0);
	uint32_t epoch = stacks_epoch();
	struct heapwire_sums sums;

	(void)state;
	stacks_begin();
	while (stacks_sweep(100))
		;
	take_all(&sums, 0);
	stacks_change(id, epoch, &one);
	stacks_change(id, epoch, &one);
	assert_int_equal(stacks_totals.heap.live_bytes, 200);
	assert_int_equal(take_all(&sums, 0), 1);
	assert_int_equal(sums.live_bytes, 200);
	stacks_fork();
	assert_int_equal(stacks_totals.heap.live_bytes, 0);
	assert_int_equal(stacks_totals.inherited_heap, 200);
	stacks_begin();
	while (stacks_sweep(1))
		;
	assert_int_equal(take_all(&sums, HEAPWIRE_INHERITED), 1);
	assert_int_equal(sums.live_bytes, 200);
	assert_int_equal(sums.bytes, 0);
	/* Its own, and one of its parent's. */
	stacks_change(id, stacks_epoch(), &one);
	stacks_change(id, epoch, &freed);
	assert_int_equal(stacks_totals.heap.live_bytes, 100);
	assert_int_equal(stacks_totals.inherited_heap, 100);
	/* A grandchild has both. */
	stacks_fork();
	stacks_begin();
	while (stacks_sweep(1000))
		;
	assert_int_equal(take_all(&sums, HEAPWIRE_INHERITED), 1);
	assert_int_equal(sums.live_bytes, 200);
	assert_int_equal(take_all(&sums, 0), 0);
	stacks_change(id, epoch, &freed);
	stacks_change(id, epoch + 1, &freed);
	assert_int_equal(stacks_totals.inherited_heap, 0);
	assert_int_equal(take_all(&sums, HEAPWIRE_INHERITED), 1);
	assert_int_equal(sums.live_bytes, -200);
}

static void test_stacks_wait_aside(void **state)
{
	uint64_t frame[1] = {0x77};
	uint32_t first = stacks_find(frame, 1, 0);
	uint32_t second = (frame[0]++, stacks_find(frame, 1, 0));
	uint32_t id;

	(void)state;
	stacks_change(first, stacks_epoch(), &one);
	stacks_change(second, stacks_epoch(), &one);
	assert_non_null(stacks_take(&id));
	assert_int_equal(id, first);
	stacks_hold(id);
	/* It changes meanwhile, and is not told before it is released. */
	stacks_change(first, stacks_epoch(), &one);
	assert_non_null(stacks_take(&id));
	assert_int_equal(id, second);
	assert_null(stacks_take(&id));
	stacks_release();
	assert_non_null(stacks_take(&id));
	assert_int_equal(id, first);
	assert_null(stacks_take(&id));
}

#define PAGES 64u

/* Against a map of pages, with every mapping sampled. */
static void test_mappings_are_cut_and_moved(void **state)
{
	static bool page[PAGES * 2];
	uint64_t base = 0x7e0000000000;
	uint64_t frame[1] = {0x99};
	uint32_t stack = stacks_find(frame, 1, HEAPWIRE_MAPPING);
	int64_t before = stacks_totals.mapping.live_bytes;

	(void)state;
	seed = 11;
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t at = draw(PAGES), n = 1 + draw(8), to = draw(PAGES), m = 1 + draw(8);
		int64_t sum = 0;

		switch (draw(3)) {
		case 0:
			mappings_add(base + at * 4096, n * 4096, stack, PICK_ALL);
			memset(page + at, true, n);
			break;
		case 1:
			mappings_cut(base + at * 4096, n * 4096, PICK_ALL);
			memset(page + at, false, n);
			break;
		default:
			/* mremap(2) moves one mapping, and not onto itself; what it adds is told as mapped. */
			if (to != at && to < at + n && at < to + m)
				continue;
			for (uint64_t k = 0; k < n; k++)
				if (!page[at + k])
					n = k;
			m = m < n ? m : n;
			if (n == 0)
				continue;
			mappings_move(base + at * 4096, n * 4096, base + to * 4096, m * 4096,
				      PICK_ALL);
			memset(page + at, false, n);
			memset(page + to, true, m);
		}
		for (unsigned k = 0; k < PAGES * 2; k++)
			sum += page[k] ? 4096 : 0;
		assert_int_equal(stacks_totals.mapping.live_bytes - before, sum);
	}
	mappings_cut(base, PAGES * 2 * 4096, PICK_ALL);
	assert_int_equal(stacks_totals.mapping.live_bytes - before, 0);
	assert_false(mappings_any());
}

static bool find_module(const char *name, struct heapwire_module *ret)
{
	for (uint32_t i = 0; modules_get(i, ret); i++)
		if (ret->path_len >= strlen(name) &&
		    !memcmp(ret->path + ret->path_len - strlen(name), name, strlen(name)))
			return true;
	return false;
}

static void test_modules_have_build_ids(void **state)
{
	uint64_t own = (uintptr_t)test_modules_have_build_ids;
	uint64_t nowhere[1] = {0x10};
	struct heapwire_module module;
	void *code;

	(void)state;
	modules_read(1, 1);
	assert_true(find_module("test_preload_heap", &module));
	assert_true(module.start <= own && own < module.end);
	assert_true(find_module("libc.so.6", &module));
	assert_int_equal(module.build_id_len, 20);
	assert_int_equal(modules_ask(&own, 1, 1), MODULES_KNOWN);
	assert_int_equal(modules_ask(nowhere, 1, 1), MODULES_UNKNOWN);
	assert_false(modules_read(1, 2));
	/* Code that is there in a later generation only. */
	code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, open("/bin/true", O_RDONLY), 0);
	assert_true(code != MAP_FAILED);
	assert_true(modules_read(2, 3));
	nowhere[0] = (uintptr_t)code;
	assert_int_equal(modules_ask(nowhere, 1, 2), MODULES_KNOWN);
	assert_int_equal(modules_ask(nowhere, 1, 1), MODULES_REPLACED);
	assert_int_equal(modules_ask(&own, 1, 1), MODULES_KNOWN);
	munmap(code, 4096);
}

/* Many small ones within the hooks between any two others: whichever of those was to be picked, these are not. */
static void test_refused_picks_are_no_others(void **state)
{
	const uint64_t interval = 4096;
	const int rounds = 2000;
	const double truth = rounds * 8 * 16.0;
	int64_t before = stacks_totals.heap.bytes;
	char block[1];

	(void)state;
	heap_start(interval);
	for (int i = 0; i < rounds; i++) {
		heap_thread.is_inside = true;
		for (int k = 0; k < 100; k++)
			heap_took(block, 100);
		heap_thread.is_inside = false;
		for (int k = 0; k < 8; k++)
			heap_took(block, 16);
	}
	assert_true(fabs((double)(stacks_totals.heap.bytes - before) - truth) <
		    6 * sqrt(truth * (double)interval));
	heap_drop(block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pick_gap_is_exponential),
		cmocka_unit_test(test_pick_weight_is_exact),
		cmocka_unit_test(test_estimates_are_unbiased),
		cmocka_unit_test(test_live_blocks_are_found),
		cmocka_unit_test(test_retired_blocks_are_taken_later),
		cmocka_unit_test(test_stacks_are_held_once),
		cmocka_unit_test(test_stacks_follow_forks),
		cmocka_unit_test(test_stacks_wait_aside),
		cmocka_unit_test(test_mappings_are_cut_and_moved),
		cmocka_unit_test(test_modules_have_build_ids),
		cmocka_unit_test(test_refused_picks_are_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
