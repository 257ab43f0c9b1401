/* SPDX-License-Identifier: ISC */
/*
 * [app thread] Stepping aside: the guest is ended before a call that it would spoil, and a fresh one
 * started after it, with the credentials and namespaces that the program then has. interpose.c has
 * the calls. errno is left alone, and libc not touched.
 */
#ifndef MSTAT_PRELOAD_ASIDE_H
#define MSTAT_PRELOAD_ASIDE_H

#include <stdbool.h>

/*
 * Returns when the kernel has let go of the guest: true, and then aside_back() or aside_stay() must
 * follow the call. False where there is none to end: in a vfork child, under a filter.
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

/*
 * As aside_step() before a seccomp filter is set up. Until aside_unbar() no guest is started in this
 * process, nor in its children, and we make no system call.
 */
bool aside_bar(void);

/* The filter was refused. */
void aside_unbar(void);

/* [fork child] Nobody of the parent's threads is within a call here. */
void aside_forget(void);

#endif
