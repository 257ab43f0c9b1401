/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "tools/embed.h"
#include "tools/reportpage.h"

/* So much of the arguments is shown of the first so many processes, and of all others. */
#define WORDS_LARGE   4096
#define WORDS_SMALL   256
#define WORDS_LARGE_N 200
/* Stacks of a heap that are shown, the largest first: bytes of text. */
#define FOLDED_MAX (2u << 20)

/* ---- JSON ------------------------------------------------------------------------------------------ */

static void put_key(struct embed *to, const char *name)
{
	embed_raw(to, ",\"");
	embed_raw(to, name);
	embed_raw(to, "\":");
}

static void put_value(struct embed *to, int64_t v)
{
	if (v == SERIES_UNKNOWN)
		embed_raw(to, "null");
	else
		embed_int(to, v);
}

static void put_uint(struct embed *to, const char *name, uint64_t v)
{
	put_key(to, name);
	embed_uint(to, v);
}

static void put_string(struct embed *to, const char *name, const char *text)
{
	put_key(to, name);
	if (text)
		embed_text(to, text, strlen(text));
	else
		embed_raw(to, "null");
}

static void put_kept(struct embed *to, const struct runreport *report, uint32_t text)
{
	size_t len;
	const char *is = texts_at(&report->texts, text, &len);

	embed_text(to, is, len);
}

static void put_info(struct embed *to, const struct runreport *report)
{
	const char *name;
	const char *text;
	size_t len;

	put_key(to, "info");
	embed_raw(to, "[");
	for (unsigned i = 0; reader_info(report->reader, i, &name, &text, &len); i++) {
		embed_raw(to, i ? ",[" : "[");
		embed_text(to, name, strlen(name));
		embed_raw(to, ",");
		if (!strcmp(name, "command"))
			embed_words(to, text, len);
		else
			embed_text(to, text, len);
		embed_raw(to, "]");
	}
	embed_raw(to, "]");
}

static void put_summary(struct embed *to, const struct runreport *report)
{
	put_key(to, "summary");
	embed_raw(to, "[");
	for (unsigned i = 0; i < report->layout->count; i++) {
		const char *name = report->layout->column[i].name;

		embed_raw(to, i ? ",[" : "[");
		embed_text(to, name, strlen(name));
		embed_raw(to, ",");
		put_value(to, report->is_told[i] ? report->summary[i] : SERIES_UNKNOWN);
		embed_raw(to, "]");
	}
	embed_raw(to, "]");
}

static void put_process(struct embed *to, const struct runreport *report,
			const struct runreport_process *process, size_t words_max)
{
	size_t len;
	const char *words = texts_at(&report->texts, process->argv, &len);

	embed_raw(to, "{\"id\":");
	embed_uint(to, process->id);
	put_uint(to, "pid", process->pid);
	put_uint(to, "ppid", process->ppid);
	put_uint(to, "uid", process->uid);
	put_uint(to, "start", process->first_ns);
	put_uint(to, "end", process->last_ns);
	put_uint(to, "ended", process->ended);
	put_uint(to, "samples", process->samples);
	put_uint(to, "band", process->band);
	put_key(to, "parent");
	put_value(to, process->parent == RUNREPORT_NO_PARENT
			      ? SERIES_UNKNOWN
			      : runreport_process_at(report, process->parent)->row);
	put_key(to, "rss");
	put_value(to, process->rss_peak);
	put_key(to, "pss");
	put_value(to, process->pss_peak);
	put_key(to, "held");
	put_value(to, process->held_peak);
	put_key(to, "hwm");
	put_value(to, process->hwm);
	put_key(to, "status");
	put_value(to, process->status);
	put_key(to, "comm");
	put_kept(to, report, process->comm);
	put_key(to, "exe");
	put_kept(to, report, process->exe);
	put_key(to, "how");
	put_kept(to, report, process->how);
	put_key(to, "argv");
	embed_words(to, words, len < words_max ? len : words_max);
	put_uint(to, "cut", len > words_max);
	embed_raw(to, "}");
}

