/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/series.h"

static int grow(struct series *series)
{
	size_t room = series->room ? series->room * 2 : 4096;
	void *grown = reallocarray(series->tick, room, sizeof(*series->tick));

	if (!grown)
		return -ENOMEM;
	series->tick = grown;
	for (unsigned i = 0; i < series->width; i++) {
		grown = reallocarray(series->value[i], room, sizeof(*series->value[i]));
		if (!grown)
			return -ENOMEM;
		series->value[i] = grown;
	}
	series->room = room;
	return 0;
}

int series_add(struct series *series, uint64_t tick, const int64_t *value)
{
	if (series->n && tick <= series->tick[series->n - 1])
		return 0;
	if (series->n == series->room && grow(series) < 0)
		return -ENOMEM;
	series->tick[series->n] = tick;
	for (unsigned i = 0; i < series->width; i++)
		series->value[i][series->n] = value[i];
	series->n++;
	return 0;
}

size_t series_find(const struct series *series, uint64_t tick)
{
	size_t low = 0;
	size_t high = series->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (series->tick[middle] < tick)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void series_done(struct series *series)
{
	free(series->tick);
	for (unsigned i = 0; i < series->width; i++)
		free(series->value[i]);
	*series = (struct series){0};
}

static void keep_row(struct series_row *kept, const struct series_row *row, unsigned width)
{
	kept->tick = row->tick;
	memcpy(kept->value, row->value, width * sizeof(*row->value));
}

static void offer(struct series_thin *thin, const struct series_row *row)
{
	unsigned width = thin->to->width;

	for (unsigned i = 0; i < thin->keys; i++) {
		int64_t v = row->value[i];
		bool is_known = v != SERIES_UNKNOWN;

		if (!thin->found || (is_known && (thin->low[i].value[i] == SERIES_UNKNOWN ||
						  v < thin->low[i].value[i])))
			keep_row(&thin->low[i], row, width);
		/* Of equals the last: so the first and the last row of what stands still are kept. */
		if (!thin->found || (is_known && v >= thin->high[i].value[i]))
			keep_row(&thin->high[i], row, width);
	}
	thin->found++;
}

static int compare_rows(const void *left, const void *right)
{
	const struct series_row *a = *(const struct series_row *const *)left;
	const struct series_row *b = *(const struct series_row *const *)right;

	return (a->tick > b->tick) - (a->tick < b->tick);
}

int series_thin_end(struct series_thin *thin)
{
	const struct series_row *row[2 * SERIES_MAX];
	unsigned n = 0;
	int err = 0;

	for (unsigned i = 0; thin->found && i < thin->keys; i++) {
		row[n++] = &thin->low[i];
		row[n++] = &thin->high[i];
	}
	thin->found = 0;
	qsort(row, n, sizeof(*row), compare_rows);
	for (unsigned i = 0; err == 0 && i < n; i++)
		err = series_add(thin->to, row[i]->tick, row[i]->value);
	return err;
}

int series_thin_add(struct series_thin *thin, const struct series_row *row)
{
	uint64_t bucket = row->tick / thin->ticks;
	int err;

	if (row->tick >= thin->whole_from && row->tick <= thin->whole_to) {
		err = series_thin_end(thin);
		return err < 0 ? err : series_add(thin->to, row->tick, row->value);
	}
	if (bucket != thin->bucket) {
		err = series_thin_end(thin);
		if (err < 0)
			return err;
		thin->bucket = bucket;
	}
	offer(thin, row);
	return 0;
}
