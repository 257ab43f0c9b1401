/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/tick.h"
#include "tools/blockrows.h"
#include "tools/columns.h"
#include "tools/runreport.h"

_Static_assert(COLUMNS_UNKNOWN == SERIES_UNKNOWN, "columns go into series as they are");

const char *const runreport_columns[RUNREPORT_COLUMNS] = {
	"rss",
	"anon_bytes",
	"file_bytes",
	"shmem_bytes",
	"kernel",
	"sum_rss_bytes",
	"sum_pss_bytes",
	"unattributed_anon_bytes",
	"unattributed_shmem_bytes",
	"residual_bytes",
	"swap_bytes",
	"peak_bytes",
	"processes",
	"mstat_bytes",
	"heap_live_bytes",
	"sum_rss_anon_bytes",
	"sum_rss_shmem_bytes",
};

_Static_assert(2 * (RUNREPORT_BANDS + 1) <= SERIES_MAX, "all bands and the rest are one series");

/* One in so many of the rows that are kept may be around the peak. */
#define WHOLE_SHARE 8

/* What one pass over the file does with each section. */
struct pass {
	struct runreport *report;
	struct columns *tree, *process, *life; /* owned; NULL: not of this pass */
	struct blockrows *run;		       /* owned; likewise */
	struct series_thin *thin;	       /* borrowed; NULL: all rows are kept */
	bool is_first;			       /* of the passes */
};

/* ---- who and what -------------------------------------------------------------------------------- */

static struct runreport_process *find_process(const struct runreport *report, uint64_t id)
{
	int64_t number = intern_find(&report->processes, &id);

	return number < 0 ? NULL : runreport_process_at(report, (uint32_t)number);
}

static int put_names(struct runreport *report, struct runreport_process *process,
		     const struct rows_process *is)
{
	/* Without texts: they are as they were. */
	bool is_named = is->comm_len || is->exe_len || is->argv_len;

	if (texts_keep(&report->texts, is->how, is->how_len, &process->how) < 0)
		return -ENOMEM;
	if (!is_named)
		return 0;
	if (texts_keep(&report->texts, is->comm, is->comm_len, &process->comm) < 0 ||
	    texts_keep(&report->texts, is->exe, is->exe_len, &process->exe) < 0 ||
	    texts_keep(&report->texts, is->argv, is->argv_len, &process->argv) < 0)
		return -ENOMEM;
	return 0;
}

static int take_process(struct runreport *report, struct bytes_in *in)
{
	struct runreport_process fresh = {.rss_peak = SERIES_UNKNOWN,
					  .pss_peak = SERIES_UNKNOWN,
					  .held_peak = SERIES_UNKNOWN,
					  .pss = SERIES_UNKNOWN,
					  .rss_with_pss = SERIES_UNKNOWN,
					  .hwm = SERIES_UNKNOWN,
					  .status = SERIES_UNKNOWN,
					  .parent = RUNREPORT_NO_PARENT};
	struct runreport_process *process;
	struct rows_process is;
	int64_t number;

	if (rows_unpack_process(in, &is) < 0)
		return -EBADMSG;
	fresh.id = is.id;
	number = intern_put(&report->processes, &fresh);
	if (number < 0)
		return -ENOMEM;
	process = runreport_process_at(report, (uint32_t)number);
	process->pid = is.pid;
	process->ppid = is.ppid;
	process->uid = is.uid;
	process->first_ns = is.first_ns;
	process->last_ns = is.last_ns;
	process->samples = is.samples;
	process->ended = is.ended;
	return put_names(report, process, &is);
}

/* Starts and ends are told by the processes themselves. */
static int take_event(struct runreport *report, struct bytes_in *in)
{
	struct runreport_event *event;
	struct rows_event is;

	if (rows_unpack_event(in, &is) < 0)
		return -EBADMSG;
	if (is.kind == EVENT_START || is.kind == EVENT_END || report->events++ >= RUNREPORT_EVENTS)
		return 0;
	event = &report->event[report->events - 1];
	*event = (struct runreport_event){
		.time_ns = is.time_ns, .kind = is.kind, .process = is.process, .number = is.number};
	return texts_keep(&report->texts, is.text, is.text_len, &event->text);
}

