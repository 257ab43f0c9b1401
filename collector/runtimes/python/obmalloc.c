/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "collector/runtimes/python/obmalloc.h"
#include "collector/runtimes/words.h"

/*
 * struct _obmalloc_mgmt: arenas, maxarenas, unused_arena_objects, usable_arenas, nfp2lasta[pools of an arena + 1],
 * narenas_currently_allocated, ntimes_arena_allocated, narenas_highwater, raw_allocated_blocks.
 */
#define MAX_AT	   8u
#define UNUSED_AT  16u
#define USABLE_AT  24u
#define LASTS_AT   32u
#define COUNT_SIZE 24u
/* INITIAL_ARENA_OBJECTS; the table doubles. */
#define TABLE_MIN 16u

/* Blocks are multiples of this, by ALIGNMENT: 16, on machines of 64 bits before 3.7.3 8. */
#define BLOCK_MAX 512u

bool obmalloc_is_head(const struct obmalloc_head *head)
{
	if (head->table == 0)
		return head->max == 0 && head->count == 0;
	return head->table % 8 == 0 && head->max >= TABLE_MIN &&
	       (head->max & (head->max - 1)) == 0 && head->max <= OBMALLOC_ARENAS_MAX &&
	       head->count <= head->max;
}

static bool is_entry_or_none(uint64_t at, const struct obmalloc_head *head)
{
	uint64_t offset = at - head->table;

	return at == 0 || (at >= head->table && offset % OBMALLOC_ENTRY_SIZE == 0 &&
			   offset / OBMALLOC_ENTRY_SIZE < head->max);
}

/* With arenas of so many pools: 256 KiB or 1 MiB, in 4 or 16 KiB. */
static bool is_mgmt(const uint8_t *at, uint32_t pools)
{
	const uint8_t *counts = at + LASTS_AT + 8 * (pools + 1);
	struct obmalloc_head head = {words_64(at), words_64(counts), words_32(at + MAX_AT)};
	uint64_t times = words_64(counts + 8), most = words_64(counts + 16);

	if (head.table == 0 || words_32(at + MAX_AT + 4) != 0 || !obmalloc_is_head(&head) ||
	    head.count == 0 || head.count > most || most > times || most > head.max)
		return false;
	if (!is_entry_or_none(words_64(at + UNUSED_AT), &head) ||
	    !is_entry_or_none(words_64(at + USABLE_AT), &head))
		return false;
	for (uint32_t i = 0; i <= pools; i++)
		if (!is_entry_or_none(words_64(at + LASTS_AT + 8 * i), &head))
			return false;
	return true;
}

int obmalloc_find(const uint8_t *data, size_t size, uint64_t address, struct obmalloc_places *ret)
{
	static const uint32_t pools[] = {64, 256};
	int err = -EAGAIN;

	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
		uint32_t count_at = LASTS_AT + 8 * (pools[i] + 1);

		for (size_t at = 0; at + count_at + COUNT_SIZE <= size; at += 8) {
			if (!is_mgmt(data + at, pools[i]))
				continue;
			/* Two are none. */
			if (err == 0)
				return -ENOTUNIQ;
			*ret = (struct obmalloc_places){address + at, address + at + MAX_AT,
							address + at + count_at};
			err = 0;
		}
	}
	return err;
}

/* struct arena_object: address, pool_address, nfreepools, ntotalpools, freepools, nextarena, prevarena. */
bool obmalloc_arena(const uint8_t *table, uint32_t i, struct obmalloc_arena *ret)
{
	const uint8_t *at = table + (size_t)i * OBMALLOC_ENTRY_SIZE;

	*ret = (struct obmalloc_arena){words_64(at), words_64(at + 8), words_32(at + 20)};
	return ret->address == 0 || (ret->pools >= 1 && words_32(at + 16) <= ret->pools &&
				     ret->unused >= ret->address && ret->unused % 4096 == 0);
}

uint64_t obmalloc_first_pool(const struct obmalloc_arena *arena, uint32_t pool_size)
{
	return (arena->address + pool_size - 1) & ~(uint64_t)(pool_size - 1);
}

/* struct pool_header: ref, freeblock, nextpool, prevpool, arenaindex, szidx, nextoffset, maxnextoffset. */
uint32_t obmalloc_pool_size(const uint8_t *pool, uint32_t i)
{
	uint32_t classes = words_32(pool + 36) + 1, last = words_32(pool + 44);

	if (words_32(pool + 32) != i || classes == 0 || classes > BLOCK_MAX / 8)
		return 0;
	for (uint32_t size = 4096; size <= 16384; size *= 4)
		if (last + classes * 8 == size || last + classes * 16 == size)
			return size;
	return 0;
}

uint64_t obmalloc_arena_bytes(const struct obmalloc_arena *arena, uint32_t pool_size)
{
	uint64_t lost = arena->address % pool_size ? 1 : 0;

	return (arena->pools + lost) * pool_size;
}

uint64_t obmalloc_used_pools(const struct obmalloc_arena *arena, uint32_t pool_size)
{
	uint64_t first = obmalloc_first_pool(arena, pool_size);

	return arena->unused < first || (arena->unused - first) % pool_size
		       ? UINT64_MAX
		       : (arena->unused - first) / pool_size;
}
