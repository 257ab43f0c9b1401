/* SPDX-License-Identifier: ISC */
#ifndef MSTAT_PRELOAD_HEAP_HOOKS_H
#define MSTAT_PRELOAD_HEAP_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

/* [init] Finds the real functions. */
void hooks_init(void);

/* [init] Whether the program's malloc() is ours to see: not where its executable has one of its own. */
bool hooks_are_first(void);

/* The addresses of the module that is loaded at base. */
void hooks_extent(const void *base, uintptr_t *ret_start, uintptr_t *ret_end);

/* From 1 on, another number when a library has been unloaded. */
unsigned hooks_generation(void);

#endif
