/* SPDX-License-Identifier: ISC */
/*
 * The profiles of mstat-decode: a run file, an instant, and where the memory came from that was held then.
 *
 * The peak and the marks stand behind much of what they are about: the file is read twice. A pipe is
 * copied to a file without a name in $TMPDIR or /tmp.
 */
#ifndef MSTAT_TOOLS_HEAPDECODE_H
#define MSTAT_TOOLS_HEAPDECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/heapview.h"

enum heapdecode_format { HEAPDECODE_TEXT, HEAPDECODE_FOLDED, HEAPDECODE_PPROF };

struct heapdecode;

/*
 * Reads a run file from fd, which is borrowed. at: "peak", "end", a time since the run's start (12.5,
 * 12.5s, 1m30s), "#3" the third mark, or a mark's text. Returns 0 or an error of reader.h or read(2);
 * *ret is set all the same, and the caller's; it is NULL where there was no memory for it.
 */
int heapdecode_open(int fd, const char *at, struct heapdecode **ret);
void heapdecode_close(struct heapdecode *heap); /* NULL is accepted */

/* NULL: there is something to be written, also after an error. Else why not; empty: for that error. */
const char *heapdecode_nothing(const struct heapdecode *heap);

/* About an error: as in reader.h. */
uint64_t heapdecode_offset(const struct heapdecode *heap);
const char *heapdecode_why(const struct heapdecode *heap);

/* A line on what the numbers do not hold; i from 0 on, false: there are no more. */
bool heapdecode_remark(const struct heapdecode *heap, unsigned i, char *line, size_t size);

/* Writes a profile to fd, which is borrowed. Returns 0, -ENOMEM, or what write(2) gives. */
int heapdecode_write(const struct heapdecode *heap, enum heapdecode_format format, int fd);

/* Of each file whose functions have no names: its path, as it was recorded, and why. Borrowed for the call. */
typedef int heapdecode_nameless(void *arg, const char *path, size_t len, const char *why);

/* Calls each for all stacks, then nameless for all such files. 0, -ENOMEM, or what these have returned. */
int heapdecode_fold(const struct heapdecode *heap, heapview_each *each,
		    heapdecode_nameless *nameless, void *arg);

#endif
