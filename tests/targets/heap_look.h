/* SPDX-License-Identifier: ISC */
/* What the heap_* targets share. Each checks itself, and prints "ok" at its end. */
#ifndef MSTAT_TESTS_HEAP_LOOK_H
#define MSTAT_TESTS_HEAP_LOOK_H

#include <errno.h>
#include <stdint.h>
#include <sys/wait.h>

#include "guest_look.h"

/* Functions that shall be found by their names on the stacks of what they keep. */
#define HEAP_FRAME __attribute__((noinline, noclone))

/* Heap sums may be told more seldom than on each tick. */
#define HEAP_TICKS 40

#define HEAP_CHECK(what)                                                                        \
	do {                                                                                    \
		if (!(what)) {                                                                  \
			dprintf(1, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #what, \
				errno);                                                         \
			_exit(3);                                                               \
		}                                                                               \
	} while (0)

/* The compiler cannot know what becomes of the memory, nor call a function at the end by a jump. */
static inline void *heap_use(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

/* What is live is told; without mstat there is nobody to wait for. */
static inline void heap_settle(void)
{
	if (getenv("MSTAT_SOCKET"))
		look_ticks(HEAP_TICKS);
}

static inline int heap_ok(void)
{
	HEAP_CHECK(write(1, "ok\n", 3) == 3);
	return 0;
}

static inline unsigned heap_random(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 8;
}

/* Blocks of many sizes come, grow and go, and none is written by anybody else. */
static inline void heap_churn(unsigned seed, unsigned rounds)
{
	enum { SLOTS = 64 };
	unsigned char *at[SLOTS] = {0};
	size_t len[SLOTS] = {0};

	for (unsigned i = 0; i < rounds + SLOTS; i++) {
		unsigned slot = i < rounds ? heap_random(&seed) % SLOTS : i - rounds;
		size_t size = heap_random(&seed) % (heap_random(&seed) % 64 ? 600 : 200000) + 1;
		unsigned char *p = at[slot];

		if (p)
			HEAP_CHECK(p[0] == (unsigned char)slot &&
				   p[len[slot] - 1] == (unsigned char)slot);
		if (i >= rounds || (p && heap_random(&seed) % 2)) {
			free(heap_use(p));
			at[slot] = NULL;
			continue;
		}
		if (!p && heap_random(&seed) % 4 == 0)
			p = (unsigned char *)calloc(1, size);
		else
			p = (unsigned char *)realloc(p, size);
		HEAP_CHECK(p != NULL);
		p[0] = p[size - 1] = (unsigned char)slot;
		at[slot] = (unsigned char *)heap_use(p);
		len[slot] = size;
	}
}

static inline void heap_reap(pid_t pid, int want)
{
	int status = -1;

	HEAP_CHECK(pid > 0);
	HEAP_CHECK(waitpid(pid, &status, __WALL) == pid);
	HEAP_CHECK(status == want << 8);
}

#endif
