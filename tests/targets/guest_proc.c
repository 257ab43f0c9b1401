/* SPDX-License-Identifier: ISC */
/* A program that may have no /proc: it lives, forks, changes ids, has a thread, and ends with 5. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *nap(void *arg)
{
	usleep(150000);
	return arg;
}

int main(void)
{
	pthread_t thread;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		nap(NULL);
		if (setegid(getegid()) < 0)
			exit(1);
		nap(NULL);
		exit(3);
	}
	pthread_create(&thread, NULL, nap, NULL);
	pthread_join(thread, NULL);
	if (seteuid(geteuid()) < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	printf("child %d\n", WEXITSTATUS(status));
	return 5;
}
