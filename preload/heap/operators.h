/* SPDX-License-Identifier: ISC */
#ifndef MSTAT_PRELOAD_HEAP_OPERATORS_H
#define MSTAT_PRELOAD_HEAP_OPERATORS_H

/* [init] Finds the real operators of C++. An operator that is called before does so. */
void operators_init(void);

#endif
