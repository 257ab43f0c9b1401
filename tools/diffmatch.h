/* SPDX-License-Identifier: ISC */
/* Two sides of some runs each, and which of their processes and stacks are the same. */
#ifndef MSTAT_TOOLS_DIFFMATCH_H
#define MSTAT_TOOLS_DIFFMATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/diffrun.h"
#include "tools/diffstats.h"

struct diffsides {
	struct diffrun *run; /* owned; A's before B's */
	const char **name;   /* owned array, of borrowed names */
	size_t a_count, count;
	struct texts texts; /* of all runs */
	int cut;	    /* of diffstats_cut() */
};

/* What all runs have by one name: comm, and argv or 0; or a stack. */
struct diffmatch_row {
	uint32_t name, argv; /* texts */
	bool has_others;     /* there is another row of that name */
	int64_t *value;	     /* owned; by run: 0 where it has no such, or DIFFRUN_UNKNOWN */
	uint32_t *count;     /* owned; by run: processes; NULL: of stacks */
	double square;	     /* of stacks: the variances of all runs */
	double gap;	     /* between the medians; less than 0: not known */
};

struct diffmatch {
	struct diffmatch_row *row; /* owned; that with the largest gap first */
	size_t count;
};

/*
 * Processes are the same if their names are; where a name has several command lines, those that all runs have
 * are matched by themselves, and the others together: command lines may have names of temporary files.
 * Both: 0 or -ENOMEM; diffmatch_done() is right after both.
 */
int diffmatch_processes(const struct diffsides *sides, struct diffmatch *ret);
int diffmatch_stacks(const struct diffsides *sides, struct diffmatch *ret);
void diffmatch_done(struct diffmatch *match);

/* Compares what is told by run. 0, -ENODATA where some run does not know it, or -ENOMEM. */
int diffmatch_compare(const struct diffsides *sides, const int64_t *value, struct diffstats *ret);
/* The same of a value of the runs; not all of those are of the same kind: see diffmatch_is_like(). */
int diffmatch_compare_value(const struct diffsides *sides, enum diffrun_value value,
			    struct diffstats *ret);

/* Whether all runs have that value, and mean the same by it. */
bool diffmatch_is_like(const struct diffsides *sides, enum diffrun_value value);

void diffmatch_free_sides(struct diffsides *sides);

#endif
