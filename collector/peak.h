/* SPDX-License-Identifier: ISC */
/*
 * Who held what when the tree was largest.
 */
#ifndef MSTAT_COLLECTOR_PEAK_H
#define MSTAT_COLLECTOR_PEAK_H

#include "collector/merge.h"
#include "core/rows.h"

struct peak {
	struct rows_holder holder[ROWS_HOLDERS_MAX]; /* the largest first */
	unsigned count;
};

/*
 * Remembers those that are the largest now by RssAnon + RssShmem, instead of all before. Pages that
 * several share are counted for each; the PSS, where there is one, shares them out.
 */
void peak_note(struct peak *peak, const struct merge *merge, uint64_t now_ns);

#endif
