/* SPDX-License-Identifier: ISC */
/* A Go program that runs already: what mstat-get tells of it. */
#ifndef MSTAT_TOOLS_GETGO_H
#define MSTAT_TOOLS_GETGO_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "collector/runtimes/go/functions.h"
#include "collector/runtimes/go/memory.h"

struct go_image;

struct getgo {
	int dir, exe;		      /* owned: /proc/PID, and the program */
	const struct go_image *image; /* owned */
	struct go_memory memory;
	struct go_functions functions; /* owned; addresses of the process */
	char why[256];		       /* of an error, for people */
};

/* getgo_close() is right after all of them. Returns 0, or an error, and the words in ret->why. */
int getgo_open(pid_t pid, struct getgo *ret);

/* runtime.MemStats as gomemstats.h has them. Returns likewise; nothing is printed then. */
int getgo_print_memstats(struct getgo *go, FILE *out, bool json);

/*
 * How many goroutines are in each state, a line each, and how many of them are the runtime's own; with stacks, those
 * before it, as Go dumps them. Returns likewise; something may have been printed then.
 */
int getgo_print_goroutines(struct getgo *go, FILE *out, bool stacks);

void getgo_close(struct getgo *go);

#endif
