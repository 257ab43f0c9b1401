/* SPDX-License-Identifier: ISC */
/*
 * A run file to its tables, in one pass.
 *
 * One block of the file is held at a time. Beside it, samples and events remember each process's
 * pid and comm, and the table of processes needs all of them before it can print the first, for the
 * last word on a process may stand at the end of the file: memory grows with the number of
 * processes, never with that of the samples.
 */
#ifndef MSTAT_TOOLS_DECODE_H
#define MSTAT_TOOLS_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/reader.h"
#include "tools/rowfilter.h"
#include "tools/table.h"

enum decode_what {
	DECODE_TICKS,
	DECODE_SAMPLES,
	DECODE_PROCESSES,
	DECODE_EVENTS,
	DECODE_PHASES,
	DECODE_PEAK,
	DECODE_SUMMARY,
	DECODE_TABLES,
};

struct decode_wanted {
	unsigned tables; /* a bit for each enum decode_what */
	enum table_format format;
	const struct rowfilter
		*filter;  /* borrowed; of samples, processes, events; its times of ticks too */
	uint64_t step_ns; /* of ticks and samples, see thin.h; 0: each row */
	bool at_once;	  /* rows are written out after each block */
};

struct decode;

/*
 * Reads the header from fd (borrowed), and opens the tables, whose output is nowhere as yet. more: as
 * of reader_follow(), NULL: fd is read to its end. Errors are those of reader.h; *ret is set on failure
 * too where there was memory for it. The caller's, to decode_close().
 */
int decode_open(int fd, reader_more *more, void *arg, const struct decode_wanted *wanted,
		struct decode **ret);
/* NULL is accepted. */
void decode_close(struct decode *decode);

/* A table that was wanted: to choose its columns, and to say where it goes. Borrowed. */
struct table *decode_table(struct decode *decode, enum decode_what what);
/* Borrowed. */
const struct reader *decode_reader(const struct decode *decode);

/*
 * Reads all blocks. What can only be printed at the end is printed after an error too. Returns an error
 * of the input; of the output where nothing more can be written.
 */
int decode_run(struct decode *decode);

/* Writes out what is in the tables. Returns the first error of their output. */
int decode_flush(struct decode *decode);

/* Where the error is that was returned last, and a few words on it. */
uint64_t decode_offset(const struct decode *decode);
const char *decode_why(const struct decode *decode);

#endif
