/* SPDX-License-Identifier: ISC */
/*
 * CPython: what its allocator of small objects has from the kernel, and how many blocks of it are in use, as
 * sys._debugmallocstats() tells. Where its variables are the symbol table of a build with symbols says; 3.12 has
 * them in a variable that it exports. Objects of more than 512 bytes are malloc's.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/runtimes/go/memory.h"
#include "collector/runtimes/python/interpreter.h"
#include "collector/runtimes/python/obmalloc.h"
#include "collector/runtimes/runtime.h"

/* Pools whose heads are read: each is a page of its own, and takes 0.3 us. */
#define POOLS_MAX 2048u

struct python {
	struct interpreter interpreter;
	struct obmalloc_places places;
	uint8_t *table; /* owned */
	size_t table_size;
	uint32_t pool_size; /* 0: not known yet */
	uint32_t used[POOLS_MAX];
};

/* What is read of it. */
struct sums {
	uint64_t bytes, blocks, pools;
};

static void python_detach(void *state)
{
	struct python *python = state;

	free(python->table);
	free(python);
}

/* ---- its variables ---------------------------------------------------------------------------- */

/* In the memory of its state. */
static int find_in_state(struct python *python)
{
	const struct interpreter *interpreter = &python->interpreter;
	uint8_t *data = malloc(interpreter->state_size);
	int err = data ? go_memory_read(&interpreter->memory, interpreter->state, data,
					interpreter->state_size)
		       : -ENOMEM;

	if (err == 0)
		err = obmalloc_find(data, interpreter->state_size, interpreter->state,
				    &python->places);
	free(data);
	return err;
}

static int read_head(struct python *python, struct obmalloc_head *ret)
{
	struct go_batch batch;
	int err;

	go_batch_begin(&batch, &python->interpreter.memory);
	go_batch_add(&batch, python->places.count, &ret->count, sizeof(ret->count));
	go_batch_add(&batch, python->places.arenas, &ret->table, sizeof(ret->table));
	go_batch_add(&batch, python->places.max, &ret->max, sizeof(ret->max));
	err = go_batch_end(&batch);
	return err < 0 || obmalloc_is_head(ret) ? err : -EAGAIN;
}

/* ---- its arenas ------------------------------------------------------------------------------- */

static int read_table(struct python *python, const struct obmalloc_head *head)
{
	size_t size = (size_t)head->max * OBMALLOC_ENTRY_SIZE;
	uint8_t *more = size > python->table_size ? realloc(python->table, size) : python->table;

	if (!more)
		return -ENOMEM;
	python->table = more;
	if (python->table_size < size)
		python->table_size = size;
	return go_memory_read(&python->interpreter.memory, head->table, python->table, size);
}

/* By the head of any arena's first pool. */
static int find_pool_size(struct python *python, uint32_t i, const struct obmalloc_arena *arena)
{
	for (uint32_t size = 4096; size <= 16384; size *= 4) {
		uint64_t at = obmalloc_first_pool(arena, size);
		uint8_t pool[OBMALLOC_POOL_SIZE];

		if (at >= arena->unused ||
		    go_memory_read(&python->interpreter.memory, at, pool, sizeof(pool)) < 0 ||
		    obmalloc_pool_size(pool, i) != size)
			continue;
		python->pool_size = size;
		return 0;
	}
	return -EAGAIN;
}

static int add_arena(struct python *python, uint32_t i, const struct obmalloc_arena *arena,
		     struct sums *sums)
{
	uint64_t used;

	if (!python->pool_size && find_pool_size(python, i, arena) < 0)
		return -EAGAIN;
	used = obmalloc_used_pools(arena, python->pool_size);
	if (used > arena->pools)
		return -EAGAIN;
	sums->bytes += obmalloc_arena_bytes(arena, python->pool_size);
	sums->pools += used;
	return 0;
}

/* As many as are counted, or it has changed meanwhile. */
static int add_arenas(struct python *python, const struct obmalloc_head *head, struct sums *sums)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < head->max; i++) {
		struct obmalloc_arena arena;
		int err = obmalloc_arena(python->table, i, &arena) ? 0 : -EAGAIN;

		if (err == 0 && arena.address)
			err = add_arena(python, i, &arena, sums);
		if (err < 0)
			return err;
		count += arena.address != 0;
	}
	return count == head->count ? 0 : -EAGAIN;
}

