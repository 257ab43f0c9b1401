/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tools/diffview.h"
#include "tools/plain.h"
#include "tools/summary.h"

/* Remarks of one kind. */
#define REMARKS_SHOWN 5
/* A difference of what was sampled is one from so many standard errors on. */
#define ERRORS 2

enum unit { BYTES, SECONDS, NUMBER };

enum { CELL_A, CELL_B, CELL_MARK, CELL_SHIFT, CELL_PART, CELL_INTERVAL, CELLS };

struct line {
	char *label; /* owned: before the cells */
	char *tail;  /* owned: behind them; NULL: nothing */
	char cell[CELLS][88];
};

struct grid {
	struct line *line; /* owned */
	size_t count, room;
};

/* What has to be explained. */
struct marks {
	bool is_noise, is_error;
};

static bool has_several(const struct diffsides *sides)
{
	return sides->count > 2;
}

/* ---- numbers --------------------------------------------------------------------------------------- */

static int64_t whole(double v)
{
	if (v >= 9.2e18 || v <= -9.2e18)
		return v > 0 ? INT64_MAX : -INT64_MAX;
	return (int64_t)(v < 0 ? v - 0.5 : v + 0.5);
}

void diffview_bytes(double bytes, bool is_signed, bool is_exact, char *buf, size_t size)
{
	int64_t v = whole(bytes);
	bool has_plus = is_signed && v > 0;

	buf[0] = '+';
	if (is_exact)
		snprintf(buf + has_plus, size - has_plus, "%" PRId64, v);
	else
		summary_bytes(v, buf + has_plus, size - has_plus);
}

static void put_number(const struct diffview *view, enum unit unit, double v, bool is_signed,
		       char *buf, size_t size)
{
	if (unit == BYTES)
		diffview_bytes(v, is_signed, view->is_exact, buf, size);
	else if (unit == SECONDS && !view->is_exact && v > -500000 && v < 500000)
		snprintf(buf, size, "0.000 s");
	else if (unit == SECONDS)
		snprintf(buf, size, is_signed ? "%+.*f s" : "%.*f s", view->is_exact ? 9 : 3,
			 v / 1e9);
	else
		snprintf(buf, size, is_signed && v > 0 ? "+%.10g" : "%.10g", v);
}

/* ---- lines ----------------------------------------------------------------------------------------- */

/* NULL: no memory. Texts are copied. */
static struct line *add_line(struct grid *grid, const char *label, const char *tail)
{
	size_t room = grid->room ? 2 * grid->room : 16;
	struct line *line = grid->line;

	if (grid->count == grid->room) {
		line = reallocarray(grid->line, room, sizeof(*line));
		if (!line)
			return NULL;
		grid->line = line;
		grid->room = room;
	}
	line = &grid->line[grid->count++];
	*line = (struct line){.label = strdup(label), .tail = tail ? strdup(tail) : NULL};
	return line->label && (line->tail || !tail) ? line : NULL;
}

static void grid_done(struct grid *grid)
{
	for (size_t i = 0; i < grid->count; i++) {
		free(grid->line[i].label);
		free(grid->line[i].tail);
	}
	free(grid->line);
}

/* In characters, not in bytes. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void put_cell(FILE *to, const char *text, size_t width, bool is_left)
{
	int pad = (int)(width - width_of(text));

	if (is_left)
		fprintf(to, "%s%*s", text, pad, "");
	else
		fprintf(to, "  %*s%s", pad, "", text);
}

/* As many of the cells as have something in them. */
static void put_line(FILE *to, const struct line *line, size_t label, const size_t *width)
{
	int last = line->tail ? CELLS - 1 : -1;

	for (int i = 0; i < CELLS; i++)
		if (line->cell[i][0] && i > last)
			last = i;
	if (label || last < 0)
		put_cell(to, line->label, last < 0 ? width_of(line->label) : label, true);
	for (int i = 0; i <= last; i++)
		if (width[i])
			put_cell(to, line->cell[i], width[i], false);
	fprintf(to, "%s%s\n", line->tail ? "  " : "", line->tail ? line->tail : "");
}

static void grid_put(const struct grid *grid, FILE *to)
{
	size_t width[CELLS] = {0};
	size_t label = 0;

	for (size_t i = 0; i < grid->count; i++) {
		const struct line *line = &grid->line[i];
		size_t n = width_of(line->label);

		label = n > label ? n : label;
		for (unsigned k = 0; k < CELLS; k++) {
			n = width_of(line->cell[k]);
			width[k] = n > width[k] ? n : width[k];
		}
	}
	for (size_t i = 0; i < grid->count; i++)
		put_line(to, &grid->line[i], label, width);
}

