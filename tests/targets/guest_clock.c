/* SPDX-License-Identifier: ISC */
/*
 * Gives its children another clock, as its first act, and lives on by its own: time_namespaces(7).
 * usage: guest_clock SECONDS PROGRAM ARG...
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

int main(int argc, char **argv)
{
	pid_t pid;
	int fd;

	if (argc < 3 || unshare(CLONE_NEWTIME) < 0)
		return 77;
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (dprintf(fd, "monotonic %s 0\n", argv[1]) < 0)
		return 77;
	pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	return waitpid(pid, NULL, 0) == pid ? 0 : 1;
}
