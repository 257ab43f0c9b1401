/* SPDX-License-Identifier: ISC */
/* Files that go with their descriptor: for what must be read more than once, or is not to be seen half. */
#ifndef MSTAT_TOOLS_SPOOL_H
#define MSTAT_TOOLS_SPOOL_H

#include <stddef.h>

/* They are in $TMPDIR or /tmp: a line that says so, and what went wrong there. */
void spool_why(int err, char *why, size_t size);

/* A file without a name, there; the caller's descriptor, or a negative errno. */
int spool_open(void);

/* Reads fd to its end. Returns the caller's descriptor of a copy, which stands at its beginning, or an error. */
int spool_copy(int fd);

#endif
