/* SPDX-License-Identifier: ISC */
/*
 * [app thread] Stepping aside: the guest is ended before a call that it would spoil, and a fresh one
 * started after it, with the credentials and namespaces that the program then has. interpose.c has
 * the calls. errno is left alone, and libc not touched.
 *
 * Under a seccomp filter of the program's own nothing here makes a system call.
 */
#ifndef MSTAT_PRELOAD_ASIDE_H
#define MSTAT_PRELOAD_ASIDE_H

#include <stdbool.h>

/*
 * Returns when the kernel has let go of the guest: true, and then aside_back() must follow the call.
 * False where there is none to end: in a vfork child, under a filter.
 */
bool aside_step(void);

/*
 * The call is over. Of more than ten guests a second those that follow connect a tenth of a second later
 * only: a program that changes its ids for every request would wait for each that has begun to connect.
 */
void aside_back(void);

/* As aside_step(), until aside_return(): the guest stays away for more than a call. */
void aside_leave(void);

/* Ends what aside_leave() began; else it does nothing, at the cost of a look. */
void aside_return(void);

/* The process ends: the guest is ended, and none comes back. */
void aside_end(void);

/*
 * As aside_step(), before a seccomp filter is set up: for the whole process, or for the calling thread
 * alone. From then on no guest is started by whom it concerns, nor in their children; one that is for
 * the thread alone leaves the guest where it is. Returns false where nothing had to be done.
 */
bool aside_bar(bool all_threads);

/* The filter was refused. */
void aside_unbar(bool all_threads);

/* Whether the calling thread is under such a filter. */
bool aside_is_barred(void);

/* [fork child] Nobody of the parent's threads is within a call here. */
void aside_forget(void);

#endif