static int add_head(const struct diffview *view, struct grid *grid, const char *label,
		    const char *tail)
{
	struct line *line = add_line(grid, label, tail);

	if (!line)
		return -ENOMEM;
	strcpy(line->cell[CELL_A], "A");
	strcpy(line->cell[CELL_B], "B");
	strcpy(line->cell[CELL_SHIFT], "difference");
	if (view->sides->cut > 0)
		strcpy(line->cell[CELL_INTERVAL], "95% interval");
	return 0;
}

/* ---- a comparison ---------------------------------------------------------------------------------- */

static void fill_interval(const struct diffview *view, enum unit unit,
			  const struct diffstats *stats, struct line *line, struct marks *marks)
{
	char low[40], high[40];

	/* They are all the same. */
	if (stats->low == 0 && stats->high == 0)
		return;
	put_number(view, unit, stats->low, true, low, sizeof(low));
	put_number(view, unit, stats->high, true, high, sizeof(high));
	snprintf(line->cell[CELL_INTERVAL], sizeof(line->cell[0]), "%s to %s", low, high);
	if (stats->low > 0 || stats->high < 0)
		return;
	strcpy(line->cell[CELL_MARK], "~");
	marks->is_noise = true;
}

static void fill(const struct diffview *view, enum unit unit, const struct diffstats *stats,
		 struct line *line, struct marks *marks)
{
	size_t size = sizeof(line->cell[0]);

	put_number(view, unit, stats->a, false, line->cell[CELL_A], size);
	put_number(view, unit, stats->b, false, line->cell[CELL_B], size);
	put_number(view, unit, stats->shift, true, line->cell[CELL_SHIFT], size);
	if (stats->a > 0)
		snprintf(line->cell[CELL_PART], size, "%+.1f%%", 100 * stats->shift / stats->a);
	if (stats->is_sure)
		fill_interval(view, unit, stats, line, marks);
}

/* Of one side, where all of its runs know the value. */
static bool median_of(const struct diffsides *sides, enum diffrun_value value, bool is_b,
		      double *ret)
{
	int64_t of_run[DIFFSTATS_MAX];
	size_t from = is_b ? sides->a_count : 0;
	size_t to = is_b ? sides->count : sides->a_count;

	for (size_t i = from; i < to; i++) {
		of_run[i - from] = sides->run[i].value[value];
		if (of_run[i - from] == DIFFRUN_UNKNOWN)
			return false;
	}
	*ret = diffstats_median(of_run, to - from);
	return true;
}

/* What is not of the same kind on both sides stands there, and is not compared. */
static void fill_unlike(const struct diffview *view, enum diffrun_value value, enum unit unit,
			struct line *line)
{
	for (int side = 0; side < 2; side++) {
		char *cell = line->cell[side ? CELL_B : CELL_A];
		double median;

		if (median_of(view->sides, value, side, &median))
			put_number(view, unit, median, false, cell, sizeof(line->cell[0]));
		else
			strcpy(cell, "-");
	}
	strcpy(line->cell[CELL_SHIFT], "-");
}

static bool is_known_to_any(const struct diffsides *sides, enum diffrun_value value)
{
	for (size_t i = 0; i < sides->count; i++)
		if (sides->run[i].value[value] != DIFFRUN_UNKNOWN)
			return true;
	return false;
}

/* ---- the tree -------------------------------------------------------------------------------------- */

static const struct {
	enum diffrun_value value;
	enum unit unit;
	const char *label;
} tree_lines[] = {
	{DIFFRUN_EXACT, BYTES, "peak, by the kernel"},
	{DIFFRUN_SAMPLED, BYTES, "peak, sampled"},
	{DIFFRUN_ANON, BYTES, "  anonymous"},
	{DIFFRUN_FILE, BYTES, "  page cache"},
	{DIFFRUN_SHMEM, BYTES, "    of it shared memory"},
	{DIFFRUN_KERNEL, BYTES, "  kernel"},
	{DIFFRUN_SWAP, BYTES, "  beside it, swapped out"},
	{DIFFRUN_HEAP, BYTES, "  live heap"},
	{DIFFRUN_SLACK, BYTES, "  allocators' slack"},
	{DIFFRUN_WITHOUT_CACHE, BYTES, "peak without page cache"},
	{DIFFRUN_DURATION, SECONDS, "duration"},
	{DIFFRUN_CPU, SECONDS, "CPU time"},
	{DIFFRUN_PROCESSES, NUMBER, "processes"},
};