static int take_phase(struct runreport *report, struct bytes_in *in)
{
	struct runreport_phase *phase;
	struct rows_phase is;

	if (rows_unpack_phase(in, &is) < 0)
		return -EBADMSG;
	if (report->phases++ >= RUNREPORT_PHASES)
		return 0;
	phase = &report->phase[report->phases - 1];
	phase->is = is;
	phase->is.name = NULL;
	return texts_keep(&report->texts, is.name, is.name_len, &phase->name);
}

/* The last one in the file counts. */
static int take_summary(struct pass *pass, struct bytes_in *in)
{
	struct runreport *report = pass->report;
	struct table_row row;
	int err = blockrows_only(pass->run, in, &row);

	for (unsigned i = 0; i < report->layout->count && err == 0; i++) {
		unsigned field;

		report->is_told[i] =
			table_value(reader_schema(report->reader), &report->layout->column[i], &row,
				    &report->summary[i], &field);
	}
	return err;
}

enum { LIFE_HWM, LIFE_STATUS, LIFE_COLUMNS };
static const char *const life_columns[LIFE_COLUMNS] = {"hwm_bytes", "exit_status"};

/* Of a life told twice the second says what is new. */
static int take_life(struct pass *pass, struct bytes_in *in)
{
	struct runreport_process *process;
	struct columns_rows rows;

	if (columns_take(pass->life, in, &rows) < 0)
		return -EBADMSG;
	process = find_process(pass->report, rows.subject);
	if (!process)
		return 0;
	if (columns_last(&rows, LIFE_HWM) != COLUMNS_UNKNOWN)
		process->hwm = columns_last(&rows, LIFE_HWM);
	if (columns_last(&rows, LIFE_STATUS) != COLUMNS_UNKNOWN)
		process->status = columns_last(&rows, LIFE_STATUS);
	return 0;
}

/* ---- rows of the tree ----------------------------------------------------------------------------- */

static bool has_value(const int64_t *value, size_t n)
{
	for (size_t i = 0; value && i < n; i++)
		if (value[i] != COLUMNS_UNKNOWN)
			return true;
	return false;
}

/* The first pass looks which columns there are, and how many rows. */
static void survey_tree(struct runreport *report, const struct columns_rows *rows)
{
	for (unsigned i = 0; i < RUNREPORT_COLUMNS; i++)
		if (!report->name[i] && has_value(rows->value[i], rows->n))
			report->name[i] = runreport_columns[i];
	if (!report->ticks || rows->tick[0] < report->first_tick)
		report->first_tick = rows->tick[0];
	if (rows->tick[rows->n - 1] > report->last_tick)
		report->last_tick = rows->tick[rows->n - 1];
	report->ticks += rows->n;
	for (size_t i = 0; rows->value[0] && i < rows->n; i++) {
		if (rows->value[0][i] <= report->peak)
			continue;
		report->peak = rows->value[0][i];
		report->peak_tick = rows->tick[i];
	}
}

static int keep_tree(struct pass *pass, const struct columns_rows *rows)
{
	struct series_row row;
	int err = 0;

	for (size_t i = 0; err == 0 && i < rows->n; i++) {
		row.tick = rows->tick[i];
		for (unsigned k = 0; k < pass->report->width; k++)
			row.value[k] = rows->value[k] ? rows->value[k][i] : SERIES_UNKNOWN;
		err = pass->thin ? series_thin_add(pass->thin, &row)
				 : series_add(&pass->report->tree, row.tick, row.value);
	}
	return err;
}

