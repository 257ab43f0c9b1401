/* SPDX-License-Identifier: ISC */
/*
 * spawn + wait of /bin/true with the preload over without, in one process under mstat: slices in
 * ABBA order, and a null comparison (A against A) that shows the noise.
 * usage: mstat ... -- spawn SLICES
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define EACH 4 /* spawns in a slice */

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

int main(int argc, char **argv)
{
	size_t slices = argc > 1 ? strtoul(argv[1], NULL, 10) : 600;
	size_t n = 0;

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
	return 0;
}
