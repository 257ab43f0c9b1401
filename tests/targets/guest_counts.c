/* SPDX-License-Identifier: ISC */
/*
 * Counts its threads, by num_threads of /proc/self/stat, as Python does from 3.12 on: for which it is
 * taken, by the symbol that it shows.
 *   guest_counts fork    after each of three fork()s, in the parent and in the child
 *   guest_counts now     after 0.3 s, here and in a child
 */
#include <sys/wait.h>

#include "guest_look.h"

extern const unsigned long Py_Version;
const unsigned long Py_Version = 0x030c00f0;

static int threads(void)
{
	const char *at = strrchr(look_file("/proc/self/stat"), ')');

	/* From the state, word 3, to word 20. */
	for (int word = 3; word < 20 && at; word++)
		at = strchr(at + 2, ' ');
	return at ? atoi(at) : -1;
}

static int fork_once(void)
{
	int status = -1;
	pid_t pid = fork();
	int n = threads();

	if (pid == 0)
		_exit(0);
	waitpid(pid, &status, 0);
	return n;
}

int main(int argc, char **argv)
{
	struct timespec moment = {0, 300000000};

	if (argc > 1 && !strcmp(argv[1], "fork")) {
		for (int i = 0; i < 3; i++) {
			look_ticks(2);
			printf("%d ", fork_once());
		}
		look_ticks(2);
		puts("sampled");
		return 0;
	}
	nanosleep(&moment, NULL);
	printf("%d ", threads());
	fflush(stdout);
	if (fork() == 0) {
		nanosleep(&moment, NULL);
		printf("%d\n", threads());
		return 0;
	}
	return wait(NULL) < 0;
}