static int take_tree(struct pass *pass, struct bytes_in *in)
{
	struct columns_rows rows;

	if (!pass->tree)
		return 0;
	if (columns_take(pass->tree, in, &rows) < 0)
		return -EBADMSG;
	if (!pass->is_first)
		return keep_tree(pass, &rows);
	survey_tree(pass->report, &rows);
	return 0;
}

/* ---- rows of processes ---------------------------------------------------------------------------- */

/* The last ones, which a page shows, tell that there is a runtime: the first pass looks for them. */
enum { ROW_RSS, ROW_PSS, ROW_COLUMNS, ROW_SURVEYED = ROW_COLUMNS + 4 };
static const char *const row_columns[ROW_SURVEYED] = {"rss_bytes",	     "pss_bytes",
						      "go_heap_alloc_bytes", "go_goroutines",
						      "jvm_threads",	     "jvm_heap_used_bytes"};

static void lift(int64_t *peak, int64_t value)
{
	if (value > *peak)
		*peak = value;
}

/*
 * PSS is read at a lower rate than RSS, of what is large or one of many far lower: in between it is moved by
 * what RSS has moved since. Where there is none, RSS it is.
 */
static int64_t held_now(struct runreport_process *process, int64_t rss, int64_t pss)
{
	int64_t held;

	if (pss != COLUMNS_UNKNOWN) {
		process->pss = pss;
		process->rss_with_pss = rss;
		return pss;
	}
	if (process->pss == SERIES_UNKNOWN || process->rss_with_pss == SERIES_UNKNOWN)
		return rss;
	held = (int64_t)((uint64_t)process->pss + (uint64_t)rss - (uint64_t)process->rss_with_pss);
	return held < 0 ? 0 : held;
}

static void add_to(struct series *series, unsigned column, size_t at, int64_t from, int64_t to)
{
	if (at >= series->n)
		return;
	series->value[column][at] =
		(int64_t)((uint64_t)series->value[column][at] + (uint64_t)to - (uint64_t)from);
}

/* Bands have their values at the first row that is not before a sample; of the rest each adds what is new. */
static void tell(struct runreport *report, struct runreport_process *process, size_t at,
		 int64_t held, int64_t rss)
{
	struct series *lives = &report->lives;
	unsigned rest = 2 * report->bands;

	if (process->band && at < lives->n) {
		lives->value[2 * (process->band - 1)][at] = held;
		lives->value[2 * (process->band - 1) + 1][at] = rss;
	} else if (!process->band) {
		add_to(lives, rest, at, process->told, held);
		add_to(lives, rest + 1, at, process->told_rss, rss);
	}
	process->told = held;
	process->told_rss = rss;
}

static void survey_process(struct runreport_process *process, const struct columns_rows *rows)
{
	for (unsigned i = ROW_COLUMNS; i < ROW_SURVEYED && !process->has_runtime; i++)
		process->has_runtime = has_value(rows->value[i], rows->n);
	for (size_t i = 0; i < rows->n; i++) {
		int64_t rss = rows->value[ROW_RSS] ? rows->value[ROW_RSS][i] : COLUMNS_UNKNOWN;
		int64_t pss = rows->value[ROW_PSS] ? rows->value[ROW_PSS][i] : COLUMNS_UNKNOWN;

		lift(&process->rss_peak, rss);
		lift(&process->pss_peak, pss);
		if (rss != COLUMNS_UNKNOWN)
			lift(&process->held_peak, held_now(process, rss, pss));
	}
}

static int take_rows(struct pass *pass, struct bytes_in *in)
{
	struct bytes_in ahead = *in;
	struct runreport_process *process;
	struct columns_rows rows;
	uint64_t subject = bytes_get_varint(&ahead);

	if (subject == 0)
		return take_tree(pass, in);
	process = find_process(pass->report, subject);
	if (!pass->process || !process)
		return 0;
	if (columns_take(pass->process, in, &rows) < 0)
		return -EBADMSG;
	if (pass->is_first) {
		survey_process(process, &rows);
		return 0;
	}
	for (size_t i = 0; rows.value[ROW_RSS] && i < rows.n; i++) {
		int64_t rss = rows.value[ROW_RSS][i];
		int64_t pss = rows.value[ROW_PSS] ? rows.value[ROW_PSS][i] : COLUMNS_UNKNOWN;

		if (rss != COLUMNS_UNKNOWN)
			tell(pass->report, process, series_find(&pass->report->lives, rows.tick[i]),
			     held_now(process, rss, pss), rss);
	}
	return 0;
}

