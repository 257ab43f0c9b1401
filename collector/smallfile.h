/* SPDX-License-Identifier: ISC */
#ifndef MSTAT_COLLECTOR_SMALLFILE_H
#define MSTAT_COLLECTOR_SMALLFILE_H

#include <stddef.h>

/*
 * Reads a file of /proc that one read() gives whole; what does not fit is cut. The text ends with
 * a zero byte. Returns its length, 0 where it could not be read.
 */
size_t smallfile_read(const char *path, char *buf, size_t size);

#endif
