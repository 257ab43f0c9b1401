/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "collector/runtimes/go/functions.h"
#include "collector/runtimes/go/signature.h"
#include "collector/runtimes/go/stripped.h"
#include "collector/runtimes/go/table.h"

#define GO_GLOBAL_TEXT(name, text) {text, 0, 0},

int go_stripped_by_symbols(const struct go_elf *elf, unsigned minor, struct go_layout *ret)
{
	struct go_elf_symbol symbols[GO_GLOBALS] = {GO_GLOBAL_LIST(GO_GLOBAL_TEXT)};
	const struct go_table *table = go_table_find(minor);
	int found = table ? go_elf_symbols(elf, symbols, GO_GLOBALS) : 0;

	if (found <= 0)
		return found == -ENOMEM ? found : -ENOENT;
	*ret = (struct go_layout){0};
	go_table_members(table, ret);
	for (size_t i = 0; i < GO_GLOBALS; i++)
		ret->global[i] = symbols[i].address;
	return 0;
}

static int read_code(void *arg, uint64_t address, void *buf, size_t size)
{
	return go_elf_read(arg, address, buf, size);
}

static int match(const struct go_elf *elf, const struct go_pclntab *tab, unsigned minor,
		 struct go_layout *ret, unsigned *ret_minor)
{
	const struct go_code code = {read_code, (void *)(uintptr_t)elf};
	const struct go_table *table = go_table_find(minor);
	struct go_signature found;
	int err = table ? go_signature_match(table, tab, &code, &found) : -ENOENT;

	if (err < 0)
		err = go_signature_find(tab, &code, &found, &table);
	if (err < 0)
		return err;
	*ret = (struct go_layout){0};
	go_table_members(table, ret);
	memcpy(ret->global, found.global, sizeof(ret->global));
	*ret_minor = table->minor;
	return 0;
}

int go_stripped_by_code(const struct go_elf *elf, unsigned minor, struct go_layout *ret,
			unsigned *ret_minor)
{
	struct go_functions functions;
	int err = go_functions_open(elf, minor, &functions);

	if (err < 0)
		return err;
	err = match(elf, &functions.tab, minor, ret, ret_minor);
	go_functions_close(&functions);
	return err;
}
