/* SPDX-License-Identifier: ISC */
/*
 * Parsers of what the kernel writes: /proc files, cgroup files, struct taskstats.
 *
 * They take buffers, never files, need no terminating zero, and believe nothing.
 */
#ifndef MSTAT_CORE_PARSE_H
#define MSTAT_CORE_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

/*
 * Reads the fields of one source out of what its file held, by the field table: keys that the
 * table does not know are passed over, fields that the text does not have become absent.
 * Returns how many fields were found; 0 makes the source REASON_ABSENT, else it is REASON_OK.
 */
unsigned parse_source(enum source source, const void *buf, size_t len, struct record *rec);

/*
 * The one version of struct taskstats that moved members: it put new ones in the middle; the next
 * one put them at the end and the old ones back (Linux 6.14, mended within its stable series).
 */
#define PARSE_TASKSTATS_MISLAID 15

/*
 * The rest of the line that begins with key and ':' (/proc/PID/status), without leading blanks and
 * the newline. Returns NULL where there is no such line. Borrowed from buf.
 */
const char *parse_line(const char *buf, size_t len, const char *key, size_t *ret_len);

/* Word n (from 1, numbered as in proc_pid_stat(5)) as an unsigned number; 0 where there is none. */
uint64_t parse_word(const char *buf, size_t len, unsigned n);

/* Several such words at once; numbers: ascending. */
void parse_words(const char *buf, size_t len, const unsigned *numbers, unsigned count,
		 uint64_t *ret);

/* What stands in the brackets of a /proc/PID/stat line, which may be brackets too; borrowed from buf. */
const char *parse_comm(const char *buf, size_t len, size_t *ret_len);

/*
 * A decimal number at the start of the text, after blanks; *ret_len (may be NULL) is what was
 * read, 0 where there is no number. Numbers above INT64_MAX are cut to it.
 */
int64_t parse_number(const char *buf, size_t len, size_t *ret_len);

/*
 * The offset of CLOCK_MONOTONIC in /proc/PID/timens_offsets, in ns: what a process in a time
 * namespace reads is the host's clock plus this. 0 where there is none. time_namespaces(7).
 */
int64_t parse_clock_offset(const char *buf, size_t len);

#endif
