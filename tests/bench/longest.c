/* SPDX-License-Identifier: ISC */
/*
 * The longest mmap + touch + munmap beside so much resident memory, with the sampler and without: by
 * turns of two seconds of one process, which has libmstat-switched.so. A smaps_rollup makes them wait.
 * usage: mstat -preload libmstat-switched.so ... -- longest MIB SECONDS
 *
 * Beside the clock's time stands that without the time spent waiting for a CPU: on a machine that has
 * other work the longest is otherwise mostly that.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/bench/sides.h"

#define MIB	  1048576ul
#define PAGE_SIZE 4096u
#define MAPPING	  65536u
#define PHASE_S	  2.0

struct longest {
	double clock_s, own_s;
	uint64_t operations;
};

static char *map(size_t size)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || madvise(at, size, MADV_NOHUGEPAGE) < 0)
		abort();
	for (size_t i = 0; i < size; i += PAGE_SIZE)
		*(volatile char *)(at + i) = 1;
	return at;
}

/* How long this thread has waited for a CPU: the second number of schedstat. */
static double waited(int fd)
{
	char text[128];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	const char *second;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	second = strchr(text, ' ');
	return second ? strtod(second, NULL) * 1e-9 : 0;
}

static void phase(int schedstat, struct longest *most)
{
	double end = sides_now(CLOCK_MONOTONIC) + PHASE_S;
	double before = waited(schedstat);
	double start;

	while ((start = sides_now(CLOCK_MONOTONIC)) < end) {
		double s, after;

		munmap(map(MAPPING), MAPPING);
		s = sides_now(CLOCK_MONOTONIC) - start;
		after = waited(schedstat);
		if (s > most->clock_s)
			most->clock_s = s;
		if (s - (after - before) > most->own_s)
			most->own_s = s - (after - before);
		before = waited(schedstat);
		most->operations++;
	}
}

static void print(const char *name, const struct longest *l)
{
	printf("  %-8s %6.2f ms (%6.2f ms without waits for a CPU) of %llu\n", name,
	       l->clock_s * 1e3, l->own_s * 1e3, (unsigned long long)l->operations);
}

int main(int argc, char **argv)
{
	void (*switch_to)(int, struct switch_count *) =
		(void (*)(int, struct switch_count *))dlsym(RTLD_DEFAULT, "switch_sampler");
	int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	struct longest most[2] = {{0}};
	struct switch_count count = {0};
	char *held;
	double end;

	if (argc < 3 || !switch_to || fd < 0)
		return 1;
	switch_to(0, &count);
	held = map(strtoul(argv[1], NULL, 10) * MIB);
	end = sides_now(CLOCK_MONOTONIC) + strtod(argv[2], NULL);
	for (unsigned i = 0; sides_now(CLOCK_MONOTONIC) < end; i++) {
		static const uint8_t order[] = {1, 0, 0, 1};

		switch_to(order[i % 4], &count);
		phase(fd, &most[order[i % 4]]);
	}
	switch_to(0, &count);
	print("without", &most[0]);
	print("with", &most[1]);
	printf("  more     %6.2f ms (%6.2f ms); %llu ticks\n",
	       (most[1].clock_s - most[0].clock_s) * 1e3, (most[1].own_s - most[0].own_s) * 1e3,
	       (unsigned long long)count.ticks);
	return held[0] - 1;
}
