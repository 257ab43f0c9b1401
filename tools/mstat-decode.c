/* SPDX-License-Identifier: ISC */
/*
 * mstat-decode: a run file to a table of text, or to a profile (heapdecode.h).
 *
 * One block of the file is held at a time. Beside it, samples and events remember each process's
 * pid and comm, and the table of processes needs all of them before it can print the first, for the
 * last word on a process may stand at the end of the file: memory grows with the number of
 * processes, never with that of the samples.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/blockrows.h"
#include "tools/flags.h"
#include "tools/follow.h"
#include "tools/heapdecode.h"
#include "tools/input.h"
#include "tools/phaselist.h"
#include "tools/reader.h"
#include "tools/table.h"

#ifndef MSTAT_VERSION
#define MSTAT_VERSION "unknown"
#endif

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* corrupt, unreadable, or the output could not be written */
	EXIT_USAGE = 2,
	EXIT_CUT = 3, /* the file is not whole; what is whole was printed */
};

enum what { TICKS, SAMPLES, PROCESSES, EVENTS, PHASES, PEAK, SUMMARY, HEAP, WHATS };

static const char *const what_names[WHATS] = {"ticks",	"samples", "processes", "events",
					      "phases", "peak",	   "summary",	"heap"};
/* First those of tables, as enum table_format, then those of profiles, as enum heapdecode_format. */
static const char *const format_names[] = {"tsv", "csv", "jsonl", "text", "folded", "pprof"};
#define TABLE_FORMATS 3
#define FORMATS	      6

struct options {
	enum what what;
	enum table_format format;
	enum heapdecode_format profile; /* of what is no table */
	const char *at;			/* the instant of a profile */
	bool follow;
	const char *input;  /* NULL: standard input */
	const char *output; /* NULL: standard output */
};

/* What is known of a process. Its pid and comm never change: rows of the block may point there. */
struct process {
	struct rows_process is;	  /* strings in text */
	struct process *replaced; /* owned: what was known before; its pid or comm was another */
	struct cell *life;	  /* owned, by column of the layout; NULL: nothing was told */
	char text[];
};

struct cell {
	bool known;
	int64_t value;
};

struct decoder {
	struct options options;
	struct reader *reader;	/* owned */
	struct blockrows *rows; /* owned; ticks, samples, summary */
	struct table *table;	/* owned */
	void *processes;	/* tsearch(3) tree of struct process by id, owned */
	size_t process_count;
	struct table_layout *life; /* owned: the columns of a whole life; processes */
	const char **names;	   /* owned: of all columns; processes */
	const char *why;	   /* of a failure that the reader does not know of; NULL: none */
	struct rows_holder holder[ROWS_HOLDERS_MAX]; /* the newest; peak */
	int holders;
	bool summary; /* one was found, and stands in the next three */
	uint64_t present[TABLE_FIELD_MAX / 64];
	int64_t value[TABLE_FIELD_MAX];
};

static int compare_ids(const void *left, const void *right)
{
	const struct process *a = left;
	const struct process *b = right;

	return a->is.id < b->is.id ? -1 : a->is.id > b->is.id;
}

static struct process *process_find(const struct decoder *decoder, uint64_t id)
{
	struct process key = {.is.id = id};
	void *node = tfind(&key, &decoder->processes, compare_ids);

	return node ? *(struct process **)node : NULL;
}

static void process_free(void *process)
{
	for (struct process *p = process, *next; p; p = next) {
		next = p->replaced;
		free(p->life);
		free(p);
	}
}

static const char *keep_text(char **at, const char *text, size_t len)
{
	char *kept = *at;

	*at = mempcpy(kept, text, len);
	return kept;
}

static struct process *process_new(const struct rows_process *is)
{
	struct process *process = calloc(1, sizeof(*process) + is->comm_len + is->exe_len +
						    is->argv_len + is->how_len);
	char *at;

