/* SPDX-License-Identifier: ISC */
/*
 * How long exit() takes, in ms, of a child that is 150 ms old, in which the sampler
 *   guest_exit held    cannot answer: its thread is stopped by ptrace
 *   guest_exit free    can
 */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "guest_look.h"

static int child(void)
{
	struct timespec age = {0, 150000000};
	char byte;

	nanosleep(&age, NULL);
	look_ticks(1);
	printf("ready\n");
	fflush(stdout);
	exit(read(0, &byte, 1) == 1 ? 0 : 1);
}

static void hold(pid_t pid)
{
	pid_t guest;
	int status;

	look_threads(pid, &guest);
	if (!guest || ptrace(PTRACE_SEIZE, guest, 0, 0) < 0 ||
	    ptrace(PTRACE_INTERRUPT, guest, 0, 0) < 0 || waitpid(guest, &status, __WALL) != guest) {
		puts("cannot hold it");
		kill(pid, SIGKILL);
		exit(77);
	}
}

int main(int argc, char **argv)
{
	int to[2], from[2];
	char text[16];
	double start;
	pid_t pid;

	if (argc < 2 || !strcmp(argv[1], "child"))
		return child();
	if (pipe(to) < 0 || pipe(from) < 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		closefrom(3);
		execl("/proc/self/exe", argv[0], "child", (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	if (read(from[0], text, sizeof(text)) <= 0)
		return 1;
	if (argv[1][0] == 'h')
		hold(pid);
	alarm(LOOK_SECONDS);
	start = look_now();
	if (write(to[1], "x", 1) != 1)
		return 1;
	/* A traced thread has to be waited for, too. */
	while (waitpid(-1, NULL, __WALL) > 0)
		;
	printf("%.3f\n", (look_now() - start) * 1000);
	return 0;
}
