/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/metric.h"
#include "tools/openmetrics.h"
#include "tools/plain.h"
#include "tools/spool.h"
#include "tools/stream.h"

/* So many points of a series are kept before they are put into the file. */
#define CHUNK 64
/* In place of a value. */
#define UNKNOWN INT64_MIN

/* What precedes a chunk's times and its columns, one after the other, in the file. */
struct chunk {
	uint64_t next; /* where the series goes on; 0: it ends */
	uint64_t count;
};

/* All points of the tree, or of a process under one name. */
struct series {
	struct series *next;	/* by the order in which they began */
	struct series *renamed; /* of the same process */
	uint64_t process, pid;
	char *comm; /* owned; NULL: not known */
	size_t comm_len;
	int64_t last_ns;      /* the newest point's */
	uint64_t first, last; /* chunks in the file; 0: none */
	unsigned count, room; /* points that are not there yet */
	int64_t *point;	      /* owned: a time and a value for each column, room times */
};

struct openmetrics {
	enum scope scope;
	const struct reader *reader; /* borrowed */
	const struct table *table;   /* borrowed */
	unsigned width;		     /* of a row: the time and the metrics */
	unsigned *column;	     /* owned: of the table's, by metric; UINT_MAX: not wanted */
	int fd;			     /* owned: the points, by series */
	bool is_spool_bad;	     /* this has failed */
	uint64_t end;		     /* of the file */
	int64_t start_ns;	     /* of the run, since the epoch */
	void *processes;      /* tsearch(3) tree of the newest series, by process; not owned */
	struct series *first; /* owned */
	struct series **at;
	int64_t *chunk; /* owned: a chunk's points, by column */
	FILE *to;	/* while it is written */
};

/* ---- columns ----------------------------------------------------------------------------------- */

#define NO_COLUMN (~0u)

