/* SPDX-License-Identifier: ISC */
/*
 * A program that loads libraries.
 *   guest_load plugin LIBRARY    loads, uses and unloads it three times, with a thread beside
 *   guest_load again LIBRARY     loads libmstat.so, which is there already, and unloads it
 */
#include <dlfcn.h>
#include <pthread.h>

#include "guest_look.h"

static int (*volatile work)(int number);

static void *uses(void *arg)
{
	printf("worked %d\n", work(3));
	fflush(stdout);
	return arg;
}

static int plugin(const char *path)
{
	for (int i = 0; i < 3; i++) {
		void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		pthread_t thread;

		if (!library)
			return 1;
		work = (int (*)(int))dlsym(library, "libguest_plugin_work");
		uses(NULL);
		pthread_create(&thread, NULL, uses, NULL);
		pthread_join(thread, NULL);
		if (dlclose(library) != 0 || dlopen(path, RTLD_NOW | RTLD_NOLOAD))
			return 2;
	}
	return 0;
}

static int again(const char *path)
{
	pid_t guest, after;
	void *library;

	look_ticks(2);
	look_threads(getpid(), &guest);
	for (int i = 0; i < 3; i++) {
		library = dlopen(path, RTLD_NOW);
		if (!library || dlclose(library) != 0)
			return 1;
	}
	look_ticks(5);
	printf("threads %d, sampler ", look_threads(getpid(), &after));
	puts(guest == after ? "unchanged" : "changed");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	return argv[1][0] == 'p' ? plugin(argv[2]) : again(argv[2]);
}
