/* SPDX-License-Identifier: ISC */
#include <sys/mman.h>

#include "preload/heap/live.h"
#include "preload/sys.h"

/* Blocks; a power of two. 48 KiB, of which only what is used is ever there. */
#define ROOM_FIRST 2048u
#define FOR_EVER   255u
/* operator delete calls free(), so some come twice. A block that is reused again and again shall not cost each time. */
#define REPEATS_MAX 8u

struct table {
	uint64_t mask;
	struct live_block block[]; /* address 0: free */
};

uint32_t live_filter[1 << (LIVE_FILTER_BITS - 5)];
/* How many blocks each bit stands for; FOR_EVER stays. */
static uint8_t counts[1 << LIVE_FILTER_BITS];

static struct {
	struct table *table;
	uint64_t count;
	size_t memory;
	/* Odd while blocks change their places. Who looks without the lock looks again, with it. */
	uint32_t moves;
	/* Addresses, in no order; 0: room. */
	uint64_t retired[LIVE_RETIRED_MAX];
	uint32_t repeats; /* notes of what was noted already, about */
} live;

static uint64_t place_of(uint64_t address, uint64_t mask)
{
	return (address >> 4) * 0x9e3779b97f4a7c15u >> 20 & mask;
}

static struct live_block *find(struct table *table, uint64_t address)
{
	uint64_t i = place_of(address, table->mask);

	for (;; i = (i + 1) & table->mask) {
		uint64_t there = __atomic_load_n(&table->block[i].address, __ATOMIC_RELAXED);

		if (there == address || there == 0)
			return &table->block[i];
	}
}

/* A walk among blocks that are being moved ends: one of four places is free, and a lap is enough. */
static bool is_in(struct table *table, uint64_t address)
{
	uint64_t i = place_of(address, table->mask);

	for (uint64_t n = 0; n <= table->mask; n++, i = (i + 1) & table->mask) {
		uint64_t there = __atomic_load_n(&table->block[i].address, __ATOMIC_RELAXED);

		if (there == address)
			return true;
		if (there == 0)
			return false;
	}
	return false;
}

bool live_has(const void *block)
{
	uint32_t moves = __atomic_load_n(&live.moves, __ATOMIC_ACQUIRE);
	struct table *table = __atomic_load_n(&live.table, __ATOMIC_ACQUIRE);

	if (!table || !block)
		return false;
	if (moves & 1 || is_in(table, (uintptr_t)block))
		return true;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&live.moves, __ATOMIC_RELAXED) != moves;
}

static void begin_move(void)
{
	__atomic_store_n(&live.moves, live.moves + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void end_move(void)
{
	__atomic_store_n(&live.moves, live.moves + 1, __ATOMIC_RELEASE);
}

static void put(struct table *table, const struct live_block *block)
{
	struct live_block *at = find(table, block->address);

	at->size = block->size;
	at->stack = block->stack;
	at->epoch = block->epoch;
	__atomic_store_n(&at->address, block->address, __ATOMIC_RELEASE);
}

static bool grow(void)
{
	uint64_t room = live.table ? (live.table->mask + 1) * 2 : ROOM_FIRST;
	size_t size = sizeof(struct table) + room * sizeof(struct live_block);
	long at = sys_6(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
	struct table *next = (struct table *)at;

	if (at < 0 && at > -4096)
		return false;
	next->mask = room - 1;
	for (uint64_t i = 0; live.table && i <= live.table->mask; i++)
		if (live.table->block[i].address)
			put(next, &live.table->block[i]);
	live.memory += size;
	begin_move();
	__atomic_store_n(&live.table, next, __ATOMIC_RELEASE);
	end_move();
	return true;
}

/* Under the lock, or before there are threads: others may look meanwhile. */
static void count(uint64_t address, uint8_t by)
{
	size_t hash = live_hash((const void *)(uintptr_t)address);
	uint32_t *word = &live_filter[hash >> 5];
	uint32_t bit = 1u << (hash & 31);

	if (counts[hash] != FOR_EVER)
		counts[hash] = (uint8_t)(counts[hash] + by);
	__atomic_store_n(word, counts[hash] ? *word | bit : *word & ~bit, __ATOMIC_RELAXED);
}

bool live_add(const struct live_block *block)
{
	struct live_block *at = live.table ? find(live.table, block->address) : NULL;

	if (!at || (!at->address && (live.count + 1) * 4 > (live.table->mask + 1) * 3)) {
		if (!grow())
			return false;
		at = find(live.table, block->address);
	}
	if (!at->address) {
		live.count++;
		count(block->address, 1);
	}
	put(live.table, block);
	return true;
}

/* Closes the gap: whoever could stand there, and stands behind it, moves up. */
static void close_gap(uint64_t gap)
{
	struct table *table = live.table;

	for (uint64_t i = (gap + 1) & table->mask; table->block[i].address;
	     i = (i + 1) & table->mask) {
		uint64_t home = place_of(table->block[i].address, table->mask);

		if (((i - home) & table->mask) < ((i - gap) & table->mask))
			continue;
		table->block[gap].size = table->block[i].size;
		table->block[gap].stack = table->block[i].stack;
		table->block[gap].epoch = table->block[i].epoch;
		__atomic_store_n(&table->block[gap].address, table->block[i].address,
				 __ATOMIC_RELAXED);
		gap = i;
	}
	__atomic_store_n(&table->block[gap].address, 0, __ATOMIC_RELAXED);
}

bool live_take(const void *block, struct live_block *ret)
{
	struct live_block *at;

	if (!live.table || !block)
		return false;
	at = find(live.table, (uintptr_t)block);
	if (!at->address)
		return false;
	*ret = *at;
	begin_move();
	close_gap((uint64_t)(at - live.table->block));
	end_move();
	live.count--;
	count(ret->address, (uint8_t)-1);
	return true;
}

bool live_retire(const void *block)
{
	uint64_t address = (uintptr_t)block;

	for (unsigned i = 0; i < LIVE_RETIRED_MAX; i++) {
		uint64_t there = __atomic_load_n(&live.retired[i], __ATOMIC_RELAXED);

		if (there == address)
			return __atomic_fetch_add(&live.repeats, 1, __ATOMIC_RELAXED) < REPEATS_MAX;
		if (!there && __atomic_compare_exchange_n(&live.retired[i], &there, address, false,
							  __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

bool live_take_retired(unsigned i, struct live_block *ret)
{
	uint64_t address = 0;

	__atomic_store_n(&live.repeats, 0, __ATOMIC_RELAXED);
	if (__atomic_load_n(&live.retired[i], __ATOMIC_RELAXED))
		address = __atomic_exchange_n(&live.retired[i], 0, __ATOMIC_ACQUIRE);
	return live_take((const void *)(uintptr_t)address, ret);
}

void live_watch(const void *block)
{
	counts[live_hash(block)] = FOR_EVER;
	count((uintptr_t)block, 0);
}

void live_each(void (*call)(uint64_t address))
{
	struct table *table = __atomic_load_n(&live.table, __ATOMIC_ACQUIRE);

	for (uint64_t i = 0; table && i <= table->mask; i++) {
		uint64_t address = __atomic_load_n(&table->block[i].address, __ATOMIC_RELAXED);

		if (address)
			call(address);
	}
}

size_t live_memory(void)
{
	return live.memory;
}
