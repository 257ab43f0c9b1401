/* SPDX-License-Identifier: ISC */
/* What is no file, as one: for what must be read more than once. */
#ifndef MSTAT_TOOLS_SPOOL_H
#define MSTAT_TOOLS_SPOOL_H

/*
 * Reads fd to its end. Returns the caller's descriptor of a copy without a name in $TMPDIR or /tmp,
 * which stands at its beginning, or an error.
 */
int spool_copy(int fd);

#endif
