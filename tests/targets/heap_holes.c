/* SPDX-License-Identifier: ISC */
/*
 * A program that keeps every fourth of many blocks, so that all of their pages stay, and a thread that has used its
 * stack. It stays as it is for as long as a file is there, and says what it has freed.
 *   heap_holes FILE
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "heap_look.h"

#define BLOCKS	    100000u
#define BLOCK_BYTES 1000u
#define STACK_BYTES (3u << 20)

static const char *file;

static void stay(void)
{
	while (access(file, F_OK) == 0)
		usleep(1000);
}

static void *use_stack(void *arg)
{
	char used[STACK_BYTES];

	memset(used, 1, sizeof(used));
	__asm__ volatile("" ::"r"(used) : "memory");
	stay();
	return arg;
}

int main(int argc, char **argv)
{
	static char *block[BLOCKS];
	pthread_t thread;

	HEAP_CHECK(argc == 2);
	file = argv[1];
	for (unsigned i = 0; i < BLOCKS; i++) {
		block[i] = malloc(BLOCK_BYTES);
		HEAP_CHECK(block[i]);
		memset(block[i], 1, BLOCK_BYTES);
	}
	for (unsigned i = 0; i < BLOCKS; i++)
		if (i % 4)
			free(block[i]);
	HEAP_CHECK(pthread_create(&thread, NULL, use_stack, NULL) == 0);
	stay();
	HEAP_CHECK(pthread_join(thread, NULL) == 0);
	return heap_ok();
}
