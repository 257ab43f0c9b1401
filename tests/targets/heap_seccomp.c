/* SPDX-License-Identifier: ISC */
/*
 * Allocates where no system call is permitted any more but read(), write() and _exit(), nor needed: there
 * is room on the heap. Status 77: that cannot be had here.
 */
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/seccomp.h>

#include "heap_look.h"

int main(void)
{
	static char *blocks[2000];
	char *room;

	/* Nothing is given back, nothing is mapped. */
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	room = heap_use(malloc(16 << 20));
	HEAP_CHECK(room && heap_use(malloc(1)));
	free(room);
	heap_churn(1, 1000);
	heap_settle();
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) < 0)
		return 77;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 2000; i++) {
			blocks[i] = heap_use(malloc((size_t)i + 1));
			HEAP_CHECK(blocks[i]);
			blocks[i][i] = (char)i;
		}
		for (int i = 0; i < 2000; i++) {
			HEAP_CHECK(blocks[i][i] == (char)i);
			free(blocks[i]);
		}
	}
	heap_ok();
	syscall(SYS_exit, 0);
	return 1;
}
