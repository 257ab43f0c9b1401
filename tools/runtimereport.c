/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/columns.h"
#include "tools/runtimereport.h"

/* What is read; and in place of the last two, what the page has. */
enum { COLUMN_GO_SYS = RUNTIMEREPORT_COLUMNS - 1, COLUMN_GO_RELEASED, COLUMNS };
enum { VALUE_GO_HELD = COLUMN_GO_SYS };

_Static_assert(COLUMNS <= COLUMNS_MAX, "all are asked for at once");

static const char *const columns[COLUMNS] = {
	"rss_bytes",
	"go_heap_inuse_bytes",
	"go_heap_alloc_bytes",
	"go_next_gc_bytes",
	"go_num_gc",
	"go_goroutines",
	"jvm_heap_committed_bytes",
	"jvm_heap_used_bytes",
	"jvm_metaspace_used_bytes",
	"jvm_gc_count",
	"jvm_threads",
	"glibc_arena_bytes",
	[COLUMN_GO_SYS] = "go_sys_bytes",
	[COLUMN_GO_RELEASED] = "go_heap_released_bytes",
};

static const char *name_of(unsigned value)
{
	return value == VALUE_GO_HELD ? RUNTIMEREPORT_GO_HELD : columns[value];
}

/* A process while it is read. */
struct subject {
	struct runtimereport_process *to; /* borrowed */
	uint64_t id;
	bool has[RUNTIMEREPORT_COLUMNS];
	struct series_thin *thin; /* owned; NULL: all rows are kept */
};

/* One pass over the file. */
struct pass {
	struct columns *columns; /* owned */
	struct subject subject[RUNREPORT_RUNTIMES];
	unsigned n;
	bool is_survey;
};

/* ---- rows ------------------------------------------------------------------------------------------ */

static int64_t column_at(const struct columns_rows *rows, unsigned column, size_t i)
{
	return rows->value[column] ? rows->value[column][i] : COLUMNS_UNKNOWN;
}

static int64_t value_at(const struct columns_rows *rows, unsigned value, size_t i)
{
	int64_t sys, released;

	if (value != VALUE_GO_HELD)
		return column_at(rows, value, i);
	sys = column_at(rows, COLUMN_GO_SYS, i);
	released = column_at(rows, COLUMN_GO_RELEASED, i);
	if (sys == COLUMNS_UNKNOWN || released == COLUMNS_UNKNOWN)
		return SERIES_UNKNOWN;
	return (int64_t)((uint64_t)sys - (uint64_t)released);
}

static void survey(struct subject *subject, const struct columns_rows *rows)
{
	struct runtimereport_process *to = subject->to;

	if (!to->samples || rows->tick[0] < to->first_tick)
		to->first_tick = rows->tick[0];
	if (rows->tick[rows->n - 1] > to->last_tick)
		to->last_tick = rows->tick[rows->n - 1];
	to->samples += rows->n;
	for (unsigned value = 0; value < RUNTIMEREPORT_COLUMNS; value++)
		for (size_t i = 0; i < rows->n && !subject->has[value]; i++)
			subject->has[value] = value_at(rows, value, i) != SERIES_UNKNOWN;
}

static int keep(struct subject *subject, const struct columns_rows *rows)
{
	struct series_row row;
	int err = 0;

	for (size_t i = 0; err == 0 && i < rows->n; i++) {
		unsigned width = 0;

		row.tick = rows->tick[i];
		for (unsigned value = 0; value < RUNTIMEREPORT_COLUMNS; value++)
			if (subject->has[value])
				row.value[width++] = value_at(rows, value, i);
		err = subject->thin ? series_thin_add(subject->thin, &row)
				    : series_add(&subject->to->series, row.tick, row.value);
	}
	return err;
}

static int take_section(void *arg, uint64_t kind, struct bytes_in *in)
{
	struct pass *pass = arg;
	struct bytes_in ahead = *in;
	struct columns_rows rows;
	uint64_t id;
	unsigned i = 0;

	if (kind != SECTION_ROWS)
		return 0;
	id = bytes_get_varint(&ahead);
	while (i < pass->n && pass->subject[i].id != id)
		i++;
	if (i == pass->n)
		return 0;
	if (columns_take(pass->columns, in, &rows) < 0)
		return -EBADMSG;
	if (!pass->is_survey)
		return keep(&pass->subject[i], &rows);
	survey(&pass->subject[i], &rows);
	return 0;
}

