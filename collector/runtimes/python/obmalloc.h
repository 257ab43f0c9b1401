/* SPDX-License-Identifier: ISC */
/*
 * CPython's allocator of small objects in bytes of its memory: Objects/obmalloc.c, from 3.12 on
 * Include/internal/pycore_obmalloc.h. It has arenas from the kernel, cut into pools, cut into blocks of one
 * size. Pure: the bytes are handed in, and believed in nothing.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_PYTHON_OBMALLOC_H
#define MSTAT_COLLECTOR_RUNTIMES_PYTHON_OBMALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Addresses of three of its variables. */
struct obmalloc_places {
	uint64_t arenas; /* a pointer to the table of arenas */
	uint64_t max;	 /* 32 bits: entries of that table */
	uint64_t count;	 /* 64 bits: those that have memory */
};

/* What these hold. */
struct obmalloc_head {
	uint64_t table, count;
	uint32_t max;
};

/* More is not believed: 64 GiB and more. */
#define OBMALLOC_ARENAS_MAX 65536u
#define OBMALLOC_ENTRY_SIZE 48u

/* The entry of an arena that has memory. */
struct obmalloc_arena {
	uint64_t address;
	uint64_t unused; /* where its first pool is that was never used */
	uint32_t pools;	 /* that it has room for */
};

#define OBMALLOC_POOL_SIZE 48u /* of a pool's head */

/* Whether these agree with each other: none at all, or a table with room for its arenas. */
bool obmalloc_is_head(const struct obmalloc_head *head);

/*
 * Looks for 3.12's struct _obmalloc_mgmt in what stands at an address: by what it holds, as it has no symbol.
 * Returns 0; -EAGAIN where there is none, as before the first object; -ENOTUNIQ: there are several.
 */
int obmalloc_find(const uint8_t *data, size_t size, uint64_t address, struct obmalloc_places *ret);

/*
 * Entry i of the table. Returns whether there can be such an arena; one without memory has address 0.
 */
bool obmalloc_arena(const uint8_t *table, uint32_t i, struct obmalloc_arena *ret);

/* Where its first pool is, if pools have that size. */
uint64_t obmalloc_first_pool(const struct obmalloc_arena *arena, uint32_t pool_size);

/* The size of pools: 4096 or 16384, as the head of a first pool says, of arena i; 0: it is none. */
uint32_t obmalloc_pool_size(const uint8_t *pool, uint32_t i);

/* What such an arena has from the kernel: whole pools, one of which may be lost where it does not begin at one. */
uint64_t obmalloc_arena_bytes(const struct obmalloc_arena *arena, uint32_t pool_size);

/* Pools that have been used so far; more than there is room for: it is torn, or none. */
uint64_t obmalloc_used_pools(const struct obmalloc_arena *arena, uint32_t pool_size);

#endif
