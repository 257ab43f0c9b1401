/* SPDX-License-Identifier: ISC */
/*
 * Whether one of two small samples is larger, and by how much. Nothing is supposed of how the values are
 * spread but that B's are as A's, moved: peaks have neither a normal distribution nor many values.
 *
 * The shift is the median of the differences of each value of B to each of A (Hodges and Lehmann). Its
 * interval is what the test of Mann and Whitney does not reject: from the k-th smallest of these
 * differences to the k-th largest, k by the exact distribution of the test's statistic. It has no random
 * numbers in it, so the same files give the same answer.
 */
#ifndef MSTAT_TOOLS_DIFFSTATS_H
#define MSTAT_TOOLS_DIFFSTATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No more values a side than that. */
#define DIFFSTATS_MAX 100

struct diffstats {
	double a, b;  /* medians */
	double shift; /* of B over A */
	double low,
		high; /* its interval: of 95%, or, with too few values, all the differences there are */
	bool is_sure; /* it is of 95% */
};

/*
 * Which of the differences, counted from either end, bound an interval of 95% or more: 1 is the outermost.
 * 0: with so few values not even all of them would be one. Or -ENOMEM.
 */
int diffstats_cut(size_t a_count, size_t b_count);

/* Values: 1 to DIFFSTATS_MAX of each, in any order. cut: of diffstats_cut(). 0 or -ENOMEM. */
int diffstats_compare(const int64_t *a, size_t a_count, const int64_t *b, size_t b_count, int cut,
		      struct diffstats *ret);

/* n: 1 or more, which are sorted. Of an even number the mean of the two in the middle. */
double diffstats_median(int64_t *value, size_t n);

#endif
