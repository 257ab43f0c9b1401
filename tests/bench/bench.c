/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/bench.h"

#define RESAMPLES 1000

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static double timed(void (*f)(void))
{
	double start = now();

	f();
	return now() - start;
}

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return a < b ? -1 : a > b;
}

static double median(const double *values, size_t n)
{
	double *sorted = malloc(n * sizeof(*sorted));
	double m;

	memcpy(sorted, values, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_value);
	m = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
	free(sorted);
	return m;
}

/* The middle 95% of the ratios of medians, over pairs drawn with replacement. */
static void interval(const double *a, const double *b, size_t n, double *ret_low, double *ret_high)
{
	double *ratios = malloc(RESAMPLES * sizeof(*ratios));
	double *x = malloc(n * sizeof(*x));
	double *y = malloc(n * sizeof(*y));
	uint64_t state = 88172645463325252ull;

	for (size_t r = 0; r < RESAMPLES; r++) {
		for (size_t i = 0; i < n; i++) {
			size_t k;

			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			k = state % n;
			x[i] = a[k];
			y[i] = b[k];
		}
		ratios[r] = median(x, n) / median(y, n);
	}
	qsort(ratios, RESAMPLES, sizeof(*ratios), by_value);
	*ret_low = ratios[RESAMPLES * 25 / 1000];
	*ret_high = ratios[RESAMPLES * 975 / 1000 - 1];
	free(ratios);
	free(x);
	free(y);
}

void bench_compare(const char *name, void (*a)(void), void (*b)(void), size_t slices, size_t each)
{
	double *ta = malloc(slices * sizeof(*ta));
	double *tb = malloc(slices * sizeof(*tb));
	double low, high;

	a();
	b();
	for (size_t i = 0; i < slices; i++) {
		if (i % 2) {
			tb[i] = timed(b);
			ta[i] = timed(a);
		} else {
			ta[i] = timed(a);
			tb[i] = timed(b);
		}
	}
	interval(ta, tb, slices, &low, &high);
	printf("%-40s ratio %.3f  [%.3f, %.3f]  A %.1f us  B %.1f us  slices %zu\n", name,
	       median(ta, slices) / median(tb, slices), low, high,
	       median(ta, slices) / (double)each * 1e6, median(tb, slices) / (double)each * 1e6,
	       slices);
	free(ta);
	free(tb);
}
