/* SPDX-License-Identifier: ISC */
/*
 * Starts a process that gets a pid which was another's. As root.
 * usage: collect_pid FILE   waits for FILE, which holds the pid; the process lives until FILE is gone
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void nap(void)
{
	struct timespec ms = {0, 1000000};

	nanosleep(&ms, NULL);
}

static int read_pid(const char *path)
{
	FILE *file;
	int pid = 0;

	while (!(file = fopen(path, "r")))
		nap();
	if (fscanf(file, "%d", &pid) != 1)
		pid = 0;
	fclose(file);
	return pid;
}

/* The kernel gives the next free pid after this one: proc_sys_kernel(5). */
static int fork_after(int pid)
{
	FILE *last = fopen("/proc/sys/kernel/ns_last_pid", "w");

	if (!last || fprintf(last, "%d", pid) < 0 || fclose(last) != 0)
		exit(1);
	return fork();
}

int main(int argc, char **argv)
{
	int pid = argc > 1 ? read_pid(argv[1]) : 0;

	/* Others start processes, too. */
	for (int i = 0; i < 1000; i++) {
		int child = fork_after(pid - 1);

		if (child == 0 && getpid() != pid)
			_exit(0);
		while (child == 0 && access(argv[1], F_OK) == 0)
			nap();
		if (child == 0)
			_exit(0);
		if (child == pid) {
			puts("reused");
			fflush(stdout);
		}
		waitpid(child, NULL, 0);
		if (child == pid)
			return 0;
	}
	return 1;
}
