/* SPDX-License-Identifier: ISC */
/*
 * ELF files of 64 bits, x86-64: sections, segments, symbols, by pread(). A file may be cut or replaced
 * while it is read, and nothing in it is believed: what does not fit is an error.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_ELF_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct go_elf {
	int fd; /* borrowed */
	uint64_t size;
	uint64_t entry;
	bool is_pie;	      /* its addresses are to be moved by what the kernel chose */
	Elf64_Phdr *segments; /* owned; all of them */
	size_t segments_count;
	Elf64_Shdr *sections; /* owned; inside the file, but for SHT_NOBITS */
	size_t sections_count;
	char *names; /* owned; of the sections, ends with a zero byte */
	size_t names_size;
};

/* A symbol that is looked for; size and address are 0 while it has not been found. */
struct go_elf_symbol {
	const char *name;
	uint64_t address, size;
};

/*
 * Returns 0, -ENOEXEC (no ELF file, or a broken one), -EOPNOTSUPP (of another machine or of 32 bits), or
 * what reading said. A file without sections is one. fd must stay open.
 */
int go_elf_open(int fd, struct go_elf *ret);
void go_elf_close(struct go_elf *elf);

/* The whole of [offset, offset + size), or -ENODATA. */
int go_elf_pread(const struct go_elf *elf, uint64_t offset, void *buf, size_t size);

/* The whole of a range of addresses as it is in the file; -EFAULT where it is not. */
int go_elf_read(const struct go_elf *elf, uint64_t address, void *buf, size_t size);

/* The first section of that name; NULL: there is none. */
const Elf64_Shdr *go_elf_section(const struct go_elf *elf, const char *name);

/*
 * Looks in the symbol table for each of these, all at once. Returns how many were found, 0 where there is no
 * table, or an error.
 */
int go_elf_symbols(const struct go_elf *elf, struct go_elf_symbol *symbols, size_t count);

/* Likewise among what it exports to other files, which stripping leaves there. */
int go_elf_exports(const struct go_elf *elf, struct go_elf_symbol *symbols, size_t count);

#endif
