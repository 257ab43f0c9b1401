/* SPDX-License-Identifier: ISC */
/*
 * How much slower a program is for being sampled. See sides.h for how it is compared.
 *
 * Mostly the two sides are one process, whose sampler is switched on and off between the slices: so
 * they have the same memory in the same places. But glibc's single-thread mode would be lost once and
 * for all, by a thread that merely exists: for putc, getc and copies of shared_ptr the other sides
 * are processes without the preload. Two processes differ by their memory's places alone, so there
 * are many of them.
 *
 * Each worker is bound to one CPU, and its sampler with it: what the sampler takes is then taken from
 * the program, as it is on a machine where all CPUs have work.
 *
 * usage: slow FREQ GOAL LIBRARY FOLDER OUTPUT [NAME...]
 *	GOAL is what the upper bound should not exceed, LIBRARY libmstat-switched.so, FOLDER where
 *	libcopies.so is, if it could be made, OUTPUT the run file
 */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/bench/sides.h"

#define MIB	  (1024u * 1024)
#define FAULTING  (16 * MIB)
#define MAPPING	  (256u * 1024)
#define RSS	  (1024ul * MIB)
#define PAGE_SIZE 4096u
#define SETTLE	  50 /* slices in which a new sampler finds the rate that it can afford: core/pace.c */
#define EACH	  6 /* rounds of 18 slices are a group: 5,508 slices in all, a third with the sampler */

static char *map(size_t size)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* The dearest pages for smaps_rollup, and for a munmap. */
	if (at == MAP_FAILED || madvise(at, size, MADV_NOHUGEPAGE) < 0)
		abort();
	return at;
}

static void touch(char *at, size_t size)
{
	for (size_t i = 0; i < size; i += PAGE_SIZE)
		*(volatile char *)(at + i) = 1;
}

static void work_malloc(uint64_t n)
{
	/* One of each kind: kept by the thread, by the arena, larger. */
	static const size_t sizes[] = {24, 200, 3000, 40000};
	void *volatile kept[8] = {NULL};

	for (uint64_t i = 0; i < n; i++) {
		free(kept[i % 8]);
		kept[i % 8] = malloc(sizes[i % 4]);
	}
	for (int i = 0; i < 8; i++)
		free(kept[i]);
}

static void work_putc(uint64_t n)
{
	static FILE *f;

	if (!f && !(f = fopen("/dev/null", "w")))
		abort();
	for (uint64_t i = 0; i < n; i++)
		putc((int)(i & 127), f);
}

static void work_getc(uint64_t n)
{
	static FILE *f;
	int sum = 0;

	if (!f && !(f = fopen("/dev/zero", "r")))
		abort();
	for (uint64_t i = 0; i < n; i++)
		sum += getc(f);
	if (sum)
		abort();
}

/* Named by an absolute path in the environment: the worker knows no folder. */
static void work_copies(uint64_t n)
{
	static void (*copy)(uint64_t);

	if (!copy) {
		void *library = dlopen(getenv("SLOW_COPIES"), RTLD_NOW);

		copy = library ? (void (*)(uint64_t))dlsym(library, "copy_shared") : NULL;
		if (!copy)
			abort();
	}
	copy(n);
}

static void work_fault(uint64_t n)
{
	static char *at;

	if (!at)
		at = map(FAULTING);
	for (uint64_t i = 0; i < n; i++) {
		char *part = at + i % (FAULTING / MAPPING) * MAPPING;

		madvise(part, MAPPING, MADV_DONTNEED);
		touch(part, MAPPING);
	}
}

static void work_mmap(uint64_t n)
{
	static char *held;

	if (!held) {
		held = map(RSS);
		touch(held, RSS);
	}
	for (uint64_t i = 0; i < n; i++) {
		char *at = map(MAPPING);

		touch(at, MAPPING);
		munmap(at, MAPPING);
	}
}

static int ping[2], pong[2];

static void *answer(void *arg)
{
	char byte;

	while (read(ping[0], &byte, 1) == 1)
		if (write(pong[1], &byte, 1) != 1)
			abort();
	return arg;
}

static void work_pipe(uint64_t n)
{
	char byte = 0;

	if (!pong[1]) {
		pthread_t thread;

		if (pipe(ping) < 0 || pipe(pong) < 0 || pthread_create(&thread, NULL, answer, NULL))
			abort();
	}
	for (uint64_t i = 0; i < n; i++)
		if (write(ping[1], &byte, 1) != 1 || read(pong[0], &byte, 1) != 1)
			abort();
}

static const struct work {
	const char *name;
	const char *what;
	void (*run)(uint64_t operations);
	bool apart; /* the other side is a process without the preload */
} works[] = {
	{"malloc", "malloc and free", work_malloc, false},
	{"fault", "touching pages given back", work_fault, false},
	{"mmap", "mmap, touch, munmap beside 1 GiB", work_mmap, false},
	{"pipe", "ping-pong of two threads by pipes", work_pipe, false},
	{"putc", "putc", work_putc, true},
	{"getc", "getc", work_getc, true},
	{"copies", "copies of a shared_ptr", work_copies, true},
};
#define WORKS (sizeof(works) / sizeof(works[0]))

static const struct work *find_work(const char *name)
{
	for (size_t i = 0; i < WORKS; i++)
		if (strcmp(works[i].name, name) == 0)
			return &works[i];
	fprintf(stderr, "no work is called %s\n", name);
	exit(2);
}

