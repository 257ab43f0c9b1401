/* SPDX-License-Identifier: ISC */
/*
 * The floating-point environment: nothing is raised by allocations, and where exceptions are signals nothing ends a
 * program that raises none.
 *   heap_fenv flags    what is raised after many allocations
 *   heap_fenv trap     all exceptions are signals, also in a child and its sampler
 */
#include <fenv.h>

#include "heap_look.h"

static void allocate(void)
{
	for (int i = 0; i < 20000; i++)
		free(heap_use(malloc((size_t)i % 3000 + 1)));
}

static void do_trap(void)
{
	pid_t pid;

	feenableexcept(FE_ALL_EXCEPT);
	allocate();
	pid = fork();
	if (pid == 0) {
		allocate();
		/* The sampler has what its thread was made with; waiting for it reckons. */
		fedisableexcept(FE_ALL_EXCEPT);
		heap_settle();
		_exit(5);
	}
	heap_reap(pid, 5);
}

int main(int argc, char **argv)
{
	HEAP_CHECK(argc == 2);
	if (!strcmp(argv[1], "trap")) {
		do_trap();
	} else {
		feclearexcept(FE_ALL_EXCEPT);
		allocate();
		HEAP_CHECK(fetestexcept(FE_ALL_EXCEPT) == 0);
	}
	return heap_ok();
}
