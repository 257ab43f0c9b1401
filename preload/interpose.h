/* SPDX-License-Identifier: ISC */
#ifndef MSTAT_PRELOAD_INTERPOSE_H
#define MSTAT_PRELOAD_INTERPOSE_H

/* [init] Finds the real functions: dlsym() in a fork's child could wait for a lock for ever. */
void interpose_init(void);

#endif