	if (!process)
		return NULL;
	process->is = *is;
	at = process->text;
	process->is.comm = keep_text(&at, is->comm, is->comm_len);
	process->is.exe = keep_text(&at, is->exe, is->exe_len);
	process->is.argv = keep_text(&at, is->argv, is->argv_len);
	process->is.how = keep_text(&at, is->how, is->how_len);
	return process;
}

static bool same_name(const struct rows_process *a, const struct rows_process *b)
{
	return a->pid == b->pid && a->comm_len == b->comm_len &&
	       !memcmp(a->comm, b->comm, a->comm_len);
}

/* Without texts: they are as they were. */
static void keep_texts(struct rows_process *is, const struct process *known)
{
	if (!known || is->comm_len || is->exe_len || is->argv_len)
		return;
	is->comm = known->is.comm;
	is->comm_len = known->is.comm_len;
	is->exe = known->is.exe;
	is->exe_len = known->is.exe_len;
	is->argv = known->is.argv;
	is->argv_len = known->is.argv_len;
}

/* Remembers the newest of a process. Only the table of processes needs more than pid and comm. */
static int take_process(struct decoder *decoder, struct bytes_in *in)
{
	struct rows_process is;
	struct process *known;
	struct process *process;
	struct process **node;

	if (rows_unpack_process(in, &is) < 0)
		return -EBADMSG;
	known = process_find(decoder, is.id);
	keep_texts(&is, known);
	if (decoder->options.what != PROCESSES) {
		if (known && same_name(&known->is, &is))
			return 0;
		is.exe_len = is.argv_len = is.how_len = 0;
	}
	process = process_new(&is);
	if (!process)
		return -ENOMEM;
	node = tsearch(process, &decoder->processes, compare_ids);
	if (!node) {
		free(process);
		return -ENOMEM;
	}
	if (*node == process) {
		decoder->process_count++;
	} else if (decoder->options.what == PROCESSES) {
		process->life = known->life;
		free(known);
		*node = process;
	} else {
		process->replaced = *node;
		*node = process;
	}
	return 0;
}

/* The id of the process that a ROWS section is about, without reading on in it. */
static uint64_t subject_of(struct bytes_in section)
{
	return bytes_get_varint(&section);
}

static int take_rows(struct decoder *decoder, struct bytes_in *in)
{
	uint64_t id = subject_of(*in);
	const struct process *process;

	if ((id == 0) != (decoder->options.what == TICKS))
		return 0;
	process = process_find(decoder, id);
	if (!process)
		return blockrows_add(decoder->rows, in, 0, NULL, 0);
	return blockrows_add(decoder->rows, in, process->is.pid, process->is.comm,
			     process->is.comm_len);
}

/* Of a life told twice the second says what is new. */
static int take_life(struct decoder *decoder, struct bytes_in *in)
{
	struct process *process = process_find(decoder, subject_of(*in));
	const struct table_layout *layout = decoder->life;
	struct table_row row;
	int err;

	if (!process)
		return 0;
	if (!process->life)
		process->life = calloc(layout->count + 1, sizeof(*process->life));
	if (!process->life)
		return -ENOMEM;
	blockrows_clear(decoder->rows);
	err = blockrows_add(decoder->rows, in, 0, NULL, 0);
	if (err < 0)
		return err;
	blockrows_sort(decoder->rows);
	while (blockrows_next(decoder->rows, &row)) {
		for (unsigned i = 0; i < layout->count; i++) {
			unsigned field;
			int64_t v;

			if (table_value(reader_schema(decoder->reader), &layout->column[i], &row,
					&v, &field))
				process->life[i] = (struct cell){true, v};
		}
	}
	return 0;
}

static int take_summary(struct decoder *decoder, struct bytes_in *in)
{
	struct table_row row;
	int err;

	blockrows_clear(decoder->rows);
	err = blockrows_add(decoder->rows, in, 0, NULL, 0);
	if (err < 0)
		return err;
	blockrows_sort(decoder->rows);
	while (blockrows_next(decoder->rows, &row)) {
		decoder->summary = true;
		memcpy(decoder->present, row.present, sizeof(decoder->present));
		memcpy(decoder->value, row.value, sizeof(decoder->value));
	}
	return 0;
}

