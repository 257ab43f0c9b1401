/* SPDX-License-Identifier: ISC */
/*
 * A file that another process names, as that process sees it: containers have a root of their own.
 */
#ifndef MSTAT_COLLECTOR_ROOTFILE_H
#define MSTAT_COLLECTOR_ROOTFILE_H

#include <stdint.h>

/*
 * Opens a path below the root of the process whose /proc/PID dir is, for reading, and never outside of that
 * root. It must be a regular file with that inode, as it stands in the process's mappings. Returns a
 * descriptor for the caller to close, -ENOENT where there is another file now, or another error.
 */
int rootfile_open(int dir, const char *path, uint64_t inode);

#endif
