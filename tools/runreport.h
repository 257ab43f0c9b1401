/* SPDX-License-Identifier: ISC */
/*
 * What a page tells of a run: read from its run file in some passes, none of which keeps more than the page
 * will have. Memory grows with the number of processes, never with the length of the run.
 */
#ifndef MSTAT_TOOLS_RUNREPORT_H
#define MSTAT_TOOLS_RUNREPORT_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/rows.h"
#include "tools/intern.h"
#include "tools/reader.h"
#include "tools/series.h"
#include "tools/table.h"

/* Values of the tree over time in a page, and of processes; what is beyond is thinned. */
#define RUNREPORT_POINTS      1000000
#define RUNREPORT_LIFE_POINTS 2000000
/* The same of all processes' runtimes together (tools/runtimereport.h), and how many of them. */
#define RUNREPORT_RUNTIME_POINTS 400000
#define RUNREPORT_RUNTIMES	 8
/* Processes whose memory over time is told one by one; that are in the list; events and phases. */
#define RUNREPORT_BANDS	    48
#define RUNREPORT_LIVES	    5000
#define RUNREPORT_EVENTS    5000
#define RUNREPORT_PHASES    1000
#define RUNREPORT_NO_PARENT UINT32_MAX

struct runreport_process {
	uint64_t id; /* what tells it apart */
	uint64_t pid, ppid, uid, first_ns, last_ns, samples;
	uint32_t comm, exe, argv, how;		   /* texts */
	int64_t rss_peak, pss_peak, hwm, status;   /* SERIES_UNKNOWN: not told */
	int64_t held_peak;			   /* as it is drawn; likewise */
	int64_t pss, rss_with_pss, told, told_rss; /* while its rows are read: the newest */
	uint32_t parent;			   /* number of a process, or RUNREPORT_NO_PARENT */
	uint32_t band;				   /* 1 to RUNREPORT_BANDS; 0: it has none */
	uint32_t row;				   /* in the list; UINT32_MAX: it is not in it */
	bool ended;
	bool is_listed;
	bool is_holder;	  /* one of the largest at the peak, as the collector told */
	bool has_runtime; /* which has told of its memory: Go's, or a JVM */
};

struct runreport_event {
	uint64_t time_ns, kind, process;
	int64_t number;
	uint32_t text;
};

struct runreport_phase {
	struct rows_phase is; /* but its name */
	uint32_t name;
};

/* Columns of the tree that a page shows, in the order of the series; not all files have all. */
#define RUNREPORT_COLUMNS 17
extern const char *const runreport_columns[RUNREPORT_COLUMNS];
/* So many of the first are what bands are made of: their extremes are kept when rows are thinned. */
#define RUNREPORT_KEYS 7

struct runreport {
	struct reader *reader; /* owned: of the first pass; has the header and what was wrong */
	const char *why;       /* of an error that the reader does not know of; NULL: none */
	off_t start;	       /* where the run file begins in what was given */
	struct texts texts;
	struct intern processes; /* of struct runreport_process */
	uint32_t *order;	 /* owned: numbers of processes as they began */
	uint32_t *listed;	 /* owned: of those in the list, likewise */
	uint32_t listed_count, bands;
	struct runreport_event *event;	   /* owned */
	struct runreport_phase *phase;	   /* owned */
	uint64_t events, phases;	   /* all there were: no more than the limits are kept */
	struct table_layout *layout;	   /* owned: the summary's columns */
	bool *is_told;			   /* owned; by column of it */
	int64_t *summary;		   /* owned; likewise */
	uint64_t holder[ROWS_HOLDERS_MAX]; /* ids of processes: the largest at the peak */
	int holders;
	bool has_heap;

	uint64_t ticks; /* rows of the tree in the file */
	uint64_t first_tick, last_tick;
	uint64_t peak_tick; /* of the highest first column */
	int64_t peak;
	unsigned width;			     /* columns of runreport_columns that the file has */
	const char *name[RUNREPORT_COLUMNS]; /* these */
	struct series tree;		     /* their values */
	uint64_t bucket_ticks;		     /* 0: all rows are there */
	struct series
		lives; /* by band: what it held, and its RSS; after the bands the same of all others */
};

/*
 * Reads all from fd, which must be seekable, and is borrowed. Returns 0, or an error of reader.h or
 * read(2); after -ENODATA and -EBADMSG the report is that of what is whole, but where the header is not: then it
 * has no ticks and no processes. runreport_done() is right after all of them.
 */
int runreport_read(int fd, struct runreport *ret);
/* Whether after that error it may be the report of a part. */
static inline bool runreport_is_part(int err)
{
	return err == -ENODATA || err == -EBADMSG;
}
void runreport_done(struct runreport *report);

static inline struct runreport_process *runreport_process_at(const struct runreport *report,
							     uint32_t i)
{
	return intern_at(&report->processes, i);
}

#endif
