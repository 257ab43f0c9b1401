/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>

#include "collector/runtimes/go/functions.h"
#include "collector/runtimes/go/goroutines.h"
#include "collector/runtimes/go/image.h"
#include "collector/runtimes/go/inline.h"
#include "tools/getgo.h"

/* What is counted and printed of all. */
struct dump {
	struct go_goroutines from;
	struct go_functions functions; /* owned; with live addresses */
	struct go_code code;
	FILE *out;
	bool stacks;
	uint64_t count[GO_STATES], own;
};

static int read_code(void *arg, uint64_t address, void *buf, size_t size)
{
	return go_memory_read(arg, address, buf, size);
}

/* What is called at pc, or interrupted there, in which line; and into what the compiler has put that. */
static void print_frame(struct dump *dump, uint64_t pc, bool is_exact)
{
	const struct go_pclntab *tab = dump->from.tab;
	struct go_function function;
	struct go_inline at = {0};
	int is_inlined;

	if (go_pclntab_find(tab, pc, &function) < 0) {
		fprintf(dump->out, "0x%" PRIx64 "()\n\t?:0\n", pc);
		return;
	}
	at.pc = pc > function.entry && !is_exact ? pc - 1 : pc;
	do {
		const char *file = "?", *name = function.name;
		uint32_t line = 0;

		go_pclntab_line(tab, &function, at.pc, &file, &line);
		is_inlined = go_inline_next(tab, &dump->functions.module, &dump->code, &function,
					    &at, &name);
		if (is_inlined > 0)
			fprintf(dump->out, "%s(...)\n\t%s:%" PRIu32 "\n", name, file, line);
		else
			fprintf(dump->out, "%s()\n\t%s:%" PRIu32 " +0x%" PRIx64 "\n", name, file,
				line, pc - function.entry);
	} while (is_inlined > 0);
}

static void print_creator(struct dump *dump, const struct go_goroutine *g)
{
	const struct go_pclntab *tab = dump->from.tab;
	struct go_function function;
	const char *file = "?";
	uint32_t line = 0;

	/* The first one was started by nobody: by what begins all. */
	if (!g->go_pc || g->id == 1 || go_pclntab_find(tab, g->go_pc, &function) < 0)
		return;
	go_pclntab_line(tab, &function, g->go_pc > function.entry ? g->go_pc - 1 : g->go_pc, &file,
			&line);
	fprintf(dump->out, "created by %s", function.name);
	if (g->parent)
		fprintf(dump->out, " in goroutine %" PRIu64, g->parent);
	fprintf(dump->out, "\n\t%s:%" PRIu32 " +0x%" PRIx64 "\n", file, line,
		g->go_pc - function.entry);
}

static void print_stack(struct dump *dump, const struct go_goroutine *g)
{
	static const char *const instead[] = {
		[GO_STACK_RUNNING] = "it runs: its stack is not read",
		[GO_STACK_TORN] = "its stack moved whenever it was read",
		[GO_STACK_BROKEN] = "its stack is not understood",
	};

	if (g->stack != GO_STACK_WHOLE)
		fprintf(dump->out, "\t(%s)\n", instead[g->stack]);
	for (uint32_t i = 0; g->walk && i < g->walk->count; i++) {
		const struct go_walk_frame *frame = go_walk_frame(g->walk, i);

		if (frame)
			print_frame(dump, frame->pc, frame->is_exact);
		else if (i == GO_WALK_KEPT)
			fprintf(dump->out, "...%" PRIu32 " frames elided...\n",
				g->walk->count - 2 * GO_WALK_KEPT);
	}
	print_creator(dump, g);
	fputc('\n', dump->out);
}

static int take_goroutine(void *arg, const struct go_goroutine *g)
{
	struct dump *dump = arg;
	char reason[GO_REASON_SIZE];

	if (g->state < GO_STATES)
		dump->count[g->state]++;
	if (go_goroutines_is_own(&dump->from, g))
		dump->own++;
	if (!dump->stacks)
		return 0;
	go_goroutines_reason(&dump->from, g, reason);
	fprintf(dump->out, "goroutine %" PRIu64 " [%s%s]:\n", g->id, reason,
		g->is_locked ? ", locked to thread" : "");
	print_stack(dump, g);
	return 0;
}

static int open_functions(const struct getgo *go, struct go_functions *ret)
{
	struct go_elf elf;
	int err = go_elf_open(go->exe, &elf);

	if (err < 0)
		return err;
	err = go_functions_open(&elf, go->image->minor, ret);
	go_elf_close(&elf);
	if (err == 0)
		go_functions_move(ret, go->memory.bias);
	return err == -ENOENT ? -EOPNOTSUPP : err;
}

static void print_states(const struct dump *dump)
{
	uint64_t all = 0;

	for (int i = 0; i < GO_STATES; i++) {
		all += dump->count[i];
		if (dump->count[i])
			fprintf(dump->out, "%s %" PRIu64 "\n", go_state_text((enum go_state)i),
				dump->count[i]);
	}
	fprintf(dump->out, "all %" PRIu64 ", the runtime's own %" PRIu64 "\n", all, dump->own);
}

int getgo_print_goroutines(struct getgo *go, FILE *out, bool stacks)
{
	struct dump dump = {.out = out, .stacks = stacks, .code = {read_code, &go->memory}};
	int err = open_functions(go, &dump.functions);

	if (err < 0)
		return getgo_fail(go, err, "its table of functions");
	dump.from = (struct go_goroutines){&go->image->layout, &go->memory, &dump.functions.tab};
	err = go_goroutines_read(&dump.from, take_goroutine, &dump);
	if (err == 0)
		print_states(&dump);
	go_functions_close(&dump.functions);
	return err < 0 ? getgo_fail(go, err, "its goroutines") : 0;
}