/* Binds the program to the last CPU that it may use, and starts it anew, with the sampler's thread. */
static int bind_and_work(char *self, char *name)
{
	char *argv[] = {self, "work", name, NULL};
	cpu_set_t may, one;

	if (sched_getaffinity(0, sizeof(may), &may) < 0)
		return 1;
	CPU_ZERO(&one);
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && CPU_COUNT(&one) == 0; cpu--)
		if (CPU_ISSET(cpu, &may))
			CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		return 1;
	execv(self, argv);
	return 1;
}

struct setting {
	char *self, *freq, *library, *output;
};

static struct side start_with(const struct setting *set, const struct work *work)
{
	char *argv[] = {"mstat", "-q",	      "-freq", set->freq, "-preload", set->library,
			"-o",	 set->output, "--",    set->self, "bound",    (char *)work->name,
			NULL};

	return sides_start(argv, environ);
}

static struct side start_without(const struct setting *set, const struct work *work)
{
	char *argv[] = {set->self, "bound", (char *)work->name, NULL};

	return sides_start(argv, environ);
}

/* One process, its sampler switched on and off. */
static void compare_in_one(const struct setting *set, const struct work *work,
			   struct sides_group *groups, struct switch_count *ret_count)
{
	struct side side = start_with(set, work);
	struct side abc[3] = {side, side, side};
	uint64_t operations = sides_calibrate(&side);
	struct switch_count before = sides_slice(&side, operations).count;

	abc[0].on = true;
	for (size_t i = 0; i < SIDES_GROUPS; i++)
		sides_group(abc, operations, EACH, &groups[i], ret_count);
	ret_count->ticks -= before.ticks;
	ret_count->cpu_ns -= before.cpu_ns;
	sides_stop(&side);
}

/* Triples of processes: one with the sampler, two without a preload. */
static void compare_apart(const struct setting *set, const struct work *work,
			  struct sides_group *groups, struct switch_count *ret_count)
{
	uint64_t operations = 0;

	for (size_t i = 0; i < SIDES_GROUPS; i++) {
		struct side abc[3] = {start_with(set, work), start_without(set, work),
				      start_without(set, work)};
		struct switch_count before = {0}, after = {0};

		if (operations == 0)
			operations = sides_calibrate(&abc[1]);
		/* Off, as it is counted from then on; and all are warm. */
		for (size_t k = 9; k-- > 0;)
			sides_slice(&abc[k % 3], operations);
		abc[0].on = true;
		for (size_t k = 0; k < SETTLE; k++)
			before = sides_slice(&abc[0], operations).count;
		sides_group(abc, operations, EACH, &groups[i], &after);
		ret_count->ticks += after.ticks - before.ticks;
		ret_count->cpu_ns += after.cpu_ns - before.cpu_ns;
		for (size_t k = 0; k < 3; k++)
			sides_stop(&abc[k]);
	}
}

static void compare(const struct setting *set, const struct work *work, double goal)
{
	struct sides_group groups[SIDES_GROUPS];
	struct switch_count count = {0};
	struct sides_result result = {0};
	double on_s = 0, elapsed_s = 0, scale;

	(work->apart ? compare_apart : compare_in_one)(set, work, groups, &count);
	sides_evaluate(groups, &result);
	for (size_t i = 0; i < SIDES_GROUPS; i++) {
		on_s += groups[i].a;
		elapsed_s += groups[i].a_elapsed;
	}
	/* Its clock goes on while others have the CPU: there it ticks more often than the program runs. */
	scale = on_s < elapsed_s ? on_s / elapsed_s : 1;
	printf("%-34s %.4f [%.4f, %.4f] %-5s  as measured %.4f [%.4f, %.4f] null %.4f [%.4f, %.4f] "
	       " "
	       "%.1f ticks/s, sampler's CPU %.2f%%; with the CPU %.0f%% of the time\n",
	       work->what, 1 + (result.ratio - 1) * scale, 1 + (result.low - 1) * scale,
	       1 + (result.high - 1) * scale,
	       1 + (result.high - 1) * scale <= goal ? "holds" : "OVER", result.ratio, result.low,
	       result.high, result.null, result.null_low, result.null_high,
	       (double)count.ticks / elapsed_s, (double)count.cpu_ns / elapsed_s / 1e7,
	       scale * 100);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char copies[4096];
	struct setting set = {.self = argv[0]};

	if (argc == 3 && strcmp(argv[1], "work") == 0)
		return sides_work(find_work(argv[2])->run, CLOCK_PROCESS_CPUTIME_ID);
	if (argc == 3 && strcmp(argv[1], "bound") == 0)
		return bind_and_work(argv[0], argv[2]);
	if (argc < 6)
		return 2;
	set.freq = argv[1];
	set.library = argv[3];
	snprintf(copies, sizeof(copies), "%s/libcopies.so", argv[4]);
	set.output = argv[5];
	setenv("SLOW_COPIES", copies, 1);
	if (argc > 6) {
		for (int i = 6; i < argc; i++)
			compare(&set, find_work(argv[i]), atof(argv[2]));
		return 0;
	}
	for (size_t i = 0; i < WORKS; i++) {
		if (works[i].run == work_copies && access(copies, R_OK) < 0)
			printf("%-34s not measured: no C++ compiler\n", works[i].what);
		else
			compare(&set, &works[i], atof(argv[2]));
	}
	return 0;
}
