/* SPDX-License-Identifier: ISC */
/* What the columns of ticks, samples and the summary are called outside mstat, and what they are. */
#ifndef MSTAT_TOOLS_METRIC_H
#define MSTAT_TOOLS_METRIC_H

#include <stdbool.h>

#include "core/field.h"

enum metric_kind {
	METRIC_GAUGE,
	METRIC_COUNTER, /* only ever grows, within one life */
};

struct metric {
	const char *column;
	const char *family; /* as OpenMetrics has it: base units, no _total */
	const char *label;  /* NAME="VALUE", which tells it from others of its family; NULL: none */
	enum metric_kind kind;
	const char *help; /* the family's */
};

/* The column's, NULL: it has none, as one of a newer mstat. */
const struct metric *metric_find(enum scope scope, const char *column);

/* The scope's metrics, by number from 0; NULL past the last. */
const struct metric *metric_at(enum scope scope, unsigned i);

/* A column that is not known is taken for a gauge: of a counter, too, the largest is the last. */
bool metric_is_counter(enum scope scope, const char *column);

#endif
