/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/blockrows.h"
#include "tools/decode.h"
#include "tools/infolist.h"
#include "tools/phaselist.h"
#include "tools/proclist.h"
#include "tools/thin.h"

/* Of ticks, of samples. */
struct rows_table {
	struct blockrows *rows;		       /* owned */
	struct thin *thin;		       /* owned; NULL: each row is wanted */
	struct table *table;		       /* borrowed from the decode */
	uint64_t fields[TABLE_FIELD_MAX / 64]; /* that it reads */
};

struct decode {
	struct decode_wanted wanted;
	struct reader *reader;		    /* owned */
	struct table *table[DECODE_TABLES]; /* owned; NULL: not wanted */
	struct rows_table ticks, samples;
	struct proclist *processes; /* owned */
	struct infolist *info;	    /* owned; summary */
	const char *why;	    /* of a failure that the reader does not know of; NULL: none */
	struct rows_holder holder[ROWS_HOLDERS_MAX]; /* the newest; peak */
	int holders;
};

static bool wants(const struct decode *decode, enum decode_what what)
{
	return decode->wanted.tables >> what & 1;
}

/* ---- opening ----------------------------------------------------------------------------------- */

static int open_rows(struct decode *decode, enum scope scope, struct table **table,
		     struct rows_table *ret)
{
	const struct table_schema *schema = reader_schema(decode->reader);
	const struct table_clock *clock = reader_clock(decode->reader);
	int err = blockrows_open(schema, scope, &ret->rows);

	if (err == 0 && decode->wanted.step_ns)
		err = thin_open(schema, scope, clock, decode->wanted.step_ns, &ret->thin);
	if (err == 0)
		err = table_open_rows(-1, decode->wanted.format, schema, scope, clock, table);
	ret->table = *table;
	return err;
}

static int open_info(struct decode *decode)
{
	enum table_format format = decode->wanted.format;
	int err = infolist_open(decode->reader, format == TABLE_JSONL, &decode->info);

	return err < 0 ? err
		       : infolist_open_table(decode->info, format, &decode->table[DECODE_SUMMARY]);
}

static int open_table(struct decode *decode, enum decode_what what)
{
	static const char *const events[] = {"time_ns", "kind", "process", "pid", "number", "text"};
	static const char *const holders[] = {
		"process",	   "pid",	"comm",	     "rss_anon_bytes",
		"rss_shmem_bytes", "pss_bytes", "pss_age_ns"};
	enum table_format format = decode->wanted.format;
	struct table **ret = &decode->table[what];

	switch (what) {
	case DECODE_TICKS:
		return open_rows(decode, SCOPE_TREE, ret, &decode->ticks);
	case DECODE_SAMPLES:
		return open_rows(decode, SCOPE_PROCESS, ret, &decode->samples);
	case DECODE_PROCESSES:
		return proclist_open_table(decode->processes, format, ret);
	case DECODE_EVENTS:
		return table_open(-1, format, events, sizeof(events) / sizeof(*events), ret);
	case DECODE_PEAK:
		return table_open(-1, format, holders, sizeof(holders) / sizeof(*holders), ret);
	case DECODE_PHASES:
		return table_open(-1, format, phaselist_columns, PHASELIST_COLUMNS, ret);
	default:
		return open_info(decode);
	}
}

static int open_tables(struct decode *decode)
{
	int err = proclist_open(reader_schema(decode->reader), wants(decode, DECODE_PROCESSES),
				&decode->processes);

	for (unsigned what = 0; what < DECODE_TABLES && err == 0; what++)
		if (wants(decode, what))
			err = open_table(decode, what);
	if (err < 0)
		decode->why = "no memory";
	return err;
}

int decode_open(int fd, reader_more *more, void *arg, const struct decode_wanted *wanted,
		struct decode **ret)
{
	struct decode *decode = *ret = calloc(1, sizeof(*decode));
	int err;

	if (!decode)
		return -ENOMEM;
	decode->wanted = *wanted;
	err = more ? reader_follow(fd, more, arg, &decode->reader)
		   : reader_open(fd, &decode->reader);
	return err < 0 ? err : open_tables(decode);
}

void decode_close(struct decode *decode)
{
	if (!decode)
		return;
	for (unsigned what = 0; what < DECODE_TABLES; what++)
		table_close(decode->table[what]);
	blockrows_close(decode->ticks.rows);
	thin_close(decode->ticks.thin);
	blockrows_close(decode->samples.rows);
	thin_close(decode->samples.thin);
	proclist_close(decode->processes);
	infolist_close(decode->info);
	reader_close(decode->reader);
	free(decode);
}

