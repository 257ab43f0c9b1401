/* SPDX-License-Identifier: ISC */
/*
 * Marks: lines that the program appends to a regular file, whose path it finds in MSTAT_MARK. They
 * are read on ticks. A regular file never makes its writer wait, whether somebody reads it or not.
 *
 * Anybody in the tree may write, anything and as often as he likes: what is told is bounded, and
 * what is not told is counted.
 */
#ifndef MSTAT_COLLECTOR_MARKS_H
#define MSTAT_COLLECTOR_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* The file's name is the socket's with this behind it: listener.c sweeps it. */
#define MARKS_SUFFIX ".marks"
/* A line is cut at so many bytes. */
#define MARKS_TEXT_MAX 256
/* Marks that are told: in a second, and in a run. */
#define MARKS_IN_SECOND 100
#define MARKS_IN_RUN	10000
/* Bytes that are read at a tick; a writer of more is in no state to be understood. */
#define MARKS_READ_MAX (1u << 20)

/* A mark that is told: the number counts all of them, from 1. text is borrowed for the call. */
typedef void marks_sink(void *arg, uint64_t number, const char *text, size_t len);

struct marks {
	int fd;		 /* owned; -1: there are none */
	char path[160];	 /* what MSTAT_MARK says */
	uint64_t offset; /* all before it was read */
	struct timespec changed;
	/* The last bytes before the offset: other ones there tell that the file was written anew. */
	char tail[64];
	size_t tail_len;
	char line[MARKS_TEXT_MAX]; /* the line so far that has no end yet */
	size_t line_len;
	bool in_line;	    /* there is such a line, be it of no bytes */
	bool in_gap;	    /* within a line whose beginning was passed over */
	uint64_t count;	    /* of all marks */
	uint64_t told;	    /* of them, were told */
	uint64_t passed;    /* bytes that were not read */
	uint64_t second_ns; /* when the second began ... */
	unsigned in_second; /* ... in which so many were told */
};

/* Closed, and with /dev/null for a path: scripts that append to it run the same. */
void marks_init(struct marks *marks);

/*
 * Makes the file beside the socket of that path, to be written by all who know the path. Returns 0
 * or an error; then it is as after marks_init().
 */
int marks_open(struct marks *marks, const char *socket_path);

/*
 * Reads what was appended since the last call, at now_ns of CLOCK_MONOTONIC. is_last: a line at the
 * end of the file that has no end is one too. A file that is shorter than it was, or has other text
 * where it was read, was written anew: it is read from its beginning.
 */
void marks_read(struct marks *marks, uint64_t now_ns, bool is_last, marks_sink *sink, void *arg);

/* How many marks were not told. */
uint64_t marks_untold(const struct marks *marks);

/* Removes the file. */
void marks_close(struct marks *marks);

#endif
