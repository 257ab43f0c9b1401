/* SPDX-License-Identifier: ISC */
/*
 * Comparing one program with and without the sampler. A side is a worker process, and whether its
 * sampler (libmstat-switched.so) is on; two sides can be the same worker. Slices of work are done by
 * one side at a time. B and C are the same without a sampler: A over the mean of B and C is the
 * answer, and C over B is the null comparison, from the same seconds.
 *
 * What is compared is the CPU time of the whole process, the sampler's thread included. A worker that
 * has work all the time and is bound to one CPU would take just so long if nobody else ran there; on
 * the clock, every other process of the machine is in it.
 *
 * A slice has 0.6 ticks at 59 Hz, so the median slice would be one tick's cost or none: slices are
 * summed by groups of a second, each with its ratios, and the answer is the mean of those, without
 * the highest and the lowest tenth. (One burst of somebody else's work, in one slice of thousands, moved
 * the plain mean of a null comparison to 0.94.) The 95% intervals are bootstrapped over the groups.
 */
#ifndef MSTAT_BENCH_SIDES_H
#define MSTAT_BENCH_SIDES_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/switch.h"

#define SIDES_SLICE_S	0.010
#define SIDES_RESAMPLES 2000
#define SIDES_GROUPS	51

struct sides_order {
	uint64_t operations;
	uint64_t on; /* the sampler, should it have a switch */
};

struct sides_answer {
	double seconds;
	double elapsed; /* by the wall's clock */
	struct switch_count count;
};

struct side {
	int to, from; /* owned pipes */
	pid_t pid;
	bool on;
};

/* Sums of seconds of the slices that belong together. */
struct sides_group {
	double a, b, c;
	double a_elapsed;
};

struct sides_result {
	double ratio, low, high;	  /* A over B and C */
	double null, null_low, null_high; /* C over B */
};

