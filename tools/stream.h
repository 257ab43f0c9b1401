/* SPDX-License-Identifier: ISC */
/* Text through stdio to a descriptor that somebody else has. */
#ifndef MSTAT_TOOLS_STREAM_H
#define MSTAT_TOOLS_STREAM_H

#include <stdio.h>

/* fd is borrowed, and stays open. 0 or an error; *ret: stream_close() it. */
int stream_open(int fd, FILE **ret);

/* Returns err, or, where that is 0, what went wrong with the stream; it is freed. */
int stream_close(FILE *stream, int err);

#endif
