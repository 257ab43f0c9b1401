/* SPDX-License-Identifier: ISC */
/*
 * A table of functions that a Go program, or what calls itself one, brings: what is found must be within
 * it, and agree with itself however it was asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/runtimes/go/inline.h"
#include "collector/runtimes/go/pclntab.h"
#include "collector/runtimes/go/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const struct go_pclntab *tab, const char *text)
{
	if ((const uint8_t *)text < tab->data || (const uint8_t *)text >= tab->data + tab->size ||
	    !memchr(text, '\0', (size_t)(tab->data + tab->size - (const uint8_t *)text)))
		__builtin_trap();
}

static void check_address(const struct go_pclntab *tab, const struct go_function *function,
			  uint64_t pc)
{
	uint32_t bytes, line;
	const char *file;

	if (go_pclntab_frame(tab, function, pc, &bytes) == 0 && bytes % 8)
		__builtin_trap();
	if (go_pclntab_line(tab, function, pc, &file, &line) == 0)
		check_text(tab, file);
}

/* The data of functions, and stacks, are the input too. */
struct input {
	const uint8_t *bytes;
	size_t size;
};

static int read_input(void *arg, uint64_t address, void *buf, size_t size)
{
	const struct input *input = arg;

	if (address > input->size || size > input->size - address)
		return -EFAULT;
	memcpy(buf, input->bytes + address, size);
	return 0;
}

static void check_inlined(const struct go_pclntab *tab, const struct go_function *function,
			  uint64_t pc)
{
	struct input input = {tab->data, tab->size};
	const struct go_code code = {read_input, &input};
	const struct go_moduledata module = {.functions_data = 1};
	struct go_inline at = {.pc = pc};
	const char *name;

	while (go_inline_next(tab, &module, &code, function, &at, &name) == 1)
		check_text(tab, name);
}

static void check_walk(const struct go_pclntab *tab, const struct go_function *function)
{
	static struct go_walk walk;
	const struct go_walk_bytes bytes = {64, tab->data, tab->size};
	uint64_t want = 0;
	int ret;

	if (go_walk_begin(&walk, function->entry, 72, 64, UINT64_MAX, function->entry - 1) < 0)
		__builtin_trap();
	ret = go_walk_on(&walk, tab, &bytes, &want);
	if (ret == -EAGAIN && want >= 64 && want - 64 < tab->size && tab->size - (want - 64) >= 8)
		__builtin_trap();
	for (uint32_t i = 0; ret == 0 && i < walk.count; i++)
		if (go_walk_frame(&walk, i) == NULL && walk.count <= 2 * GO_WALK_KEPT)
			__builtin_trap();
}

static void check_function(const struct go_pclntab *tab, uint32_t number)
{
	struct go_function function, found;

	if (go_pclntab_function(tab, number, &function) < 0)
		return;
	check_text(tab, function.name);
	if (go_pclntab_find_name(tab, function.name, &found) < 0 ||
	    strcmp(found.name, function.name))
		__builtin_trap();
	if (function.end == function.entry)
		return;
	check_address(tab, &function, function.entry);
	check_address(tab, &function, function.entry + (function.end - function.entry) / 2);
	check_address(tab, &function, function.end - 1);
	check_inlined(tab, &function, function.entry + (function.end - function.entry) / 2);
	check_walk(tab, &function);
	if (go_pclntab_find(tab, function.entry, &found) == 0 &&
	    (found.entry > function.entry || found.end <= function.entry))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of exactly that size, and aligned to nothing. */
	uint8_t *copy = malloc(size ? size : 1);
	struct go_pclntab tab;
	size_t offset;

	if (!copy)
		abort();
	memcpy(copy, data, size);
	if (go_pclntab_scan(copy, size, &offset) == 0 &&
	    go_pclntab_init(&tab, copy + offset, size - offset) < 0)
		__builtin_trap();
	if (go_pclntab_init(&tab, copy, size) == 0)
		for (uint32_t i = 0; i < tab.count && i < 64; i++)
			check_function(&tab, i);
	free(copy);
	return 0;
}