/* What was sampled beside a peak of another kind is not compared either. */
static bool is_like(const struct diffsides *sides, enum diffrun_value value)
{
	bool is_part = value > DIFFRUN_SAMPLED && value <= DIFFRUN_WITHOUT_CACHE;

	return diffmatch_is_like(sides, value) &&
	       (!is_part || diffmatch_is_like(sides, DIFFRUN_SAMPLED));
}

static bool is_zero(const struct diffsides *sides, enum diffrun_value value)
{
	for (size_t i = 0; i < sides->count; i++)
		if (sides->run[i].value[value] > 0)
			return false;
	return true;
}

static void mark_error(const struct diffsides *sides, const struct diffstats *stats, double square,
		       struct line *line, struct marks *marks)
{
	if (has_several(sides) || stats->shift == 0 ||
	    stats->shift * stats->shift >= ERRORS * ERRORS * square)
		return;
	strcpy(line->cell[CELL_MARK], "~");
	marks->is_error = true;
}

static double heap_square(const struct diffsides *sides)
{
	double square = 0;

	for (size_t i = 0; i < sides->count; i++) {
		double error = (double)sides->run[i].value[DIFFRUN_HEAP_ERROR];

		square += error > 0 ? error * error : 0;
	}
	return square;
}

static int put_tree(const struct diffview *view, struct marks *marks)
{
	const struct diffsides *sides = view->sides;
	struct grid grid = {0};
	int err = add_head(view, &grid, "", NULL);

	for (size_t i = 0; err == 0 && i < sizeof(tree_lines) / sizeof(*tree_lines); i++) {
		enum diffrun_value value = tree_lines[i].value;
		struct diffstats stats;
		struct line *line;

		if (!is_known_to_any(sides, value) ||
		    (value == DIFFRUN_SWAP && is_zero(sides, value)))
			continue;
		line = add_line(&grid, tree_lines[i].label, NULL);
		if (!line) {
			err = -ENOMEM;
		} else if (!is_like(sides, value)) {
			fill_unlike(view, value, tree_lines[i].unit, line);
		} else {
			err = diffmatch_compare_value(sides, value, &stats);
			if (err == 0)
				fill(view, tree_lines[i].unit, &stats, line, marks);
			if (err == 0 && value == DIFFRUN_HEAP)
				mark_error(sides, &stats, heap_square(sides), line, marks);
		}
	}
	if (err == 0)
		grid_put(&grid, view->to);
	grid_done(&grid);
	return err;
}

/* ---- processes ------------------------------------------------------------------------------------- */

/* Arguments, which end with zero bytes each, as words. */
static void plain_words(char ret[PLAIN_ROOM], const char *text, size_t len)
{
	char words[PLAIN_SHOWN + 1];
	size_t n = len < sizeof(words) ? len : sizeof(words);

	memcpy(words, text, n);
	for (size_t i = 0; i + 1 < n; i++)
		words[i] = words[i] ? words[i] : ' ';
	plain_text(ret, words, n && n == len && !words[n - 1] ? n - 1 : n);
}

static double median_count(const uint32_t *count, size_t n)
{
	int64_t value[DIFFSTATS_MAX];

	for (size_t i = 0; i < n; i++)
		value[i] = count[i];
	return diffstats_median(value, n);
}

static int name_process(const struct diffview *view, const struct diffmatch_row *row, char **ret)
{
	const struct diffsides *sides = view->sides;
	char comm[PLAIN_ROOM], argv[PLAIN_ROOM] = "others";
	double a = median_count(row->count, sides->a_count);
	double b = median_count(row->count + sides->a_count, sides->count - sides->a_count);
	char count[64] = "";
	size_t len;
	const char *text = texts_at(&sides->texts, row->name, &len);

	plain_text(comm, len ? text : "?", len ? len : 1);
	text = texts_at(&sides->texts, row->argv, &len);
	if (row->argv)
		plain_words(argv, text, len);
	if (a != b)
		snprintf(count, sizeof(count), " (%.10g -> %.10g)", a, b);
	else if (a != 1)
		snprintf(count, sizeof(count), " (%.10g)", a);
	return asprintf(ret, "%s%s%s%s", comm, row->has_others ? ": " : "",
			row->has_others ? argv : "", count) < 0
		       ? -ENOMEM
		       : 0;
}

