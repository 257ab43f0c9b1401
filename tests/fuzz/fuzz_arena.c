/* SPDX-License-Identifier: ISC */
/* The data of a libc, which any program may have changed. */
#include <stdlib.h>

#include "collector/runtimes/glibc/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ADDRESS UINT64_C(0x7f0000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_found found;

	if (arena_find(data, size, ADDRESS, &found) < 0)
		return 0;
	if (found.main_arena > ADDRESS + size || (found.mapped && found.mapped - ADDRESS >= size))
		abort();
	return 0;
}
