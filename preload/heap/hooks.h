/* SPDX-License-Identifier: ISC */
#ifndef MSTAT_PRELOAD_HEAP_HOOKS_H
#define MSTAT_PRELOAD_HEAP_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

/* [init] Finds the real functions. */
void hooks_init(void);

/* [init] Likewise those that may be nowhere: after it, for this may allocate. */
void hooks_init_rares(void);

/* [init] After hooks_are_first(): the addresses of the module that has the real malloc(). */
void hooks_allocator(uintptr_t *ret_start, uintptr_t *ret_end);

/* [init] Whether the program's malloc() is ours to see: not where its executable has one of its own. */
bool hooks_are_first(void);

/* [fork child] */
void hooks_in_child(void);

/* From 1 on, another number when a library has been unloaded. 0: one is perhaps being unloaded now. */
unsigned hooks_generation(void);

#endif
