/* SPDX-License-Identifier: ISC */
/*
 * Rows of a run over its ticks, column by column; and, where there are more of them than shall be kept, those
 * that a picture of the whole would show.
 */
#ifndef MSTAT_TOOLS_SERIES_H
#define MSTAT_TOOLS_SERIES_H

#include <stddef.h>
#include <stdint.h>

#define SERIES_MAX     100
#define SERIES_UNKNOWN INT64_MIN

struct series {
	unsigned width;
	size_t n, room;
	uint64_t *tick;		    /* owned; ascending */
	int64_t *value[SERIES_MAX]; /* owned; SERIES_UNKNOWN: it has none */
};

/* Begins as {.width = columns}. A row that is not after the last one is left out. 0 or -ENOMEM. */
int series_add(struct series *series, uint64_t tick, const int64_t *value);
/* The first row that is not before the tick; n: there is none. */
size_t series_find(const struct series *series, uint64_t tick);
void series_done(struct series *series);

/* A row that may be kept. */
struct series_row {
	uint64_t tick;
	int64_t value[SERIES_MAX];
};

/*
 * Rows that come one after the other are thinned: of so many ticks each, those with the lowest and the
 * highest value of each of the first columns are kept, as they are; all between two ticks are.
 */
struct series_thin {
	struct series *to; /* borrowed */
	uint64_t ticks;	   /* in a bucket, at least 1 */
	unsigned keys;	   /* columns whose extremes are kept */
	uint64_t whole_from, whole_to;
	uint64_t bucket;
	unsigned found; /* rows of the bucket so far: 0, or more */
	struct series_row low[SERIES_MAX], high[SERIES_MAX];
};

/* 0 or -ENOMEM. */
int series_thin_add(struct series_thin *thin, const struct series_row *row);
/* To be called after the last one. */
int series_thin_end(struct series_thin *thin);

#endif