/* ---- a pass --------------------------------------------------------------------------------------- */

/* Of each new peak: the newest are the peak's. */
static int take_holders(struct runreport *report, struct bytes_in *in)
{
	struct rows_holder holder[ROWS_HOLDERS_MAX];
	int n = rows_unpack_holders(in, holder);

	for (int i = 0; i < n; i++)
		report->holder[i] = holder[i].id;
	report->holders = n < 0 ? 0 : n;
	return n < 0 ? n : 0;
}

static int take_section(void *arg, uint64_t kind, struct bytes_in *in)
{
	struct pass *pass = arg;
	struct runreport *report = pass->report;

	if (kind == SECTION_ROWS)
		return take_rows(pass, in);
	if (!pass->is_first)
		return 0;
	switch (kind) {
	case SECTION_PROCESS:
		return take_process(report, in);
	case SECTION_LIFE:
		return take_life(pass, in);
	case SECTION_EVENT:
		return take_event(report, in);
	case SECTION_PHASE:
		return take_phase(report, in);
	case SECTION_SUMMARY:
		return take_summary(pass, in);
	case SECTION_HOLDERS:
		return take_holders(report, in);
	case SECTION_HEAP:
		report->has_heap = true;
		return 0;
	default:
		return 0;
	}
}

static int fail(struct runreport *report, int err)
{
	if (err == -ENOMEM)
		report->why = "no memory";
	return err;
}

static void pass_done(struct pass *pass)
{
	columns_close(pass->tree);
	columns_close(pass->process);
	columns_close(pass->life);
	blockrows_close(pass->run);
}

/* The file once more. What is wrong with it the first pass has found: it ends there. */
static int read_again(struct pass *pass, int fd)
{
	struct reader *reader = NULL;
	int err = lseek(fd, pass->report->start, SEEK_SET) < 0 ? -errno : reader_open(fd, &reader);

	if (err == 0)
		err = reader_each(reader, take_section, pass);
	reader_close(reader);
	return runreport_is_part(err) ? 0 : err;
}

static int first_pass(struct runreport *report)
{
	const struct table_schema *schema = reader_schema(report->reader);
	struct pass pass = {.report = report, .is_first = true};
	int err = table_lay_out(schema, SCOPE_RUN, &report->layout);

	report->event = calloc(RUNREPORT_EVENTS, sizeof(*report->event));
	report->phase = calloc(RUNREPORT_PHASES, sizeof(*report->phase));
	if (err < 0 || !report->event || !report->phase)
		return fail(report, -ENOMEM);
	report->is_told = calloc(report->layout->count + 1, sizeof(*report->is_told));
	report->summary = calloc(report->layout->count + 1, sizeof(*report->summary));
	if (!report->is_told || !report->summary ||
	    columns_open(schema, SCOPE_TREE, runreport_columns, RUNREPORT_COLUMNS, &pass.tree) <
		    0 ||
	    columns_open(schema, SCOPE_PROCESS, row_columns, ROW_SURVEYED, &pass.process) < 0 ||
	    columns_open(schema, SCOPE_LIFE, life_columns, LIFE_COLUMNS, &pass.life) < 0 ||
	    blockrows_open(schema, SCOPE_RUN, &pass.run) < 0)
		err = fail(report, -ENOMEM);
	else
		err = reader_each(report->reader, take_section, &pass);
	pass_done(&pass);
	return err;
}

/* ---- the tree over time --------------------------------------------------------------------------- */

