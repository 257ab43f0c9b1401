/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/diffmatch.h"

/* A command line, and how many runs have it; a name, and how many command lines it has. */
struct line {
	uint32_t comm, argv, runs;
};

struct name {
	uint32_t comm, lines;
};

/* A row by what tells it apart. */
struct key {
	uint32_t name, argv;
};

struct matching {
	const struct diffsides *sides; /* borrowed */
	struct intern lines, names, keys;
	struct diffmatch *match; /* borrowed */
	size_t room;
};

/* ---- rows ------------------------------------------------------------------------------------------ */

static int grow(struct matching *matching)
{
	struct diffmatch *match = matching->match;
	size_t room = matching->room ? 2 * matching->room : 64;
	struct diffmatch_row *more;

	if (match->count < matching->room)
		return 0;
	more = reallocarray(match->row, room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	match->row = more;
	matching->room = room;
	return 0;
}

/* The row of that key, which is new where there was none; NULL: no memory. */
static struct diffmatch_row *get_row(struct matching *matching, uint32_t name, uint32_t argv,
				     bool has_count)
{
	struct diffmatch *match = matching->match;
	size_t runs = matching->sides->count;
	struct key key = {name, argv};
	int64_t number = intern_put(&matching->keys, &key);
	struct diffmatch_row *row;

	if (number < 0 || grow(matching) < 0)
		return NULL;
	if ((size_t)number < match->count)
		return &match->row[number];
	row = &match->row[match->count++];
	*row = (struct diffmatch_row){.name = name,
				      .argv = argv,
				      .value = calloc(runs, sizeof(*row->value)),
				      .count =
					      has_count ? calloc(runs, sizeof(*row->count)) : NULL};
	if (!row->value || (has_count && !row->count))
		return NULL;
	for (size_t i = 0; has_count && i < runs; i++)
		if (matching->sides->run[i].is_part)
			row->value[i] = DIFFRUN_UNKNOWN;
	return row;
}

/* ---- processes ------------------------------------------------------------------------------------- */

static int count_line(struct matching *matching, const struct diffrun_group *group)
{
	struct line line = {.comm = group->comm, .argv = group->argv};
	struct name name = {.comm = group->comm};
	uint32_t known = matching->lines.count;
	int64_t number = intern_put(&matching->lines, &line);
	int64_t of_name = intern_put(&matching->names, &name);

	if (number < 0 || of_name < 0)
		return -ENOMEM;
	((struct line *)intern_at(&matching->lines, (uint32_t)number))->runs++;
	((struct name *)intern_at(&matching->names, (uint32_t)of_name))->lines +=
		matching->lines.count > known;
	return 0;
}

static bool stands_alone(const struct matching *matching, const struct diffrun_group *group)
{
	struct line line = {.comm = group->comm, .argv = group->argv};
	const struct line *is =
		intern_at(&matching->lines, (uint32_t)intern_find(&matching->lines, &line));
	const struct name *of =
		intern_at(&matching->names, (uint32_t)intern_find(&matching->names, &line.comm));

	return of->lines > 1 && is->runs == matching->sides->count;
}

static int put_group(struct matching *matching, size_t run, const struct diffrun_group *group)
{
	uint32_t argv = stands_alone(matching, group) ? group->argv : 0;
	struct diffmatch_row *row = get_row(matching, group->comm, argv, true);

	if (!row)
		return -ENOMEM;
	/* A process of which nothing is known does not hide what is known of others. */
	if (!row->count[run] || group->peak > row->value[run])
		row->value[run] = group->peak;
	row->count[run] += group->count;
	return 0;
}

static void mark_others(struct matching *matching)
{
	struct diffmatch *match = matching->match;

	for (uint32_t i = 0; i < matching->names.count; i++)
		((struct name *)intern_at(&matching->names, i))->lines = 0;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < match->count; i++) {
			struct diffmatch_row *row = &match->row[i];
			struct name *name =
				intern_at(&matching->names,
					  (uint32_t)intern_find(&matching->names, &row->name));

			if (pass == 0)
				name->lines++;
			else
				row->has_others = name->lines > 1;
		}
}

static int match_processes(struct matching *matching)
{
	const struct diffsides *sides = matching->sides;
	int err = 0;

	for (size_t i = 0; i < sides->count; i++)
		for (uint32_t k = 0; err == 0 && k < sides->run[i].groups.count; k++)
			err = count_line(matching, intern_at(&sides->run[i].groups, k));
	for (size_t i = 0; i < sides->count; i++)
		for (uint32_t k = 0; err == 0 && k < sides->run[i].groups.count; k++)
			err = put_group(matching, i, intern_at(&sides->run[i].groups, k));
	if (err == 0)
		mark_others(matching);
	return err;
}

/* ---- stacks ---------------------------------------------------------------------------------------- */

static int match_stacks(struct matching *matching)
{
	const struct diffsides *sides = matching->sides;

	for (size_t i = 0; i < sides->count; i++)
		for (uint32_t k = 0; k < sides->run[i].stacks.count; k++) {
			const struct diffrun_stack *stack = intern_at(&sides->run[i].stacks, k);
			struct diffmatch_row *row = get_row(matching, stack->names, 0, false);

			if (!row)
				return -ENOMEM;
			row->value[i] = stack->bytes;
			row->square += stack->square;
		}
	return 0;
}

