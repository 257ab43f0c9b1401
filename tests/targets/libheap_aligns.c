/* SPDX-License-Identifier: ISC */
/* A library whose constructor waits for a thread, the first that asks for aligned memory. */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

int libheap_aligns_works(void);

static int thread_works;

static void *allocates(void *arg)
{
	void *at[] = {memalign(64, 100), valloc(100), pvalloc(100)};

	thread_works = at[0] && (uintptr_t)at[0] % 64 == 0;
	for (int i = 0; i < 3; i++) {
		thread_works = thread_works && at[i] && (i == 0 || (uintptr_t)at[i] % 4096 == 0);
		free(at[i]);
	}
	return arg;
}

__attribute__((constructor)) static void joins(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, allocates, NULL) == 0)
		pthread_join(thread, NULL);
}

int libheap_aligns_works(void)
{
	return thread_works;
}