static void settle_columns(struct runreport *report)
{
	for (unsigned i = 0; i < RUNREPORT_COLUMNS; i++)
		if (report->name[i])
			report->name[report->width++] = report->name[i];
	for (unsigned i = report->width; i < RUNREPORT_COLUMNS; i++)
		report->name[i] = NULL;
	report->tree.width = report->width;
}

/* Buckets of which the rows that are kept of all come to no more than that, with those around the peak. */
static void set_buckets(const struct runreport *report, struct series *to, size_t rows,
			uint64_t peak, uint64_t span, struct series_thin *thin)
{
	size_t whole = rows / WHOLE_SHARE;
	size_t buckets;

	thin->to = to;
	thin->keys = report->width < RUNREPORT_KEYS ? report->width : RUNREPORT_KEYS;
	if (to->width < thin->keys)
		thin->keys = to->width;
	buckets = (rows - whole) / (2 * thin->keys) + 1;
	thin->ticks = span / buckets + 1;
	thin->whole_from = peak > whole / 2 ? peak - whole / 2 : 0;
	thin->whole_to = peak + whole / 2;
}

static int read_tree(struct runreport *report, int fd)
{
	const struct table_schema *schema = reader_schema(report->reader);
	struct pass pass = {.report = report};
	struct series_thin *thin = NULL;
	size_t rows;
	int err;

	if (!report->width)
		return 0;
	rows = RUNREPORT_POINTS / report->width;
	if (report->ticks > rows) {
		thin = calloc(1, sizeof(*thin));
		if (!thin)
			return fail(report, -ENOMEM);
		set_buckets(report, &report->tree, rows, report->peak_tick,
			    report->last_tick - report->first_tick, thin);
		report->bucket_ticks = thin->ticks;
		pass.thin = thin;
	}
	err = columns_open(schema, SCOPE_TREE, report->name, report->width, &pass.tree);
	if (err == 0)
		err = read_again(&pass, fd);
	if (err == 0 && thin)
		err = series_thin_end(thin);
	free(thin);
	pass_done(&pass);
	return err < 0 ? fail(report, err) : 0;
}

/* ---- processes over time -------------------------------------------------------------------------- */

/* The ticks of the tree's rows, or some of them. Their values are not known yet. */
static int lay_out_lives(struct runreport *report)
{
	const struct series *tree = &report->tree;
	struct series *lives = &report->lives;
	struct series_thin *thin = calloc(1, sizeof(*thin));
	struct series picked = {.width = 1};
	struct series_row row;
	int err = thin ? 0 : -ENOMEM;
	size_t rows;

	lives->width = 2 * (report->bands + 1);
	rows = RUNREPORT_LIFE_POINTS / lives->width;
	if (err == 0)
		set_buckets(report, &picked, rows, report->peak_tick,
			    report->last_tick - report->first_tick, thin);
	for (size_t i = 0; err == 0 && i < tree->n; i++) {
		row.tick = tree->tick[i];
		row.value[0] = tree->value[0][i];
		err = tree->n > rows ? series_thin_add(thin, &row)
				     : series_add(&picked, row.tick, row.value);
	}
	if (err == 0)
		err = series_thin_end(thin);
	free(thin);
	for (unsigned i = 0; i < SERIES_MAX; i++)
		row.value[i] = i >= 2 * report->bands ? 0 : SERIES_UNKNOWN;
	for (size_t i = 0; err == 0 && i < picked.n; i++)
		err = series_add(lives, picked.tick[i], row.value);
	series_done(&picked);
	return err;
}

/* The first row at which it has ended. */
static size_t end_row(const struct runreport *report, const struct runreport_process *process)
{
	const struct table_clock *clock = reader_clock(report->reader);

	if (!process->ended || process->last_ns > UINT64_MAX - clock->start_ns)
		return report->lives.n;
	return series_find(&report->lives,
			   tick_at(clock->start_ns + process->last_ns, clock->freq) + 1);
}

