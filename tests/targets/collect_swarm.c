/* SPDX-License-Identifier: ISC */
/*
 * Many processes.
 * usage: collect_swarm live N MS   N children that live at once, until MS after the last was started
 *        collect_swarm short N     N children one after the other, each of which ends at once
 *        collect_swarm same N      likewise, of one pid; each has its number (modulo 100) for a status
 */
#include <linux/sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int live(int n, long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
	int ends[2], started = 0;
	char byte;

	if (pipe(ends) < 0)
		return 1;
	for (; started < n; started++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0) {
			close(ends[1]);
			while (read(ends[0], &byte, 1) > 0)
				;
			_exit(0);
		}
	}
	nanosleep(&ts, NULL);
	close(ends[1]);
	while (wait(NULL) > 0)
		;
	printf("%d\n", started);
	return started == n ? 0 : 1;
}

static int brief(int n)
{
	char *argv[] = {"true", NULL};
	int ended = 0;

	for (int i = 0; i < n; i++) {
		pid_t pid;
		int status;

		if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) == 0 &&
		    waitpid(pid, &status, 0) == pid && status == 0)
			ended++;
	}
	printf("%d\n", ended);
	return ended == n ? 0 : 1;
}

static int same(int n)
{
	pid_t pid = 0;
	int ended = 0;

	for (int i = 0; i < n; i++) {
		struct clone_args args = {.exit_signal = SIGCHLD,
					  .set_tid = pid ? (uint64_t)(uintptr_t)&pid : 0,
					  .set_tid_size = pid != 0};
		pid_t child = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
		int status;

		if (child < 0)
			break;
		if (child == 0) {
			usleep((useconds_t)(i % 7) * 700);
			_exit(i % 100);
		}
		pid = child;
		if (waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == i % 100)
			ended++;
	}
	printf("%d\n", ended);
	return ended == n ? 0 : 1;
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[2]) : 0;

	if (argc > 2 && !strcmp(argv[1], "short"))
		return brief(n);
	if (argc > 2 && !strcmp(argv[1], "same"))
		return same(n);
	return live(n, argc > 3 ? atol(argv[3]) : 0);
}
