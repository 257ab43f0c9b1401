/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/runtimes/go/functions.h"

/* What no program has more of: data in its file, parts of it, sections of relocations, and what is in one. */
#define DATA_MAX	((uint64_t)256 << 20)
#define PARTS_MAX	4
#define RELOCATED_MAX	4
#define RELOCATIONS_MAX ((uint64_t)4 << 20)

/* Relocations that are read at once. */
#define RELOCATIONS 1024

/* Where the table may be: Go's own linker, of programs that are position-independent, the system's linker. */
static const char *const SECTIONS[] = {".gopclntab", ".data.rel.ro.gopclntab", ".data.rel.ro",
				       ".rodata"};

static int open_section(const struct go_elf *elf, const Elf64_Shdr *section,
			struct go_functions *ret, uint64_t *ret_address)
{
	size_t offset;
	int err;

	if (section->sh_type == SHT_NOBITS || section->sh_size > GO_PCLNTAB_MAX)
		return -ENOENT;
	ret->bytes = malloc(section->sh_size + 1);
	if (!ret->bytes)
		return -ENOMEM;
	err = go_elf_pread(elf, section->sh_offset, ret->bytes, section->sh_size);
	if (err == 0)
		err = go_pclntab_scan(ret->bytes, section->sh_size, &offset);
	if (err == 0)
		err = go_pclntab_init(&ret->tab, (char *)ret->bytes + offset,
				      section->sh_size - offset);
	if (err < 0) {
		free(ret->bytes);
		ret->bytes = NULL;
		return err;
	}
	*ret_address = section->sh_addr + offset;
	return 0;
}

/* What a relocation of the program by nothing would write into these bytes. */
static int relocate(const struct go_elf *elf, const Elf64_Shdr *section, uint64_t address,
		    uint8_t *bytes, uint64_t size)
{
	uint64_t left = section->sh_size / sizeof(Elf64_Rela);
	Elf64_Rela some[RELOCATIONS];

	if (left > RELOCATIONS_MAX)
		return -EBADMSG;
	for (uint64_t at = section->sh_offset; left > 0;) {
		uint64_t n = left < RELOCATIONS ? left : RELOCATIONS;
		int err = go_elf_pread(elf, at, some, n * sizeof(*some));

		if (err < 0)
			return err;
		for (uint64_t i = 0; i < n; i++) {
			uint64_t offset = some[i].r_offset - address;

			if (ELF64_R_TYPE(some[i].r_info) == R_X86_64_RELATIVE && size >= 8 &&
			    offset <= size - 8)
				memcpy(bytes + offset, &some[i].r_addend, 8);
		}
		at += n * sizeof(*some);
		left -= n;
	}
	return 0;
}

/* In a part of the program's data, as it would be in memory. */
static int find_module(const struct go_elf *elf, const Elf64_Phdr *segment, uint64_t tab_address,
		       unsigned minor, struct go_functions *functions)
{
	uint8_t *data = malloc(segment->p_filesz + 1);
	int err = data ? go_elf_pread(elf, segment->p_offset, data, segment->p_filesz) : -ENOMEM;
	unsigned relocated = 0;

	for (size_t i = 0; elf->is_pie && err == 0 && i < elf->sections_count; i++)
		if (elf->sections[i].sh_type == SHT_RELA && relocated++ < RELOCATED_MAX)
			err = relocate(elf, &elf->sections[i], segment->p_vaddr, data,
				       segment->p_filesz);
	if (err == 0)
		err = go_moduledata_find(data, segment->p_filesz, &functions->tab, tab_address,
					 minor, &functions->module);
	free(data);
	return err;
}

/* Where the code is: as the program knows it itself, else as its table or its sections have it. */
static int find_text(const struct go_elf *elf, uint64_t tab_address, unsigned minor,
		     struct go_functions *functions)
{
	const Elf64_Shdr *text = go_elf_section(elf, ".text");
	unsigned parts = 0;

	for (size_t i = 0; i < elf->segments_count; i++) {
		const Elf64_Phdr *segment = &elf->segments[i];

		if (segment->p_type == PT_LOAD && segment->p_flags & PF_W &&
		    segment->p_filesz <= DATA_MAX && parts++ < PARTS_MAX &&
		    find_module(elf, segment, tab_address, minor, functions) == 0) {
			if (functions->tab.layout >= GO_PCLNTAB_18)
				functions->tab.text = functions->module.text;
			return 0;
		}
	}
	if (functions->tab.layout >= GO_PCLNTAB_18 && !functions->tab.text && text)
		functions->tab.text = text->sh_addr;
	return functions->tab.text || functions->tab.layout < GO_PCLNTAB_18 ? 0 : -ENOENT;
}

int go_functions_open(const struct go_elf *elf, unsigned minor, struct go_functions *ret)
{
	uint64_t tab_address = 0;
	int err = -ENOENT;

	*ret = (struct go_functions){0};
	for (size_t i = 0; err == -ENOENT && i < sizeof(SECTIONS) / sizeof(*SECTIONS); i++) {
		const Elf64_Shdr *section = go_elf_section(elf, SECTIONS[i]);

		if (section)
			err = open_section(elf, section, ret, &tab_address);
	}
	if (err == 0)
		err = find_text(elf, tab_address, minor, ret);
	if (err < 0)
		go_functions_close(ret);
	return err;
}

void go_functions_close(struct go_functions *functions)
{
	free(functions->bytes);
	*functions = (struct go_functions){0};
}

void go_functions_move(struct go_functions *functions, uint64_t bias)
{
	functions->tab.text += bias;
	if (functions->module.text) {
		functions->module.text += bias;
		functions->module.text_end += bias;
	}
	if (functions->module.functions_data)
		functions->module.functions_data += bias;
}
