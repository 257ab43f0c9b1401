/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/tick.h"
#include "tools/plot.h"
#include "tools/summary.h"

/* The page's (tools/report/page.js). */
#define COLOR_ANON   0x4e79a7
#define COLOR_SHMEM  0xb07aa1
#define COLOR_KERNEL 0xe15759
#define COLOR_CACHE  0x8cb369
#define COLOR_REST   0x9aa0a6
#define COLOR_LOOSE  0xf4d35e
static const uint32_t palette[PLOT_OWN] = {0x4e79a7, 0xf28e2b, 0x59a14f, 0xe15759,
					   0xb07aa1, 0x76b7b2, 0xedc948, 0xff9da7,
					   0x9c755f, 0x499894, 0xd37295, 0xa0cbe8};

#define LABEL_SHOWN 24

/* A chart in the making. */
struct stack {
	struct plot_chart *chart;  /* borrowed */
	const struct series *rows; /* borrowed: their ticks are the chart's */
	const int64_t *known;	   /* borrowed: a row without it is not drawn; NULL: all are */
	struct series_thin *thin;  /* owned; scratch */
	int64_t *own, *sum;	   /* owned; of the band, and of all so far */
	int64_t *seen;		   /* owned; of sum what is drawn of the band */
	size_t peak_row;	   /* of the tree's sampled peak; rows->n: there is none */
	uint64_t peak_tick, bucket_ticks;
};

/* ---- what the report has --------------------------------------------------------------------------- */

static const int64_t *find_column(const struct runreport *report, const char *name)
{
	for (unsigned i = 0; i < report->width; i++)
		if (!strcmp(report->name[i], name))
			return report->tree.value[i];
	return NULL;
}

/* Of the summary. */
static int64_t find_told(const struct runreport *report, const char *name)
{
	for (unsigned i = 0; i < report->layout->count; i++)
		if (report->is_told[i] && !strcmp(report->layout->column[i].name, name))
			return report->summary[i];
	return SERIES_UNKNOWN;
}

static const char *find_info(const struct runreport *report, const char *want, size_t *ret_len)
{
	const char *name, *text;

	for (unsigned i = 0; reader_info(report->reader, i, &name, &text, ret_len); i++)
		if (!strcmp(name, want))
			return text;
	*ret_len = 0;
	return NULL;
}

static bool has_cgroup(const struct runreport *report)
{
	size_t len;

	return (find_info(report, "cgroup", &len) && len) || find_column(report, "anon_bytes");
}

double plot_time(const struct plot *plot, uint64_t tick)
{
	return (double)(int64_t)(tick_ns(tick, plot->clock.freq) - plot->clock.start_ns) / 1e9;
}

/* ---- bands ----------------------------------------------------------------------------------------- */