/* Of all used pools, which are few enough: the blocks in use. An arena may be gone by now. */
static int read_pools(struct python *python, const struct obmalloc_head *head)
{
	uint64_t pools = 0;
	struct go_batch batch;

	go_batch_begin(&batch, &python->interpreter.memory);
	for (uint32_t i = 0; i < head->max; i++) {
		struct obmalloc_arena arena;
		uint64_t first, used;

		obmalloc_arena(python->table, i, &arena);
		if (!arena.address)
			continue;
		first = obmalloc_first_pool(&arena, python->pool_size);
		used = obmalloc_used_pools(&arena, python->pool_size);
		for (uint64_t pool = 0; pool < used; pool++)
			go_batch_add(&batch, first + pool * python->pool_size,
				     &python->used[pools++], sizeof(python->used[0]));
	}
	return go_batch_end(&batch);
}

/* Blocks in use, of what was read. */
static int add_blocks(const struct python *python, struct sums *sums)
{
	for (uint64_t i = 0; i < sums->pools; i++) {
		/* The smallest have eight bytes. */
		if (python->used[i] > python->pool_size / 8)
			return -EAGAIN;
		sums->blocks += python->used[i];
	}
	return 0;
}

/* Nothing was allocated or freed meanwhile, as far as arenas go. */
static int check_head(struct python *python, const struct obmalloc_head *head)
{
	struct obmalloc_head now;
	int err = read_head(python, &now);

	if (err < 0)
		return err;
	return now.table == head->table && now.max == head->max && now.count == head->count
		       ? 0
		       : -EAGAIN;
}

/* *ret_counted: sums has the blocks, too. */
static int read_all(struct python *python, struct obmalloc_head *head, struct sums *sums,
		    bool *ret_counted)
{
	int err = read_head(python, head);

	*sums = (struct sums){0};
	*ret_counted = true;
	if (err < 0 || head->table == 0)
		return err;
	err = read_table(python, head);
	if (err == 0)
		err = add_arenas(python, head, sums);
	if (err < 0)
		return err;
	*ret_counted = sums->pools <= POOLS_MAX && read_pools(python, head) == 0 &&
		       add_blocks(python, sums) == 0;
	return check_head(python, head);
}

/* ---- the reader ------------------------------------------------------------------------------- */

/* Whether it can be read: it is read once. */
static int try(struct python *python)
{
	struct obmalloc_head head;
	struct sums sums;
	bool is_counted;
	int err = 0;

	if (!interpreter_has_allocator(&python->interpreter))
		return -EOPNOTSUPP;
	python->places = python->interpreter.places;
	if (!python->places.arenas)
		err = find_in_state(python);
	return err < 0 ? err : read_all(python, &head, &sums, &is_counted);
}

static void tell(const char *name, int err, char *text)
{
	if (err == 0)
		snprintf(text, RUNTIME_TEXT_MAX, "%s", name);
	else if (err == -EOPNOTSUPP)
		snprintf(
			text, RUNTIME_TEXT_MAX,
			"%s: its allocator's symbols are not there (a build with symbols has them)",
			name);
	else if (err == -EAGAIN)
		snprintf(text, RUNTIME_TEXT_MAX,
			 "%s: its allocator is not in use, or its numbers do not agree", name);
	else if (err == -EPERM || err == -EACCES)
		snprintf(text, RUNTIME_TEXT_MAX,
			 "%s: its memory may not be read: that takes the same user, or "
			 "CAP_SYS_PTRACE",
			 name);
	else
		snprintf(text, RUNTIME_TEXT_MAX, "%s: it cannot be read: %s", name, strerror(-err));
}

static int python_attach(const struct runtime_target *target, void **ret, char *text)
{
	struct python *python = calloc(1, sizeof(*python));
	int err;

	text[0] = '\0';
	if (!python)
		return -ENOMEM;
	err = interpreter_find(target, &python->interpreter);
	if (err == 0)
		err = try(python);
	if (python->interpreter.name[0])
		tell(python->interpreter.name, err, text);
	if (err < 0) {
		python_detach(python);
		return err;
	}
	*ret = python;
	return 0;
}

static int python_read(void *state, const struct runtime_target *target, struct record *rec)
{
	struct python *python = state;
	struct obmalloc_head head;
	struct sums sums;
	bool is_counted;
	int err = read_all(python, &head, &sums, &is_counted);

	(void)target;
	if (err < 0)
		return err;
	rec->reason[SOURCE_PYTHON] = REASON_OK;
	record_set(rec, FIELD_PYTHON_ARENAS, (int64_t)head.count);
	record_set(rec, FIELD_PYTHON_ARENA_BYTES, (int64_t)sums.bytes);
	if (is_counted)
		record_set(rec, FIELD_PYTHON_BLOCKS, (int64_t)sums.blocks);
	return 0;
}

const struct runtime_reader runtime_python = {
	.name = "python",
	.source = SOURCE_PYTHON,
	.wants = interpreter_is_library,
	.attach = python_attach,
	.read = python_read,
	.detach = python_detach,
};