struct table *decode_table(struct decode *decode, enum decode_what what)
{
	return decode->table[what];
}

const struct reader *decode_reader(const struct decode *decode)
{
	return decode->reader;
}

/* ---- sections ---------------------------------------------------------------------------------- */

static int take_rows(struct decode *decode, struct bytes_in *in)
{
	struct bytes_in subject = *in;
	uint64_t id = bytes_get_varint(&subject);
	const struct proclist_name *name;
	static const struct proclist_name nobody;

	if (id == 0)
		return wants(decode, DECODE_TICKS)
			       ? blockrows_add(decode->ticks.rows, in, 0, NULL, 0)
			       : 0;
	if (!wants(decode, DECODE_SAMPLES))
		return 0;
	name = proclist_find(decode->processes, id);
	if (!name)
		name = &nobody;
	if (!rowfilter_takes(decode->wanted.filter, name->pid, name->comm, name->comm_len))
		return 0;
	return blockrows_add(decode->samples.rows, in, name->pid, name->comm, name->comm_len);
}

static void put_event(struct table *table, const struct rows_event *event,
		      const struct proclist_name *process)
{
	char number[24];
	const char *kind = number;

	/* What a newer mstat tells of has no name here. */
	if (event->kind < EVENT_MAX && event_table[event->kind][0])
		kind = event_table[event->kind];
	else
		snprintf(number, sizeof(number), "%" PRIu64, event->kind);
	table_put_uint(table, event->time_ns);
	table_put_text(table, kind, strlen(kind));
	table_put_uint(table, event->process);
	if (process)
		table_put_uint(table, process->pid);
	else
		table_put_unknown(table);
	table_put_int(table, event->number);
	table_put_text(table, event->text, event->text_len);
}

static int take_event(struct decode *decode, struct bytes_in *in)
{
	static const struct proclist_name nobody;
	const struct proclist_name *process;
	const struct proclist_name *is;
	struct rows_event event;

	if (rows_unpack_event(in, &event) < 0)
		return -EBADMSG;
	process = proclist_find(decode->processes, event.process);
	is = process ? process : &nobody;
	if (rowfilter_takes_span(decode->wanted.filter, event.time_ns, event.time_ns) &&
	    rowfilter_takes(decode->wanted.filter, is->pid, is->comm, is->comm_len))
		put_event(decode->table[DECODE_EVENTS], &event, process);
	return 0;
}

static int take_holders(struct decode *decode, struct bytes_in *in)
{
	int n = rows_unpack_holders(in, decode->holder);

	decode->holders = n < 0 ? 0 : n;
	return n < 0 ? n : 0;
}

static int take_section(struct decode *decode, uint64_t kind, struct bytes_in *in)
{
	const unsigned of_processes =
		1u << DECODE_SAMPLES | 1u << DECODE_PROCESSES | 1u << DECODE_EVENTS;

	if (kind == SECTION_PROCESS && decode->wanted.tables & of_processes)
		return proclist_take(decode->processes, in);
	if (kind == SECTION_LIFE && wants(decode, DECODE_PROCESSES))
		return proclist_take_life(decode->processes, in);
	if (kind == SECTION_ROWS)
		return take_rows(decode, in);
	if (kind == SECTION_EVENT && wants(decode, DECODE_EVENTS))
		return take_event(decode, in);
	if (kind == SECTION_HOLDERS && wants(decode, DECODE_PEAK))
		return take_holders(decode, in);
	if (kind == SECTION_PHASE && wants(decode, DECODE_PHASES))
		return phaselist_put(decode->table[DECODE_PHASES], in);
	if (kind == SECTION_SUMMARY && wants(decode, DECODE_SUMMARY))
		return infolist_take(decode->info, in);
	return 0;
}

/* ---- blocks ------------------------------------------------------------------------------------ */

static void put_thinned(struct rows_table *of)
{
	struct table_row row;

	while (thin_next(of->thin, &row))
		table_put_row(of->table, &row);
}

