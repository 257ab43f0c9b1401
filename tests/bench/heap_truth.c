/* SPDX-License-Identifier: ISC */
/*
 * Allocates from 20 functions, each with a size of its own and a spread of sizes around it, and keeps part of
 * it. Prints what they keep: a line of the function's name and bytes for each.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SITE	  __attribute__((noinline))
#define KEPT_LOW  (1u << 20) /* bytes that each keeps: from that up to twice as many */
#define KEEP_EACH 3	     /* one of so many blocks is kept */

static uint64_t state = 88172645463325252ull;
static void *kept;
static uint64_t bytes;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* They are chained, so that nothing else is allocated. */
static void done(void *block, size_t size)
{
	if (draw() % KEEP_EACH) {
		free(block);
		return;
	}
	*(void **)block = kept;
	kept = block;
	bytes += size;
}

/* From half the size up to one and a half. */
#define KEEP(name, mean)                                                    \
	static SITE void name(void)                                         \
	{                                                                   \
		uint64_t enough = KEPT_LOW + draw() % KEPT_LOW;             \
                                                                            \
		for (bytes = 0; bytes < enough;) {                          \
			size_t size = (mean) / 2 + (size_t)draw() % (mean); \
			void *volatile block = malloc(size);                \
                                                                            \
			done(block, size);                                  \
		}                                                           \
		printf("%s %llu\n", #name, (unsigned long long)bytes);      \
	}
#define SITES(KEEP)       \
	KEEP(s01, 32)     \
	KEEP(s02, 48)     \
	KEEP(s03, 64)     \
	KEEP(s04, 100)    \
	KEEP(s05, 160)    \
	KEEP(s06, 256)    \
	KEEP(s07, 400)    \
	KEEP(s08, 640)    \
	KEEP(s09, 1000)   \
	KEEP(s10, 1600)   \
	KEEP(s11, 2500)   \
	KEEP(s12, 4000)   \
	KEEP(s13, 6400)   \
	KEEP(s14, 10000)  \
	KEEP(s15, 16000)  \
	KEEP(s16, 25000)  \
	KEEP(s17, 40000)  \
	KEEP(s18, 64000)  \
	KEEP(s19, 100000) \
	KEEP(s20, 160000)
SITES(KEEP)

#define CALL(name, mean) name();
int main(void)
{
	SITES(CALL)
	return 0;
}
