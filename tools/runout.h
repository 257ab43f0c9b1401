/* SPDX-License-Identifier: ISC */
/* The file that a run is recorded into, as it goes. */
#ifndef MSTAT_TOOLS_RUNOUT_H
#define MSTAT_TOOLS_RUNOUT_H

/*
 * Opens it, of mode 0600 (argument vectors hold secrets) and empty, for one writer at a time. A terminal
 * or a pipe is taken as it is. Returns a descriptor, the caller's; -EAGAIN where another run is being
 * written there, or another error.
 */
int runout_open(const char *path);

#endif
