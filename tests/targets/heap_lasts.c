/* SPDX-License-Identifier: ISC */
/*
 * A program that has leaked, and goes on for as long as a file is there.
 *   heap_lasts FILE
 */
#include "heap_look.h"

HEAP_FRAME static void leaks(void)
{
	for (int i = 0; i < 1000; i++)
		HEAP_CHECK(heap_use(malloc(1024)));
}

int main(int argc, char **argv)
{
	HEAP_CHECK(argc == 2);
	leaks();
	for (unsigned seed = 1; access(argv[1], F_OK) == 0; seed++) {
		heap_churn(seed, 100);
		usleep(1000);
	}
	return heap_ok();
}
