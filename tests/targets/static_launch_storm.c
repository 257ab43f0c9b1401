/* SPDX-License-Identifier: ISC */
/*
 * Leaves eight processes behind, each of which forks and ends at once, over and over: a list of
 * them is out of date before it is read. They give up after two minutes. Ends with 6.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CHAINS	8
#define SECONDS 120

static void run_away(time_t end)
{
	while (time(NULL) < end)
		if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) > 0)
			_exit(0);
	_exit(0);
}

int main(void)
{
	time_t end = time(NULL) + SECONDS;

	for (int i = 0; i < CHAINS; i++)
		if (fork() == 0)
			run_away(end);
	return 6;
}
