/* SPDX-License-Identifier: ISC */
/*
 * Tables of text: TSV, CSV and JSON lines, on a file descriptor, through one buffer.
 *
 * The decoder (with the field table of a run file) and the launcher (with the built-in one) write
 * rows of records by the same code, so the same run gives the same columns in the same order.
 */
#ifndef MSTAT_TOOLS_TABLE_H
#define MSTAT_TOOLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

enum table_format {
	/*
	 * Strings escape tab, newline, CR, backslash (\t \n \r \\), and the bytes (\xHH) of what is a control
	 * character or no UTF-8: readers refuse a whole table for one name that is none.
	 */
	TABLE_TSV,
	TABLE_CSV, /* quotes as RFC 4180 says, all else as it is; lines end with a newline alone */
	TABLE_JSONL, /* one object a line, UTF-8; bytes that are not become U+FFFD */
};

/*
 * What the values of a row are called: core's field table, or the one of a run file. Arrays are
 * indexed by id. Names are plain: printable ASCII without blank, comma, quote and backslash.
 */
struct table_field {
	const char *column; /* NULL in the table's holes */
	uint64_t scale;
	unsigned source; /* a known one */
};

struct table_source {
	const char *file; /* NULL in the table's holes */
	uint64_t scope;	  /* enum scope; may be one that we do not know */
};

/* Ids of a schema's fields and sources are below these. */
#define TABLE_FIELD_MAX	 4096
#define TABLE_SOURCE_MAX 1024

struct table_schema {
	const struct table_field *field;
	const struct table_source *source;
	const char *const *reason;
	unsigned fields, sources, reasons; /* lengths of the arrays */
};

extern const struct table_schema table_builtin;

/* A column: its name, and the fields that give its value, the first known one first. */
struct table_column {
	const char *name;	/* borrowed from the schema */
	const uint16_t *fields; /* borrowed from the layout */
	unsigned count;
};

/* All columns of a scope, in the order of the schema's ids; one allocation, free() it. */
struct table_layout {
	unsigned count;
	struct table_column column[];
};

/* One row. Arrays are indexed by the schema's ids and borrowed for the call. */
struct table_row {
	uint64_t tick, late_us, dropped;
	uint64_t process; /* samples: its id */
	uint64_t pid;	  /* samples */
	const char *comm; /* samples; NULL: pid and comm are unknown */
	size_t comm_len;
	const uint64_t *present; /* a bit a field */
	const int64_t *value;	 /* as the kernel gave it, to be scaled */
	const uint8_t *reason;	 /* a byte a source */
};

/* How ticks become times of the run: freq (not 0), and CLOCK_MONOTONIC at the run's start. */
struct table_clock {
	uint32_t freq;
	uint64_t start_ns;
};

/* Returns 0 or -ENOMEM; *ret is the caller's, to free(). */
int table_lay_out(const struct table_schema *schema, uint64_t scope, struct table_layout **ret);

/* The column's value in its unit, and which field gave it; false: unknown at this row. */
bool table_value(const struct table_schema *schema, const struct table_column *column,
		 const struct table_row *row, int64_t *ret_value, unsigned *ret_field);

struct table; /* one table being written */

/* A cell, for whom text is not the thing. */
struct table_cell {
	enum table_cell_kind {
		TABLE_UNKNOWN,
		TABLE_INT,   /* number */
		TABLE_UINT,  /* number, as a uint64_t */
		TABLE_TEXT,  /* any bytes */
		TABLE_WORDS, /* strings, as table_put_words() has them */
	} kind;
	int64_t number;
	const char *text; /* borrowed */
	size_t len;
};

/* Takes a row, all cells of it, borrowed for the call. An error becomes the table's. */
typedef int table_sink(void *arg, const struct table_cell *cells, unsigned n);

/*
 * Begins a table of n named columns (names are borrowed, and plain as above) on fd, which is
 * borrowed. TSV and CSV get their line of names. Returns 0 or an error; *ret: table_close() it.
 */
int table_open(int fd, enum table_format format, const char *const *names, unsigned n,
	       struct table **ret);

/* The same for rows of a scope: SCOPE_TREE gives ticks, SCOPE_PROCESS samples. schema: borrowed. */
int table_open_rows(int fd, enum table_format format, const struct table_schema *schema,
		    enum scope scope, const struct table_clock *clock, struct table **ret);

/* The names of all columns, borrowed. */
const char *const *table_names(const struct table *table, unsigned *ret_n);

/*
 * These are to be called before the first row, and before table_flush(). table_choose(): only the
 * columns of these n names, in this order. Returns 0, -ENOMEM, or -ENOENT where it has none of the
 * name number *ret_bad.
 */
int table_choose(struct table *table, const char *const *names, unsigned n, unsigned *ret_bad);
/* Writes to that descriptor, which is borrowed. */
void table_aim(struct table *table, int fd);
/* Its rows, with all columns, go there, and no text is written. arg is borrowed. */
void table_feed(struct table *table, table_sink *sink, void *arg);

/* Whether the column of that number is shown; all are, where none was chosen. */
bool table_is_chosen(const struct table *table, unsigned column);

/*
 * What a table of table_open_rows() looks at in its rows: all, with the reasons, or these fields of the
 * schema, a bit each (TABLE_FIELD_MAX of them).
 */
bool table_reads_all(const struct table *table);
void table_read_fields(const struct table *table, uint64_t *ret);

/* When the row was, in ns since the run's start. */
int64_t table_time(const struct table_clock *clock, const struct table_row *row);

/* Writes a row to a table of table_open_rows(). */
void table_put_row(struct table *table, const struct table_row *row);
/* The same, from a record of the built-in schema, for ticks. */
void table_put_record(struct table *table, const struct record *rec);

/*
 * Cells of a table of table_open(), from left to right; the last one of a row ends the line. Text is
 * borrowed until then.
 */
void table_put_int(struct table *table, int64_t v);
void table_put_uint(struct table *table, uint64_t v);
void table_put_text(struct table *table, const char *text, size_t len);
void table_put_unknown(struct table *table);
/*
 * A list of strings that end with (or are separated by) a zero byte: in JSON an array, else words
 * with blanks between, quoted as for a shell where they need it.
 */
void table_put_words(struct table *table, const char *words, size_t len);

/* Such a list as one line, as for a shell; line has room for 7 * len + 3. Returns its length. */
size_t table_line(const char *words, size_t len, char *line);

/* The first error of this table so far (a negative errno), 0: none. Later output is dropped. */
int table_error(const struct table *table);

/* Writes out what is in the buffer. Returns table_error(). */
int table_flush(struct table *table);

/* Flushes and frees. Returns the table's first error; NULL is accepted. */
int table_close(struct table *table);

#endif