static int64_t add_up(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* Of each place the lowest and the highest value; and the peak as it is. */
static int thin_line(struct stack *stack, const int64_t *value, struct series *ret)
{
	struct series_row row;
	int err = 0;

	ret->width = 1;
	/* Its rows, which are large, are as they were: none is found yet. */
	stack->thin->to = ret;
	stack->thin->ticks = stack->bucket_ticks;
	stack->thin->keys = 1;
	stack->thin->whole_from = stack->thin->whole_to = stack->peak_tick;
	stack->thin->bucket = 0;
	for (size_t i = 0; err == 0 && i < stack->rows->n; i++) {
		row.tick = stack->rows->tick[i];
		row.value[0] = value[i];
		err = series_thin_add(stack->thin, &row);
		if (value[i] > stack->chart->top)
			stack->chart->top = value[i];
	}
	return err < 0 ? err : series_thin_end(stack->thin);
}

/* As the page has it: what is unknown of a band alone is drawn as it was before, but of a process as nothing. */
static void fill_band(struct stack *stack, const int64_t *value, bool is_process)
{
	int64_t last = 0;

	for (size_t i = 0; i < stack->rows->n; i++) {
		if (value[i] != SERIES_UNKNOWN)
			last = value[i] < 0 ? 0 : value[i];
		else if (is_process)
			last = 0;
		stack->own[i] = last;
		if (stack->known && stack->known[i] == SERIES_UNKNOWN)
			stack->own[i] = stack->sum[i] = SERIES_UNKNOWN;
		else
			stack->sum[i] = add_up(stack->sum[i], last);
	}
}

/* Where there is nothing of a band, at a row and beside it, its line would be that of the band below. */
static void hide_nothing(struct stack *stack)
{
	size_t n = stack->rows->n;

	for (size_t i = 0; i < n; i++) {
		bool is_any = stack->own[i] || (i && stack->own[i - 1]) ||
			      (i + 1 < n && stack->own[i + 1]);

		stack->seen[i] = is_any ? stack->sum[i] : SERIES_UNKNOWN;
	}
}

/* A band without a column is none. 0 or -ENOMEM. */
static int add_band(struct stack *stack, const char *name, uint32_t color, const int64_t *value,
		    bool is_process)
{
	struct plot_band *band = &stack->chart->band[stack->chart->bands];
	int err;

	if (!value)
		return 0;
	stack->chart->bands++;
	snprintf(band->name, sizeof(band->name), "%s", name);
	band->color = color;
	fill_band(stack, value, is_process);
	band->peak = SERIES_UNKNOWN;
	for (size_t i = 0; i < stack->rows->n; i++)
		if (stack->own[i] > band->peak)
			band->peak = stack->own[i];
	band->at_peak =
		stack->peak_row < stack->rows->n ? stack->own[stack->peak_row] : SERIES_UNKNOWN;
	hide_nothing(stack);
	err = thin_line(stack, stack->own, &band->own);
	return err < 0 ? err : thin_line(stack, stack->seen, &band->sum);
}

static void stack_done(struct stack *stack)
{
	free(stack->thin);
	free(stack->own);
	free(stack->sum);
	free(stack->seen);
}

static int stack_init(struct stack *stack, const struct plot *plot, const struct runreport *report,
		      const struct series *rows, unsigned columns)
{
	uint64_t span = report->last_tick - report->first_tick;

	stack->rows = rows;
	stack->thin = calloc(1, sizeof(*stack->thin));
	stack->own = calloc(rows->n + 1, sizeof(*stack->own));
	stack->sum = calloc(rows->n + 1, sizeof(*stack->sum));
	stack->seen = calloc(rows->n + 1, sizeof(*stack->seen));
	stack->peak_tick = plot->peak == SERIES_UNKNOWN ? UINT64_MAX : report->peak_tick;
	stack->peak_row = series_find(rows, stack->peak_tick);
	/* Of the processes' rows, which are fewer, the one before. */
	if (stack->peak_row && stack->peak_row < rows->n &&
	    rows->tick[stack->peak_row] > stack->peak_tick)
		stack->peak_row--;
	stack->bucket_ticks = span / columns + 1;
	return stack->thin && stack->own && stack->sum && stack->seen ? 0 : -ENOMEM;
}

/* a - b, never below nothing; b may be no column. The caller's. */
static int64_t *less(const int64_t *a, const int64_t *b, size_t n)
{
	int64_t *ret = calloc(n + 1, sizeof(*ret));

	for (size_t i = 0; ret && i < n; i++) {
		ret[i] = a[i];
		if (b && a[i] != SERIES_UNKNOWN && b[i] != SERIES_UNKNOWN)
			ret[i] = a[i] > b[i] ? a[i] - (b[i] < 0 ? 0 : b[i]) : 0;
	}
	return ret;
}

static int add_less(struct stack *stack, const char *name, uint32_t color, const int64_t *a,
		    const int64_t *b)
{
	int64_t *left;
	int err;

	if (!a)
		return 0;
	left = less(a, b, stack->rows->n);
	err = left ? add_band(stack, name, color, left, false) : -ENOMEM;
	free(left);
	return err;
}

/* What is charged to the cgroup. */
static int add_charged(struct stack *stack, const struct runreport *report)
{
	const int64_t *shmem = find_column(report, "shmem_bytes");
	int err =
		add_band(stack, "anonymous", COLOR_ANON, find_column(report, "anon_bytes"), false);

	if (err == 0)
		err = add_band(stack, "shared memory", COLOR_SHMEM, shmem, false);
	if (err == 0)
		err = add_band(stack, "kernel", COLOR_KERNEL, find_column(report, "kernel"), false);
	if (err == 0)
		err = add_less(stack, "page cache", COLOR_CACHE, find_column(report, "file_bytes"),
			       shmem);
	return err;
}

/* Without one: what RSS is made of. */
static int add_resident(struct stack *stack, const struct runreport *report)
{
	const int64_t *anon = find_column(report, "sum_rss_anon_bytes");
	const int64_t *shmem = find_column(report, "sum_rss_shmem_bytes");
	const int64_t *all = find_column(report, "sum_rss_bytes");
	int64_t *named = all ? less(all, anon, stack->rows->n) : NULL;
	int err = all && !named ? -ENOMEM : 0;

	if (err == 0)
		err = add_band(stack, "anonymous", COLOR_ANON, anon, false);
	if (err == 0)
		err = add_band(stack, "shared memory", COLOR_SHMEM, shmem, false);
	if (err == 0)
		err = add_less(stack, "files", COLOR_CACHE, named, shmem);
	free(named);
	return err;
}

static int draw_tree(struct plot *plot, const struct runreport *report, unsigned columns)
{
	struct stack stack = {.chart = &plot->tree, .known = find_column(report, "rss")};
	int err = stack_init(&stack, plot, report, &report->tree, columns);

	if (err == 0 && stack.known)
		err = thin_line(&stack, stack.known, &plot->tree.total);
	if (err == 0 && stack.known &&
	    (find_column(report, "anon_bytes") || find_column(report, "file_bytes")))
		err = add_charged(&stack, report);
	else if (err == 0 && stack.known && find_column(report, "sum_rss_anon_bytes"))
		err = add_resident(&stack, report);
	stack_done(&stack);
	return err;
}

/* ---- processes ------------------------------------------------------------------------------------- */

static void name_process(const struct runreport *report, const struct runreport_process *process,
			 char *ret, size_t size)
{
	char comm[PLAIN_ROOM];
	size_t len;
	const char *is = texts_at(&report->texts, process->comm, &len);

	plain_text(comm, is, len);
	snprintf(ret, size, "%s[%" PRIu64 "]", len ? comm : "?", process->pid);
}

/* Arguments end with a zero byte each. */
static void put_words(const char *words, size_t len, char ret[PLAIN_LINE_ROOM(PLOT_COMMAND)])
{
	char line[PLOT_COMMAND + 1];
	size_t n;

	len -= len && !words[len - 1];
	n = len < sizeof(line) ? len : sizeof(line);
	for (size_t i = 0; i < n; i++)
		line[i] = words[i] ? words[i] : ' ';
	plain_line(ret, PLOT_COMMAND, line, n);
}

/* By their bands, the largest first. */
static void find_owners(const struct runreport *report,
			const struct runreport_process *ret[RUNREPORT_BANDS])
{
	for (uint32_t i = 0; i < report->processes.count; i++) {
		const struct runreport_process *process = runreport_process_at(report, i);

		if (process->band)
			ret[process->band - 1] = process;
	}
}

/* Of a process that was never sampled nothing is known, which is not that it held nothing. */
static bool is_any_sampled(const struct runreport *report, unsigned own)
{
	for (uint32_t i = 0; i < report->processes.count; i++) {
		const struct runreport_process *process = runreport_process_at(report, i);

		if (process->held_peak != SERIES_UNKNOWN && (!process->band || process->band > own))
			return true;
	}
	return false;
}

static int add_others(struct stack *stack, const struct runreport *report, unsigned own)
{
	struct plot_band *band = &stack->chart->band[stack->chart->bands];
	const struct series *lives = &report->lives;
	uint32_t others = report->processes.count - own;
	int64_t *sum = calloc(lives->n + 1, sizeof(*sum));
	char name[40];
	int err;

	if (!sum)
		return -ENOMEM;
	for (unsigned k = own; k <= report->bands; k++)
		for (size_t i = 0; i < lives->n; i++)
			if (lives->value[2 * k][i] > 0)
				sum[i] = add_up(sum[i], lives->value[2 * k][i]);
	snprintf(name, sizeof(name), "%" PRIu32 " other%s", others, others > 1 ? "s" : "");
	err = add_band(stack, name, COLOR_REST, sum, true);
	if (!is_any_sampled(report, own))
		band->peak = band->at_peak = SERIES_UNKNOWN;
	free(sum);
	return err;
}

/* What is charged to the cgroup, and was found in no process. */
static int add_loose(struct stack *stack, const struct runreport *report)
{
	const int64_t *part[] = {find_column(report, "unattributed_anon_bytes"),
				 find_column(report, "unattributed_shmem_bytes")};
	const struct series *lives = &report->lives;
	int64_t *loose;
	int err;

	if (!part[0] && !part[1])
		return 0;
	loose = calloc(lives->n + 1, sizeof(*loose));
	if (!loose)
		return -ENOMEM;
	for (size_t i = 0, row = 0; i < lives->n; i++) {
		while (row < report->tree.n && report->tree.tick[row] < lives->tick[i])
			row++;
		loose[i] = SERIES_UNKNOWN;
		for (unsigned k = 0; k < 2 && row < report->tree.n; k++)
			if (part[k] && part[k][row] != SERIES_UNKNOWN)
				loose[i] = loose[i] == SERIES_UNKNOWN
						   ? part[k][row]
						   : add_up(loose[i], part[k][row]);
	}
	err = add_band(stack, "unattributed", COLOR_LOOSE, loose, false);
	free(loose);
	return err;
}

static int compare_holders(const void *left, const void *right)
{
	const struct plot_holder *a = left, *b = right;

	return (a->held < b->held) - (a->held > b->held);
}

/* What would not be seen beside the largest is one of the others. */
static bool is_worth_a_band(const struct runreport_process *first,
			    const struct runreport_process *process)
{
	return process->held_peak >= first->held_peak / 100;
}

static void find_holders(struct plot *plot, const struct runreport *report,
			 const struct runreport_process *const *owner, size_t row)
{
	struct plot_holder holder[RUNREPORT_BANDS];
	unsigned n = 0;

	for (unsigned i = 0; i < report->bands && row < report->lives.n; i++) {
		int64_t held = report->lives.value[2 * i][row];
		size_t len;
		const char *argv = texts_at(&report->texts, owner[i]->argv, &len);

		if (held <= 0)
			continue;
		holder[n].held = held;
		holder[n].rss = report->lives.value[2 * i + 1][row];
		name_process(report, owner[i], holder[n].name, sizeof(holder[n].name));
		put_words(argv, len, holder[n].command);
		n++;
	}
	qsort(holder, n, sizeof(*holder), compare_holders);
	plot->holders = n < PLOT_HOLDERS ? n : PLOT_HOLDERS;
	memcpy(plot->holder, holder, plot->holders * sizeof(*holder));
}

static int draw_lives(struct plot *plot, const struct runreport *report, unsigned columns)
{
	const struct runreport_process *owner[RUNREPORT_BANDS] = {NULL};
	struct stack stack = {.chart = &plot->lives};
	unsigned own = 0;
	char name[PLAIN_ROOM + 24];
	int err;

	if (!report->lives.n)
		return 0;
	err = stack_init(&stack, plot, report, &report->lives, columns);
	find_owners(report, owner);
	while (err == 0 && own < PLOT_OWN && own < report->bands &&
	       is_worth_a_band(owner[0], owner[own])) {
		name_process(report, owner[own], name, sizeof(name));
		err = add_band(&stack, name, palette[own], report->lives.value[2 * own], true);
		/* Between the rows it may have been more. */
		if (owner[own]->held_peak > stack.chart->band[own].peak)
			stack.chart->band[own].peak = owner[own]->held_peak;
		own++;
	}
	if (err == 0 && report->processes.count > own)
		err = add_others(&stack, report, own);
	if (err == 0)
		err = add_loose(&stack, report);
	if (err == 0)
		find_holders(plot, report, owner, stack.peak_row);
	stack_done(&stack);
	return err;
}

/* ---- what stands beside it ------------------------------------------------------------------------- */

static int take_events(struct plot *plot, const struct runreport *report)
{
	uint64_t n = report->events < RUNREPORT_EVENTS ? report->events : RUNREPORT_EVENTS;

	plot->event = calloc(n + 1, sizeof(*plot->event));
	for (uint64_t i = 0; plot->event && i < n; i++) {
		const struct runreport_event *is = &report->event[i];
		struct plot_event *event = &plot->event[plot->events];
		size_t len;
		const char *text = texts_at(&report->texts, is->text, &len);

		event->at = event->from = (double)is->time_ns / 1e9;
		if (is->kind == EVENT_MARK) {
			event->kind = PLOT_MARK;
			plain_line(event->label, LABEL_SHOWN, text, len);
		} else if (is->kind == EVENT_OOM) {
			event->kind = PLOT_OOM;
			strcpy(event->label, "OOM kill");
		} else if (is->kind == EVENT_GAP) {
			event->kind = PLOT_GAP;
			event->from -= is->number > 0 ? (double)is->number / 1e9 : 0;
			strcpy(event->label, "not sampled");
		} else {
			continue;
		}
		plot->events++;
	}
	return plot->event ? 0 : -ENOMEM;
}

/* From its start to its end, or to its last tick. */
static void set_range(struct plot *plot, const struct runreport *report)
{
	int64_t duration = find_told(report, "duration_ns");

	if (report->tree.n) {
		double first = plot_time(plot, report->tree.tick[0]);
		double last = plot_time(plot, report->tree.tick[report->tree.n - 1]);

		plot->from = first < 0 ? first : 0;
		plot->to = last;
	}
	if (duration > 0 && (double)duration / 1e9 > plot->to)
		plot->to = (double)duration / 1e9;
	if (!(plot->to > plot->from))
		plot->to = plot->from + 1;
}

static void tell_end(struct plot *plot, const struct runreport *report)
{
	int64_t status = find_told(report, "exit_status");
	int64_t duration = find_told(report, "duration_ns");
	uint32_t n = report->processes.count;
	char how[48] = "recorded for";

	if (status != SERIES_UNKNOWN && WIFSIGNALED((int)status))
		snprintf(how, sizeof(how), "ended by signal %d after", WTERMSIG((int)status));
	else if (status != SERIES_UNKNOWN)
		snprintf(how, sizeof(how), "exit status %d after", WEXITSTATUS((int)status));
	snprintf(plot->end, sizeof(plot->end), "%s %.3f s; %" PRIu32 " process%s", how,
		 duration >= 0 ? (double)duration / 1e9 : plot->to, n, n == 1 ? "" : "es");
}

static void tell_peaks(struct plot *plot)
{
	char exact[32], sampled[32];
	int n = 0;

	if (plot->exact != SERIES_UNKNOWN)
		n = snprintf(plot->peaks, sizeof(plot->peaks), "peak %s by the kernel, exact; ",
			     summary_bytes(plot->exact, exact, sizeof(exact)));
	if (plot->peak != SERIES_UNKNOWN)
		snprintf(plot->peaks + n, sizeof(plot->peaks) - (size_t)n,
			 "%s%s sampled, at %.3f s", n ? "" : "peak ",
			 summary_bytes(plot->peak, sampled, sizeof(sampled)), plot->peak_time);
	else
		snprintf(plot->peaks + n, sizeof(plot->peaks) - (size_t)n, "nothing was sampled");
}

static void tell_notes(struct plot *plot, const struct runreport *report, const char *cut)
{
	if (cut) {
		snprintf(plot->cut, sizeof(plot->cut), "The record is not whole: %s", cut);
		plot->note[plot->notes++] = plot->cut;
	}
	if (!has_cgroup(report))
		plot->note[plot->notes++] =
			"No cgroup: the sum of the processes' RSS; shared pages count for each.";
}

int plot_new(const struct runreport *report, const char *cut, unsigned columns, struct plot **ret)
{
	struct plot *plot = calloc(1, sizeof(*plot));
	const char *command;
	size_t len;
	int err;

	*ret = plot;
	if (!plot)
		return -ENOMEM;
	plot->clock = *reader_clock(report->reader);
	plot->exact = find_told(report, "peak_exact_bytes");
	plot->peak = find_column(report, "rss") ? report->peak : SERIES_UNKNOWN;
	plot->peak_time = plot->peak == SERIES_UNKNOWN ? 0 : plot_time(plot, report->peak_tick);
	command = find_info(report, "command", &len);
	put_words(command ? command : "", len, plot->command);
	plot->no_lives =
		report->processes.count
			? "No process was sampled: all were shorter than a tick, or ended before."
			: "The record has no process.";
	set_range(plot, report);
	tell_end(plot, report);
	tell_peaks(plot);
	tell_notes(plot, report, cut);
	err = take_events(plot, report);
	if (err == 0)
		err = draw_tree(plot, report, columns);
	if (err == 0)
		err = draw_lives(plot, report, columns);
	return err;
}

static void chart_done(struct plot_chart *chart)
{
	for (unsigned i = 0; i < PLOT_BANDS; i++) {
		series_done(&chart->band[i].own);
		series_done(&chart->band[i].sum);
	}
	series_done(&chart->total);
}

void plot_free(struct plot *plot)
{
	if (!plot)
		return;
	chart_done(&plot->tree);
	chart_done(&plot->lives);
	free(plot->event);
	free(plot);
}
