/* SPDX-License-Identifier: ISC */
/*
 * Who held what when the tree was largest, and what it was.
 */
#ifndef MSTAT_COLLECTOR_PEAK_H
#define MSTAT_COLLECTOR_PEAK_H

#include "collector/merge.h"
#include "core/rows.h"

/* Fields of the run that tell of the heap at the peak. */
#define PEAK_HEAP_FIELDS 7

struct peak {
	struct rows_holder holder[ROWS_HOLDERS_MAX]; /* the largest first */
	unsigned count;
	/* What the tree's rows told of the heap last, at the peak or not. */
	struct {
		bool is_known;
		int64_t value;
		uint64_t ns; /* of the row */
	} newest[PEAK_HEAP_FIELDS];
};

/*
 * Remembers those that are the largest now by RssAnon + RssShmem, instead of all before. Pages that
 * several share are counted for each; the PSS, where there is one, shares them out.
 */
void peak_note(struct peak *peak, const struct merge *merge, uint64_t now_ns);

/* Remembers what this row of the tree, the next one, tells of the heap. */
void peak_note_heap(struct peak *peak, const struct record *row, uint64_t now_ns);

/*
 * Puts into the run's summary what the row noted last tells of the heap, instead of what was there; for
 * what is stale in it the newest known, up to MERGE_STALE_NS old. Nothing where nobody tells of a heap.
 */
void peak_tell_heap(const struct peak *peak, const struct record *row, uint64_t now_ns,
		    struct record *summary);

#endif
