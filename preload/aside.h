/* SPDX-License-Identifier: ISC */
/*
 * [app thread] Stepping aside: calls that a thread which glibc does not know would spoil are
 * passed on with the guest ended before and a fresh one started after. interpose.c has the calls.
 */
#ifndef MSTAT_PRELOAD_ASIDE_H
#define MSTAT_PRELOAD_ASIDE_H

/* [init] Finds the real functions: dlsym() in a fork's child could wait for a lock for ever. */
void aside_init(void);

/* [fork child] Nobody of the parent's threads is within a call here. */
void aside_forget(void);

#endif