static void carry_forward(int64_t *value, size_t from, size_t to, size_t n)
{
	for (size_t i = from; i < n; i++) {
		if (i >= to)
			value[i] = SERIES_UNKNOWN;
		else if (i && value[i] == SERIES_UNKNOWN)
			value[i] = value[i - 1];
	}
}

/* What was told at single rows holds until more is told, or the process ends. */
static void settle_lives(struct runreport *report)
{
	struct series *lives = &report->lives;
	unsigned rest = 2 * report->bands;

	for (uint32_t i = 0; i < report->processes.count; i++) {
		struct runreport_process *process = runreport_process_at(report, i);
		size_t end = end_row(report, process);
		unsigned column = 2 * (process->band - 1);

		if (process->band) {
			carry_forward(lives->value[column], 0, end, lives->n);
			carry_forward(lives->value[column + 1], 0, end, lives->n);
		} else {
			tell(report, process, end, 0, 0);
		}
	}
	for (size_t i = 1; i < lives->n; i++) {
		add_to(lives, rest, i, 0, lives->value[rest][i - 1]);
		add_to(lives, rest + 1, i, 0, lives->value[rest + 1][i - 1]);
	}
}

static int read_lives(struct runreport *report, int fd)
{
	const struct table_schema *schema = reader_schema(report->reader);
	struct pass pass = {.report = report};
	int err;

	if (!report->bands || !report->width)
		return 0;
	err = lay_out_lives(report);
	for (uint32_t i = 0; i < report->processes.count; i++) {
		struct runreport_process *process = runreport_process_at(report, i);

		process->pss = process->rss_with_pss = SERIES_UNKNOWN;
		process->told = process->told_rss = 0;
	}
	if (err == 0)
		err = columns_open(schema, SCOPE_PROCESS, row_columns, ROW_COLUMNS, &pass.process);
	if (err == 0)
		err = read_again(&pass, fd);
	if (err == 0)
		settle_lives(report);
	pass_done(&pass);
	return err < 0 ? fail(report, err) : 0;
}

/* ---- who is shown --------------------------------------------------------------------------------- */

/* What is known of a process that was never sampled is its exit record. */
static int64_t size_of(const struct runreport_process *process)
{
	return process->held_peak != SERIES_UNKNOWN ? process->held_peak : process->hwm;
}

static int by_start(const void *left, const void *right, void *arg)
{
	uint32_t i = *(const uint32_t *)left, k = *(const uint32_t *)right;
	const struct runreport_process *a = runreport_process_at(arg, i);
	const struct runreport_process *b = runreport_process_at(arg, k);

	if (a->first_ns != b->first_ns)
		return a->first_ns < b->first_ns ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static int by_pid(const void *left, const void *right, void *arg)
{
	uint32_t i = *(const uint32_t *)left, k = *(const uint32_t *)right;
	const struct runreport_process *a = runreport_process_at(arg, i);
	const struct runreport_process *b = runreport_process_at(arg, k);

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return by_start(left, right, arg);
}

static int by_size(const void *left, const void *right, void *arg)
{
	uint32_t i = *(const uint32_t *)left, k = *(const uint32_t *)right;
	int64_t a = size_of(runreport_process_at(arg, i));
	int64_t b = size_of(runreport_process_at(arg, k));

	if (a != b)
		return a > b ? -1 : 1;
	return by_start(left, right, arg);
}

/* The newest process of that pid which had begun before the child. Pids come again. */
static uint32_t find_parent(const struct runreport *report, const uint32_t *sorted, uint32_t child)
{
	struct runreport_process *process = runreport_process_at(report, child);
	uint32_t low = 0, high = report->processes.count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct runreport_process *it = runreport_process_at(report, sorted[middle]);

		if (it->pid < process->ppid ||
		    (it->pid == process->ppid &&
		     (it->first_ns < process->first_ns ||
		      (it->first_ns == process->first_ns && it->id < process->id))))
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || !process->ppid ||
	    runreport_process_at(report, sorted[low - 1])->pid != process->ppid)
		return RUNREPORT_NO_PARENT;
	return sorted[low - 1];
}