static void put_event_kind(struct table *table, uint64_t kind)
{
	char number[24];
	const char *name = number;

	/* What a newer mstat tells of has no name here. */
	if (kind < EVENT_MAX && event_table[kind][0])
		name = event_table[kind];
	else
		snprintf(number, sizeof(number), "%" PRIu64, kind);
	table_put_text(table, name, strlen(name));
}

static int take_event(struct decoder *decoder, struct bytes_in *in)
{
	struct table *table = decoder->table;
	const struct process *process;
	struct rows_event event;

	if (rows_unpack_event(in, &event) < 0)
		return -EBADMSG;
	process = process_find(decoder, event.process);
	table_put_uint(table, event.time_ns);
	put_event_kind(table, event.kind);
	table_put_uint(table, event.process);
	if (process)
		table_put_uint(table, process->is.pid);
	else
		table_put_unknown(table);
	table_put_int(table, event.number);
	table_put_text(table, event.text, event.text_len);
	return 0;
}

static int take_section(struct decoder *decoder, uint64_t kind, struct bytes_in *in)
{
	enum what what = decoder->options.what;

	if (kind == SECTION_PROCESS && (what == SAMPLES || what == PROCESSES || what == EVENTS))
		return take_process(decoder, in);
	if (kind == SECTION_LIFE && what == PROCESSES)
		return take_life(decoder, in);
	if (kind == SECTION_ROWS && (what == TICKS || what == SAMPLES))
		return take_rows(decoder, in);
	if (kind == SECTION_EVENT && what == EVENTS)
		return take_event(decoder, in);
	if (kind == SECTION_HOLDERS && what == PEAK) {
		int n = rows_unpack_holders(in, decoder->holder);

		decoder->holders = n < 0 ? 0 : n;
		return n < 0 ? n : 0;
	}
	if (kind == SECTION_PHASE && what == PHASES)
		return phaselist_put(decoder->table, in);
	if (kind == SECTION_SUMMARY && what == SUMMARY)
		return take_summary(decoder, in);
	return 0;
}

static void print_rows(struct decoder *decoder)
{
	struct table_row row;

	blockrows_sort(decoder->rows);
	while (blockrows_next(decoder->rows, &row))
		table_put_row(decoder->table, &row);
}

/* Whoever follows a run sees each block's rows as soon as they are there. */
static int settle_table(struct decoder *decoder)
{
	if (!decoder->table)
		return 0;
	return decoder->options.follow ? table_flush(decoder->table) : table_error(decoder->table);
}

static int decode_block(struct decoder *decoder, struct bytes_in *block)
{
	struct bytes_in content;
	uint64_t kind;

	if (decoder->rows)
		blockrows_clear(decoder->rows);
	while (rows_next_section(block, &kind, &content)) {
		int err = take_section(decoder, kind, &content);

		if (err < 0) {
			decoder->why = err == -EBADMSG ? "a malformed section" : "no memory";
			return err;
		}
	}
	if (block->bad) {
		decoder->why = "a section longer than its block";
		return -EBADMSG;
	}
	if (decoder->options.what == TICKS || decoder->options.what == SAMPLES)
		print_rows(decoder);
	return settle_table(decoder);
}

static const char *const process_columns[] = {
	"id",	 "pid", "ppid",	   "start_ticks", "uid",  "gid", "start_ns", "end_ns",
	"ended", "how", "samples", "dropped",	  "comm", "exe", "argv"};