static void put_processes(struct embed *to, const struct runreport *report)
{
	put_uint(to, "processCount", report->processes.count);
	put_key(to, "processes");
	embed_raw(to, "[");
	for (uint32_t i = 0; i < report->listed_count; i++) {
		embed_raw(to, i ? ",\n" : "");
		put_process(to, report, runreport_process_at(report, report->listed[i]),
			    i < WORDS_LARGE_N ? WORDS_LARGE : WORDS_SMALL);
	}
	embed_raw(to, "]");
}

static void put_events(struct embed *to, const struct runreport *report)
{
	uint64_t n = report->events < RUNREPORT_EVENTS ? report->events : RUNREPORT_EVENTS;

	put_uint(to, "eventCount", report->events);
	put_key(to, "events");
	embed_raw(to, "[");
	for (uint64_t i = 0; i < n; i++) {
		const struct runreport_event *event = &report->event[i];

		embed_raw(to, i ? ",\n{\"time\":" : "{\"time\":");
		embed_uint(to, event->time_ns);
		put_key(to, "kind");
		if (event->kind < EVENT_MAX && event_table[event->kind][0])
			embed_text(to, event_table[event->kind],
				   strnlen(event_table[event->kind], sizeof(event_table[0])));
		else
			embed_uint(to, event->kind);
		put_uint(to, "process", event->process);
		put_key(to, "number");
		embed_int(to, event->number);
		put_key(to, "text");
		put_kept(to, report, event->text);
		embed_raw(to, "}");
	}
	embed_raw(to, "]");
}

static void put_phase(struct embed *to, const struct runreport *report,
		      const struct runreport_phase *phase)
{
	bool is_exact = phase->is.known & ROWS_PHASE_EXACT;
	bool is_sampled = phase->is.known & ROWS_PHASE_SAMPLED;

	embed_raw(to, "{\"number\":");
	embed_uint(to, phase->is.number);
	put_uint(to, "start", phase->is.start_ns);
	put_uint(to, "end", phase->is.end_ns);
	put_key(to, "exact");
	put_value(to, is_exact ? phase->is.peak_exact : SERIES_UNKNOWN);
	put_key(to, "sampled");
	put_value(to, is_sampled ? phase->is.peak_sampled : SERIES_UNKNOWN);
	put_key(to, "name");
	put_kept(to, report, phase->name);
	embed_raw(to, "}");
}

static void put_phases(struct embed *to, const struct runreport *report)
{
	uint64_t n = report->phases < RUNREPORT_PHASES ? report->phases : RUNREPORT_PHASES;

	put_uint(to, "phaseCount", report->phases);
	put_key(to, "phases");
	embed_raw(to, "[");
	for (uint64_t i = 0; i < n; i++) {
		embed_raw(to, i ? ",\n" : "");
		put_phase(to, report, &report->phase[i]);
	}
	embed_raw(to, "]");
}

static void put_columns(struct embed *to, const char *const *name, unsigned n)
{
	put_key(to, "columns");
	embed_raw(to, "[");
	for (unsigned i = 0; i < n; i++) {
		embed_raw(to, i ? ",\"" : "\"");
		embed_raw(to, name[i]);
		embed_raw(to, "\"");
	}
	embed_raw(to, "]");
}

static void put_runtimes(struct embed *to, const struct runreport *report,
			 const struct runtimereport *runtimes)
{
	if (!runtimes->n)
		return;
	put_key(to, "runtimes");
	embed_raw(to, "[");
	for (unsigned i = 0; i < runtimes->n; i++) {
		const struct runtimereport_process *process = &runtimes->process[i];

		embed_raw(to, i ? ",\n{\"process\":" : "{\"process\":");
		embed_uint(to, runreport_process_at(report, process->number)->row);
		put_uint(to, "samples", process->samples);
		put_uint(to, "bucket", process->bucket_ticks);
		put_uint(to, "rows", process->series.n);
		put_columns(to, process->name, process->width);
		embed_raw(to, "}");
	}
	embed_raw(to, "]");
}

