/* SPDX-License-Identifier: ISC */
/*
 * Comparing two pieces of work in one process: many short slices in ABBA order. Printed is the
 * ratio of the medians of A over B, with a 95% interval (bootstrap over the pairs), and both medians.
 */
#ifndef MSTAT_BENCH_H
#define MSTAT_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BENCH_RESAMPLES 1000

static double bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
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

/* The middle 95% of the ratios of medians, over pairs drawn with replacement. */
static void bench_interval(const double *a, const double *b, size_t n, double *ret_low,
			   double *ret_high)
{
	double *ratios = malloc(BENCH_RESAMPLES * sizeof(*ratios));
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
	}
	qsort(ratios, BENCH_RESAMPLES, sizeof(*ratios), bench_by_value);
	*ret_low = ratios[BENCH_RESAMPLES * 25 / 1000];
	*ret_high = ratios[BENCH_RESAMPLES * 975 / 1000 - 1];
	free(ratios);
	free(x);
	free(y);
}

/* Runs a and b, slices times each; each is how many operations are in a slice. */
static void bench_compare(const char *name, void (*a)(void), void (*b)(void), size_t slices,
			  size_t each)
{
	double *ta = malloc(slices * sizeof(*ta));
	double *tb = malloc(slices * sizeof(*tb));
	double low, high;

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
	bench_interval(ta, tb, slices, &low, &high);
	printf("%-40s ratio %.3f  [%.3f, %.3f]  A %.1f us  B %.1f us  slices %zu\n", name,
	       bench_median(ta, slices) / bench_median(tb, slices), low, high,
	       bench_median(ta, slices) / (double)each * 1e6,
	       bench_median(tb, slices) / (double)each * 1e6, slices);
	free(ta);
	free(tb);
}

#endif
