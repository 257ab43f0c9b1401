/* SPDX-License-Identifier: ISC */
/*
 * Comparing two pieces of work in one process: many short slices in ABBA order. Printed is the
 * ratio of the medians of A over B, with a 95% interval (bootstrap over the pairs), and both medians.
 */
#ifndef MSTAT_BENCH_H
#define MSTAT_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BENCH_RESAMPLES 1000

/* What is compared: time by the clock, or CPU time of the thread, which others that want the CPU disturb less. */
static clockid_t bench_clock = CLOCK_MONOTONIC;

static double bench_now(void)
{
	struct timespec ts;

	clock_gettime(bench_clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static double bench_timed(void (*f)(void))
{
	double start = bench_now();

	f();
	return bench_now() - start;
}

static int bench_by_value(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return a < b ? -1 : a > b;
}

static double bench_median(const double *values, size_t n)
{
	double *sorted = malloc(n * sizeof(*sorted));
	double m;

	memcpy(sorted, values, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), bench_by_value);
	m = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
	free(sorted);
	return m;
}

struct bench_bounds {
	double low, high;
};

static struct bench_bounds bench_middle(double *values)
{
	qsort(values, BENCH_RESAMPLES, sizeof(*values), bench_by_value);
	return (struct bench_bounds){values[BENCH_RESAMPLES * 25 / 1000],
				     values[BENCH_RESAMPLES * 975 / 1000 - 1]};
}

/* The middle 95% of the ratios and of the differences of medians, over pairs drawn with replacement. */
static void bench_interval(const double *a, const double *b, size_t n,
			   struct bench_bounds *ret_ratio, struct bench_bounds *ret_more)
{
	double *ratios = malloc(BENCH_RESAMPLES * sizeof(*ratios));
	double *more = malloc(BENCH_RESAMPLES * sizeof(*more));
	double *x = malloc(n * sizeof(*x));
	double *y = malloc(n * sizeof(*y));
	uint64_t state = 88172645463325252ull;

	for (size_t r = 0; r < BENCH_RESAMPLES; r++) {
		for (size_t i = 0; i < n; i++) {
			size_t k;

			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			k = state % n;
			x[i] = a[k];
			y[i] = b[k];
		}
		ratios[r] = bench_median(x, n) / bench_median(y, n);
		more[r] = bench_median(x, n) - bench_median(y, n);
	}
	*ret_ratio = bench_middle(ratios);
	*ret_more = bench_middle(more);
	free(ratios);
	free(more);
	free(x);
	free(y);
}

/* each: how many operations are in a slice. */
static void bench_print(const char *name, const double *a, const double *b, size_t slices,
			size_t each)
{
	bool is_short = bench_median(b, slices) < 1e-6 * (double)each;
	const char *unit = is_short ? "ns" : "us";
	double in = (is_short ? 1e9 : 1e6) / (double)each;
	struct bench_bounds ratio, more;

	bench_interval(a, b, slices, &ratio, &more);
	printf("%-28s ratio %.3f [%.3f, %.3f]  A %.4g %s  B %.4g %s  A-B %.3g %s [%.3g, %.3g]  "
	       "slices %zu\n",
	       name, bench_median(a, slices) / bench_median(b, slices), ratio.low, ratio.high,
	       bench_median(a, slices) * in, unit, bench_median(b, slices) * in, unit,
	       (bench_median(a, slices) - bench_median(b, slices)) * in, unit, more.low * in,
	       more.high * in, slices);
	fflush(stdout);
}

/* Runs a and b, slices times each. */
static inline void bench_compare(const char *name, void (*a)(void), void (*b)(void), size_t slices,
				 size_t each)
{
	double *ta = malloc(slices * sizeof(*ta));
	double *tb = malloc(slices * sizeof(*tb));

	a();
	b();
	for (size_t i = 0; i < slices; i++) {
		if (i % 2) {
			tb[i] = bench_timed(b);
			ta[i] = bench_timed(a);
		} else {
			ta[i] = bench_timed(a);
			tb[i] = bench_timed(b);
		}
	}
	bench_print(name, ta, tb, slices, each);
	free(ta);
	free(tb);
}

#endif
