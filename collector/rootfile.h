/* SPDX-License-Identifier: ISC */
/*
 * A file that another process names, as that process sees it: containers have a root of their own.
 */
#ifndef MSTAT_COLLECTOR_ROOTFILE_H
#define MSTAT_COLLECTOR_ROOTFILE_H

#include <stdint.h>

/*
 * Opens a file that is mapped, for reading: by the path and inode that the mappings of the process have, whose
 * /proc/PID dir is. It is looked for below that process's root, never outside, and is opened only if it is that
 * regular file. Returns a descriptor for the caller to close, -ENOENT where there is another file now, or another
 * error.
 */
int rootfile_open(int dir, const char *path, uint64_t inode);

#endif