static int put_about(const struct reportpage *page, const struct runreport *report, FILE *to)
{
	const struct table_clock *clock = reader_clock(report->reader);
	struct embed *about;
	int err = embed_open(to, "about", &about);

	if (err < 0)
		return err;
	embed_raw(about, "{\"version\":");
	embed_text(about, page->version, strlen(page->version));
	put_string(about, "cut", page->cut);
	put_string(about, "noHeap", page->no_heap);
	put_string(about, "remarks", page->remarks);
	put_uint(about, "freq", clock->freq);
	put_uint(about, "startSeconds", clock->start_ns / 1000000000);
	put_uint(about, "startNanos", clock->start_ns % 1000000000);
	put_uint(about, "ticks", report->ticks);
	put_uint(about, "bucket", report->bucket_ticks);
	put_uint(about, "rows", report->tree.n);
	put_uint(about, "lifeRows", report->lives.n);
	put_uint(about, "bands", report->bands);
	put_columns(about, report->name, report->width);
	put_info(about, report);
	put_summary(about, report);
	put_processes(about, report);
	put_events(about, report);
	put_phases(about, report);
	put_runtimes(about, report, page->runtimes);
	embed_raw(about, "}");
	embed_close(about);
	return 0;
}

/* ---- columns --------------------------------------------------------------------------------------- */

/* A batch of numbers on its way. */
struct batch {
	struct embed *to;
	uint8_t bytes[4096];
	struct bytes_out out;
};

static void batch_flush(struct batch *batch)
{
	embed_put(batch->to, batch->bytes, (size_t)(batch->out.p - batch->bytes));
	batch->out =
		(struct bytes_out){.p = batch->bytes, .end = batch->bytes + sizeof(batch->bytes)};
}

static struct bytes_out *batch_room(struct batch *batch)
{
	if (batch->out.end - batch->out.p < BYTES_VARINT_MAX)
		batch_flush(batch);
	return &batch->out;
}

static void put_ticks(struct batch *batch, const struct series *series)
{
	uint64_t last = 0;

	for (size_t i = 0; i < series->n; i++) {
		bytes_put_varint(batch_room(batch), series->tick[i] - last);
		last = series->tick[i];
	}
}

/* How many low bits all values of a column have as zeros: memory comes in pages. */
static unsigned zeros_of(const int64_t *value, size_t n)
{
	uint64_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= value[i] == SERIES_UNKNOWN ? 0 : (uint64_t)value[i];
	return any ? (unsigned)__builtin_ctzll(any) : 0;
}

/*
 * A varint of the zeros that are left out; a byte, 1 where values are missing, and then a bit a row, of those
 * that are there; and these, each a zigzag less the one before.
 */
static void put_column(struct batch *batch, const int64_t *value, size_t n)
{
	unsigned zeros = zeros_of(value, n);
	bool is_whole = true;
	int64_t last = 0;

	for (size_t i = 0; i < n && is_whole; i++)
		is_whole = value[i] != SERIES_UNKNOWN;
	bytes_put_varint(batch_room(batch), zeros);
	bytes_put_u8(batch_room(batch), !is_whole);
	for (size_t i = 0; !is_whole && i < n; i += 8) {
		uint8_t bits = 0;

		for (size_t b = 0; b < 8 && i + b < n; b++)
			bits |= (uint8_t)((value[i + b] != SERIES_UNKNOWN) << b);
		bytes_put_u8(batch_room(batch), bits);
	}
	for (size_t i = 0; i < n; i++) {
		int64_t v = value[i] >> zeros;

		if (value[i] == SERIES_UNKNOWN)
			continue;
		bytes_put_zigzag(batch_room(batch), (int64_t)((uint64_t)v - (uint64_t)last));
		last = v;
	}
}

