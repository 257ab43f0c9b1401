/* SPDX-License-Identifier: ISC */
/*
 * The preload's way in and out: constructor, fork's child, exit(). This file and interpose.c are
 * the only ones that may touch libc, and they run in the program's threads.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>

#include "core/parse.h"
#include "core/tick.h"
#include "core/wire.h"
#include "preload/aside.h"
#include "preload/counts.h"
#include "preload/guest.h"
#include "preload/interpose.h"
#include "preload/sampler.h"
#include "preload/sys.h"

#define STALL_DEFAULT_NS   10000000u
#define BUDGET_DEFAULT_PPM 5000u

/* exit() of a process younger than this costs nothing extra: its exit record must do. */
#define LAST_SAMPLE_FROM_NS 100000000u
#define LAST_SAMPLE_WAIT_NS 1000000u
/*
 * Mostly half a millisecond. A large profile waits until the collector has read the first part of it: 65,536 stacks
 * took 2.5 s.
 */
#define LAST_REPORT_WAIT_NS 10000000000u

/*
 * What ends or executes before does not connect: 300 commands of a shell took 0.48 ms each longer with
 * samplers that connect at once, 0.30 with this; with busy processors a fork took 0.7 ms longer, now 0.2,
 * as a thread that has run must wait for its turn before it can be ended. Children mostly execute.
 */
#define CONNECT_AFTER_EXEC_NS 1000000u
#define CONNECT_AFTER_FORK_NS 2000000u

/* In the environment of a guest that may not be started: how many seccomp filters are the
 * launcher's own, under which it tried our system calls. */
#define ENV_FILTERS "MSTAT_SECCOMP_FILTERS"

static uint64_t start_ns;

static uint64_t env_number(const char *name, uint64_t min, uint64_t max, uint64_t otherwise)
{
	const char *text = getenv(name);
	size_t used = 0;
	int64_t v = text ? parse_number(text, strlen(text), &used) : 0;

	return used && (uint64_t)v >= min && (uint64_t)v <= max ? (uint64_t)v : otherwise;
}

/* Says whether there is a collector to go to. */
static bool read_environment(void)
{
	const char *path = getenv("MSTAT_SOCKET");

	if (!path || !*path || strlen(path) >= sizeof(sampler_config.socket))
		return false;
	memcpy(sampler_config.socket, path, strlen(path));
	sampler_config.freq =
		(uint32_t)env_number("MSTAT_FREQ", TICK_FREQ_MIN, TICK_FREQ_MAX, TICK_FREQ_DEFAULT);
	sampler_config.stall_ns =
		env_number("MSTAT_PSS_STALL_NS", 0, UINT64_MAX / 2, STALL_DEFAULT_NS);
	sampler_config.budget_ppm =
		env_number("MSTAT_PSS_BUDGET_PPM", 0, 1000000, BUDGET_DEFAULT_PPM);
	sampler_config.filters = (uint32_t)env_number(ENV_FILTERS, 0, UINT32_MAX, 0);
	sampler_config.debug = getenv("MSTAT_DEBUG") != NULL;
	return true;
}

/* By the vDSO: no system call that a filter could forbid. */
static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Whoever forks mostly waits for the child: by then whoever counts threads has done so. */
static void before_fork(void)
{
	if (counts_at_fork())
		aside_leave();
	if (sampler_heap)
		sampler_heap->before_fork();
}

static void after_fork(void)
{
	if (sampler_heap)
		sampler_heap->after_fork();
}

/* [fork child] */
static void in_child(void)
{
	guest_forget();
	aside_forget();
	if (sampler_heap)
		sampler_heap->in_child();
	if (aside_is_barred())
		return;
	start_ns = now_ns();
	sampler_start(WIRE_HELLO_FORK, CONNECT_AFTER_FORK_NS);
}

/* glibc's own entry to pthread_atfork(), which libc.so itself does not have; musl is the reverse. */
extern int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
			     void *dso) __attribute__((weak));
extern void *__dso_handle __attribute__((visibility("hidden")));

static void follow_forks(void)
{
	int (*atfork)(void (*)(void), void (*)(void), void (*)(void));

	if (__register_atfork) {
		__register_atfork(before_fork, after_fork, in_child, &__dso_handle);
		return;
	}
	atfork = (int (*)(void (*)(void), void (*)(void), void (*)(void)))dlsym(RTLD_DEFAULT,
										"pthread_atfork");
	if (atfork)
		atfork(before_fork, after_fork, in_child);
}

/* [init] glibc hands main's arguments to constructors, musl does not. */
__attribute__((constructor)) static void entry_init(int argc, char **argv)
{
	(void)argc;
	interpose_init();
	if (getauxval(AT_SECURE) || !read_environment())
		return;
	if (counts_always(__register_atfork ? argv : NULL))
		return;
	start_ns = now_ns();
	follow_forks();
	sampler_start(0, CONNECT_AFTER_EXEC_NS);
	if (sampler_heap)
		sampler_heap->begin();
}

/* [app thread] exit() */
__attribute__((destructor)) static void entry_exit(void)
{
	uint64_t age_ns;

	/* Under a filter of the program's own a call that it does not make may be its end. */
	if (!start_ns || aside_is_barred())
		return;
	age_ns = now_ns() - start_ns;
	/* What a process has leaked is known at its end only, however soon that is. */
	if (sampler_heap && sampler_heap->has_news())
		guest_last(LAST_REPORT_WAIT_NS);
	else if (age_ns >= LAST_SAMPLE_FROM_NS)
		guest_last(LAST_SAMPLE_WAIT_NS);
	/* gdb 13 loses the end of a program whose threads end with it: 18 of 60 with one by pthreads,
	 * 14 of 40 with ours, of programs without threads none. */
	if (age_ns >= CONNECT_AFTER_EXEC_NS && sampler_may_be_traced() && guest_is_here())
		aside_end();
}