static int add_process(const struct diffview *view, const struct diffmatch_row *row,
		       struct grid *grid, struct marks *marks)
{
	char *label = NULL;
	int err = name_process(view, row, &label);
	struct diffstats stats;
	struct line *line;

	if (err < 0)
		return err;
	line = add_line(grid, label, NULL);
	free(label);
	if (!line)
		return -ENOMEM;
	err = diffmatch_compare(view->sides, row->value, &stats);
	if (err == -ENODATA)
		strcpy(line->cell[CELL_SHIFT], "-");
	else if (err == 0)
		fill(view, BYTES, &stats, line, marks);
	return err == -ENODATA ? 0 : err;
}

static int add_stack(const struct diffview *view, const struct diffmatch_row *row,
		     struct grid *grid, struct marks *marks)
{
	struct diffstats stats;
	struct line *line = add_line(grid, "", texts_at(&view->sides->texts, row->name, NULL));
	int err = line ? diffmatch_compare(view->sides, row->value, &stats) : -ENOMEM;

	if (err < 0)
		return err;
	fill(view, BYTES, &stats, line, marks);
	mark_error(view->sides, &stats, row->square, line, marks);
	return 0;
}

typedef int add_row(const struct diffview *view, const struct diffmatch_row *row, struct grid *grid,
		    struct marks *marks);

static int put_rows(const struct diffview *view, const char *label, const char *tail,
		    const struct diffmatch *match, add_row *add, struct marks *marks)
{
	size_t shown = match->count < view->top ? match->count : view->top;
	struct grid grid = {0};
	int err = shown ? add_head(view, &grid, label, tail) : 0;

	for (size_t i = 0; err == 0 && i < shown; i++)
		err = add(view, &match->row[i], &grid, marks);
	if (err == 0 && shown) {
		fputc('\n', view->to);
		grid_put(&grid, view->to);
		if (match->count > shown)
			fprintf(view->to, "and %zu more, which differ by no more than the last\n",
				match->count - shown);
	}
	grid_done(&grid);
	return err;
}

static int put_processes(const struct diffview *view, struct marks *marks)
{
	struct diffmatch match;
	int err = diffmatch_processes(view->sides, &match);

	if (err == 0)
		err = put_rows(view, "highest RSS of a process", NULL, &match, add_process, marks);
	diffmatch_done(&match);
	return err;
}

static bool all_have_stacks(const struct diffsides *sides)
{
	for (size_t i = 0; i < sides->count; i++)
		if (!sides->run[i].has_heap || sides->run[i].no_heap[0])
			return false;
	return true;
}

static int put_stacks(const struct diffview *view, struct marks *marks)
{
	struct diffmatch match;
	int err;

	if (!all_have_stacks(view->sides))
		return 0;
	err = diffmatch_stacks(view->sides, &match);
	if (err == 0)
		err = put_rows(view, "", "live heap at the peak, by stack", &match, add_stack,
			       marks);
	diffmatch_done(&match);
	return err;
}

/* ---- remarks --------------------------------------------------------------------------------------- */

static void put_side(const struct diffview *view, char side, size_t from, size_t to)
{
	const char **name = view->sides->name;

	if (to - from == 1)
		fprintf(view->to, "%c  %s\n", side, name[from]);
	else
		fprintf(view->to, "%c  %zu runs, %s to %s: medians\n", side, to - from, name[from],
			name[to - 1]);
}

static void put_few(const struct diffview *view)
{
	const struct diffsides *sides = view->sides;
	size_t b_count = sides->count - sides->a_count;

	if (!has_several(sides))
		fputs("note: one run a side: what of a difference is noise is not known; mstat "
		      "-runs 5 makes several\n",
		      view->to);
	else if (sides->cut == 0)
		fprintf(view->to,
			"note: %zu and %zu runs are too few for an interval of 95%%: 4 and 4 are "
			"enough\n",
			sides->a_count, b_count);
}

static void put_legend(const struct diffview *view, const struct marks *marks)
{
	if (marks->is_noise)
		fputs("~: the interval includes 0, so this may be noise\n", view->to);
	if (marks->is_error)
		fputs("~: less than 2 standard errors of sampling the heap\n", view->to);
}