static int put_series(const struct series *series, const char *id, FILE *to)
{
	struct batch batch;
	int err = embed_open(to, id, &batch.to);

	if (err < 0)
		return err;
	batch.out.p = batch.bytes;
	batch_flush(&batch);
	put_ticks(&batch, series);
	for (unsigned i = 0; i < series->width; i++)
		put_column(&batch, series->value[i], series->n);
	batch_flush(&batch);
	embed_close(batch.to);
	return 0;
}

static int put_runtime_series(const struct runtimereport *runtimes, FILE *to)
{
	char id[24];
	int err = 0;

	for (unsigned i = 0; err == 0 && i < runtimes->n; i++) {
		snprintf(id, sizeof(id), "runtime%u", i);
		err = put_series(&runtimes->process[i].series, id, to);
	}
	return err;
}

/* ---- stacks ---------------------------------------------------------------------------------------- */

struct stack {
	char *line; /* owned; "a;b;c BYTES" */
	long long bytes;
};

static int compare_stacks(const void *left, const void *right)
{
	const struct stack *a = left, *b = right;

	return (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

/* All lines; the caller's, and each line. */
static int read_stacks(FILE *from, struct stack **ret, size_t *ret_n)
{
	struct stack *stack = NULL;
	size_t room = 0, n = 0, size = 0;
	char *line = NULL;

	while (getline(&line, &size, from) > 0) {
		const char *blank = strrchr(line, ' ');
		struct stack *grown;

		if (n == room) {
			room = room ? room * 2 : 256;
			grown = reallocarray(stack, room, sizeof(*stack));
			if (!grown)
				break;
			stack = grown;
		}
		stack[n++] = (struct stack){line, blank ? strtoll(blank, NULL, 10) : 0};
		line = NULL;
		size = 0;
	}
	free(line);
	*ret = stack;
	*ret_n = n;
	return feof(from) ? 0 : -ENOMEM;
}

/* The largest; what is left of them is one stack. */
static int put_stacks(FILE *from, FILE *to)
{
	struct embed *heap;
	struct stack *stack;
	size_t n, put = 0;
	long long left = 0;
	char text[64];
	int err = read_stacks(from, &stack, &n);

	if (err == 0)
		err = embed_open(to, "heap", &heap);
	if (err == 0) {
		qsort(stack, n, sizeof(*stack), compare_stacks);
		for (size_t i = 0; i < n; i++) {
			put += strlen(stack[i].line);
			if (put <= FOLDED_MAX)
				embed_raw(heap, stack[i].line);
			else
				left += stack[i].bytes;
		}
		snprintf(text, sizeof(text), "(smaller stacks) %lld\n", left);
		if (left)
			embed_raw(heap, text);
		embed_close(heap);
	}
	for (size_t i = 0; i < n; i++)
		free(stack[i].line);
	free(stack);
	return err;
}

int reportpage_write(const struct reportpage *page, const struct runreport *report, FILE *to)
{
	static const char mark[] = REPORTPAGE_MARK;
	const char *at = memmem(page->html, page->html_len, mark, sizeof(mark) - 1);
	int err;

	if (!at)
		return -EINVAL;
	fwrite(page->html, 1, (size_t)(at - page->html), to);
	err = put_about(page, report, to);
	if (err == 0)
		err = put_series(&report->tree, "tree", to);
	if (err == 0)
		err = put_series(&report->lives, "lives", to);
	if (err == 0)
		err = put_runtime_series(page->runtimes, to);
	if (err == 0 && page->folded)
		err = put_stacks(page->folded, to);
	at += sizeof(mark) - 1;
	fwrite(at, 1, page->html_len - (size_t)(at - page->html), to);
	return err;
}
