/* SPDX-License-Identifier: ISC */
/* The variables, tables and pools of a Python, which any program may have changed. */
#include <stdlib.h>

#include "collector/runtimes/python/obmalloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ADDRESS UINT64_C(0x7f0000000000)

static void look_at_arena(const uint8_t *table, uint32_t i)
{
	struct obmalloc_arena arena;

	if (!obmalloc_arena(table, i, &arena) || !arena.address)
		return;
	for (uint32_t pool = 4096; pool <= 16384; pool *= 4)
		if (obmalloc_used_pools(&arena, pool) <= arena.pools &&
		    obmalloc_arena_bytes(&arena, pool) < arena.pools * (uint64_t)pool)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct obmalloc_places places;

	if (obmalloc_find(data, size, ADDRESS, &places) == 0 &&
	    (places.arenas - ADDRESS >= size || places.max - ADDRESS >= size ||
	     places.count - ADDRESS > size - 8))
		abort();
	for (uint32_t i = 0; i < size / OBMALLOC_ENTRY_SIZE; i++)
		look_at_arena(data, i);
	if (size >= OBMALLOC_POOL_SIZE) {
		uint32_t pool = obmalloc_pool_size(data, 0);

		if (pool != 0 && pool != 4096 && pool != 16384)
			abort();
	}
	return 0;
}