static int read_file(struct pass *pass, int fd, off_t start)
{
	struct reader *reader = NULL;
	int err = lseek(fd, start, SEEK_SET) < 0 ? -errno : reader_open(fd, &reader);

	if (err == 0)
		err = reader_each(reader, take_section, pass);
	reader_close(reader);
	return runreport_is_part(err) ? 0 : err;
}

/* ---- who, and how much of each --------------------------------------------------------------------- */

static int64_t rss_of(const struct runreport *report, const struct runtimereport_process *it)
{
	return runreport_process_at(report, it->number)->rss_peak;
}

/* The largest by peak RSS; of equals those that came first. */
static void choose(const struct runreport *report, struct runtimereport *runtimes)
{
	struct runtimereport_process *process = runtimes->process;

	for (uint32_t k = 0; k < report->listed_count; k++) {
		struct runtimereport_process fresh = {.number = report->listed[k]};
		unsigned at = runtimes->n;

		if (!runreport_process_at(report, fresh.number)->has_runtime)
			continue;
		while (at && rss_of(report, &process[at - 1]) < rss_of(report, &fresh))
			at--;
		if (at == RUNREPORT_RUNTIMES)
			continue;
		runtimes->n += runtimes->n < RUNREPORT_RUNTIMES;
		for (unsigned i = runtimes->n - 1; i > at; i--)
			process[i] = process[i - 1];
		process[at] = fresh;
	}
}

/* Of each bucket the rows with the lowest and the highest of every value, so of counts the first and the last. */
static int lay_out(struct subject *subject, unsigned n)
{
	struct runtimereport_process *to = subject->to;
	size_t rows, buckets;

	for (unsigned value = 0; value < RUNTIMEREPORT_COLUMNS; value++)
		if (subject->has[value])
			to->name[to->width++] = name_of(value);
	to->series.width = to->width;
	rows = RUNREPORT_RUNTIME_POINTS / n / to->width;
	if (to->samples <= rows)
		return 0;
	subject->thin = calloc(1, sizeof(*subject->thin));
	if (!subject->thin)
		return -ENOMEM;
	/* One more is begun, where the first tick is not the first of its bucket. */
	buckets = rows / (2 * to->width) - 1;
	to->bucket_ticks = (to->last_tick - to->first_tick) / buckets + 1;
	*subject->thin = (struct series_thin){.to = &to->series,
					      .ticks = to->bucket_ticks,
					      .keys = to->width,
					      .whole_from = UINT64_MAX};
	return 0;
}

static int read_both(struct pass *pass, int fd, off_t start)
{
	int err = read_file(pass, fd, start);

	pass->is_survey = false;
	for (unsigned i = 0; err == 0 && i < pass->n; i++)
		err = lay_out(&pass->subject[i], pass->n);
	if (err == 0)
		err = read_file(pass, fd, start);
	for (unsigned i = 0; i < pass->n; i++) {
		if (err == 0 && pass->subject[i].thin)
			err = series_thin_end(pass->subject[i].thin);
		free(pass->subject[i].thin);
	}
	return err;
}

int runtimereport_read(int fd, const struct runreport *report, struct runtimereport *ret)
{
	struct pass pass = {.is_survey = true};
	int err;

	*ret = (struct runtimereport){0};
	choose(report, ret);
	if (!ret->n)
		return 0;
	pass.n = ret->n;
	for (unsigned i = 0; i < ret->n; i++)
		pass.subject[i] = (struct subject){
			.to = &ret->process[i],
			.id = runreport_process_at(report, ret->process[i].number)->id};
	err = columns_open(reader_schema(report->reader), SCOPE_PROCESS, columns, COLUMNS,
			   &pass.columns);
	if (err == 0)
		err = read_both(&pass, fd, report->start);
	columns_close(pass.columns);
	return err;
}

void runtimereport_done(struct runtimereport *runtimes)
{
	for (unsigned i = 0; i < runtimes->n; i++)
		series_done(&runtimes->process[i].series);
}
