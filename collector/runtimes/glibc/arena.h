/* SPDX-License-Identifier: ISC */
/*
 * glibc's malloc in the bytes of its library's data: malloc/malloc.c, struct malloc_state and struct malloc_par.
 * Neither has a symbol that stays, nor the same size in all versions; both are known by what they hold. Pure: the
 * bytes are handed in, and believed in nothing.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GLIBC_ARENA_H
#define MSTAT_COLLECTOR_RUNTIMES_GLIBC_ARENA_H

#include <stddef.h>
#include <stdint.h>

/* Where an arena has what is read of it: bytes from its start. */
struct arena_layout {
	uint32_t next,
		held; /* the next arena's address; system_mem: bytes that it has from the kernel */
};

struct arena_found {
	uint64_t main_arena; /* its address */
	struct arena_layout layout;
	uint64_t mapped; /* address of mp_.mmapped_mem; 0: not found */
};

/*
 * Looks for both in what stands at address on. Returns 0; -EAGAIN where there is no arena, as before the first
 * malloc().
 */
int arena_find(const uint8_t *data, size_t size, uint64_t address, struct arena_found *ret);

#endif
