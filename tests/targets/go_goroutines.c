/* SPDX-License-Identifier: ISC */
/* go_goroutines PID READINGS: reads the goroutines of a Go program so often, and prints what became of their stacks. */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collector/runtimes/go/dwarf.h"
#include "collector/runtimes/go/functions.h"
#include "collector/runtimes/go/goroutines.h"
#include "collector/runtimes/go/image.h"
#include "collector/runtimes/go/version.h"

static uint64_t stacks[GO_STACK_BROKEN + 1], frames;

static int count_goroutine(void *arg, const struct go_goroutine *g)
{
	(void)arg;
	stacks[g->stack]++;
	frames += g->walk ? g->walk->count : 0;
	return 0;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct go_goroutines from;
	struct go_functions functions;
	char version[GO_VERSION_MAX];
	struct go_layout layout;
	struct go_memory memory;
	struct go_elf elf;
	char path[64];
	double begun;
	unsigned minor;
	int dir, ret;

	if (argc < 3)
		errx(2, "usage: go_goroutines PID READINGS");
	snprintf(path, sizeof(path), "/proc/%s", argv[1]);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ret = go_elf_open(openat(dir, "exe", O_RDONLY | O_CLOEXEC), &elf);
	if (ret >= 0)
		ret = go_dwarf_layout(&elf, &layout);
	if (ret >= 0)
		ret = go_memory_open(atoi(argv[1]), dir, elf.is_pie, elf.entry, &memory);
	if (ret < 0)
		errx(1, "%s: %s", path, strerror(-ret));
	go_version_read(&elf, version, &minor);
	if (go_functions_open(&elf, minor, &functions) < 0)
		errx(1, "the table of functions is not readable");
	go_functions_move(&functions, memory.bias);
	from = (struct go_goroutines){&layout, &memory, &functions.tab};
	begun = now();
	for (int i = 0; i < atoi(argv[2]) && ret >= 0; i++)
		ret = go_goroutines_read(&from, count_goroutine, NULL);
	if (ret < 0)
		errx(1, "reading: %s", strerror(-ret));
	printf("whole %" PRIu64 " running %" PRIu64 " torn %" PRIu64 " broken %" PRIu64
	       " frames %" PRIu64 "\n",
	       stacks[GO_STACK_WHOLE], stacks[GO_STACK_RUNNING], stacks[GO_STACK_TORN],
	       stacks[GO_STACK_BROKEN], frames);
	fprintf(stderr, "%.3f ms\n", (now() - begun) * 1e3);
	go_functions_close(&functions);
	return 0;
}
