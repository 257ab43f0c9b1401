/* SPDX-License-Identifier: ISC */
/*
 * A program that keeps 4 MiB as it should, and leaks.
 *   diff_leak MIB
 */
#include "heap_look.h"

enum { BLOCK = 1 << 16 };

HEAP_FRAME static void fill_cache(void)
{
	for (unsigned i = 0; i < 64; i++)
		memset(heap_use(malloc(BLOCK)), 1, BLOCK);
}

HEAP_FRAME static void leak(unsigned long mib)
{
	for (unsigned long i = 0; i < mib * 16; i++)
		memset(heap_use(malloc(BLOCK)), 1, BLOCK);
}

int main(int argc, char **argv)
{
	fill_cache();
	leak(argc > 1 ? strtoul(argv[1], NULL, 10) : 0);
	heap_settle();
	return heap_ok();
}
