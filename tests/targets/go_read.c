/* SPDX-License-Identifier: ISC */
/*
 * go_read PID: prints what a Go program's runtime thinks, as tests/targets/go/memstats.go prints it itself.
 * go_read PID N: reads so often, without a pause, and prints how it went.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/runtimes/go/image.h"
#include "collector/runtimes/go/memory.h"
#include "collector/runtimes/go/memstats.h"
#include "collector/runtimes/runtime.h"

#define BY_SIZE 61 /* of runtime.MemStats */

static struct go_memory memory;
static struct go_memstats stats;

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int complain(const char *what, int err)
{
	fprintf(stderr, "go_read: %s: %s\n", what, strerror(-err));
	return 1;
}

static void say(const char *name, uint64_t value)
{
	printf("%s %" PRIu64 "\n", name, value);
}

static uint64_t mix(uint64_t sum, uint64_t value)
{
	return sum * 31 + value;
}

static void print(void)
{
	uint64_t ns = 0, end = 0, sizes = 0, mallocs = 0, frees = 0, fraction;

#define SAY(member, name) say(name, stats.member);
	GO_MEMSTATS_LIST(SAY)
	for (size_t i = 0; i < GO_PAUSES; i++) {
		ns = mix(ns, stats.pause_ns[i]);
		end = mix(end, stats.pause_end[i]);
	}
	for (size_t i = 0; i < BY_SIZE; i++) {
		sizes = mix(sizes, stats.by_size[i].size);
		mallocs = mix(mallocs, stats.by_size[i].mallocs);
		frees = mix(frees, stats.by_size[i].frees);
	}
	memcpy(&fraction, &stats.gc_cpu_fraction, sizeof(fraction));
	say("PauseNs", ns);
	say("PauseEnd", end);
	say("NumGC", stats.num_gc);
	say("NumForcedGC", stats.num_forced_gc);
	say("GCCPUFraction", fraction);
	say("NumGoroutine", (uint64_t)stats.goroutines);
	if (stats.by_size_count == 0)
		return;
	say("BySizeSize", sizes);
	say("BySizeMallocs", mallocs);
	say("BySizeFrees", frees);
}

static int measure(const struct go_image *image, unsigned long count, uint64_t begun_ns)
{
	unsigned long failed = 0, disagreed = 0, moved = 0, backwards = 0;
	uint64_t last = 0, most = 0, begin = cpu_ns();

	for (unsigned long i = 0; i < count; i++) {
		int err = go_memstats_read(&image->layout, image->minor, &memory, &stats);

		if (err < 0 && err != -EAGAIN)
			return complain("reading", err);
		if (i == 0)
			say("first_ns", cpu_ns() - begun_ns);
		failed += err < 0;
		if (err < 0)
			continue;
		disagreed += !stats.is_agreed;
		moved += !stats.is_still;
		if (stats.total_alloc < last) {
			backwards++;
			if (last - stats.total_alloc > most)
				most = last - stats.total_alloc;
		}
		last = stats.total_alloc;
	}
	say("reads", count);
	say("failed", failed);
	say("disagreed", disagreed);
	say("moved", moved);
	say("backwards", backwards);
	say("backwards_bytes_most", most);
	say("each_cpu_ns", (cpu_ns() - begin) / count);
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pid = argc > 1 ? atoi(argv[1]) : 0;
	char path[64];
	char text[RUNTIME_TEXT_MAX];
	const struct go_image *image;
	uint64_t begun_ns = cpu_ns();
	int dir, fd, err;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	dir = open(path, O_PATH | O_DIRECTORY);
	fd = openat(dir, "exe", O_RDONLY);
	if (fd < 0)
		return complain(path, -errno);
	err = go_image_open(fd, &image, text);
	if (err < 0)
		return complain(text, err);
	err = go_memory_open(pid, dir, image->is_pie, image->entry, &memory);
	if (err < 0)
		return complain("its memory", err);
	if (argc > 2)
		return measure(image, strtoul(argv[2], NULL, 10), begun_ns);
	err = go_memstats_read(&image->layout, image->minor, &memory, &stats);
	if (err < 0)
		return complain("reading", err);
	print();
	return 0;
}
