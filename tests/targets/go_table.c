/* SPDX-License-Identifier: ISC */
/*
 * go_table FILE: prints the functions of a Go program, as its own table has them: "entry size name".
 * go_table FILE -: reads addresses, and prints of each "address name frame file:line"; ? is not known.
 */
#include <err.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/runtimes/go/pclntab.h"

/* The bytes of a section of that name, NULL where it has none. */
static Elf_Data *section(Elf *elf, const char *name, GElf_Shdr *ret)
{
	size_t names;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return NULL;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));)
		if (gelf_getshdr(scn, ret) && !strcmp(elf_strptr(elf, names, ret->sh_name), name))
			return elf_getdata(scn, NULL);
	return NULL;
}

static void open_table(const char *path, struct go_pclntab *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret_init;
	size_t offset = 0;
	GElf_Shdr shdr;
	Elf_Data *data;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	data = section(elf, ".gopclntab", &shdr);
	if (!data)
		data = section(elf, ".data.rel.ro.gopclntab", &shdr);
	/* Where the system's linker has joined them. */
	if (!data) {
		data = section(elf, ".data.rel.ro", &shdr);
		if (!data || go_pclntab_scan(data->d_buf, data->d_size, &offset) < 0)
			errx(1, "%s: no table of functions", path);
	}
	ret_init = go_pclntab_init(ret, (char *)data->d_buf + offset, data->d_size - offset);
	if (ret_init < 0)
		errx(1, "%s: the table is not readable: %s", path, strerror(-ret_init));
	/* Newer linkers do not say where the functions are. */
	if (!ret->text && section(elf, ".text", &shdr) && ret->layout >= GO_PCLNTAB_18)
		ret->text = shdr.sh_addr;
}

static void print_functions(const struct go_pclntab *tab)
{
	struct go_function function;

	for (uint32_t i = 0; i < tab->count; i++) {
		if (go_pclntab_function(tab, i, &function) < 0)
			errx(1, "function %" PRIu32 " is not readable", i);
		printf("%" PRIx64 " %" PRIu64 " %s\n", function.entry,
		       function.end - function.entry, function.name);
	}
}

static void print_address(const struct go_pclntab *tab, uint64_t pc)
{
	struct go_function function;
	const char *file = "?";
	uint32_t bytes, line = 0;

	if (go_pclntab_find(tab, pc, &function) < 0) {
		printf("%" PRIx64 " ? ? ?:0\n", pc);
		return;
	}
	printf("%" PRIx64 " %s ", pc, function.name);
	if (go_pclntab_frame(tab, &function, pc, &bytes) < 0)
		printf("? ");
	else
		printf("%" PRIu32 " ", bytes);
	if (go_pclntab_line(tab, &function, pc, &file, &line) < 0)
		file = "?";
	printf("%s:%" PRIu32 "\n", file, line);
}

int main(int argc, char **argv)
{
	struct go_pclntab tab;
	uint64_t pc;

	if (argc < 2)
		errx(2, "usage: go_table FILE [-]");
	open_table(argv[1], &tab);
	if (argc < 3)
		print_functions(&tab);
	while (argc >= 3 && scanf("%" SCNx64, &pc) == 1)
		print_address(&tab, pc);
	return 0;
}
