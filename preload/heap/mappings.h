/* SPDX-License-Identifier: ISC */
/*
 * The sampled ones of the mappings that the program made by itself. Under the caller's lock, but for
 * mappings_any(). One may be cut into pieces: what it stands for goes with its size.
 */
#ifndef MSTAT_PRELOAD_HEAP_MAPPINGS_H
#define MSTAT_PRELOAD_HEAP_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether there is one at all. */
bool mappings_any(void);

/* Whether a piece of one is among these addresses. */
bool mappings_has(uint64_t at, uint64_t size);

/* Of a stack of stacks.h, in this epoch. What was there before is gone. */
void mappings_add(uint64_t at, uint64_t size, uint32_t stack, uint64_t interval);

/* These addresses are not mapped any more. */
void mappings_cut(uint64_t at, uint64_t size, uint64_t interval);

/* mremap(2): the first kept bytes of size are somewhere else now, or still there; the others are gone. */
void mappings_move(uint64_t from, uint64_t size, uint64_t to, uint64_t kept, uint64_t interval);

/* Bytes mapped for them. */
size_t mappings_memory(void);

#endif
