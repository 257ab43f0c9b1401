/* SPDX-License-Identifier: ISC */
/*
 * Programs that count their own threads, and end or complain where there is a second one.
 * No system call is hooked for that: they are known by what they are.
 */
#ifndef MSTAT_PRELOAD_COUNTS_H
#define MSTAT_PRELOAD_COUNTS_H

#include <stdbool.h>

/* [init] They do so at a time that nobody sees: no guest may be in them, nor in their children. */
bool counts_always(char *const *argv);

/* They do so when fork() returns: the guest is to be away then. */
bool counts_at_fork(void);

#endif
