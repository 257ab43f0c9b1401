/* SPDX-License-Identifier: ISC */
/*
 * go_goroutines PID: prints the goroutines of a Go program as its own dump does, without arguments, and at the end how many there are in each state.
 * go_goroutines PID READINGS: reads as often, and prints what became of the stacks.
 */
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
#include "collector/runtimes/go/inline.h"
#include "collector/runtimes/go/version.h"

/* What printing needs. */
struct printing {
	struct go_goroutines from;
	struct go_moduledata module;
	struct go_code code;
};

static uint64_t stacks[GO_STACK_BROKEN + 1], frames;

static int read_code(void *arg, uint64_t address, void *buf, size_t size)
{
	return go_memory_read(arg, address, buf, size);
}

/* What is called at pc, or interrupted there, in which line; and into what the compiler has put that. */
static void print_frame(const struct printing *printing, uint64_t pc, bool is_exact)
{
	const struct go_pclntab *tab = printing->from.tab;
	struct go_function function;
	struct go_inline at = {0};
	int is_inlined;

	if (go_pclntab_find(tab, pc, &function) < 0)
		errx(1, "no function at %" PRIx64, pc);
	at.pc = pc > function.entry && !is_exact ? pc - 1 : pc;
	do {
		const char *file = "?", *name = function.name;
		uint32_t line = 0;

		go_pclntab_line(tab, &function, at.pc, &file, &line);
		is_inlined = go_inline_next(tab, &printing->module, &printing->code, &function, &at,
					    &name);
		if (is_inlined < 0)
			errx(1, "%s: inlined: %s", function.name, strerror(-is_inlined));
		if (is_inlined)
			printf("%s(...)\n\t%s:%" PRIu32 "\n", name, file, line);
		else
			printf("%s()\n\t%s:%" PRIu32 " +0x%" PRIx64 "\n", name, file, line,
			       pc - function.entry);
	} while (is_inlined);
}

static void print_creator(const struct printing *printing, uint64_t pc, uint64_t parent)
{
	const struct go_pclntab *tab = printing->from.tab;
	struct go_function function;
	const char *file = "?";
	uint32_t line = 0;

	if (go_pclntab_find(tab, pc, &function) < 0)
		errx(1, "no function at %" PRIx64, pc);
	go_pclntab_line(tab, &function, pc > function.entry ? pc - 1 : pc, &file, &line);
	printf("created by %s", function.name);
	if (parent)
		printf(" in goroutine %" PRIu64, parent);
	printf("\n\t%s:%" PRIu32 " +0x%" PRIx64 "\n", file, line, pc - function.entry);
}

static int print_goroutine(void *arg, const struct go_goroutine *g)
{
	const struct printing *printing = arg;
	const struct go_goroutines *from = &printing->from;
	char reason[GO_REASON_SIZE];

	go_goroutines_reason(from, g, reason);
	printf("goroutine %" PRIu64 " [%s%s]:\n", g->id, reason,
	       g->is_locked ? ", locked to thread" : "");
	if (g->stack != GO_STACK_WHOLE)
		printf("\tstack %s\n", g->stack == GO_STACK_RUNNING ? "running"
				       : g->stack == GO_STACK_TORN  ? "torn"
								    : "broken");
	for (uint32_t i = 0; g->walk && i < g->walk->count; i++) {
		const struct go_walk_frame *frame = go_walk_frame(g->walk, i);

		if (frame)
			print_frame(printing, frame->pc, frame->is_exact);
	}
	/* The first one was started by nobody: by what begins all. */
	if (g->go_pc && g->id != 1)
		print_creator(printing, g->go_pc, g->parent);
	printf("\n");
	return 0;
}

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
	struct printing printing = {0};
	struct go_goroutines *from = &printing.from;
	char version[GO_VERSION_MAX];
	struct go_layout layout;
	struct go_memory memory;
	struct go_functions functions;
	struct go_elf elf;
	char path[64];
	uint64_t counts[GO_STATES];
	double begun;
	unsigned minor;
	int dir, ret;

	if (argc < 2)
		errx(2, "usage: go_goroutines PID [READINGS]");
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
	if (go_functions_open(&elf, minor, &functions) < 0 || !functions.module.text)
		errx(1, "the table of functions is not readable");
	go_functions_move(&functions, memory.bias);
	printing.module = functions.module;
	*from = (struct go_goroutines){&layout, &memory, &functions.tab};
	printing.code = (struct go_code){read_code, &memory};
	begun = now();
	for (int i = 0; i < (argc > 2 ? atoi(argv[2]) : 1) && ret >= 0; i++)
		ret = go_goroutines_read(from, argc > 2 ? count_goroutine : print_goroutine,
					 &printing);
	if (argc > 2) {
		printf("whole %" PRIu64 " running %" PRIu64 " torn %" PRIu64 " broken %" PRIu64
		       " frames %" PRIu64 "\n",
		       stacks[GO_STACK_WHOLE], stacks[GO_STACK_RUNNING], stacks[GO_STACK_TORN],
		       stacks[GO_STACK_BROKEN], frames);
		fprintf(stderr, "%.3f ms\n", (now() - begun) * 1e3);
	}
	if (ret >= 0)
		ret = go_goroutines_count(from, counts);
	if (ret < 0)
		errx(1, "reading: %s", strerror(-ret));
	for (int i = 0; argc == 2 && i < GO_STATES; i++)
		if (counts[i])
			printf("%s %" PRIu64 "\n", go_state_text((enum go_state)i), counts[i]);
	return 0;
}
