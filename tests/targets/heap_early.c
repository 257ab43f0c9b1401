/* SPDX-License-Identifier: ISC */
/* Allocates before main(), as do the libraries that it needs and what is preloaded into it. */
#include "heap_look.h"

int libheap_needed_is_well(void);

static char *first, *second;

HEAP_FRAME static void early_keeps(void)
{
	first = heap_use(malloc(1111));
	memset(first, 1, 1111);
}

__attribute__((constructor(101))) static void begins(void)
{
	early_keeps();
	second = heap_use(realloc(malloc(10), 100000));
}

int main(void)
{
	HEAP_CHECK(libheap_needed_is_well());
	HEAP_CHECK(first && first[1110] == 1 && second);
	free(second);
	heap_churn(1, 5000);
	heap_settle();
	return heap_ok();
}
