/* SPDX-License-Identifier: ISC */
/* Waiting for a run file to grow, until its writer is gone. */
#ifndef MSTAT_TOOLS_FOLLOW_H
#define MSTAT_TOOLS_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* So long a file may stand still of which no writer was ever seen. */
#define FOLLOW_STILL_S 10

struct follow {
	int fd;		     /* borrowed: the run file */
	int output;	     /* borrowed: where its rows go; -1: nobody can leave it */
	bool had_writer;     /* it was locked: see collector/runlock.h */
	bool is_output_gone; /* whoever read the output has left: there is no more to wait for */
	off_t size;
	int64_t still_ns; /* since when it has that size, by CLOCK_MONOTONIC */
};

/*
 * had_writer: its writer is known to have locked it. Returns false where fd is no regular file: then
 * its end is the writer's.
 */
bool follow_begin(struct follow *follow, int fd, int output, bool had_writer);

/* A reader_more(): waits for a moment. -EPIPE: is_output_gone. */
int follow_more(void *follow);

#endif
