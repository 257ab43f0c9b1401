/* SPDX-License-Identifier: ISC */
/*
 * A static program that starts processes of every kind, and says who they were: "KIND PID STATUS".
 * usage: static_collect_lives
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void report(const char *kind, pid_t pid, int status)
{
	printf("%s %d %d\n", kind, (int)pid, status);
	fflush(stdout);
}

static void wait_for(const char *kind, pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	report(kind, pid, status);
}

static void do_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(3);
	wait_for("fork", pid);
}

/* vfork() and an end at once: some 50 us. */
static void do_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(4);
	wait_for("vfork", pid);
}

static void do_exec(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	wait_for("exec", pid);
}

static void do_kill(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		raise(SIGKILL);
		_exit(0);
	}
	wait_for("killed", pid);
}

/* 32 MiB of its own, for less time than any sampler needs. */
static void do_large(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/proc/self/exe", "large", (char *)NULL);
		_exit(127);
	}
	wait_for("large", pid);
}

static void do_closed(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (int fd = 0; fd < 1024; fd++)
			close(fd);
		_exit(5);
	}
	wait_for("closed", pid);
}

/* A daemon's child: its parents are gone when it ends. */
static void do_daemon(void)
{
	int fds[2];
	pid_t pid, grandchild = 0;

	if (pipe(fds) < 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		setsid();
		pid = fork();
		if (pid == 0) {
			pid = getpid();
			(void)!write(fds[1], &pid, sizeof(pid));
			close(fds[0]);
			usleep(20000);
			_exit(6);
		}
		_exit(0);
	}
	wait_for("daemon", pid);
	(void)!read(fds[0], &grandchild, sizeof(grandchild));
	close(fds[1]);
	/* Its end closes the pipe. */
	(void)!read(fds[0], &pid, sizeof(pid));
	report("grandchild", grandchild, 6 << 8);
}

static int be_large(void)
{
	size_t size = 32 << 20;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 1;
	memset(p, 1, size);
	return 0;
}

int main(int argc, char **argv)
{
	(void)argc;
	if (!strcmp(argv[0], "large"))
		return be_large();
	do_fork();
	do_vfork();
	do_exec();
	do_kill();
	do_large();
	do_closed();
	do_daemon();
	return 0;
}
