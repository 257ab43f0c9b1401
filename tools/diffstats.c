/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/diffstats.h"

/* Beyond either end of the interval. */
#define TAIL 0.025

static int compare_values(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

double diffstats_median(int64_t *value, size_t n)
{
	qsort(value, n, sizeof(*value), compare_values);
	return ((double)value[(n - 1) / 2] + (double)value[n / 2]) / 2;
}

/*
 * Row n of chance, each of `width`, becomes the probabilities of U = 0, 1, ... for m + 1 values of A where it
 * was those for m: the largest of all values is one of A's, and then above n of B's, or one of B's.
 */
static void add_value(double *chance, size_t width, size_t m, size_t b_count)
{
	for (size_t n = 1; n <= b_count; n++) {
		double *row = chance + n * width;
		const double *less = row - width;
		double of_a = (double)m / (double)(m + n);

		for (size_t u = width; u-- > 0;)
			row[u] = of_a * (u >= n ? row[u - n] : 0) + (1 - of_a) * less[u];
	}
}

int diffstats_cut(size_t a_count, size_t b_count)
{
	size_t width = a_count * b_count / 2 + 1;
	double *chance = calloc((b_count + 1) * width, sizeof(*chance));
	double sum = 0;
	int cut = 0;

	if (!chance)
		return -ENOMEM;
	for (size_t n = 0; n <= b_count; n++)
		chance[n * width] = 1;
	for (size_t m = 1; m <= a_count; m++)
		add_value(chance, width, m, b_count);
	for (size_t u = 0; u < width; u++) {
		sum += chance[b_count * width + u];
		/* A chance of just so much is one of whole numbers, and has been rounded. */
		if (sum > TAIL * (1 + 1e-9))
			break;
		cut++;
	}
	free(chance);
	return cut;
}

static int sort_median(const int64_t *value, size_t n, double *ret)
{
	int64_t *copy = malloc(n * sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	memcpy(copy, value, n * sizeof(*copy));
	*ret = diffstats_median(copy, n);
	free(copy);
	return 0;
}

int diffstats_compare(const int64_t *a, size_t a_count, const int64_t *b, size_t b_count, int cut,
		      struct diffstats *ret)
{
	size_t pairs = a_count * b_count;
	size_t outer = cut > 0 ? (size_t)cut - 1 : 0;
	double *difference = malloc(pairs * sizeof(*difference));

	if (!difference || sort_median(a, a_count, &ret->a) < 0 ||
	    sort_median(b, b_count, &ret->b) < 0) {
		free(difference);
		return -ENOMEM;
	}
	for (size_t i = 0; i < pairs; i++)
		difference[i] = (double)b[i / a_count] - (double)a[i % a_count];
	qsort(difference, pairs, sizeof(*difference), compare_doubles);
	ret->shift = (difference[(pairs - 1) / 2] + difference[pairs / 2]) / 2;
	ret->low = difference[outer];
	ret->high = difference[pairs - 1 - outer];
	ret->is_sure = cut > 0;
	free(difference);
	return 0;
}