static void put_process(struct table *table, const struct rows_process *is)
{
	table_put_uint(table, is->id);
	table_put_uint(table, is->pid);
	table_put_uint(table, is->ppid);
	table_put_uint(table, is->start_ticks);
	table_put_uint(table, is->uid);
	table_put_uint(table, is->gid);
	table_put_uint(table, is->first_ns);
	table_put_uint(table, is->last_ns);
	table_put_uint(table, is->ended);
	table_put_text(table, is->how, is->how_len);
	table_put_uint(table, is->samples);
	table_put_uint(table, is->dropped);
	table_put_text(table, is->comm, is->comm_len);
	table_put_text(table, is->exe, is->exe_len);
	table_put_words(table, is->argv, is->argv_len);
}

static void put_life(struct table *table, const struct cell *life, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (life && life[i].known)
			table_put_int(table, life[i].value);
		else
			table_put_unknown(table);
	}
}

/* twalk(3) hands nothing through to its callback (twalk_r(3) is not everywhere). */
static struct decoder *walk_decoder;

static void walk_process(const void *node, VISIT visit, int depth)
{
	(void)depth;
	if (visit == postorder || visit == leaf) {
		const struct process *process = *(struct process *const *)node;

		put_process(walk_decoder->table, &process->is);
		put_life(walk_decoder->table, process->life, walk_decoder->life->count);
	}
}

static void print_processes(struct decoder *decoder)
{
	walk_decoder = decoder;
	twalk(decoder->processes, walk_process);
}

