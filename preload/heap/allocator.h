/* SPDX-License-Identifier: ISC */
/* The allocators that tell of themselves: jemalloc, tcmalloc, mimalloc. */
#ifndef MSTAT_PRELOAD_HEAP_ALLOCATOR_H
#define MSTAT_PRELOAD_HEAP_ALLOCATOR_H

#include <stdint.h>

/*
 * [init] Where the program's malloc() is one of these, whose module is from start to end: account_start(). After
 * its first allocation, for this may be one.
 */
void allocator_start(uintptr_t start, uintptr_t end);

#endif
