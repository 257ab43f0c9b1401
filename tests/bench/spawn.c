/* SPDX-License-Identifier: ISC */
/*
 * spawn + wait of /bin/true, and fork + wait of a child that ends at once, with the preload over
 * without: slices in ABBA order, and null comparisons (B against B) that show the noise. Both sides
 * are in one tree under mstat. The spawns are one process's; a fork is with or without as its parent
 * is, so there are pairs of processes, which take turns.
 * usage: mstat ... -- spawn SLICES
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"
#include "tests/bench/sides.h"

#define EACH	4 /* spawns or forks in a slice */
#define TRIPLES 6 /* of parents: one with, two without */

static char **with, **without;

static void spawn_slice(char **environment)
{
	char *argv[] = {"true", NULL};

	for (int i = 0; i < EACH; i++) {
		pid_t pid;
		int status;

		if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environment) != 0 ||
		    waitpid(pid, &status, 0) != pid || status != 0)
			abort();
	}
}

static void run_with(void)
{
	spawn_slice(with);
}

static void run_without(void)
{
	spawn_slice(without);
}

static void fork_slice(uint64_t n)
{
	while (n-- > 0) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(0);
		if (waitpid(pid, &status, 0) != pid || status != 0)
			abort();
	}
}

static void compare_forks(char *self, size_t slices)
{
	static const uint8_t order[2][3] = {{0, 1, 2}, {2, 1, 0}};
	char *argv[] = {self, "forks", NULL};
	size_t part = slices / TRIPLES;
	double *t[3];

	for (size_t k = 0; k < 3; k++)
		t[k] = malloc(TRIPLES * part * sizeof(*t[k]));
	for (size_t i = 0; i < TRIPLES; i++) {
		struct side sides[3] = {sides_start(argv, with), sides_start(argv, without),
					sides_start(argv, without)};

		for (size_t k = 0; k < 3; k++)
			sides_slice(&sides[k], EACH);
		for (size_t j = 0; j < part; j++)
			for (size_t k = 0; k < 3; k++) {
				size_t which = order[j % 2][k];

				t[which][i * part + j] = sides_slice(&sides[which], EACH).seconds;
			}
		for (size_t k = 0; k < 3; k++)
			sides_stop(&sides[k]);
	}
	bench_print("fork+wait, null", t[2], t[1], TRIPLES * part, EACH);
	bench_print("fork+wait", t[0], t[1], TRIPLES * part, EACH);
	for (size_t k = 0; k < 3; k++)
		free(t[k]);
}

int main(int argc, char **argv)
{
	size_t slices = argc > 1 ? strtoul(argv[1], NULL, 10) : 600;
	size_t n = 0;

	if (argc > 1 && strcmp(argv[1], "forks") == 0)
		return sides_work(fork_slice, CLOCK_MONOTONIC);
	with = environ;
	for (char **e = environ; *e; e++)
		n++;
	without = calloc(n + 1, sizeof(*without));
	n = 0;
	for (char **e = environ; *e; e++)
		if (strncmp(*e, "LD_PRELOAD=", 11))
			without[n++] = *e;
	bench_compare("spawn+wait /bin/true, null", run_without, run_without, slices, EACH);
	bench_compare("spawn+wait /bin/true", run_with, run_without, slices, EACH);
	compare_forks(argv[0], slices);
	return 0;
}
