/* SPDX-License-Identifier: ISC */
/*
 * go_goroutines PID: prints the goroutines of a Go program as its own dump does, all frames that the table of
 * functions has, and at the end how many there are in each state.
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
#include "collector/runtimes/go/goroutines.h"

static uint64_t stacks[GO_STACK_BROKEN + 1], frames;

/* What is called at pc, or interrupted there, and in which line. */
static void print_frame(const struct go_pclntab *tab, uint64_t pc, bool is_exact,
			const char *before, uint64_t parent)
{
	struct go_function function;
	const char *file = "?";
	uint32_t line = 0;

	if (go_pclntab_find(tab, pc, &function) < 0)
		errx(1, "no function at %" PRIx64, pc);
	go_pclntab_line(tab, &function, pc > function.entry && !is_exact ? pc - 1 : pc, &file,
			&line);
	printf("%s%s", before, function.name);
	if (parent)
		printf(" in goroutine %" PRIu64, parent);
	printf("\n\t%s:%" PRIu32 " +0x%" PRIx64 "\n", file, line, pc - function.entry);
}

static int print_goroutine(void *arg, const struct go_goroutine *g)
{
	const struct go_goroutines *from = arg;
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
			print_frame(from->tab, frame->pc, frame->is_exact, "", 0);
	}
	if (g->go_pc)
		print_frame(from->tab, g->go_pc, false, "created by ", g->parent);
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

/* The whole table, and where its functions are now. */
static void open_table(const struct go_elf *elf, uint64_t bias, struct go_pclntab *ret)
{
	const Elf64_Shdr *section = go_elf_section(elf, ".gopclntab");
	struct go_elf_symbol text = {.name = "runtime.text"};
	void *bytes;

	if (!section)
		section = go_elf_section(elf, ".data.rel.ro.gopclntab");
	if (!section)
		errx(1, "no table of functions");
	bytes = malloc(section->sh_size);
	if (!bytes || go_elf_pread(elf, section->sh_offset, bytes, section->sh_size) < 0 ||
	    go_pclntab_init(ret, bytes, section->sh_size) < 0 || go_elf_symbols(elf, &text, 1) < 1)
		errx(1, "the table of functions is not readable");
	ret->text = bias + text.address;
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
	struct go_layout layout;
	struct go_memory memory;
	struct go_pclntab tab;
	struct go_elf elf;
	char path[64];
	uint64_t counts[GO_STATES];
	double begun;
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
	open_table(&elf, memory.bias, &tab);
	from = (struct go_goroutines){&layout, &memory, &tab};
	begun = now();
	for (int i = 0; i < (argc > 2 ? atoi(argv[2]) : 1) && ret >= 0; i++)
		ret = go_goroutines_read(&from, argc > 2 ? count_goroutine : print_goroutine,
					 &from);
	if (argc > 2) {
		printf("whole %" PRIu64 " running %" PRIu64 " torn %" PRIu64 " broken %" PRIu64
		       " frames %" PRIu64 "\n",
		       stacks[GO_STACK_WHOLE], stacks[GO_STACK_RUNNING], stacks[GO_STACK_TORN],
		       stacks[GO_STACK_BROKEN], frames);
		fprintf(stderr, "%.3f ms\n", (now() - begun) * 1e3);
	}
	if (ret >= 0)
		ret = go_goroutines_count(&from, counts);
	if (ret < 0)
		errx(1, "reading: %s", strerror(-ret));
	for (int i = 0; argc == 2 && i < GO_STATES; i++)
		if (counts[i])
			printf("%s %" PRIu64 "\n", go_state_text((enum go_state)i), counts[i]);
	return 0;
}
