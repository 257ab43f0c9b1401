/* SPDX-License-Identifier: ISC */
/*
 * Works for MS of CPU time, in user and kernel mode, with page faults; prints what getrusage() says
 * ("user_ns system_ns minor_faults"), and then is idle for a second and a half, so that a sampler
 * has time to see all of it.
 * usage: collect_work MS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static long long ns(struct timeval tv)
{
	return tv.tv_sec * 1000000000ll + tv.tv_usec * 1000ll;
}

int main(int argc, char **argv)
{
	long long limit = argc > 1 ? atoll(argv[1]) * 1000000 : 0;
	struct timespec idle = {1, 500000000};
	struct rusage usage;
	volatile double x = 1;

	do {
		char *memory = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		memset(memory, 1, 4 << 20);
		munmap(memory, 4 << 20);
		for (int i = 0; i < 1000000; i++)
			x = x * 1.0000001;
		getrusage(RUSAGE_SELF, &usage);
	} while (ns(usage.ru_utime) + ns(usage.ru_stime) < limit);
	printf("%lld %lld %ld\n", ns(usage.ru_utime), ns(usage.ru_stime), usage.ru_minflt);
	fflush(stdout);
	nanosleep(&idle, NULL);
	return 0;
}