static inline double sides_now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* [worker] Does slices as told on stdin until it is closed. */
static inline int sides_work(void (*work)(uint64_t operations), clockid_t clock)
{
	void (*switch_to)(int, struct switch_count *) =
		(void (*)(int, struct switch_count *))dlsym(RTLD_DEFAULT, "switch_sampler");
	struct sides_order order;

	while (read(0, &order, sizeof(order)) == (ssize_t)sizeof(order)) {
		struct sides_answer answer = {0};
		double start, elapsed;

		if (switch_to)
			switch_to(order.on != 0, &answer.count);
		elapsed = sides_now(CLOCK_MONOTONIC);
		start = sides_now(clock);
		work(order.operations);
		answer.seconds = sides_now(clock) - start;
		answer.elapsed = sides_now(CLOCK_MONOTONIC) - elapsed;
		if (switch_to)
			switch_to(0, &answer.count);
		if (write(1, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
			return 1;
	}
	return 0;
}

static inline struct side sides_start(char **argv, char **environment)
{
	struct side side = {.on = false};
	int to[2], from[2];

	if (pipe(to) < 0 || pipe(from) < 0)
		abort();
	side.to = to[1];
	side.from = from[0];
	side.pid = fork();
	if (side.pid < 0)
		abort();
	if (side.pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		execvpe(argv[0], argv, environment);
		perror(argv[0]);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	return side;
}

static inline void sides_stop(const struct side *side)
{
	close(side->to);
	close(side->from);
	waitpid(side->pid, NULL, 0);
}

static inline struct sides_answer sides_slice(const struct side *side, uint64_t operations)
{
	struct sides_order order = {operations, side->on};
	struct sides_answer answer;

	if (write(side->to, &order, sizeof(order)) != (ssize_t)sizeof(order) ||
	    read(side->from, &answer, sizeof(answer)) != (ssize_t)sizeof(answer)) {
		fprintf(stderr, "a worker is gone\n");
		exit(1);
	}
	return answer;
}

/* How many operations are a slice. */
static inline uint64_t sides_calibrate(const struct side *side)
{
	uint64_t n = 1;
	double best;

	while ((best = sides_slice(side, n).seconds) < SIDES_SLICE_S / 2)
		n *= 2;
	for (int i = 0; i < 5; i++) {
		double s = sides_slice(side, n).seconds;

		best = s < best ? s : best;
	}
	n = (uint64_t)((double)n * SIDES_SLICE_S / best);
	return n ? n : 1;
}

/* Xorshift: the same numbers each time. */
static inline uint64_t sides_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

/*
 * Eighteen slices, so often: ABBA for three. A drift hits all sides alike, and each comes after itself
 * as often as the others do. (With ABCCBA two of three processes that did the same were 2% apart.)
 * Which of them is first is drawn: three processes that were just started, and did the same, were 1.4%
 * apart if one was first each time, and in one process 1.1% if the order kept step with whatever has a
 * period of 100 ms here.
 */
static inline void sides_group(const struct side *abc, uint64_t operations, unsigned times,
			       struct sides_group *ret, struct switch_count *ret_count)
{
	static const uint8_t order[] = {0, 1, 2, 0, 2, 1, 1, 2, 0, 1, 0, 2, 2, 0, 1, 2, 1, 0};
	static uint64_t state = 88172645463325252ull;
	double sum[3] = {0}, elapsed = 0;
	unsigned first = 0;

	for (unsigned i = 0; i < times * sizeof(order); i++) {
		struct sides_answer answer;
		unsigned which;

		if (i % sizeof(order) == 0)
			first = (unsigned)(sides_random(&state) >> 8) % 3;
		which = (order[i % sizeof(order)] + first) % 3;
		answer = sides_slice(&abc[which], operations);
		sum[which] += answer.seconds;
		if (which == 0) {
			*ret_count = answer.count;
			elapsed += answer.elapsed;
		}
	}
	*ret = (struct sides_group){sum[0], sum[1], sum[2], elapsed};
}

static inline int sides_by_value(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return a < b ? -1 : a > b;
}

static inline void sides_bounds(double *values, double *ret_low, double *ret_high)
{
	qsort(values, SIDES_RESAMPLES, sizeof(*values), sides_by_value);
	*ret_low = values[SIDES_RESAMPLES * 25 / 1000];
	*ret_high = values[SIDES_RESAMPLES * 975 / 1000 - 1];
}

/* The mean of what is left between the tenths. Sorts. */
static inline double sides_trimmed(double values[SIDES_GROUPS])
{
	double sum = 0;
	size_t cut = SIDES_GROUPS / 10;

	qsort(values, SIDES_GROUPS, sizeof(*values), sides_by_value);
	for (size_t i = cut; i < SIDES_GROUPS - cut; i++)
		sum += values[i];
	return sum / (SIDES_GROUPS - 2.0 * (double)cut);
}

static inline void sides_evaluate(const struct sides_group groups[SIDES_GROUPS],
				  struct sides_result *ret)
{
	static double ratio[SIDES_RESAMPLES], null[SIDES_RESAMPLES];
	double with[SIDES_GROUPS], without[SIDES_GROUPS];
	uint64_t state = 88172645463325252ull;

	/* The last round is the estimate itself. */
	for (size_t r = 0; r <= SIDES_RESAMPLES; r++) {
		for (size_t i = 0; i < SIDES_GROUPS; i++) {
			const struct sides_group *g = &groups[i];

			if (r < SIDES_RESAMPLES) {
				g = &groups[sides_random(&state) % SIDES_GROUPS];
			}
			with[i] = g->a / ((g->b + g->c) / 2);
			without[i] = g->c / g->b;
		}
		ret->ratio = sides_trimmed(with);
		ret->null = sides_trimmed(without);
		if (r < SIDES_RESAMPLES) {
			ratio[r] = ret->ratio;
			null[r] = ret->null;
		}
	}
	sides_bounds(ratio, &ret->low, &ret->high);
	sides_bounds(null, &ret->null_low, &ret->null_high);
}

#endif
