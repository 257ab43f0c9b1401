/* SPDX-License-Identifier: ISC */
/*
 * Six tasks in known states, for as many ms as the argument says: three sleep (one in nanosleep, one
 * in pause, a thread), one runs, one is stopped, one waits uninterruptibly for its vfork child.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void *sleep_on(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void be_stopped(void)
{
	raise(SIGSTOP);
}

static void run(void)
{
	for (volatile unsigned n = 0;; n++)
		;
}

static void wait_for_vfork(void)
{
	/* The child waits within the kernel, and changes nothing of what it shares. */
	if (vfork() == 0)
		for (;;)
			pause();
}

static pid_t start(void (*what)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		what();
		_exit(0);
	}
	setpgid(pid, pid);
	return pid;
}

int main(int argc, char **argv)
{
	long ms = argc > 1 ? atol(argv[1]) : 1000;
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};
	pid_t pids[] = {start(be_stopped), start(run), start(wait_for_vfork)};
	pthread_t thread;

	pthread_create(&thread, NULL, sleep_on, NULL);
	while (nanosleep(&time, &time) < 0)
		;
	for (unsigned i = 0; i < sizeof(pids) / sizeof(*pids); i++) {
		kill(-pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	return 0;
}
