/* SPDX-License-Identifier: ISC */
/*
 * Runs a program with the two signals ignored that glibc keeps for itself, 32 and 33.
 * usage: launch_ignore PROGRAM [ARGUMENT]...
 */
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	/* handler, flags, restorer, mask: sigaction(2) of glibc refuses them. */
	unsigned long action[4] = {(unsigned long)SIG_IGN};

	for (int sig = 32; sig < 34; sig++)
		syscall(SYS_rt_sigaction, sig, action, NULL, sizeof(action[3]));
	if (argc > 1)
		execvp(argv[1], argv + 1);
	return 127;
}