/* ---- in order -------------------------------------------------------------------------------------- */

static bool is_known(const struct diffsides *sides, const int64_t *value)
{
	for (size_t i = 0; i < sides->count; i++)
		if (value[i] == DIFFRUN_UNKNOWN)
			return false;
	return true;
}

/* Values are sorted by it: those of a copy. */
static double gap_of(const struct diffsides *sides, const int64_t *value, int64_t *copy)
{
	double gap;

	if (!is_known(sides, value))
		return -1;
	memcpy(copy, value, sides->count * sizeof(*copy));
	gap = diffstats_median(copy + sides->a_count, sides->count - sides->a_count) -
	      diffstats_median(copy, sides->a_count);
	return gap < 0 ? -gap : gap;
}

static int64_t sum_of(const struct diffsides *sides, const struct diffmatch_row *row)
{
	double sum = 0;

	for (size_t i = 0; i < sides->count; i++)
		if (row->value[i] != DIFFRUN_UNKNOWN)
			sum += (double)row->value[i];
	return sum < 9e18 ? (int64_t)sum : INT64_MAX;
}

/* Of the same gap the larger one, then by name: the order is always the same. */
static int compare_rows(const void *left, const void *right, void *arg)
{
	const struct diffmatch_row *a = left, *b = right;
	const struct diffsides *sides = arg;
	int64_t sum_a = sum_of(sides, a), sum_b = sum_of(sides, b);
	int by_name;

	if (a->gap != b->gap)
		return a->gap > b->gap ? -1 : 1;
	if (sum_a != sum_b)
		return sum_a > sum_b ? -1 : 1;
	by_name = strcmp(texts_at(&sides->texts, a->name, NULL),
			 texts_at(&sides->texts, b->name, NULL));
	if (by_name)
		return by_name;
	return strcmp(texts_at(&sides->texts, a->argv, NULL),
		      texts_at(&sides->texts, b->argv, NULL));
}

static int sort_rows(struct matching *matching)
{
	struct diffsides *sides = (struct diffsides *)matching->sides;
	struct diffmatch *match = matching->match;
	int64_t *copy = calloc(sides->count, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < match->count; i++)
		match->row[i].gap = gap_of(sides, match->row[i].value, copy);
	free(copy);
	if (match->count)
		qsort_r(match->row, match->count, sizeof(*match->row), compare_rows, sides);
	return 0;
}

static int match_all(const struct diffsides *sides, int (*fill)(struct matching *),
		     struct diffmatch *ret)
{
	struct matching matching = {.sides = sides,
				    .lines = INTERN_INIT(struct line, 2 * sizeof(uint32_t)),
				    .names = INTERN_INIT(struct name, sizeof(uint32_t)),
				    .keys = INTERN_INIT(struct key, sizeof(struct key)),
				    .match = ret};
	int err;

	*ret = (struct diffmatch){0};
	err = fill(&matching);
	if (err == 0)
		err = sort_rows(&matching);
	intern_done(&matching.lines);
	intern_done(&matching.names);
	intern_done(&matching.keys);
	return err;
}

int diffmatch_processes(const struct diffsides *sides, struct diffmatch *ret)
{
	return match_all(sides, match_processes, ret);
}

int diffmatch_stacks(const struct diffsides *sides, struct diffmatch *ret)
{
	return match_all(sides, match_stacks, ret);
}

void diffmatch_done(struct diffmatch *match)
{
	for (size_t i = 0; i < match->count; i++) {
		free(match->row[i].value);
		free(match->row[i].count);
	}
	free(match->row);
}

/* ---- numbers --------------------------------------------------------------------------------------- */

int diffmatch_compare(const struct diffsides *sides, const int64_t *value, struct diffstats *ret)
{
	if (!is_known(sides, value))
		return -ENODATA;
	return diffstats_compare(value, sides->a_count, value + sides->a_count,
				 sides->count - sides->a_count, sides->cut, ret);
}

int diffmatch_compare_value(const struct diffsides *sides, enum diffrun_value value,
			    struct diffstats *ret)
{
	int64_t of_run[2 * DIFFSTATS_MAX];

	for (size_t i = 0; i < sides->count; i++)
		of_run[i] = sides->run[i].value[value];
	return diffmatch_compare(sides, of_run, ret);
}

bool diffmatch_is_like(const struct diffsides *sides, enum diffrun_value value)
{
	for (size_t i = 0; i < sides->count; i++) {
		const struct diffrun *run = &sides->run[i];

		/* What is sampled of the tree is its cgroup's memory, or a sum over its processes. */
		if (run->value[value] == DIFFRUN_UNKNOWN ||
		    (value == DIFFRUN_SAMPLED && run->has_cgroup != sides->run[0].has_cgroup))
			return false;
	}
	return true;
}

void diffmatch_free_sides(struct diffsides *sides)
{
	for (size_t i = 0; sides->run && i < sides->count; i++)
		diffrun_done(&sides->run[i]);
	free(sides->run);
	free(sides->name);
	texts_done(&sides->texts);
}
