/* SPDX-License-Identifier: ISC */
/*
 * A program that leaks, and is killed in the midst of it.
 *   heap_kill self     by itself, while others of its threads allocate
 *   heap_kill fork     in a child; then it ends well
 *   heap_kill memory   when the kernel finds that it is enough
 */
#include <pthread.h>
#include <signal.h>

#include "heap_look.h"

static void *churns(void *arg)
{
	for (unsigned seed = 1;; seed++)
		heap_churn(seed, 100);
	return arg;
}

HEAP_FRAME static void leaks(void)
{
	for (int i = 0; i < 1000; i++) {
		char *p = heap_use(malloc(1024));

		HEAP_CHECK(p);
		memset(p, 1, 1024);
	}
}

HEAP_FRAME static void hogs(void)
{
	struct timespec pause = {0, 500000};

	for (;;) {
		char *p = heap_use(malloc(65536));

		if (p)
			memset(p, 1, 65536);
		nanosleep(&pause, NULL);
	}
}

static void die(void)
{
	pthread_t thread;

	leaks();
	pthread_create(&thread, NULL, churns, NULL);
	heap_settle();
	kill(getpid(), SIGKILL);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	int status;
	pid_t pid;

	if (!strcmp(how, "self"))
		die();
	if (!strcmp(how, "memory"))
		hogs();
	if (strcmp(how, "fork"))
		return 2;
	pid = fork();
	if (pid == 0)
		die();
	HEAP_CHECK(waitpid(pid, &status, 0) == pid && status == SIGKILL);
	return heap_ok();
}
