/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collector/runtimes/go/goroutines.h"
#include "collector/runtimes/go/image.h"
#include "collector/runtimes/go/inline.h"
#include "collector/runtimes/go/library.h"
#include "collector/runtimes/go/memstats.h"
#include "collector/runtimes/runtime.h"
#include "core/parse.h"
#include "tools/getgo.h"
#include "tools/gomemstats.h"
#include "tools/plain.h"

/* A program that has just begun, or whose numbers move while they are read, is asked again. */
#define TRIES	 200
#define PAUSE_NS 5000000

#define NS_PER_S      1000000000
#define NS_PER_MINUTE (60ll * NS_PER_S)

static int fail(struct getgo *go, int err, const char *what)
{
	if (err == -EPERM || err == -EACCES)
		snprintf(go->why, sizeof(go->why),
			 "%s may not be read: that takes the same user, or root", what);
	else if (err == -ESRCH || err == -ENOENT)
		snprintf(go->why, sizeof(go->why), "it is gone");
	else if (err == -EAGAIN)
		snprintf(go->why, sizeof(go->why),
			 "its runtime is not up yet, or its numbers do not agree: again later");
	else
		snprintf(go->why, sizeof(go->why), "%s cannot be read: %s", what, strerror(-err));
	return err;
}

int getgo_open(pid_t pid, struct getgo *ret)
{
	char path[32], text[RUNTIME_TEXT_MAX] = "";
	int err;

	*ret = (struct getgo){.exe = -1};
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	ret->dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ret->dir < 0)
		return fail(ret, -errno, "it");
	ret->exe = openat(ret->dir, "exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (ret->exe < 0)
		return fail(ret, -errno, "its program");
	err = go_image_open(ret->exe, &ret->image, text);
	if (err == -ENOEXEC && go_library_find(ret->dir, text) < 0)
		snprintf(text, sizeof(text), "it is not a Go program");
	if (err < 0)
		snprintf(ret->why, sizeof(ret->why), "%s", text);
	if (err < 0)
		return err;
	err = go_memory_open(pid, ret->dir, ret->image->is_pie, ret->image->entry, &ret->memory);
	return err < 0 ? fail(ret, err, "its memory") : 0;
}

static void pause_a_moment(void)
{
	nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
}

static size_t read_file(int dir, const char *name, char *buf, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, size);

	if (fd >= 0)
		close(fd);
	return n > 0 ? (size_t)n : 0;
}

static uint64_t read_peak(const struct getgo *go)
{
	char text[16384];
	size_t len = read_file(go->dir, "status", text, sizeof(text));
	const char *line = parse_line(text, len, "VmHWM", &len);

	return line ? (uint64_t)parse_number(line, len, NULL) * 1024 : 0;
}

/* The time by its clock, which in another time namespace is not ours. */
static int64_t read_clock(const struct getgo *go)
{
	char ours[256], its[256];
	size_t ours_len = read_file(AT_FDCWD, "/proc/self/timens_offsets", ours, sizeof(ours));
	size_t its_len = read_file(go->dir, "timens_offsets", its, sizeof(its));
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec - parse_clock_offset(ours, ours_len) +
	       parse_clock_offset(its, its_len);
}

int getgo_print_memstats(struct getgo *go, FILE *out, bool json)
{
	struct go_memstats *stats = malloc(sizeof(*stats));
	int err = stats ? -EAGAIN : -ENOMEM;

	for (unsigned i = 0; err == -EAGAIN && i < TRIES; i++) {
		if (i)
			pause_a_moment();
		err = go_memstats_read(&go->image->layout, go->image->minor, &go->memory, stats);
		/* Accounts that agree are the proof that it is what it is taken for. */
		if (err == 0 && !stats->is_agreed)
			err = -EAGAIN;
	}
	if (err == 0 && json)
		gomemstats_print_json(out, stats);
	else if (err == 0)
		gomemstats_print(out, stats, read_peak(go));
	free(stats);
	return err < 0 ? fail(go, err, "its runtime") : 0;
}

static int read_code(void *arg, uint64_t address, void *buf, size_t size)
{
	return go_memory_read(arg, address, buf, size);
}

/* Names are whatever the program's file has. */
static void print_text(FILE *out, const char *text, size_t len)
{
	char plain[PLAIN_LINE_ROOM(GO_NAME_SIZE)];

	plain_line(plain, GO_NAME_SIZE, text, len);
	fputs(plain, out);
}

/* As Go prints it: without the types that a generic function is made for. */
static void print_name(FILE *out, const char *name)
{
	const char *from = strchr(name, '['), *to = strrchr(name, ']');

	if (!strcmp(name, "runtime.gopanic"))
		name = "panic";
	if (from && to > from) {
		print_text(out, name, (size_t)(from - name));
		fputs("[...]", out);
		name = to + 1;
	}
	print_text(out, name, strlen(name));
}

/* A place in a function, of which that is known or not. */
static void print_place(FILE *out, const struct go_pclntab *tab, const struct go_function *function,
			uint64_t pc)
{
	const char *file = "?";
	uint32_t line = 0;

	go_pclntab_line(tab, function, pc, &file, &line);
	fputs("\n\t", out);
	print_text(out, file, strlen(file));
	fprintf(out, ":%" PRIu32, line);
}

static void print_offset(FILE *out, const struct go_function *function, uint64_t pc)
{
	if (pc > function->entry)
		fprintf(out, " +0x%" PRIx64, pc - function->entry);
	fputc('\n', out);
}

