/* SPDX-License-Identifier: ISC */
/*
 * A program that keeps 4 MiB as it should, and leaks. When all that is told, it is at its largest.
 *   diff_leak MIB
 */
#include <sys/mman.h>

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

static void grow(void)
{
	void *p = mmap(NULL, 1 << 21, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	HEAP_CHECK(p != MAP_FAILED);
	memset(p, 1, 1 << 21);
}

int main(int argc, char **argv)
{
	fill_cache();
	leak(argc > 1 ? strtoul(argv[1], NULL, 10) : 0);
	heap_settle();
	grow();
	heap_settle();
	return heap_ok();
}
