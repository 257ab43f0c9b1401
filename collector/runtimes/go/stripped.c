/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/runtimes/go/moduledata.h"
#include "collector/runtimes/go/pclntab.h"
#include "collector/runtimes/go/signature.h"
#include "collector/runtimes/go/stripped.h"
#include "collector/runtimes/go/table.h"

/* Relocations that are read at a time. */
#define RELOCATIONS_STEP 2048

/* A section as it is loaded. */
struct loaded {
	uint8_t *bytes; /* owned */
	uint64_t address;
	size_t size;
};

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

/* ---- the table of functions ------------------------------------------------------------------- */

static int load(const struct go_elf *elf, const char *name, struct loaded *ret)
{
	const Elf64_Shdr *section = go_elf_section(elf, name);
	int err;

	*ret = (struct loaded){0};
	if (!section || section->sh_type == SHT_NOBITS || section->sh_size == 0 ||
	    section->sh_size > GO_PCLNTAB_MAX)
		return -ENOENT;
	ret->bytes = malloc(section->sh_size);
	if (!ret->bytes)
		return -ENOMEM;
	ret->address = section->sh_addr;
	ret->size = section->sh_size;
	err = go_elf_pread(elf, section->sh_offset, ret->bytes, ret->size);
	if (err < 0) {
		free(ret->bytes);
		*ret = (struct loaded){0};
	}
	return err;
}

/* Linkers of C put it among other constants that are relocated. */
static int find_table(const struct go_elf *elf, struct loaded *ret, struct go_pclntab *ret_tab,
		      uint64_t *ret_address)
{
	static const char *const names[] = {".gopclntab", ".data.rel.ro.gopclntab", ".data.rel.ro",
					    ".rodata"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t at;
		int err = load(elf, names[i], ret);

		if (err == -ENOMEM)
			return err;
		if (err == 0 && go_pclntab_scan(ret->bytes, ret->size, &at) == 0 &&
		    go_pclntab_init(ret_tab, ret->bytes + at, ret->size - at) == 0) {
			*ret_address = ret->address + at;
			return 0;
		}
		free(ret->bytes);
	}
	return -ENOENT;
}

/* ---- where the code is ------------------------------------------------------------------------ */

static void relocate(const Elf64_Rela *rela, struct loaded *to)
{
	uint64_t at = rela->r_offset - to->address;

	if (ELF64_R_TYPE(rela->r_info) == R_X86_64_RELATIVE && rela->r_offset >= to->address &&
	    to->size >= 8 && at <= to->size - 8)
		memcpy(to->bytes + at, &rela->r_addend, 8);
}

/* Position-independent programs' addresses are made when they are loaded: for the address 0. */
static void relocate_all(const struct go_elf *elf, struct loaded *to)
{
	const Elf64_Shdr *section = go_elf_section(elf, ".rela.dyn");
	Elf64_Rela *some;
	uint64_t left, at;

	if (!section)
		section = go_elf_section(elf, ".rela");
	if (!section || section->sh_type != SHT_RELA)
		return;
	some = malloc(RELOCATIONS_STEP * sizeof(*some));
	left = section->sh_size / sizeof(*some);
	at = section->sh_offset;
	while (some && left > 0) {
		size_t n = left < RELOCATIONS_STEP ? (size_t)left : RELOCATIONS_STEP;

		if (go_elf_pread(elf, at, some, n * sizeof(*some)) < 0)
			break;
		for (size_t i = 0; i < n; i++)
			relocate(&some[i], to);
		left -= n;
		at += n * sizeof(*some);
	}
	free(some);
}

/* Where the code begins, as the program will know it itself; 0: not found. */
static uint64_t find_text(const struct go_elf *elf, const struct go_pclntab *tab, uint64_t address,
			  unsigned minor)
{
	static const char *const names[] = {".go.module", ".noptrdata", ".data", ".data.rel.ro"};
	struct go_moduledata data;
	struct loaded section;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int err;

		if (load(elf, names[i], &section) < 0)
			continue;
		relocate_all(elf, &section);
		err = go_moduledata_find(section.bytes, section.size, tab, address, minor, &data);
		free(section.bytes);
		if (err == 0)
			return data.text;
	}
	return 0;
}

/* ---- variables -------------------------------------------------------------------------------- */

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

/* The table's own word for where the code is, the section's, and the program's: one that is wrong matches nothing. */
int go_stripped_by_code(const struct go_elf *elf, unsigned minor, struct go_layout *ret,
			unsigned *ret_minor)
{
	const Elf64_Shdr *text = go_elf_section(elf, ".text");
	struct loaded section;
	struct go_pclntab tab;
	uint64_t address;
	int err = find_table(elf, &section, &tab, &address);

	if (err < 0)
		return err;
	err = tab.text ? match(elf, &tab, minor, ret, ret_minor) : -ENOENT;
	if (err < 0 && text) {
		tab.text = text->sh_addr;
		err = match(elf, &tab, minor, ret, ret_minor);
	}
	if (err < 0) {
		tab.text = find_text(elf, &tab, address, minor);
		err = tab.text ? match(elf, &tab, minor, ret, ret_minor) : -ENOENT;
	}
	free(section.bytes);
	return err;
}
