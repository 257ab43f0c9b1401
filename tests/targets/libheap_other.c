/* SPDX-License-Identifier: ISC */
/* Another library than libheap_plugin.c, that may be loaded where that one was. */
#include <stdlib.h>
#include <string.h>

void *libheap_other_keeps(size_t size);

void *libheap_other_keeps(size_t size)
{
	char *p = malloc(size);

	if (p)
		memset(p, 3, size);
	return p;
}
