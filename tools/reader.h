/* SPDX-License-Identifier: ISC */
/*
 * Reading a run file, from its first byte to its last, without seeking: a pipe does as well.
 *
 * Memory does not grow with the length of the file: one block is held at a time. The names and
 * scales of all values come from the file itself, so a file of a newer mstat can be read.
 * Nothing in the file is believed. Errors, fixed for the whole module:
 *	-EBADMSG	corrupt, or not a run file
 *	-ENODATA	cut: bytes of a frame are missing, or the index that a finished file ends with
 *	-EOPNOTSUPP	its format is newer than this reader
 * and what read(2) and malloc(3) give. After an error, reader_offset() and reader_why() tell more.
 */
#ifndef MSTAT_TOOLS_READER_H
#define MSTAT_TOOLS_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bytes.h"
#include "core/rows.h"
#include "tools/table.h"

struct reader;

/*
 * Reads the header from fd, which is borrowed. *ret is set on failure too, for it knows where and
 * why; it is NULL where there was no memory for it. The caller's, to reader_close().
 */
int reader_open(int fd, struct reader **ret);

/*
 * Is called where the file has no more bytes as yet, maybe within a frame. Returns 1 to have it read
 * again, 0 where this is its end, or an error, which the reader's function then returns.
 */
typedef int reader_more(void *arg);

/* The same of a file that is still being written. After its index more() is not called any more. */
int reader_follow(int fd, reader_more *more, void *arg, struct reader **ret);

/* NULL is accepted. */
void reader_close(struct reader *reader);

/*
 * The next block's content, a run of sections, borrowed until the next call. Returns 1, 0 after the
 * last block of a finished file, or an error; called again after that, the same.
 */
int reader_next(struct reader *reader, struct bytes_in *ret_block);

/*
 * Gives all sections of all blocks that are left to taker(), until that returns an error of the above. Returns 0
 * after the last block of a finished file, or an error.
 */
typedef int reader_take(void *arg, uint64_t kind, struct bytes_in *section);
int reader_each(struct reader *reader, reader_take *taker, void *arg);

/* Where the frame begins that the last call was about: a block, or what is corrupt or cut. */
uint64_t reader_offset(const struct reader *reader);
/* A few words on the last error; "" without one. */
const char *reader_why(const struct reader *reader);

/* The file's own tables, clock and names. Valid after a reader_open() without error. */
const struct table_schema *reader_schema(const struct reader *reader);
const struct table_clock *reader_clock(const struct reader *reader);

/* Text about the run, number i from 0: false past the last. All borrowed; names are plain. */
bool reader_info(const struct reader *reader, unsigned i, const char **ret_name,
		 const char **ret_text, size_t *ret_len);

#endif