static void put_unlike(const struct diffview *view)
{
	const struct diffsides *sides = view->sides;
	bool is_mixed = false, is_other_freq = false;

	for (size_t i = 1; i < sides->count; i++) {
		is_mixed |= sides->run[i].has_cgroup != sides->run[0].has_cgroup;
		is_other_freq |= sides->run[i].freq != sides->run[0].freq;
	}
	if (is_known_to_any(sides, DIFFRUN_EXACT) && !diffmatch_is_like(sides, DIFFRUN_EXACT))
		fputs("note: the kernel tells the peak of some runs only: that is not compared\n",
		      view->to);
	if (is_mixed)
		fputs("note: of some runs a cgroup was sampled, of others the sum of RSS: these "
		      "are not compared\n",
		      view->to);
	if (is_other_freq)
		fputs("note: the runs were sampled at different rates: of short peaks the higher "
		      "rate sees more\n",
		      view->to);
}

static void put_machines(const struct diffview *view)
{
	const struct diffsides *sides = view->sides;

	for (size_t i = 1; i < sides->count; i++) {
		if (sides->run[i].machine == sides->run[0].machine)
			continue;
		fprintf(view->to, "note: different machines: %s; %s\n",
			texts_at(&sides->texts, sides->run[0].machine, NULL),
			texts_at(&sides->texts, sides->run[i].machine, NULL));
		return;
	}
}

/* A program that fails may have done less. */
static void put_failed(const struct diffview *view)
{
	const struct diffsides *sides = view->sides;
	unsigned n = 0;

	for (size_t i = 0; i < sides->count; i++) {
		int status = (int)sides->run[i].value[DIFFRUN_STATUS];

		if (sides->run[i].value[DIFFRUN_STATUS] == DIFFRUN_UNKNOWN || !status ||
		    n++ >= REMARKS_SHOWN)
			continue;
		fprintf(view->to, "note: %s: the program %s %d\n", sides->name[i],
			WIFSIGNALED(status) ? "was ended by signal" : "ended with exit status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	}
	if (n > REMARKS_SHOWN)
		fprintf(view->to, "note: and of %u more runs\n", n - REMARKS_SHOWN);
}

static void put_parts(const struct diffview *view)
{
	const struct diffsides *sides = view->sides;
	unsigned n = 0;

	for (size_t i = 0; i < sides->count; i++)
		if (sides->run[i].is_part && n++ < REMARKS_SHOWN)
			fprintf(view->to,
				"note: %s: the run began in an older file (mstat -max-size): what "
				"ended there is not known\n",
				sides->name[i]);
}

static void put_unnamed(const struct diffview *view)
{
	const struct diffsides *sides = view->sides;
	unsigned n = 0;

	for (size_t i = 0; i < sides->count; i++) {
		const struct diffrun *run = &sides->run[i];

		for (uint32_t k = 0; k < run->unnamed.count && n < REMARKS_SHOWN; k++, n++) {
			const struct diffrun_nameless *is = intern_at(&run->unnamed, k);
			char path[PLAIN_ROOM];
			size_t len;
			const char *text = texts_at(&sides->texts, is->path, &len);

			plain_text(path, text, len);
			fprintf(view->to, "note: %s: no symbols of %s: %s\n", sides->name[i], path,
				texts_at(&sides->texts, is->why, NULL));
		}
	}
}

static void put_heap_remarks(const struct diffview *view)
{
	const struct diffsides *sides = view->sides;
	const char *lacks = NULL;
	bool is_any = false;

	for (size_t i = 0; i < sides->count; i++) {
		is_any |= sides->run[i].has_heap;
		if (!sides->run[i].has_heap && !lacks)
			lacks = sides->name[i];
	}
	if (!is_any)
		return;
	if (lacks)
		fprintf(view->to, "note: stacks are not compared: %s was recorded without -heap\n",
			lacks);
	for (size_t i = 0; !lacks && i < sides->count; i++) {
		if (!sides->run[i].no_heap[0])
			continue;
		fprintf(view->to, "note: stacks are not compared: %s: %s\n", sides->name[i],
			sides->run[i].no_heap);
		return;
	}
	if (!lacks)
		put_unnamed(view);
}

int diffview_put(const struct diffview *view)
{
	const struct diffsides *sides = view->sides;
	struct marks marks = {0};
	int err;

	put_side(view, 'A', 0, sides->a_count);
	put_side(view, 'B', sides->a_count, sides->count);
	fputc('\n', view->to);
	err = put_tree(view, &marks);
	if (err == 0)
		err = put_processes(view, &marks);
	if (err == 0)
		err = put_stacks(view, &marks);
	if (err < 0)
		return err;
	fputc('\n', view->to);
	put_legend(view, &marks);
	put_few(view);
	put_unlike(view);
	put_machines(view);
	put_failed(view);
	put_parts(view);
	put_heap_remarks(view);
	return 0;
}
