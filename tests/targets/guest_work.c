/* SPDX-License-Identifier: ISC */
/*
 * A program that does its work while somebody looks on.
 *   guest_work ticks N         until the sampler has seen N ticks
 *   guest_work none [MS]       until it is so old (300 ms): prints its threads
 *   guest_work wait N M        N ticks, makes "ready", waits for "go", M ticks, ends
 *   guest_work kill N          makes "ready", waits for "go", N ticks, kill -9 of itself
 *   guest_work hold MIB MS     memory of 4 KiB pages held so long
 *   guest_work maps N MS       so many mappings, of a page each, held so long
 *   guest_work many N MS       so many children that hold 2 MiB each, so long
 *   guest_work last MS MIB     lives so long, then takes memory and exits
 *   guest_work dirty           Private_Dirty of itself in KiB, after 500 ms
 *   guest_work policy          the scheduling policies of its threads
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "guest_look.h"

static void sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

static void take(size_t mib)
{
	size_t size = mib << 20;
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		exit(1);
	madvise(at, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += 4096)
		at[i] = 1;
}

/* Every other page may not be written, or they would be one mapping. */
static void take_mappings(size_t count)
{
	char *at = mmap(NULL, count * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);

	if (at == MAP_FAILED)
		exit(1);
	for (size_t i = 0; i < count; i++)
		at[i * 4096] = 1;
	for (size_t i = 0; i < count; i += 2)
		if (mprotect(at + i * 4096, 4096, PROT_READ) < 0)
			exit(1);
}

static int many(long count, long ms)
{
	int failures = 0;
	int status;

	for (long i = 0; i < count; i++) {
		if (fork() == 0) {
			take(2);
			sleep_ms(ms);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		failures += status != 0;
	return failures != 0;
}

static int threads(long ms)
{
	pid_t guest;

	sleep_ms(ms ? ms : 300);
	printf("threads %d\n", look_threads(getpid(), &guest));
	return 0;
}

static int policy(void)
{
	pid_t guest;

	look_ticks(2);
	look_threads(getpid(), &guest);
	printf("program %d sampler %d\n", sched_getscheduler(0), sched_getscheduler(guest));
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long n = argc > 2 ? atol(argv[2]) : 0;
	long m = argc > 3 ? atol(argv[3]) : 0;

	if (!strcmp(what, "none"))
		return threads(n);
	if (!strcmp(what, "policy"))
		return policy();
	if (!strcmp(what, "ticks")) {
		look_ticks((int)n);
		return 0;
	}
	if (!strcmp(what, "wait")) {
		look_ticks((int)n);
		look_make("ready");
		look_for("go");
		look_ticks((int)m);
		return 0;
	}
	if (!strcmp(what, "kill")) {
		look_ticks(1);
		look_make("ready");
		look_for("go");
		look_ticks((int)n);
		return kill(getpid(), SIGKILL);
	}
	if (!strcmp(what, "hold")) {
		take((size_t)n);
		sleep_ms(m);
		return 0;
	}
	if (!strcmp(what, "maps")) {
		take_mappings((size_t)n);
		sleep_ms(m);
		return 0;
	}
	if (!strcmp(what, "many"))
		return many(n, m);
	if (!strcmp(what, "last")) {
		sleep_ms(n);
		take((size_t)m);
		return 0;
	}
	if (!strcmp(what, "dirty")) {
		sleep_ms(500); /* nothing is looked at: that would dirty memory, too */
		printf("%ld\n", look_number("/proc/self/smaps_rollup", "Private_Dirty"));
		return 0;
	}
	return 2;
}