static unsigned find_column(const struct table *table, const char *name)
{
	unsigned n;
	const char *const *names = table_names(table, &n);

	for (unsigned i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return i;
	return NO_COLUMN;
}

static int find_columns(struct openmetrics *metrics)
{
	const struct metric *metric;
	unsigned n = 0;

	while (metric_at(metrics->scope, n))
		n++;
	metrics->width = n + 1;
	metrics->column = calloc(n, sizeof(*metrics->column));
	metrics->chunk = calloc((size_t)CHUNK * (n + 1), sizeof(*metrics->chunk));
	if (!metrics->column || !metrics->chunk)
		return -ENOMEM;
	for (unsigned i = 0; (metric = metric_at(metrics->scope, i)); i++) {
		unsigned column = find_column(metrics->table, metric->column);

		if (column != NO_COLUMN && !table_is_chosen(metrics->table, column))
			column = NO_COLUMN;
		/* Rows of a run are not columns, but names and values. */
		metrics->column[i] = metrics->scope == SCOPE_RUN ? 1 : column;
	}
	return 0;
}

/* What the header says, 0: it does not. */
static int64_t info_number(const struct reader *reader, const char *wanted)
{
	const char *name;
	const char *text;
	size_t len;

	for (unsigned i = 0; reader_info(reader, i, &name, &text, &len); i++)
		if (!strcmp(name, wanted) && len > 0 && len < 20 &&
		    strspn(text, "0123456789") == len)
			return strtoll(text, NULL, 10);
	return 0;
}

/* ---- series ------------------------------------------------------------------------------------ */

static int compare_series(const void *left, const void *right)
{
	const struct series *a = left;
	const struct series *b = right;

	return a->process < b->process ? -1 : a->process > b->process;
}

/* What a label has of a text at some place: a character, or what stands for a byte that is none. */
struct shown {
	const char *text;
	size_t len, taken;
};

static struct shown shown_at(const char *text, size_t left)
{
	size_t len = plain_utf8_len((const unsigned char *)text, left);

	return len ? (struct shown){text, len, len} : (struct shown){"\xef\xbf\xbd", 3, 1};
}

/* Whether both are the same as labels: of two series that have all of these alike none could be told apart. */
static bool is_alike(const char *a, size_t a_left, const char *b, size_t b_left)
{
	while (a_left && b_left) {
		struct shown x = shown_at(a, a_left), y = shown_at(b, b_left);

		if (x.len != y.len || memcmp(x.text, y.text, x.len))
			return false;
		a += x.taken, a_left -= x.taken;
		b += y.taken, b_left -= y.taken;
	}
	return !a_left && !b_left;
}

static bool is_named(const struct series *series, const struct series *like)
{
	if (series->pid != like->pid || !series->comm != !like->comm)
		return false;
	return !like->comm || is_alike(series->comm, series->comm_len, like->comm, like->comm_len);
}

static struct series *series_new(struct openmetrics *metrics, const struct series *like)
{
	struct series *series = calloc(1, sizeof(*series));

	if (!series)
		return NULL;
	*series = *like;
	if (like->comm) {
		series->comm = malloc(like->comm_len + 1);
		if (!series->comm) {
			free(series);
			return NULL;
		}
		memcpy(series->comm, like->comm, like->comm_len);
	}
	*metrics->at = series;
	metrics->at = &series->next;
	return series;
}

/* The series of that process and name, new where there is none; NULL: no memory. */
static struct series *series_get(struct openmetrics *metrics, const struct series *like)
{
	struct series **node = tsearch(like, &metrics->processes, compare_series);
	struct series *series;

	if (!node)
		return NULL;
	if (*node == like) {
		series = series_new(metrics, like);
		if (series)
			*node = series;
		else
			tdelete(like, &metrics->processes, compare_series);
		return series;
	}
	for (series = *node; series; series = series->renamed)
		if (is_named(series, like))
			return series;
	series = series_new(metrics, like);
	if (series) {
		series->renamed = *node;
		*node = series;
	}
	return series;
}

static int write_at(const struct openmetrics *metrics, const void *src, size_t len, uint64_t at)
{
	const uint8_t *p = src;

	while (len) {
		ssize_t n = pwrite(metrics->fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

/* The points go into the file, by column. */
static int spill(struct openmetrics *metrics, struct series *series)
{
	struct chunk chunk = {.count = series->count};
	uint64_t at = metrics->end;
	size_t size = series->count * metrics->width * sizeof(*metrics->chunk);
	int err;

	if (!series->count)
		return 0;
	for (unsigned i = 0; i < series->count; i++)
		for (unsigned j = 0; j < metrics->width; j++)
			metrics->chunk[j * series->count + i] =
				series->point[i * metrics->width + j];
	err = write_at(metrics, &chunk, sizeof(chunk), at);
	if (err == 0)
		err = write_at(metrics, metrics->chunk, size, at + sizeof(chunk));
	/* That of before knows now where the series goes on. */
	if (err == 0 && series->last)
		err = write_at(metrics, &at, sizeof(at), series->last);
	metrics->is_spool_bad = err < 0;
	if (!series->first)
		series->first = at;
	series->last = at;
	series->count = 0;
	metrics->end = at + sizeof(chunk) + size;
	return err;
}

static int make_room(struct openmetrics *metrics, struct series *series)
{
	unsigned room = series->room ? 2 * series->room : 1;
	int64_t *more;

	if (series->count < series->room)
		return 0;
	if (series->count == CHUNK)
		return spill(metrics, series);
	more = reallocarray(series->point, room, metrics->width * sizeof(*more));
	if (!more)
		return -ENOMEM;
	series->point = more;
	series->room = room;
	return 0;
}

static int64_t value_of(const struct table_cell *cell)
{
	return cell->kind == TABLE_INT || cell->kind == TABLE_UINT ? cell->number : UNKNOWN;
}

/* As in steps (thin.h): of counters the last value, of all else the largest. */
static void fill_point(const struct openmetrics *metrics, int64_t *point,
		       const struct table_cell *cells)
{
	for (unsigned i = 0; i + 1 < metrics->width; i++) {
		int64_t v = UNKNOWN;

		if (metrics->column[i] != NO_COLUMN)
			v = value_of(&cells[metrics->column[i]]);
		if (v > point[i + 1] ||
		    (v != UNKNOWN && metric_at(metrics->scope, i)->kind == METRIC_COUNTER))
			point[i + 1] = v;
	}
}

/*
 * A metric has one point at an instant, and they ascend; a second row of an instant, as of a process
 * that exits, goes into it.
 */
static int add_point(struct openmetrics *metrics, struct series *series,
		     const struct table_cell *cells)
{
	int64_t time_ns = cells[0].number;
	bool is_first = !series->count && !series->first;
	int64_t *point;
	int err;

	if (is_first || time_ns > series->last_ns) {
		err = make_room(metrics, series);
		if (err < 0)
			return err;
		point = series->point + (size_t)series->count++ * metrics->width;
		for (unsigned i = 0; i < metrics->width; i++)
			point[i] = UNKNOWN;
		point[0] = series->last_ns = time_ns;
	}
	if (time_ns == series->last_ns)
		fill_point(metrics, series->point + (size_t)(series->count - 1) * metrics->width,
			   cells);
	return 0;
}

static int take_row(void *arg, const struct table_cell *cells, unsigned n)
{
	struct openmetrics *metrics = arg;
	struct series like = {0};
	struct series *series;

	(void)n;
	if (metrics->scope == SCOPE_PROCESS) {
		const struct table_cell *comm = &cells[find_column(metrics->table, "comm")];

		like.process = (uint64_t)cells[find_column(metrics->table, "process")].number;
		like.pid = (uint64_t)cells[find_column(metrics->table, "pid")].number;
		like.comm = comm->kind == TABLE_TEXT ? (char *)(uintptr_t)comm->text : NULL;
		like.comm_len = comm->len;
	}
	series = series_get(metrics, &like);
	return series ? add_point(metrics, series, cells) : -ENOMEM;
}

/* Of the run: a name and a value, which is one of the metrics or none. */
static int take_pair(void *arg, const struct table_cell *cells, unsigned n)
{
	struct openmetrics *metrics = arg;
	const struct metric *metric;

	(void)n;
	for (unsigned i = 0; (metric = metric_at(SCOPE_RUN, i)); i++)
		if (strlen(metric->column) == cells[0].len &&
		    !memcmp(metric->column, cells[0].text, cells[0].len))
			metrics->first->point[i + 1] = value_of(&cells[1]);
	return 0;
}

/* The run has one point. */
static int begin_run(struct openmetrics *metrics)
{
	struct series *series = series_get(metrics, &(struct series){0});

	if (!series || make_room(metrics, series) < 0)
		return -ENOMEM;
	for (unsigned i = 0; i < metrics->width; i++)
		series->point[i] = UNKNOWN;
	series->count = 1;
	return 0;
}

int openmetrics_open(enum scope scope, const struct reader *reader, struct table *table,
		     struct openmetrics **ret)
{
	struct openmetrics *metrics = *ret = calloc(1, sizeof(*metrics));
	int err;

	if (!metrics)
		return -ENOMEM;
	metrics->scope = scope;
	metrics->reader = reader;
	metrics->table = table;
	metrics->start_ns = info_number(reader, "start_realtime_ns");
	metrics->at = &metrics->first;
	/* 0 is no chunk's place. */
	metrics->end = sizeof(struct chunk);
	metrics->fd = spool_open();
	metrics->is_spool_bad = metrics->fd < 0;
	err = metrics->fd < 0 ? metrics->fd : find_columns(metrics);
	if (err == 0 && scope == SCOPE_RUN)
		err = begin_run(metrics);
	if (err == 0)
		table_feed(table, scope == SCOPE_RUN ? take_pair : take_row, metrics);
	return err;
}

bool openmetrics_is_spool_bad(const struct openmetrics *metrics)
{
	return metrics && metrics->is_spool_bad;
}

static void keep_key(void *key)
{
	(void)key;
}

void openmetrics_close(struct openmetrics *metrics)
{
	if (!metrics)
		return;
	tdestroy(metrics->processes, keep_key);
	for (struct series *series = metrics->first, *next; series; series = next) {
		next = series->next;
		free(series->point);
		free(series->comm);
		free(series);
	}
	if (metrics->fd >= 0)
		close(metrics->fd);
	free(metrics->column);
	free(metrics->chunk);
	free(metrics);
}

/* ---- text -------------------------------------------------------------------------------------- */

static void put_label(FILE *to, const char *text, size_t len)
{
	while (len) {
		struct shown shown = shown_at(text, len);

		if (*text == '"' || *text == '\\')
			putc('\\', to);
		if (*text == '\n')
			fputs("\\n", to);
		else
			fwrite(shown.text, 1, shown.len, to);
		text += shown.taken;
		len -= shown.taken;
	}
}

/* In what OpenMetrics takes: seconds of ns, a ratio of billionths. */
static void put_billionths(FILE *to, int64_t n)
{
	uint64_t v = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	fprintf(to, "%s%" PRIu64 ".%09" PRIu64, n < 0 ? "-" : "", v / 1000000000, v % 1000000000);
}

static bool ends(const char *text, const char *with)
{
	size_t len = strlen(text);

	return len >= strlen(with) && !strcmp(text + len - strlen(with), with);
}

/* NULL: it is a number of something. */
static const char *unit_of(const struct metric *metric)
{
	static const char *const units[] = {"_bytes", "_seconds", "_ratio"};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (ends(metric->family, units[i]))
			return units[i] + 1;
	return NULL;
}

static void put_head(FILE *to, const struct metric *metric)
{
	const char *unit = unit_of(metric);

	fprintf(to, "# TYPE %s %s\n", metric->family,
		metric->kind == METRIC_COUNTER ? "counter" : "gauge");
	if (unit)
		fprintf(to, "# UNIT %s %s\n", metric->family, unit);
	fprintf(to, "# HELP %s %s\n", metric->family, metric->help);
}

/* Labels and what is before them. */
static void put_name(const struct openmetrics *metrics, const struct metric *metric,
		     const struct series *series)
{
	bool is_process = metrics->scope == SCOPE_PROCESS;
	FILE *to = metrics->to;

	fprintf(to, "%s%s", metric->family, metric->kind == METRIC_COUNTER ? "_total" : "");
	if (!is_process && !metric->label)
		return;
	putc('{', to);
	if (is_process) {
		fprintf(to, "process=\"%" PRIu64 "\",pid=\"", series->process);
		if (series->comm)
			fprintf(to, "%" PRIu64, series->pid);
		fputs("\",comm=\"", to);
		put_label(to, series->comm, series->comm_len);
		putc('"', to);
	}
	if (metric->label)
		fprintf(to, "%s%s", is_process ? "," : "", metric->label);
	putc('}', to);
}

static void put_point(const struct openmetrics *metrics, const struct metric *metric,
		      const struct series *series, int64_t time_ns, int64_t v)
{
	/* A counter below 0 is only what is none of ours. */
	if (v == UNKNOWN || (metric->kind == METRIC_COUNTER && v < 0))
		return;
	put_name(metrics, metric, series);
	putc(' ', metrics->to);
	if (ends(metric->column, "_ns") || ends(metric->column, "_ppb"))
		put_billionths(metrics->to, v);
	else
		fprintf(metrics->to, "%" PRId64, v);
	putc(' ', metrics->to);
	put_billionths(metrics->to, (int64_t)((uint64_t)metrics->start_ns + (uint64_t)time_ns));
	putc('\n', metrics->to);
}

static int read_at(const struct openmetrics *metrics, void *dst, size_t len, uint64_t at)
{
	ssize_t n;

	do
		n = pread(metrics->fd, dst, len, (off_t)at);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

/* One metric of one series: times and values of each chunk, and of no other column. */
static int put_series(const struct openmetrics *metrics, unsigned i, const struct series *series)
{
	const struct metric *metric = metric_at(metrics->scope, i);
	int64_t *time = metrics->chunk;
	int64_t *value = metrics->chunk + CHUNK;
	struct chunk chunk;

	for (uint64_t at = series->first; at; at = chunk.next) {
		int err = read_at(metrics, &chunk, sizeof(chunk), at);
		size_t size = chunk.count * sizeof(*time);

		if (err == 0)
			err = read_at(metrics, time, size, at + sizeof(chunk));
		if (err == 0)
			err = read_at(metrics, value, size, at + sizeof(chunk) + (i + 1) * size);
		if (err < 0)
			return err;
		for (uint64_t j = 0; j < chunk.count; j++)
			put_point(metrics, metric, series, time[j], value[j]);
		/* Nobody reads on, or the disk is full: the rest may be long. */
		if (ferror(metrics->to))
			return errno ? -errno : -EIO;
	}
	return 0;
}

static int put_metric(const struct openmetrics *metrics, unsigned i)
{
	int err = 0;

	if (metrics->column[i] == NO_COLUMN)
		return 0;
	for (struct series *series = metrics->first; series && err == 0; series = series->next)
		err = put_series(metrics, i, series);
	return err;
}

/* Whether it is the first that is wanted of its family. */
static bool is_head(const struct openmetrics *metrics, unsigned i)
{
	const char *family = metric_at(metrics->scope, i)->family;

	for (unsigned j = 0; j < i; j++)
		if (metrics->column[j] != NO_COLUMN &&
		    !strcmp(metric_at(metrics->scope, j)->family, family))
			return false;
	return metrics->column[i] != NO_COLUMN;
}

static int put_family(const struct openmetrics *metrics, unsigned first)
{
	const struct metric *head = metric_at(metrics->scope, first);
	const struct metric *metric;
	int err = 0;

	put_head(metrics->to, head);
	for (unsigned i = first; (metric = metric_at(metrics->scope, i)) && err == 0; i++)
		if (!strcmp(metric->family, head->family))
			err = put_metric(metrics, i);
	return err;
}

static int put_families(const struct openmetrics *metrics)
{
	int err = 0;

	for (unsigned i = 0; metric_at(metrics->scope, i) && err == 0; i++)
		if (is_head(metrics, i))
			err = put_family(metrics, i);
	return err;
}

/* What the header knows, as labels. */
static void put_run_info(const struct openmetrics *metrics)
{
	FILE *to = metrics->to;
	const char *name;
	const char *text;
	size_t len;

	fputs("# TYPE mstat_run_info gauge\n# HELP mstat_run_info What the run was.\n"
	      "mstat_run_info{",
	      to);
	for (unsigned i = 0, put = 0; reader_info(metrics->reader, i, &name, &text, &len); i++) {
		/* Arguments end with a zero byte, and are no label. */
		if (!strcmp(name, "command") ||
		    strspn(name, "abcdefghijklmnopqrstuvwxyz_") != strlen(name))
			continue;
		fprintf(to, "%s%s=\"", put++ ? "," : "", name);
		put_label(to, text, len);
		putc('"', to);
	}
	fputs("} 1 ", to);
	put_billionths(to,
		       (int64_t)((uint64_t)metrics->start_ns + (uint64_t)metrics->first->point[0]));
	putc('\n', to);
}

/* The run's point is at its end. */
static void time_run(const struct openmetrics *metrics)
{
	const struct metric *metric;
	int64_t *point = metrics->first->point;

	point[0] = 0;
	for (unsigned i = 0; (metric = metric_at(SCOPE_RUN, i)); i++)
		if (!strcmp(metric->column, "duration_ns") && point[i + 1] != UNKNOWN)
			point[0] = point[i + 1];
}

static int put_all(struct openmetrics *metrics)
{
	int err = 0;

	if (metrics->scope == SCOPE_RUN) {
		time_run(metrics);
		put_run_info(metrics);
	}
	for (struct series *series = metrics->first; series && err == 0; series = series->next)
		err = spill(metrics, series);
	if (err == 0)
		err = put_families(metrics);
	fputs("# EOF\n", metrics->to);
	return err;
}

int openmetrics_write(struct openmetrics *metrics, int fd)
{
	int err = stream_open(fd, &metrics->to);

	if (err == 0)
		err = stream_close(metrics->to, put_all(metrics));
	metrics->to = NULL;
	return err;
}
