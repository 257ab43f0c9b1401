/* SPDX-License-Identifier: ISC */
/*
 * What a name means to one module of the program, as the loader would say: without the loader's lock, which is
 * held while constructors run and may wait for other threads, and without touching dlerror().
 */
#ifndef MSTAT_PRELOAD_HEAP_SYMBOL_H
#define MSTAT_PRELOAD_HEAP_SYMBOL_H

#include <stdbool.h>
#include <stdint.h>

/* [app thread] An address of the module that has this one, the same for all of them; 0: no module has it. */
uintptr_t symbol_module(const void *at);

/* [app thread] Whether this address is in our own. */
bool symbol_is_ours(const void *at);

/*
 * [app thread] The function of that name for the module that has the address. Looked for where the loader looks
 * for it, beyond what the program began with: in the library that was asked for and its dependencies, then
 * in the module and its own. After that in any, for a caller may have called by a jump, or be compiled
 * code of no module. Never ours. NULL: nobody has one.
 */
void *symbol_find(const char *name, const void *at);

/* Around fork(): [app thread] before; [fork child]. */
void symbol_before_fork(void);
void symbol_in_child(void);

/* [init] Whether any module but ours has a function of that name. */
bool symbol_exists(const char *name);

#endif
