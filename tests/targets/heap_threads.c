/* SPDX-License-Identifier: ISC */
/*
 * Threads that allocate and end.
 *   heap_threads many     1,000, some of them at once, each of which leaves some behind
 *   heap_threads passes   what one allocates another one frees
 *   heap_threads hold     so many at once that each has an arena of its own, or shares one
 */
#include <pthread.h>

#include "heap_look.h"

#define AT_ONCE 50

static pthread_barrier_t barrier;
static volatile int kept;
static void *passed[AT_ONCE][100];

HEAP_FRAME static void *thread_keeps(void *arg)
{
	char *p = heap_use(malloc(24));

	HEAP_CHECK(p);
	heap_churn((unsigned)(uintptr_t)arg, 30);
	p = heap_use(realloc(p, 48));
	__atomic_fetch_add(&kept, 1, __ATOMIC_RELAXED);
	return p;
}

/* pthread_exit() loads a library, whose memory is not the thread's. */
static void *ends(void *arg)
{
	void *p = thread_keeps(arg);

	if ((uintptr_t)arg % 3 == 0)
		pthread_exit(p);
	return p;
}

/* Every fifth is detached: that all have ended is seen from what they count. */
static void do_many(void)
{
	pthread_t threads[AT_ONCE];

	for (int round = 0; round < 20; round++) {
		for (uintptr_t i = 0; i < AT_ONCE; i++) {
			HEAP_CHECK(pthread_create(&threads[i], NULL, ends, (void *)i) == 0);
			if (i % 5 == 0)
				pthread_detach(threads[i]);
		}
		for (int i = 0; i < AT_ONCE; i++)
			if (i % 5)
				pthread_join(threads[i], NULL);
	}
	for (double until = look_now() + LOOK_SECONDS; kept < 20 * AT_ONCE; look_pause())
		HEAP_CHECK(look_now() < until);
}

HEAP_FRAME static void *thread_passes(void *arg)
{
	void **mine = passed[(uintptr_t)arg];

	for (int i = 0; i < 100; i++)
		mine[i] = heap_use(malloc((size_t)i * 20 + 1));
	pthread_barrier_wait(&barrier);
	mine = passed[((uintptr_t)arg + 1) % AT_ONCE];
	for (int i = 0; i < 100; i++)
		if (i % 2)
			free(mine[i]);
		else
			mine[i] = heap_use(realloc(mine[i], 10000));
	return arg;
}

static void do_passes(void)
{
	pthread_t threads[AT_ONCE];

	pthread_barrier_init(&barrier, NULL, AT_ONCE);
	for (int round = 0; round < 10; round++) {
		for (uintptr_t i = 0; i < AT_ONCE; i++)
			HEAP_CHECK(pthread_create(&threads[i], NULL, thread_passes, (void *)i) ==
				   0);
		for (int i = 0; i < AT_ONCE; i++)
			pthread_join(threads[i], NULL);
		/* What is left, the main thread frees, but of the last round. */
		for (int i = 0; i < AT_ONCE && round < 9; i++)
			for (int at = 0; at < 100; at += 2)
				free(passed[i][at]);
	}
	pthread_barrier_destroy(&barrier);
}

HEAP_FRAME static void *thread_holds(void *arg)
{
	void *p = heap_use(malloc(1000));

	HEAP_CHECK(p);
	pthread_barrier_wait(&barrier);
	heap_churn((unsigned)(uintptr_t)arg, 20);
	/* Half of them free it. */
	if ((uintptr_t)arg % 2)
		free(p);
	return arg;
}

static void do_hold(void)
{
	enum { HELD = 400 };
	static pthread_t threads[HELD];
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	pthread_barrier_init(&barrier, NULL, HELD);
	for (uintptr_t i = 0; i < HELD; i++)
		HEAP_CHECK(pthread_create(&threads[i], &attr, thread_holds, (void *)i) == 0);
	for (int i = 0; i < HELD; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	if (!strcmp(how, "many"))
		do_many();
	else if (!strcmp(how, "passes"))
		do_passes();
	else if (!strcmp(how, "hold"))
		do_hold();
	else
		return 2;
	heap_settle();
	return heap_ok();
}