/* The rows of a block, or what they add to their steps. */
static int put_rows(const struct decode *decode, struct rows_table *of)
{
	const struct table_clock *clock = reader_clock(decode->reader);
	struct table_row row;
	int err = 0;

	if (!of->rows)
		return 0;
	while (err == 0 && blockrows_next(of->rows, &row)) {
		if (!rowfilter_takes_time(decode->wanted.filter, table_time(clock, &row)))
			continue;
		if (of->thin)
			err = thin_add(of->thin, &row);
		else
			table_put_row(of->table, &row);
	}
	if (of->thin && err == 0) {
		thin_settle(of->thin);
		put_thinned(of);
	}
	return err;
}

static void clear_rows(struct rows_table *of)
{
	if (of->rows)
		blockrows_clear(of->rows);
}

/* Whoever follows a run sees each block's rows as soon as they are there. */
static int settle_tables(struct decode *decode)
{
	int err = 0;

	for (unsigned what = 0; what < DECODE_TABLES; what++) {
		struct table *table = decode->table[what];
		/* The summary's names come with what they name. */
		bool flushes = decode->wanted.at_once && what != DECODE_SUMMARY;

		if (table && err == 0)
			err = flushes ? table_flush(table) : table_error(table);
	}
	return err;
}

static int decode_block(struct decode *decode, struct bytes_in *block)
{
	struct bytes_in content;
	uint64_t kind;
	int err = 0;

	clear_rows(&decode->ticks);
	clear_rows(&decode->samples);
	while (err == 0 && rows_next_section(block, &kind, &content))
		err = take_section(decode, kind, &content);
	if (err == 0 && block->bad) {
		decode->why = "a section longer than its block";
		return -EBADMSG;
	}
	if (err == 0)
		err = put_rows(decode, &decode->ticks);
	if (err == 0)
		err = put_rows(decode, &decode->samples);
	if (err < 0) {
		decode->why = err == -EBADMSG ? "a malformed section" : "no memory";
		return err;
	}
	return settle_tables(decode);
}

/* ---- the end ----------------------------------------------------------------------------------- */

static void put_holders(const struct decode *decode)
{
	struct table *table = decode->table[DECODE_PEAK];

	for (int i = 0; i < decode->holders; i++) {
		const struct rows_holder *holder = &decode->holder[i];

		table_put_uint(table, holder->id);
		table_put_uint(table, holder->pid);
		table_put_text(table, holder->comm, holder->comm_len);
		table_put_int(table, (int64_t)((uint64_t)holder->rss_anon * 1024));
		table_put_int(table, (int64_t)((uint64_t)holder->rss_shmem * 1024));
		if (holder->has_pss) {
			table_put_int(table, (int64_t)((uint64_t)holder->pss * 1024));
			table_put_uint(table, holder->pss_age_ns);
		} else {
			table_put_unknown(table);
			table_put_unknown(table);
		}
	}
}

static void finish_rows(struct rows_table *of)
{
	if (!of->thin)
		return;
	thin_finish(of->thin);
	put_thinned(of);
}

/* What columns were chosen is known by now. A step is told by columns that need not be among them. */
static void choose_fields(struct rows_table *of)
{
	if (!of->rows || of->thin || table_reads_all(of->table))
		return;
	table_read_fields(of->table, of->fields);
	blockrows_choose(of->rows, of->fields);
}

int decode_run(struct decode *decode)
{
	struct bytes_in block;
	int err;

	choose_fields(&decode->ticks);
	choose_fields(&decode->samples);
	settle_tables(decode);
	while ((err = reader_next(decode->reader, &block)) > 0) {
		err = decode_block(decode, &block);
		if (err < 0)
			break;
	}
	finish_rows(&decode->ticks);
	finish_rows(&decode->samples);
	if (wants(decode, DECODE_PROCESSES))
		proclist_put(decode->processes, decode->wanted.filter,
			     decode->table[DECODE_PROCESSES]);
	if (wants(decode, DECODE_PEAK))
		put_holders(decode);
	if (wants(decode, DECODE_SUMMARY))
		infolist_put(decode->info, decode->table[DECODE_SUMMARY]);
	return err;
}

int decode_flush(struct decode *decode)
{
	int first = 0;

	for (unsigned what = 0; what < DECODE_TABLES; what++) {
		int err = decode->table[what] ? table_flush(decode->table[what]) : 0;

		if (first == 0)
			first = err;
	}
	return first;
}

uint64_t decode_offset(const struct decode *decode)
{
	return decode->reader ? reader_offset(decode->reader) : 0;
}

const char *decode_why(const struct decode *decode)
{
	if (decode->why)
		return decode->why;
	return decode->reader ? reader_why(decode->reader) : "no memory";
}
