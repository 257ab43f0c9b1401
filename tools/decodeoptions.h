/* SPDX-License-Identifier: ISC */
/* The command line of mstat-decode. */
#ifndef MSTAT_TOOLS_DECODEOPTIONS_H
#define MSTAT_TOOLS_DECODEOPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/decode.h"
#include "tools/rowfilter.h"

/* What is asked for: a table, or a profile. */
#define DECODEOPTIONS_HEAP DECODE_TABLES

/* First those of tables, as enum table_format, last those of profiles, as enum heapdecode_format. */
enum decodeoptions_format {
	DECODEOPTIONS_TSV,
	DECODEOPTIONS_CSV,
	DECODEOPTIONS_JSONL,
	DECODEOPTIONS_OPENMETRICS,
	DECODEOPTIONS_SQLITE,
	DECODEOPTIONS_PERFETTO,
	DECODEOPTIONS_TEXT,
	DECODEOPTIONS_FOLDED,
	DECODEOPTIONS_PPROF,
	DECODEOPTIONS_FORMATS,
};

struct decodeoptions {
	unsigned what;	 /* enum decode_what, or DECODEOPTIONS_HEAP */
	unsigned tables; /* a bit for each enum decode_what that the format has */
	enum decodeoptions_format format;
	const char *at;	     /* the instant of a profile */
	const char **column; /* owned, into column_text: the columns that are wanted */
	unsigned columns;    /* 0: all */
	char *column_text;   /* owned */
	struct rowfilter filter;
	uint64_t step_ns; /* 0: each row */
	bool follow;
	const char *input;  /* NULL: standard input */
	const char *output; /* NULL: standard output */
};

enum decodeoptions_result {
	DECODEOPTIONS_RUN,     /* go on */
	DECODEOPTIONS_HELP,    /* -h: print decodeoptions_usage */
	DECODEOPTIONS_VERSION, /* -version */
	DECODEOPTIONS_BAD,     /* error says why, in one line */
};

extern const char decodeoptions_usage[];
/* As -what has them. */
extern const char *const decodeoptions_whats[DECODEOPTIONS_HEAP + 1];

/*
 * Strings are borrowed from argv. error is filled where the result is DECODEOPTIONS_BAD. *ret is to be
 * given to decodeoptions_done() in any case.
 */
enum decodeoptions_result decodeoptions_read(int argc, char **argv, struct decodeoptions *ret,
					     char *error, size_t error_size);

void decodeoptions_done(struct decodeoptions *options);

/*
 * The three of the names that are most like the word, with commas between, in buf: for whom a name has
 * failed. Returns buf.
 */
const char *decodeoptions_nearest(const char *word, const char *const *names, unsigned n, char *buf,
				  size_t size);

#endif
