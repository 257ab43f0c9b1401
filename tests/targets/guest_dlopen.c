/* SPDX-License-Identifier: ISC */
/* Loads the library that is named: under AT_SECURE the loader would not preload it. */
#include <dlfcn.h>

#include "guest_look.h"

int main(int argc, char **argv)
{
	struct timespec while_it_starts = {0, 100000000};
	pid_t guest;

	if (argc < 2 || !dlopen(argv[1], RTLD_NOW)) {
		puts(dlerror());
		return 1;
	}
	nanosleep(&while_it_starts, NULL);
	printf("uid %d euid %d threads %d\n", (int)getuid(), (int)geteuid(),
	       look_threads(getpid(), &guest));
	return 0;
}
