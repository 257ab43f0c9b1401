/* SPDX-License-Identifier: ISC */
/*
 * Forks as fast as it can, children and grandchildren, some of which outlive their parent.
 * usage: get_storm NAME LIVE GO
 * All are called NAME; not more than LIVE children live at once, until the file GO is not there any more.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void sleep_us(long us)
{
	struct timespec ts = {0, us * 1000};

	nanosleep(&ts, NULL);
}

static void child(unsigned n)
{
	if (n % 3 == 0 && fork() == 0) {
		sleep_us(n % 7 * 300);
		_exit(0);
	}
	sleep_us(n % 5 * 200);
	_exit(0);
}

int main(int argc, char **argv)
{
	int live = 0, most = argc > 3 ? atoi(argv[2]) : 0;

	if (most < 1)
		return 2;
	prctl(PR_SET_NAME, argv[1]);
	for (unsigned n = 0; access(argv[3], F_OK) == 0; n++) {
		pid_t pid = fork();

		if (pid == 0)
			child(n);
		live += pid > 0;
		while (live > 0 && waitpid(-1, NULL, live < most && pid > 0 ? WNOHANG : 0) > 0)
			live--;
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
