/* SPDX-License-Identifier: ISC */
/*
 * A static program that becomes another one.
 * usage: static_collect_wait MILLISECONDS PROGRAM [ARGUMENT]...
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long ms = argc > 2 ? atol(argv[1]) : 0;
	struct timespec nap = {ms / 1000, ms % 1000 * 1000000};

	if (argc < 3)
		return 2;
	nanosleep(&nap, NULL);
	execv(argv[2], argv + 2);
	return 1;
}
