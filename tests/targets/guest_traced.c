/* SPDX-License-Identifier: ISC */
/*
 * A program for debuggers, and one that is one.
 *   guest_traced fault         a second thread dies of a fault in crash_here()
 *   guest_traced wait          in wait_here() until the file "go" is there; then ends with 5
 *   guest_traced trace CMD...  executes it, stopping it at each system call; tells how it ended
 *   guest_traced seize CMD...  executes it; attaches to it and lets go, five times
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "guest_look.h"

__attribute__((noinline)) static void crash_here(volatile int *where)
{
	*where = 1;
}

static void *crashes(void *arg)
{
	usleep(100000);
	crash_here((volatile int *)16);
	return arg;
}

__attribute__((noinline)) static void wait_here(void)
{
	look_make("ready");
	look_for("go");
}

static pid_t start(char **command, int traced)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (traced)
			ptrace(PTRACE_TRACEME, 0, 0, 0);
		execvp(command[0], command);
		_exit(127);
	}
	return pid;
}

/* Nobody but the child is to be waited for, of whatever kind. */
static int trace(char **command)
{
	pid_t child = start(command, 1);
	int calls = 0, strangers = 0, status = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		strangers += pid != child;
		if (WIFEXITED(status) || WIFSIGNALED(status))
			break;
		calls++;
		/* That of exec(2) and those of system calls are not the program's. */
		ptrace(PTRACE_SYSCALL, pid, 0,
		       WSTOPSIG(status) == SIGTRAP ? 0 : (long)WSTOPSIG(status));
	}
	printf("status %d strangers %d calls %s\n", status, strangers, calls > 50 ? "many" : "few");
	return 0;
}

static int seize(char **command)
{
	pid_t pid = start(command, 0);
	int status = 0, stops = 0;

	for (int i = 0; i < 5; i++) {
		usleep(40000);
		if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
			return errno == EPERM ? 77 : 1;
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		stops += waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status);
		ptrace(PTRACE_DETACH, pid, 0, 0);
	}
	look_make("go");
	waitpid(pid, &status, 0);
	printf("stops %d status %d\n", stops, status);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	pthread_t thread;

	if (!strcmp(what, "fault")) {
		pthread_create(&thread, NULL, crashes, NULL);
		pthread_join(thread, NULL);
	}
	if (!strcmp(what, "wait")) {
		wait_here();
		return 5;
	}
	if (argc > 2 && !strcmp(what, "trace"))
		return trace(argv + 2);
	if (argc > 2 && !strcmp(what, "seize"))
		return seize(argv + 2);
	return 2;
}
