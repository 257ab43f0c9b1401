/* SPDX-License-Identifier: ISC */
/*
 * What a picture of a run shows, whatever it is drawn with: the bands that the page has, as lines of no more
 * points than can be told apart, and what stands beside them.
 */
#ifndef MSTAT_TOOLS_PLOT_H
#define MSTAT_TOOLS_PLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/plain.h"
#include "tools/runreport.h"
#include "tools/series.h"

/* Processes that have a band of their own; all others are one, and so is what no process was found to hold. */
#define PLOT_OWN     12
#define PLOT_BANDS   (PLOT_OWN + 2)
#define PLOT_HOLDERS 8
#define PLOT_NOTES   4
/* Bytes of the command that are shown at most. */
#define PLOT_COMMAND 240

/* What is said in place of a chart of the tree. */
#define PLOT_NO_TREE "Nothing was sampled of the tree."

struct plot_band {
	char name[PLAIN_ROOM + 24];
	uint32_t color;
	/* One column each, thinned: SERIES_UNKNOWN where nothing is known of the whole. */
	struct series own; /* what is in the band */
	struct series
		sum;  /* with all below it: where it ends; likewise where there is nothing of it */
	int64_t peak; /* the largest of own; SERIES_UNKNOWN: it has none */
	int64_t at_peak; /* of own, at the tree's sampled peak; likewise */
};

struct plot_chart {
	unsigned bands; /* the lowest first */
	struct plot_band band[PLOT_BANDS];
	struct series total; /* a line above them; of width 0: there is none */
	int64_t top;	     /* the largest of all; 0: nothing was sampled */
};

/* Marks, kills by the kernel for want of memory, and times without samples. */
struct plot_event {
	enum plot_event_kind { PLOT_MARK, PLOT_OOM, PLOT_GAP } kind;
	double from, at;	/* a gap begins at from */
	char label[PLAIN_ROOM]; /* plain */
};

/* A process at the sampled peak. */
struct plot_holder {
	char name[PLAIN_ROOM + 24];
	int64_t held, rss; /* rss: SERIES_UNKNOWN where it has none */
	char command[PLAIN_LINE_ROOM(PLOT_COMMAND)];
};

struct plot {
	char command[PLAIN_LINE_ROOM(PLOT_COMMAND)];
	char end[160];		      /* how it ended, after how long, how many processes */
	char peaks[160];	      /* how much it took */
	const char *note[PLOT_NOTES]; /* what else is to be known of the picture */
	unsigned notes;
	char cut[200];

	double from, to; /* seconds since the run's start; from < to */
	struct plot_chart tree, lives;
	const char *no_lives;	  /* what is said in place of a chart of the processes */
	struct plot_event *event; /* owned; in the order of the file */
	size_t events;
	int64_t exact;	  /* the kernel's peak; SERIES_UNKNOWN: it is not told */
	int64_t peak;	  /* the sampled one; likewise */
	double peak_time; /* when that was */
	struct plot_holder holder[PLOT_HOLDERS];
	unsigned holders; /* the largest first */

	struct table_clock clock;
};

/*
 * From a report that was read. columns: how many places there are from left to right. cut: what is missing of
 * the record, borrowed for the call; NULL: nothing is. 0 or -ENOMEM; plot_free() is right after both.
 */
int plot_new(const struct runreport *report, const char *cut, unsigned columns, struct plot **ret);
void plot_free(struct plot *plot);

/* When a tick was, in seconds since the run's start. */
double plot_time(const struct plot *plot, uint64_t tick);

#endif
