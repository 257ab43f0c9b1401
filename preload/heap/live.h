/* SPDX-License-Identifier: ISC */
/*
 * The sampled blocks that have not been freed: by address. All but live_may_have(), live_has() and
 * live_retire() under the caller's lock. Memory comes from mmap(2) and is never given back, for who asks
 * without the lock may still look at it.
 */
#ifndef MSTAT_PRELOAD_HEAP_LIVE_H
#define MSTAT_PRELOAD_HEAP_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live_block {
	uint64_t address;
	uint64_t size;	/* bytes as asked for */
	uint32_t stack; /* stacks.h */
	uint32_t epoch; /* forks that this process came from, when it was allocated */
};

/*
 * A filter in front of the table: a bit for each hash that a block of it has. free() is called for every
 * block, sampled or not, and must be told in a nanosecond that it is not: with 2,000 live samples (1 GiB
 * of heap at 512 KiB) one of sixteen is looked up in vain. Small, for it is in the program's way to its
 * own data: 64 cache lines.
 */
#define LIVE_FILTER_BITS 15
extern uint32_t live_filter[1 << (LIVE_FILTER_BITS - 5)];

static inline size_t live_hash(const void *block)
{
	/* Blocks are 16 bytes apart; the low bits change fastest. */
	return ((uintptr_t)block >> 4 ^ (uintptr_t)block >> 19) & ((1u << LIVE_FILTER_BITS) - 1);
}

/* Whether it may be there: false is certain. NULL may be there, too. */
static inline bool live_may_have(const void *block)
{
	size_t hash = live_hash(block);

	return __atomic_load_n(&live_filter[hash >> 5], __ATOMIC_RELAXED) >> (hash & 31) & 1;
}

/* Likewise, without the filter's chance hits, at the cost of a look. Of a block that is the caller's own. */
bool live_has(const void *block);

/* A block that is there already is replaced. False: no memory. */
bool live_add(const struct live_block *block);

/* Takes it out. False: it is not there. */
bool live_take(const void *block, struct live_block *ret);

/*
 * Notes that a block, which is the caller's own, is about to be freed: without the lock and without a system
 * call. It is there until whoever has the lock next takes it out; before anything else, for the block's
 * address may be another one's by then. False: there is no room for the note, or it has come so often that the block
 * is better taken out.
 */
bool live_retire(const void *block);

/*
 * Takes out the block that the note i is of. False: there is none. i is below LIVE_RETIRED_MAX: who looks at each once
 * has seen all that was noted before.
 */
#define LIVE_RETIRED_MAX 16u /* two cache lines */
bool live_take_retired(unsigned i, struct live_block *ret);

/* From now on live_may_have() is true of it. */
void live_watch(const void *block);

/* Calls with the address of each. Without the lock: those that come and go meanwhile may be missed. */
void live_each(void (*call)(uint64_t address));

/* Bytes mapped. */
size_t live_memory(void);

#endif