static void print_holders(struct decoder *decoder)
{
	struct table *table = decoder->table;

	for (int i = 0; i < decoder->holders; i++) {
		const struct rows_holder *holder = &decoder->holder[i];

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

/* INFO that is a number, and so stands without quotes in JSON. */
static bool is_number(const char *name, const char *text, size_t len)
{
	static const char *const names[] = {"freq",	 "start_monotonic_ns", "start_realtime_ns",
					    "page_size", "clock_ticks",	       "pid"};

	if (len == 0 || len > 18 || (len > 1 && *text == '0') || strspn(text, "0123456789") != len)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static void put_info(struct table *table, const char *name, const char *text, size_t len)
{
	if (!strcmp(name, "command"))
		table_put_words(table, text, len);
	else if (is_number(name, text, len))
		table_put_uint(table, strtoull(text, NULL, 10));
	else
		table_put_text(table, text, len);
}

/* The names of all that the summary tells, for an object's keys; the caller's to free. */
static const char **summary_names(const struct decoder *decoder, const struct table_layout *layout,
				  unsigned *ret_n)
{
	const char *name;
	const char *text;
	size_t len;
	unsigned n = 0;
	const char **names;

	while (reader_info(decoder->reader, n, &name, &text, &len))
		n++;
	names = calloc(n + layout->count + 1, sizeof(*names));
	*ret_n = n + layout->count;
	for (unsigned i = 0; names && i < n; i++)
		reader_info(decoder->reader, i, &names[i], &text, &len);
	for (unsigned i = 0; names && i < layout->count; i++)
		names[n + i] = layout->column[i].name;
	return names;
}

/* A line each, or the cells of one object. */
static void put_summary(struct decoder *decoder, const struct table_layout *layout, bool object)
{
	struct table_row row = {.present = decoder->present, .value = decoder->value};
	struct table *table = decoder->table;
	const char *name;
	const char *text;
	size_t len;

	for (unsigned i = 0; reader_info(decoder->reader, i, &name, &text, &len); i++) {
		if (!object)
			table_put_text(table, name, strlen(name));
		put_info(table, name, text, len);
	}
	for (unsigned i = 0; i < layout->count; i++) {
		unsigned field;
		int64_t v;

		name = layout->column[i].name;
		if (!object)
			table_put_text(table, name, strlen(name));
		if (table_value(reader_schema(decoder->reader), &layout->column[i], &row, &v,
				&field))
			table_put_int(table, v);
		else
			table_put_unknown(table);
	}
}

static int print_summary(struct decoder *decoder, int fd)
{
	bool object = decoder->options.format == TABLE_JSONL;
	static const char *const pair[] = {"name", "value"};
	struct table_layout *layout;
	const char **names;
	unsigned n;
	int err = table_lay_out(reader_schema(decoder->reader), SCOPE_RUN, &layout);

	if (err < 0)
		return err;
	names = summary_names(decoder, layout, &n);
	if (!names)
		err = -ENOMEM;
	else
		err = table_open(fd, decoder->options.format, object ? names : pair, object ? n : 2,
				 &decoder->table);
	if (err == 0)
		put_summary(decoder, layout, object);
	free(names);
	free(layout);
	return err;
}

/* Who it is, and the columns that this file has of a whole life. */
static int open_processes(struct decoder *decoder, int fd)
{
	const struct table_schema *schema = reader_schema(decoder->reader);
	unsigned fixed = sizeof(process_columns) / sizeof(*process_columns);
	const char **names;
	int err = table_lay_out(schema, SCOPE_LIFE, &decoder->life);

	if (err == 0)
		err = blockrows_open(schema, SCOPE_LIFE, &decoder->rows);
	if (err < 0)
		return err;
	names = decoder->names = calloc(fixed + decoder->life->count, sizeof(*names));
	if (!names)
		return -ENOMEM;
	memcpy(names, process_columns, sizeof(process_columns));
	for (unsigned i = 0; i < decoder->life->count; i++)
		names[fixed + i] = decoder->life->column[i].name;
	return table_open(fd, decoder->options.format, names, fixed + decoder->life->count,
			  &decoder->table);
}

static int open_table(struct decoder *decoder, int fd)
{
	static const char *const events[] = {"time_ns", "kind", "process", "pid", "number", "text"};
	static const char *const holders[] = {
		"process",	   "pid",	"comm",	     "rss_anon_bytes",
		"rss_shmem_bytes", "pss_bytes", "pss_age_ns"};
	const struct table_schema *schema = reader_schema(decoder->reader);
	const struct table_clock *clock = reader_clock(decoder->reader);
	enum table_format format = decoder->options.format;
	int err = 0;

	switch (decoder->options.what) {
	case TICKS:
	case SAMPLES: {
		enum scope scope = decoder->options.what == TICKS ? SCOPE_TREE : SCOPE_PROCESS;

		err = blockrows_open(schema, scope, &decoder->rows);
		if (err == 0)
			err = table_open_rows(fd, format, schema, scope, clock, &decoder->table);
		return err;
	}
	case PROCESSES:
		return open_processes(decoder, fd);
	case EVENTS:
		return table_open(fd, format, events, sizeof(events) / sizeof(*events),
				  &decoder->table);
	case PEAK:
		return table_open(fd, format, holders, sizeof(holders) / sizeof(*holders),
				  &decoder->table);
	case PHASES:
		return table_open(fd, format, phaselist_columns, PHASELIST_COLUMNS,
				  &decoder->table);
	default:
		return blockrows_open(schema, SCOPE_RUN, &decoder->rows);
	}
}

/* Reads all blocks. What can only be printed at the end is printed after an error too. */
static int decode(struct decoder *decoder, int fd)
{
	struct bytes_in block;
	int err = open_table(decoder, fd);
	int late = 0;

	if (err < 0) {
		decoder->why = "no memory";
		return err;
	}
	settle_table(decoder);
	while ((err = reader_next(decoder->reader, &block)) > 0) {
		err = decode_block(decoder, &block);
		if (err < 0)
			break;
	}
	if (decoder->options.what == PROCESSES)
		print_processes(decoder);
	else if (decoder->options.what == PEAK)
		print_holders(decoder);
	else if (decoder->options.what == SUMMARY)
		late = print_summary(decoder, fd);
	if (late < 0)
		decoder->why = "no memory";
	return late < 0 ? late : err;
}

static void decoder_done(struct decoder *decoder)
{
	table_close(decoder->table);
	blockrows_close(decoder->rows);
	free(decoder->life);
	free(decoder->names);
	reader_close(decoder->reader);
	tdestroy(decoder->processes, process_free);
}

static const char *input_name(const struct options *options)
{
	return options->input ? options->input : "standard input";
}

/* One line for what went wrong with the input, and the exit code for it. */
static int report_input(const struct options *options, int err, uint64_t offset, const char *why)
{
	const char *name = input_name(options);

	switch (err) {
	case -EBADMSG:
		fprintf(stderr, "mstat-decode: %s: corrupt at byte %" PRIu64 ": %s\n", name, offset,
			why);
		return EXIT_FAILED;
	case -ENODATA:
		fprintf(stderr,
			"mstat-decode: %s: cut at byte %" PRIu64 ": %s; all before was read\n",
			name, offset, why);
		return EXIT_CUT;
	case -EOPNOTSUPP:
	case -ENOMEM:
		fprintf(stderr, "mstat-decode: %s: %s\n", name, why);
		return EXIT_FAILED;
	default:
		fprintf(stderr, "mstat-decode: %s: %s\n", name, strerror(-err));
		return EXIT_FAILED;
	}
}

static int report_decoder(const struct decoder *decoder, int err)
{
	uint64_t offset = decoder->reader ? reader_offset(decoder->reader) : 0;
	const char *why = decoder->why;

	if (!why)
		why = decoder->reader ? reader_why(decoder->reader) : "no memory";
	return report_input(&decoder->options, err, offset, why);
}

/* A reader that has gone away (EPIPE) wants no explanation. */
static int report_output(const struct options *options, int err)
{
	if (err != -EPIPE)
		fprintf(stderr, "mstat-decode: %s: %s\n",
			options->output ? options->output : "standard output", strerror(-err));
	return EXIT_FAILED;
}

/*
 * Opens the output, if it is a named one. 0600, as the run file itself: arguments may hold secrets.
 * It is emptied only once it is known not to be the input.
 */
static int open_output(const struct options *options, int input)
{
	struct stat in;
	struct stat out;
	int fd;

	if (!options->output)
		return STDOUT_FILENO;
	fd = open(options->output, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &out) < 0)
		goto fail;
	if (S_ISREG(out.st_mode)) {
		if (fstat(input, &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino) {
			fprintf(stderr, "mstat-decode: %s: this is the run file itself\n",
				options->output);
			close(fd);
			return -1;
		}
		if (ftruncate(fd, 0) < 0)
			goto fail;
	}
	return fd;
fail:
	fprintf(stderr, "mstat-decode: %s: %s\n", options->output, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int open_input(const struct options *options)
{
	char why[320];
	int fd;

	if (!options->input)
		return STDIN_FILENO;
	fd = input_open(options->input, why, sizeof(why));
	if (fd < 0)
		fprintf(stderr, "mstat-decode: %s: %s\n", options->input, why);
	return fd;
}

/* A pipe is followed by reading it. */
static int open_reader(struct decoder *decoder, int input, struct follow *follow)
{
	const struct options *options = &decoder->options;
	int output = options->output ? -1 : STDOUT_FILENO;
	/* Of what mstatd keeps, all is locked while it grows. */
	bool locked = options->input && input_is_kept(options->input);

	if (options->follow && follow_begin(follow, input, output, locked))
		return reader_follow(input, follow_more, follow, &decoder->reader);
	return reader_open(input, &decoder->reader);
}

/* The output is not opened, and so not emptied, before the input's header was found good. */
static int run(const struct options *options)
{
	struct decoder decoder = {.options = *options};
	struct follow follow = {0};
	int input = open_input(options);
	int output = -1;
	int written = 0;
	int status;
	int err;

	if (input < 0)
		return EXIT_FAILED;
	err = open_reader(&decoder, input, &follow);
	if (err == 0) {
		output = open_output(options, input);
		if (output < 0) {
			decoder_done(&decoder);
			return EXIT_FAILED;
		}
		err = decode(&decoder, output);
		written = table_close(decoder.table);
		decoder.table = NULL;
		if (close(output) < 0 && written == 0)
			written = -errno;
	}
	if (follow.is_output_gone)
		written = -EPIPE;
	if (written < 0)
		status = report_output(options, written);
	else
		status = err < 0 ? report_decoder(&decoder, err) : EXIT_OK;
	decoder_done(&decoder);
	return status;
}

/* A profile is written when all was read. */
static int run_heap(const struct options *options)
{
	struct heapdecode *heap = NULL;
	const char *nothing;
	char line[512];
	int input = open_input(options);
	int output;
	int written = 0;
	int err;

	if (input < 0)
		return EXIT_FAILED;
	err = heapdecode_open(input, options->at, &heap);
	nothing = heap ? heapdecode_nothing(heap) : "";
	for (unsigned i = 0; heap && heapdecode_remark(heap, i, line, sizeof(line)); i++)
		fprintf(stderr, "mstat-decode: %s\n", line);
	if (!nothing) {
		output = open_output(options, input);
		if (output < 0) {
			heapdecode_close(heap);
			return EXIT_FAILED;
		}
		written = heapdecode_write(heap, options->profile, output);
		if (close(output) < 0 && written == 0)
			written = -errno;
	} else if (*nothing) {
		fprintf(stderr, "mstat-decode: %s: %s\n", input_name(options), nothing);
	}
	if (written < 0)
		err = report_output(options, written);
	else if (err < 0)
		err = report_input(options, err, heap ? heapdecode_offset(heap) : 0,
				   heap ? heapdecode_why(heap) : "no memory");
	else
		err = nothing ? EXIT_FAILED : EXIT_OK;
	heapdecode_close(heap);
	return err;
}

static const char help[] =
	"usage: mstat-decode [-what TABLE] [-format FORMAT] [-o FILE] [-follow] [FILE]\n"
	"       mstat-decode -what heap [-at INSTANT] [-format FORMAT] [-o FILE] [FILE]\n"
	"Prints a run file of mstat (default: standard input) as a table of text, or, of a run\n"
	"with mstat -heap, where the memory came from.\n"
	"mstatd:NAME is a run that mstatd keeps of yours (mstatd -list; $MSTAT_SOCKET).\n"
	"\n"
	"  -what TABLE     ticks: a row a tick for the whole tree (default)\n"
	"                  samples: a row for each process at each tick\n"
	"                  processes: a row a process\n"
	"                  events: what happened, and when\n"
	"                  peak: who held what when the tree was largest\n"
	"                  phases: between the program's marks, each with its peak\n"
	"                  summary: the run as a whole\n"
	"                  heap: the functions and stacks that have allocated what was held\n"
	"  -format FORMAT  tsv (default), csv, jsonl (a JSON object a line); of heap: text "
	"(default),\n"
	"                  folded (stacks for flame graphs), pprof (profile.proto, not to a "
	"terminal)\n"
	"  -at INSTANT     of heap: peak (of the tree; default), end (what each process held "
	"last),\n"
	"                  a time since the run's start (12.5, 1m30s), a mark's text, or #3, the "
	"third\n"
	"  -o FILE         write there (mode 0600), not to standard output\n"
	"  -follow         go on as the file grows, until the run has ended; processes, peak\n"
	"                  and summary are printed then\n"
	"  -h, -version    print this, or the version\n"
	"\n"
	"Exit code: 0; 1 the file is corrupt or something could not be read or written;\n"
	"2 usage; 3 the file is not whole, as after a crash: all that is whole was printed.\n";

/* The index of a word in a list, or -1 and a line that names them all. */
static int choose(const char *option, const char *kind, const char *word, const char *const *names,
		  int n)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(word, names[i]))
			return i;
	fprintf(stderr, "mstat-decode: -%s: unknown %s \"%s\" (", option, kind, word);
	for (int i = 0; i < n; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", names[i]);
	fprintf(stderr, ")\n");
	return -1;
}

static int print_and_exit(const char *text)
{
	if (fputs(text, stdout) < 0 || fflush(stdout) < 0)
		return report_output(&(struct options){0}, -errno);
	return EXIT_OK;
}

static int refuse(const char *why)
{
	fprintf(stderr, "mstat-decode: %s\n", why);
	return EXIT_USAGE;
}

/* Tables and profiles have options of their own. format: of format_names, -1: none was given. */
static int settle_options(struct options *options, int format)
{
	bool is_heap = options->what == HEAP;
	char why[128];

	if (format >= 0 && (format >= TABLE_FORMATS) != is_heap) {
		snprintf(why, sizeof(why), "-format %s is %s -what heap%s", format_names[format],
			 is_heap ? "not for" : "only for", is_heap ? " (text, folded, pprof)" : "");
		return refuse(why);
	}
	if (options->at && !is_heap)
		return refuse("-at is only for -what heap");
	if (options->follow && is_heap)
		return refuse("-follow is not for -what heap");
	if (!is_heap) {
		options->format = format < 0 ? TABLE_TSV : (enum table_format)format;
		return -1;
	}
	options->profile =
		format < 0 ? HEAPDECODE_TEXT : (enum heapdecode_format)(format - TABLE_FORMATS);
	if (!options->at)
		options->at = "peak";
	if (options->profile == HEAPDECODE_PPROF && !options->output && isatty(STDOUT_FILENO))
		return refuse("-format pprof is not for a terminal: use -o FILE");
	return -1;
}

/* What stands after the options. */
static int parse_operands(int argc, char **argv, struct options *options)
{
	if (argc - optind > 1) {
		fprintf(stderr, "mstat-decode: one run file at a time, not also \"%s\"\n",
			argv[optind + 1]);
		return EXIT_USAGE;
	}
	if (optind < argc && strcmp(argv[optind], "-") != 0) {
		options->input = argv[optind];
	} else if (isatty(STDIN_FILENO)) {
		fprintf(stderr, "mstat-decode: no run file given (-h for help)\n");
		return EXIT_USAGE;
	}
	return -1;
}

/* Returns an exit code, or -1 to go on. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {{"what", required_argument, NULL, 'w'},
					      {"format", required_argument, NULL, 'f'},
					      {"o", required_argument, NULL, 'o'},
					      {"follow", no_argument, NULL, 'F'},
					      {"at", required_argument, NULL, 'a'},
					      {"h", no_argument, NULL, 'h'},
					      {"help", no_argument, NULL, 'h'},
					      {"version", no_argument, NULL, 'v'},
					      {0}};
	int c;
	int i = 0;
	int at = 0;
	int format = -1;

	for (;;) {
		const char *word = argv[optind];

		c = getopt_long_only(argc, argv, "+:", longs, &at);
		if (c == -1)
			break;
		if (c != '?' && c != ':' && !flags_is_whole(word, longs[at].name))
			c = '?';
		switch (c) {
		case 'w':
			i = choose("what", "table", optarg, what_names, WHATS);
			options->what = i;
			break;
		case 'f':
			i = format = choose("format", "format", optarg, format_names, FORMATS);
			break;
		case 'a':
			options->at = optarg;
			break;
		case 'o':
			options->output = optarg;
			break;
		case 'F':
			options->follow = true;
			break;
		case 'h':
			return print_and_exit(help);
		case 'v':
			return print_and_exit("mstat-decode " MSTAT_VERSION "\n");
		case ':':
			fprintf(stderr, "mstat-decode: %s needs a value\n", argv[optind - 1]);
			return EXIT_USAGE;
		default:
			fprintf(stderr, "mstat-decode: unknown option %s (-h for help)\n", word);
			return EXIT_USAGE;
		}
		if (i < 0)
			return EXIT_USAGE;
	}
	i = settle_options(options, format);
	return i >= 0 ? i : parse_operands(argc, argv, options);
}

int main(int argc, char **argv)
{
	struct options options = {.what = TICKS, .format = TABLE_TSV};
	int status = parse_options(argc, argv, &options);

	if (status >= 0)
		return status;
	signal(SIGPIPE, SIG_IGN);
	return options.what == HEAP ? run_heap(&options) : run(&options);
}
