/* SPDX-License-Identifier: ISC */
/* Go in a shared library (go build -buildmode=c-shared) that a program of another language has loaded. */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_LIBRARY_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_LIBRARY_H

/*
 * Whether there is one now: dir is the process's /proc/PID, text has RUNTIME_TEXT_MAX bytes. Returns 0, and in
 * text which and of what version, and that it is not read; or -ENOENT.
 */
int go_library_find(int dir, char *text);

#endif
