/* SPDX-License-Identifier: ISC */
#ifndef MSTAT_TOOLS_SPOOL_H
#define MSTAT_TOOLS_SPOOL_H

/* A file without a name, in $TMPDIR or /tmp, which goes with its descriptor; or a negative errno. */
int spool_open(void);

#endif