static void list_with_parents(struct runreport *report, uint32_t number)
{
	while (number != RUNREPORT_NO_PARENT && report->listed_count < RUNREPORT_LIVES) {
		struct runreport_process *process = runreport_process_at(report, number);

		if (process->is_listed)
			return;
		process->is_listed = true;
		report->listed_count++;
		number = process->parent;
	}
}

static void number_rows(struct runreport *report)
{
	report->listed_count = 0;
	for (uint32_t i = 0; i < report->processes.count; i++) {
		struct runreport_process *process = runreport_process_at(report, report->order[i]);

		process->row = UINT32_MAX;
		if (!process->is_listed)
			continue;
		process->row = report->listed_count;
		report->listed[report->listed_count++] = report->order[i];
	}
}

/* They are listed in any case. Returns how many are to have a band. */
static unsigned mark_holders(struct runreport *report)
{
	unsigned n = 0;

	for (int i = 0; i < report->holders; i++) {
		int64_t number = intern_find(&report->processes, &report->holder[i]);
		struct runreport_process *process =
			number < 0 ? NULL : runreport_process_at(report, (uint32_t)number);

		if (!process || process->is_holder || process->rss_peak == SERIES_UNKNOWN)
			continue;
		process->is_holder = true;
		list_with_parents(report, (uint32_t)number);
		n++;
	}
	return n;
}

/*
 * The largest are listed, with their ancestors. Who held the peak has a band, however many others were larger at
 * other times, and the largest of those.
 */
static int choose_processes(struct runreport *report)
{
	uint32_t n = report->processes.count;
	uint32_t *order = report->order = calloc(n + 1, sizeof(*order));
	unsigned reserved;

	report->listed = calloc(n + 1, sizeof(*order));
	if (!order || !report->listed)
		return fail(report, -ENOMEM);
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, n, sizeof(*order), by_pid, report);
	for (uint32_t i = 0; i < n; i++)
		runreport_process_at(report, i)->parent = find_parent(report, order, i);
	qsort_r(order, n, sizeof(*order), by_size, report);
	reserved = mark_holders(report);
	for (uint32_t i = 0; i < n; i++) {
		struct runreport_process *process = runreport_process_at(report, order[i]);

		reserved -= process->is_holder;
		if (process->rss_peak != SERIES_UNKNOWN &&
		    (process->is_holder || report->bands + reserved < RUNREPORT_BANDS))
			process->band = ++report->bands;
		list_with_parents(report, order[i]);
	}
	qsort_r(order, n, sizeof(*order), by_start, report);
	number_rows(report);
	return 0;
}

int runreport_read(int fd, struct runreport *ret)
{
	int err, late;

	*ret = (struct runreport){.processes =
					  INTERN_INIT(struct runreport_process, sizeof(uint64_t)),
				  .start = lseek(fd, 0, SEEK_CUR),
				  .peak = SERIES_UNKNOWN};
	if (texts_keep(&ret->texts, "", 0, &(uint32_t){0}) < 0)
		return fail(ret, -ENOMEM);
	err = reader_open(fd, &ret->reader);
	if (err < 0)
		return err;
	err = first_pass(ret);
	if (err < 0 && !runreport_is_part(err))
		return err;
	settle_columns(ret);
	late = choose_processes(ret);
	if (late == 0)
		late = read_tree(ret, fd);
	if (late == 0)
		late = read_lives(ret, fd);
	return late < 0 ? late : err;
}

void runreport_done(struct runreport *report)
{
	reader_close(report->reader);
	texts_done(&report->texts);
	intern_done(&report->processes);
	series_done(&report->tree);
	series_done(&report->lives);
	free(report->order);
	free(report->listed);
	free(report->event);
	free(report->phase);
	free(report->layout);
	free(report->is_told);
	free(report->summary);
}
