/* SPDX-License-Identifier: ISC */
/*
 * Tells each signal that it gets on a line of its own, after the line "ready", and ends with exit
 * status 7 at USR2. With an argument it ends itself instead, by the signal of that number.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
	sigset_t set;
	int sig;

	if (argc > 1) {
		raise(atoi(argv[1]));
		return 1;
	}
	alarm(60); /* where all else has failed */
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	while (sigwait(&set, &sig) == 0) {
		printf("got %s\n", sigabbrev_np(sig));
		if (sig == SIGUSR2)
			return 7;
	}
	return 1;
}
