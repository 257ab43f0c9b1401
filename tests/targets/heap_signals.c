/* SPDX-License-Identifier: ISC */
/*
 * Signals in the midst of allocations. The handlers themselves allocate nothing.
 *   heap_signals backtrace    timers, whose handlers walk the stack
 *   heap_signals jump         which leave by siglongjmp(), when no allocation is under way
 *   heap_signals errno        which change errno, and put it back
 */
#include <execinfo.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

#include "heap_look.h"

#define ROUNDS 20000

static volatile sig_atomic_t calls, may_jump, jumps;
static sigjmp_buf back;

static void walks(int sig)
{
	void *frames[64];

	(void)sig;
	calls++;
	HEAP_CHECK(backtrace(frames, 64) > 0);
}

static void jumps_out(int sig)
{
	(void)sig;
	calls++;
	if (!may_jump)
		return;
	may_jump = 0;
	siglongjmp(back, 1);
}

static void keeps_errno(int sig)
{
	int saved = errno;

	(void)sig;
	calls++;
	errno = EXDEV;
	errno = saved;
}

static void handle(void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct itimerval often = {{0, 700}, {0, 700}};

	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGPROF, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	setitimer(ITIMER_PROF, &often, NULL);
}

static void quiet(void)
{
	struct itimerval never = {0};

	setitimer(ITIMER_REAL, &never, NULL);
	setitimer(ITIMER_PROF, &never, NULL);
	HEAP_CHECK(calls > 0);
}

static void *churns(void *arg)
{
	heap_churn((unsigned)(uintptr_t)arg, ROUNDS);
	return NULL;
}

static void churn_in_threads(void)
{
	pthread_t threads[3];

	for (uintptr_t i = 0; i < 3; i++)
		HEAP_CHECK(pthread_create(&threads[i], NULL, churns, (void *)i) == 0);
	heap_churn(7, ROUNDS);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

/* Time passes between two allocations, and there the handler may leave. */
static void churn_with_jumps(void)
{
	double until = look_now() + LOOK_SECONDS;

	while (jumps < 200) {
		HEAP_CHECK(look_now() < until);
		free(heap_use(malloc(100)));
		if (sigsetjmp(back, 1)) {
			jumps++;
		} else {
			may_jump = 1;
			for (volatile int i = 0; i < 20000; i++)
				;
			may_jump = 0;
		}
		heap_churn((unsigned)jumps, 20);
	}
}

static void allocate_with_errno(void)
{
	for (int i = 0; i < 2 * ROUNDS; i++) {
		char *p;

		errno = i;
		p = heap_use(malloc((size_t)i % 3000 + 1));
		HEAP_CHECK(p && errno == i);
		free(p);
		HEAP_CHECK(errno == i);
	}
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	void *frames[4];

	backtrace(frames, 4); /* loads what it needs */
	if (!strcmp(how, "backtrace")) {
		handle(walks);
		churn_in_threads();
	} else if (!strcmp(how, "jump")) {
		handle(jumps_out);
		churn_with_jumps();
	} else if (!strcmp(how, "errno")) {
		handle(keeps_errno);
		allocate_with_errno();
	} else {
		return 2;
	}
	quiet();
	return heap_ok();
}