/* What is called at pc, or interrupted there; before it the functions that are inlined there. */
static void print_frame(FILE *out, const struct getgo *go, uint64_t pc, bool is_exact)
{
	const struct go_pclntab *tab = &go->functions.tab;
	const struct go_code code = {read_code, (void *)(uintptr_t)&go->memory};
	struct go_function function;
	struct go_inline at = {0};
	const char *name;

	if (go_pclntab_find(tab, pc, &function) < 0) {
		fprintf(out, "0x%" PRIx64 "\n", pc);
		return;
	}
	for (at.pc = pc > function.entry && !is_exact ? pc - 1 : pc;;) {
		uint64_t in = at.pc;

		if (go_inline_next(tab, &go->functions.module, &code, &function, &at, &name) <= 0)
			break;
		print_name(out, name);
		fputs("(...)", out);
		print_place(out, tab, &function, in);
		fputc('\n', out);
	}
	print_name(out, function.name);
	fputs("()", out);
	print_place(out, tab, &function, at.pc);
	print_offset(out, &function, pc);
}

static void print_creator(FILE *out, const struct getgo *go, uint64_t pc, uint64_t parent)
{
	const struct go_pclntab *tab = &go->functions.tab;
	struct go_function function;

	if (go_pclntab_find(tab, pc, &function) < 0)
		return;
	fputs("created by ", out);
	print_name(out, function.name);
	if (parent)
		fprintf(out, " in goroutine %" PRIu64, parent);
	print_place(out, tab, &function, pc > function.entry ? pc - 1 : pc);
	print_offset(out, &function, pc);
}

static void print_stack(FILE *out, const struct getgo *go, const struct go_goroutine *g)
{
	static const char *const instead[] = {
		[GO_STACK_RUNNING] = "it runs: its stack is not read",
		[GO_STACK_TORN] = "its stack moved whenever it was read",
		[GO_STACK_BROKEN] = "its stack is not understood",
	};

	if (g->stack != GO_STACK_WHOLE)
		fprintf(out, "\t(%s)\n", instead[g->stack]);
	for (uint32_t i = 0; g->walk && i < g->walk->count; i++) {
		const struct go_walk_frame *frame = go_walk_frame(g->walk, i);

		if (frame)
			print_frame(out, go, frame->pc, frame->is_exact);
		else if (i == GO_WALK_KEPT)
			fprintf(out, "...%" PRIu32 " frames elided...\n",
				g->walk->count - 2 * GO_WALK_KEPT);
	}
	/* The first one was made by what begins all, which Go does not tell. */
	if (g->go_pc && g->id != 1)
		print_creator(out, go, g->go_pc, g->parent);
	fputc('\n', out);
}

/* What is counted and printed of all. */
struct dump {
	const struct getgo *go;
	const struct go_goroutines *from;
	FILE *out;
	bool stacks;
	int64_t now_ns; /* by its clock */
	uint64_t count[GO_STATES], own;
};

/* How long it waits Go knows only since the collection of garbage that first saw it waiting. */
static void print_header(const struct dump *dump, const struct go_goroutine *g)
{
	bool waits = g->state == GO_STATE_WAITING || g->state == GO_STATE_SYSCALL;
	int64_t minutes =
		waits && g->wait_since_ns ? (dump->now_ns - g->wait_since_ns) / NS_PER_MINUTE : 0;
	char reason[GO_REASON_SIZE];

	go_goroutines_reason(dump->from, g, reason);
	fprintf(dump->out, "goroutine %" PRIu64 " [%s%s%s", g->id, reason,
		g->state == GO_STATE_LEAKED ? " (leaked)" : "", g->is_scanned ? " (scan)" : "");
	if (minutes >= 1)
		fprintf(dump->out, ", %" PRId64 " minutes", minutes);
	fprintf(dump->out, "%s]:\n", g->is_locked ? ", locked to thread" : "");
}

static int take_goroutine(void *arg, const struct go_goroutine *g)
{
	struct dump *dump = arg;

	if (g->state < GO_STATES)
		dump->count[g->state]++;
	if (go_goroutines_is_own(dump->from, g))
		dump->own++;
	if (!dump->stacks)
		return 0;
	print_header(dump, g);
	print_stack(dump->out, dump->go, g);
	return 0;
}

/* The table of functions, and where they are now. */
static int open_table(struct getgo *go)
{
	struct go_elf elf;
	int err = go_elf_open(go->exe, &elf);

	if (err < 0)
		return err;
	err = go_functions_open(&elf, go->image->minor, &go->functions);
	if (err == 0)
		go_functions_move(&go->functions, go->memory.bias);
	go_elf_close(&elf);
	return err;
}

int getgo_print_goroutines(struct getgo *go, FILE *out, bool stacks)
{
	const struct go_goroutines from = {&go->image->layout, &go->memory, &go->functions.tab};
	struct dump dump = {.go = go, .from = &from, .out = out, .stacks = stacks};
	uint64_t all = 0;
	int err = open_table(go);

	if (err < 0)
		return fail(go, err, "its table of functions");
	dump.now_ns = read_clock(go);
	err = go_goroutines_read(&from, take_goroutine, &dump);
	if (err < 0)
		return fail(go, err, "its goroutines");
	for (int i = 0; i < GO_STATES; i++) {
		all += dump.count[i];
		if (dump.count[i])
			fprintf(out, "%s %" PRIu64 "\n", go_state_text((enum go_state)i),
				dump.count[i]);
	}
	fprintf(out, "all %" PRIu64 ", the runtime's own %" PRIu64 "\n", all, dump.own);
	return 0;
}

void getgo_close(struct getgo *go)
{
	go_functions_close(&go->functions);
	if (go->image)
		go_image_close(go->image);
	if (go->exe >= 0)
		close(go->exe);
	if (go->dir >= 0)
		close(go->dir);
}
