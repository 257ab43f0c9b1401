/* SPDX-License-Identifier: ISC */
/*
 * glibc's malloc: what its arenas have from the kernel, and what it has mapped for large blocks. Its own
 * mallinfo2() says that too, and how much of it is free; but walks all free chunks under the arenas' locks for
 * it: seconds at a gigabyte of small ones. How much is live the allocation hooks know.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/runtimes/glibc/arena.h"
#include "collector/runtimes/go/memory.h"
#include "collector/runtimes/runtime.h"

/* The library's writable data: 8 KiB. */
#define DATA_MAX (256u << 10)
/* arena_max is eight times the processors where nobody has set it. */
#define ARENAS_MAX 65536u
/* No address space has more. */
#define BYTES_MAX ((uint64_t)1 << 47)

/* Copies of the library in a process: dlmopen(3) and LD_AUDIT bring their own, each with a malloc of its own. */
#define LIBRARIES_MAX 16

struct glibc {
	struct go_memory memory;
	size_t count;
	struct arena_found found[LIBRARIES_MAX];
};

/* Of all its libraries. */
struct sums {
	uint64_t arenas, held, mapped;
	bool has_mapped;
};

/* The file may have been replaced since: "/libc.so.6 (deleted)". */
static bool glibc_wants(const char *path)
{
	const char *name = strrchr(path, '/');

	return strcmp(name, "/libc.so.6") == 0 || strncmp(name, "/libc.so.6 ", 11) == 0 ||
	       (strncmp(name, "/libc-2.", 8) == 0 && strstr(name, ".so"));
}

static bool is_data(const struct maps_line *line)
{
	return glibc_wants(line->path) && strncmp(line->perms, "rw", 2) == 0;
}

static int find(const struct maps_line *line, struct glibc *glibc)
{
	size_t size = line->end - line->start;
	uint8_t *data = size <= DATA_MAX ? malloc(size) : NULL;
	int err = data ? go_memory_read(&glibc->memory, line->start, data, size) : -ENOMEM;

	if (err == 0)
		err = arena_find(data, size, line->start, &glibc->found[glibc->count]);
	glibc->count += err == 0;
	free(data);
	return err;
}

/* One that nothing was allocated from has no arena. */
static int find_all(const struct maps *maps, struct glibc *glibc)
{
	int err = -ENOEXEC;

	for (size_t i = 0; i < maps->count && glibc->count < LIBRARIES_MAX; i++)
		if (is_data(&maps->line[i]))
			err = find(&maps->line[i], glibc);
	return glibc->count ? 0 : err;
}

static int glibc_attach(const struct runtime_target *target, void **ret, char *text)
{
	struct glibc *glibc = calloc(1, sizeof(*glibc));
	int err;

	text[0] = '\0';
	if (!glibc)
		return -ENOMEM;
	glibc->memory.pid = target->pid;
	err = find_all(target->maps, glibc);
	if (err < 0) {
		free(glibc);
		return err;
	}
	*ret = glibc;
	return 0;
}

/* The arenas are a ring that only grows. */
static int add_arenas(const struct glibc *glibc, const struct arena_found *found, struct sums *sums)
{
	uint64_t at = found->main_arena;

	do {
		uint64_t word[4]; /* next, next_free, attached_threads, system_mem */
		int err =
			go_memory_read(&glibc->memory, at + found->layout.next, word, sizeof(word));

		if (err < 0)
			return err;
		if (word[3] % 4096 || word[3] >= BYTES_MAX || ++sums->arenas > ARENAS_MAX)
			return -ESRCH;
		sums->held += word[3];
		at = word[0];
	} while (at != found->main_arena);
	return 0;
}

static int add(const struct glibc *glibc, const struct arena_found *found, struct sums *sums)
{
	int err = add_arenas(glibc, found, sums);
	uint64_t mapped = 0;

	if (err == 0 && found->mapped)
		err = go_memory_read(&glibc->memory, found->mapped, &mapped, sizeof(mapped));
	if (err == 0 && mapped >= BYTES_MAX)
		err = -ESRCH;
	sums->mapped += mapped;
	sums->has_mapped = sums->has_mapped && found->mapped;
	return err;
}

static int glibc_read(void *state, const struct runtime_target *target, struct record *rec)
{
	const struct glibc *glibc = state;
	struct sums sums = {.has_mapped = true};

	(void)target;
	for (size_t i = 0; i < glibc->count; i++) {
		int err = add(glibc, &glibc->found[i], &sums);

		if (err < 0)
			return err;
	}
	rec->reason[SOURCE_GLIBC] = REASON_OK;
	record_set(rec, FIELD_GLIBC_ARENAS, (int64_t)sums.arenas);
	record_set(rec, FIELD_GLIBC_ARENA_BYTES, (int64_t)sums.held);
	if (sums.has_mapped)
		record_set(rec, FIELD_GLIBC_MAPPED, (int64_t)sums.mapped);
	return 0;
}

static void glibc_detach(void *state)
{
	free(state);
}

const struct runtime_reader runtime_glibc = {
	.name = "glibc",
	.source = SOURCE_GLIBC,
	.wants = glibc_wants,
	.attach = glibc_attach,
	.read = glibc_read,
	.detach = glibc_detach,
};
