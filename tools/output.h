/* SPDX-License-Identifier: ISC */
/*
 * A file that is written aside and gets its name when it is whole, replacing what has it; or, where it
 * is no regular file, or somebody is to see it grow, one that is written in place. 0600, as the run file
 * itself: arguments may hold secrets.
 */
#ifndef MSTAT_TOOLS_OUTPUT_H
#define MSTAT_TOOLS_OUTPUT_H

#include <stdbool.h>

struct output {
	int fd;	     /* owned, but for standard output's; -1: closed */
	char *name;  /* owned: what it is to be called; NULL: it is written in place */
	char *aside; /* owned: what it is called until then; NULL likewise */
};

/* What output_open() returns where the file is the input. */
#define OUTPUT_IS_INPUT 1

/* name NULL: standard output. input: borrowed. Returns 0, a negative errno, or OUTPUT_IS_INPUT. */
int output_open(const char *name, int input, bool in_place, struct output *ret);

/* Closes it, and gives it its name. 0 or a negative errno; the file is then gone, and so is *output. */
int output_commit(struct output *output);

/* Closes it, and removes it where it has not got its name. What was written in place stays. */
void output_discard(struct output *output);

#endif
