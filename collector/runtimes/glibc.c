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
#include <sys/uio.h>
#include <unistd.h>

#include "collector/maps.h"
#include "collector/runtimes/glibc/arena.h"
#include "collector/runtimes/runtime.h"

/* The library's writable data: 8 KiB. */
#define DATA_MAX (256u << 10)
/* arena_max is eight times the processors where nobody has set it. */
#define ARENAS_MAX 65536u

struct library {
	uint64_t start, end; /* of its writable file mapping */
};

static bool is_libc(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && (strcmp(name, "/libc.so.6") == 0 ||
			(strncmp(name, "/libc-2.", 8) == 0 && strstr(name, ".so")));
}

static bool on_line(void *arg, const struct maps_line *line)
{
	struct library *library = arg;

	if (!is_libc(line->path) || strncmp(line->perms, "rw", 2) != 0)
		return true;
	library->start = line->start;
	library->end = line->end;
	return false;
}

static int read_there(pid_t pid, uint64_t address, void *buf, size_t size)
{
	struct iovec here = {buf, size}, there = {(void *)address, size};
	ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EFAULT;
}

static int find(const struct runtime_target *target, const struct library *library,
		struct arena_found *ret)
{
	size_t size = library->end - library->start;
	uint8_t *data = size <= DATA_MAX ? malloc(size) : NULL;
	int err = data ? read_there(target->pid, library->start, data, size) : -ENOMEM;

	if (err == 0)
		err = arena_find(data, size, library->start, ret);
	free(data);
	return err;
}

static int glibc_attach(const struct runtime_target *target, void **ret, char *text)
{
	struct library library = {0};
	struct arena_found *found;
	int err = maps_read(target->dir, on_line, &library);

	text[0] = '\0';
	if (err < 0 || library.end <= library.start)
		return -ENOEXEC;
	found = calloc(1, sizeof(*found));
	if (!found)
		return -ENOMEM;
	err = find(target, &library, found);
	if (err < 0) {
		free(found);
		return err;
	}
	*ret = found;
	return 0;
}

/* The arenas are a ring that only grows. */
static int walk(const struct runtime_target *target, const struct arena_found *found,
		uint64_t *ret_count, uint64_t *ret_held)
{
	uint64_t at = found->main_arena;

	*ret_count = *ret_held = 0;
	do {
		uint64_t word[4]; /* next, next_free, attached_threads, system_mem */
		int err = read_there(target->pid, at + found->layout.next, word, sizeof(word));

		if (err < 0)
			return err;
		if (word[3] % 4096 || ++*ret_count > ARENAS_MAX)
			return -ESRCH;
		*ret_held += word[3];
		at = word[0];
	} while (at != found->main_arena);
	return 0;
}

static int glibc_read(void *state, const struct runtime_target *target, struct record *rec)
{
	const struct arena_found *found = state;
	uint64_t count, held, mapped = 0;
	int err = walk(target, found, &count, &held);

	if (err == 0 && found->mapped)
		err = read_there(target->pid, found->mapped, &mapped, sizeof(mapped));
	if (err < 0)
		return err;
	rec->reason[SOURCE_GLIBC] = REASON_OK;
	record_set(rec, FIELD_GLIBC_ARENAS, (int64_t)count);
	record_set(rec, FIELD_GLIBC_ARENA_BYTES, (int64_t)held);
	if (found->mapped)
		record_set(rec, FIELD_GLIBC_MAPPED, (int64_t)mapped);
	return 0;
}

static void glibc_detach(void *state)
{
	free(state);
}

const struct runtime_reader runtime_glibc = {
	.name = "glibc",
	.source = SOURCE_GLIBC,
	.attach = glibc_attach,
	.read = glibc_read,
	.detach = glibc_detach,
};
