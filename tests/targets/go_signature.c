/* SPDX-License-Identifier: ISC */
/*
 * go_signature FILE: which minor's runtime a Go program has, and where its variables are, told by places in its
 * code alone: "minor votes agreed", then "address name" of each variable.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/runtimes/go/elf.h"
#include "collector/runtimes/go/signature.h"

static const char *const NAMES[] = {
#define GLOBAL_TEXT(name, text) text,
	GO_GLOBAL_LIST(GLOBAL_TEXT)};

static int read_code(void *arg, uint64_t address, void *buf, size_t size)
{
	return go_elf_read(arg, address, buf, size);
}

int main(int argc, char **argv)
{
	const struct go_table *table;
	const Elf64_Shdr *section, *text;
	struct go_signature found;
	struct go_code code;
	struct go_pclntab tab;
	struct go_elf elf;
	size_t offset = 0;
	void *bytes;

	if (argc < 2)
		errx(2, "usage: go_signature FILE");
	if (go_elf_open(open(argv[1], O_RDONLY | O_CLOEXEC), &elf) < 0)
		errx(1, "%s: no ELF file", argv[1]);
	section = go_elf_section(&elf, ".gopclntab");
	if (!section)
		section = go_elf_section(&elf, ".data.rel.ro.gopclntab");
	if (!section)
		section = go_elf_section(&elf, ".data.rel.ro");
	bytes = section ? malloc(section->sh_size) : NULL;
	if (!bytes || go_elf_pread(&elf, section->sh_offset, bytes, section->sh_size) < 0 ||
	    go_pclntab_scan(bytes, section->sh_size, &offset) < 0 ||
	    go_pclntab_init(&tab, (char *)bytes + offset, section->sh_size - offset) < 0)
		errx(1, "%s: no table of functions", argv[1]);
	text = go_elf_section(&elf, ".text");
	if (!tab.text && text)
		tab.text = text->sh_addr;
	code = (struct go_code){read_code, &elf};
	if (argc > 2)
		for (size_t i = 0; (table = go_table_at(i)); i++) {
			go_signature_match(table, &tab, &code, &found);
			fprintf(stderr, "go1.%u: %u votes, %u agreed\n", table->minor, found.votes,
				found.agreed);
		}
	if (go_signature_find(&tab, &code, &found, &table) < 0)
		errx(1, "%s: no minor's runtime is recognised", argv[1]);
	printf("%u %u %u\n", table->minor, found.votes, found.agreed);
	for (int i = 0; i < GO_GLOBALS; i++)
		if (found.global[i])
			printf("%" PRIx64 " %s\n", found.global[i], NAMES[i]);
	return 0;
}
