/* SPDX-License-Identifier: ISC */
/*
 * Standard output, or a file that gets its name when it is whole (newfile.h), or, where somebody is to see
 * it grow, one that is written in place.
 */
#ifndef MSTAT_TOOLS_OUTPUT_H
#define MSTAT_TOOLS_OUTPUT_H

#include "tools/newfile.h"

struct output {
	int fd; /* to be written to; borrowed from what follows, or standard output's; -1: closed */
	struct newfile file;
};

/* How a file is written. */
enum output_how {
	OUTPUT_ASIDE,
	OUTPUT_NAMED, /* aside, with a name from the beginning */
	OUTPUT_IN_PLACE,
};

/* What output_open() returns where the file is the input. */
#define OUTPUT_IS_INPUT 1

/* name NULL: standard output. input: borrowed. Returns 0, a negative errno, or OUTPUT_IS_INPUT. */
int output_open(const char *name, int input, enum output_how how, struct output *ret);

/* What a file of ours is called as yet, borrowed; NULL: there is none, or it has no name. */
const char *output_name(const struct output *output);

/* Closes it, and gives it its name. 0 or a negative errno; the file is then gone, and so is *output. */
int output_commit(struct output *output);

/* Closes it, and removes it where it has not got its name. What was written in place stays. */
void output_discard(struct output *output);

#endif
