/* SPDX-License-Identifier: ISC */
/* A library that says when it is being unloaded, and waits until it may go on. */
#include <unistd.h>

/* Ends of pipes; -1: it does not wait. */
extern int libheap_closes_says, libheap_closes_waits;
int libheap_closes_says = -1, libheap_closes_waits = -1;

__attribute__((destructor)) static void unloaded(void)
{
	char c = 'c';

	if (libheap_closes_says >= 0)
		(void)!(write(libheap_closes_says, &c, 1) == 1 &&
			read(libheap_closes_waits, &c, 1) == 1);
}
