/* SPDX-License-Identifier: ISC */
/*
 * A program that does nothing but allocate and free: 20,000 live blocks, of which one after another is
 * replaced, sizes of 16 to 271 bytes, every 64th up to 16 KiB more (271 in the mean), from 64 stacks 17 deep.
 *	heap_churn [SLICES]
 * tells what allocation hooks cost, in one process: malloc() and free() as the program calls them, which are
 * the hooks under `mstat -heap`, over libc's own. Many short slices, in ABBA order; null: libc's own over
 * itself. It is this thread's CPU time: what a sampler's own thread takes is the same in both.
 *	heap_churn plain PAIRS [WARM]
 * prints what a malloc() and a free() take, in ns of CPU time of the process with all its threads, and that
 * of a tight loop of them, after WARM pairs (PAIRS) that are not measured.
 *	heap_churn seconds N
 * goes on so long.
 */
#include <dlfcn.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/bench.h"

#define LIVE   20000u
#define DEPTH  13u /* and main() and who calls it, and two of libc's */
#define CHURNS 10000u
#define TIGHT  50000u
#define SLICES 2000u
/* Of the plain way. */
#define TIGHT_PAIRS 4 /* tight ones for one that churns */

static void *(*get)(size_t);
static void (*give)(void *);
static void *(*libc_malloc)(size_t);
static void (*libc_free)(void *);

static void *live[LIVE];
static uint64_t state = 88172645463325252ull;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static void replace(uint64_t bits)
{
	void **at = &live[(uint32_t)(bits >> 32) % LIVE];
	size_t size = 16 + (bits & 255);

	if ((bits >> 8 & 63) == 0)
		size += bits >> 14 & 16383;
	give(*at);
	*at = get(size);
	*(volatile char *)*at = 1;
}

/* Two ways at each of the first six levels: 64 stacks. */
#define WAY(name, left, right)                                                    \
	static __attribute__((noinline)) void name(unsigned depth, uint64_t bits) \
	{                                                                         \
		if (depth == 0)                                                   \
			replace(bits);                                            \
		else if (depth <= 6 && bits >> (20 + depth) & 1)                  \
			left(depth - 1, bits);                                    \
		else                                                              \
			right(depth - 1, bits);                                   \
		__asm__ volatile("");                                             \
	}
static void odd(unsigned depth, uint64_t bits);
WAY(even, odd, even)
WAY(odd, even, odd)

static void churn(void)
{
	for (unsigned i = 0; i < CHURNS; i++)
		even(DEPTH, draw());
}

static void tight(void)
{
	for (unsigned i = 0; i < TIGHT; i++) {
		void *volatile block = get(16);

		give(block);
	}
}

static void use_hooks(void)
{
	get = malloc;
	give = free;
}

static void use_libc(void)
{
	get = libc_malloc;
	give = libc_free;
}

static void churn_hooks(void)
{
	use_hooks();
	churn();
}

static void churn_libc(void)
{
	use_libc();
	churn();
}

static void tight_hooks(void)
{
	use_hooks();
	tight();
}

static void tight_libc(void)
{
	use_libc();
	tight();
}

static void fill(void)
{
	for (unsigned i = 0; i < LIVE; i++)
		live[i] = get(16);
	for (unsigned i = 0; i < 10 * LIVE / CHURNS; i++)
		churn();
}

static double ns_each(void (*work)(void), unsigned long times, unsigned each)
{
	double start = bench_now();

	for (unsigned long i = 0; i < times; i++)
		work();
	return (bench_now() - start) * 1e9 / ((double)times * each);
}

static int plain(unsigned long pairs, unsigned long warm)
{
	double churns, tights;

	bench_clock = CLOCK_PROCESS_CPUTIME_ID;
	use_hooks();
	fill();
	ns_each(churn, warm / CHURNS, CHURNS);
	churns = ns_each(churn, pairs / CHURNS, CHURNS);
	tights = ns_each(tight, pairs * TIGHT_PAIRS / TIGHT, TIGHT);
	printf("%.2f %.2f\n", churns, tights);
	return 0;
}

static int seconds(double n)
{
	double end = bench_now() + n;
	unsigned long slices = 0;

	use_hooks();
	fill();
	for (; bench_now() < end; slices++)
		churn();
	printf("%lu\n", slices * CHURNS);
	return 0;
}

static void compare(size_t slices)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);

	libc_malloc = (void *(*)(size_t))dlsym(libc, "malloc");
	libc_free = (void (*)(void *))dlsym(libc, "free");
	bench_clock = CLOCK_THREAD_CPUTIME_ID;
	use_libc();
	fill();
	bench_compare("churn, null", churn_libc, churn_libc, slices, CHURNS);
	bench_compare("churn", churn_hooks, churn_libc, slices, CHURNS);
	bench_compare("malloc(16) and free, null", tight_libc, tight_libc, slices, TIGHT);
	bench_compare("malloc(16) and free", tight_hooks, tight_libc, slices, TIGHT);
}

int main(int argc, char **argv)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	if (argc > 2 && !strcmp(argv[1], "plain")) {
		unsigned long pairs = strtoul(argv[2], NULL, 10);

		return plain(pairs, argc > 3 ? strtoul(argv[3], NULL, 10) : pairs);
	}
	if (argc > 2 && !strcmp(argv[1], "seconds"))
		return seconds(strtod(argv[2], NULL));
	compare(argc > 1 ? (size_t)atoi(argv[1]) : SLICES);
	return 0;
}
