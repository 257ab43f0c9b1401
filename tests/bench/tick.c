/* SPDX-License-Identifier: ISC */
/*
 * CPU per tick of the sampler, over a thread that only sleeps to the same ticks and does the bare
 * read of /proc/self/status, both in this process and in the same seconds.
 * usage: mstat -freq 1000 -pss-budget 0% ... -- tick SECONDS
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HZ 1000
#define NS 1000000000ll

static _Atomic int stop;
static _Atomic int bare_tid[2];

/* As the guest is: its files are its own. A null comparison has two of these. */
static void *bare(void *arg)
{
	long half = (long)(intptr_t)arg * NS / HZ / 4;
	struct timespec at;
	char buf[4096];
	int fd;

	syscall(SYS_close_range, 3, ~0U, 2 /* CLOSE_RANGE_UNSHARE */);
	fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	bare_tid[(intptr_t)arg - 1] = (int)syscall(SYS_gettid);
	while (!stop) {
		clock_gettime(CLOCK_MONOTONIC, &at);
		at.tv_nsec += NS / HZ - at.tv_nsec % (NS / HZ) + half;
		if (at.tv_nsec >= NS) {
			at.tv_nsec -= NS;
			at.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		if (pread(fd, buf, sizeof(buf), 0) <= 0)
			abort();
	}
	return NULL;
}

static int find_guest(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int found = 0;

	while ((entry = readdir(dir))) {
		char path[64], comm[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%.16s/comm", entry->d_name);
		f = fopen(path, "r");
		if (f && fgets(comm, sizeof(comm), f) && !strcmp(comm, "mstat\n"))
			found = atoi(entry->d_name);
		if (f)
			fclose(f);
	}
	closedir(dir);
	return found;
}

struct usage {
	double ns, wakes;
};

static struct usage usage_of(int tid)
{
	struct usage usage = {0};
	char path[64], line[256];
	unsigned long long run;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", tid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%llu", &run) != 1)
		abort();
	fclose(f);
	usage.ns = (double)run;
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "voluntary_ctxt_switches: %lf", &usage.wakes);
	if (f)
		fclose(f);
	return usage;
}

static double per_wake(struct usage a, struct usage b)
{
	return (b.ns - a.ns) / (b.wakes - a.wakes) / 1000;
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 10;
	pthread_t thread[2];
	struct usage before[3], after[3];
	int tid[3];
	double us[3];

	for (intptr_t i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, bare, (void *)(i + 1));
	while (!bare_tid[0] || !bare_tid[1] || !(tid[0] = find_guest()))
		sched_yield();
	tid[1] = bare_tid[0];
	tid[2] = bare_tid[1];
	sleep(1); /* past the start-up */
	for (int i = 0; i < 3; i++)
		before[i] = usage_of(tid[i]);
	sleep(seconds);
	for (int i = 0; i < 3; i++)
		after[i] = usage_of(tid[i]);
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < 3; i++)
		us[i] = per_wake(before[i], after[i]);
	printf("%-40s ratio %.3f  (bare over bare %.3f)  sampler %.2f us  bare %.2f us\n",
	       "CPU per tick, sampler over bare reads", us[0] / ((us[1] + us[2]) / 2),
	       us[1] / us[2], us[0], us[1]);
	return 0;
}
