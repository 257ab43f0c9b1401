/* SPDX-License-Identifier: ISC */
/*
 * A table of functions that a Go program, or what calls itself one, brings: what is found must be within
 * it, and agree with itself however it was asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/runtimes/go/pclntab.h"

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
