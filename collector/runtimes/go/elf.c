/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/runtimes/go/elf.h"

/* More than any linker makes of a Go program; C's are not read any further. */
#define SEGMENTS_MAX 256
#define SECTIONS_MAX 4096
#define NAMES_MAX    (1u << 20)
#define STRINGS_MAX  (64u << 20)
/* Files may have holes: their size bounds no work. */
#define SYMBOLS_MAX ((uint64_t)4 << 20)
/* Symbols that are read at a time. */
#define SYMBOLS_STEP 2048

int go_elf_pread(const struct go_elf *elf, uint64_t offset, void *buf, size_t size)
{
	size_t have = 0;

	if (offset > elf->size || size > elf->size - offset)
		return -ENODATA;
	while (have < size) {
		ssize_t n = pread(elf->fd, (char *)buf + have, size - have, (off_t)(offset + have));

		if (n == 0)
			return -ENODATA;
		if (n < 0 && errno != EINTR)
			return -errno;
		have += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int check_header(const Elf64_Ehdr *header)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
	    header->e_machine != EM_X86_64)
		return -EOPNOTSUPP;
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return -ENOEXEC;
	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > SEGMENTS_MAX)
		return -ENOEXEC;
	return 0;
}

/* An array of the file, for the caller to free(). */
static int load(const struct go_elf *elf, uint64_t offset, size_t size, void *ret)
{
	void *buf = malloc(size ? size : 1);
	int err;

	if (!buf)
		return -ENOMEM;
	err = go_elf_pread(elf, offset, buf, size);
	if (err < 0)
		free(buf);
	else
		memcpy(ret, &buf, sizeof(buf));
	return err;
}

static bool is_inside(const struct go_elf *elf, const Elf64_Shdr *section)
{
	return section->sh_type == SHT_NOBITS ||
	       (section->sh_offset <= elf->size &&
		section->sh_size <= elf->size - section->sh_offset);
}

static int load_names(struct go_elf *elf, const Elf64_Ehdr *header)
{
	const Elf64_Shdr *section;
	int err;

	if (header->e_shstrndx >= elf->sections_count)
		return -ENOEXEC;
	section = &elf->sections[header->e_shstrndx];
	if (section->sh_type != SHT_STRTAB || section->sh_size == 0 || section->sh_size > NAMES_MAX)
		return -ENOEXEC;
	elf->names_size = section->sh_size;
	err = load(elf, section->sh_offset, elf->names_size, &elf->names);
	if (err == 0)
		elf->names[elf->names_size - 1] = '\0';
	return err;
}

static int load_sections(struct go_elf *elf, const Elf64_Ehdr *header)
{
	int err;

	if (header->e_shnum == 0 || header->e_shoff == 0)
		return 0;
	if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum > SECTIONS_MAX)
		return -ENOEXEC;
	err = load(elf, header->e_shoff, header->e_shnum * sizeof(Elf64_Shdr), &elf->sections);
	if (err < 0)
		return err;
	elf->sections_count = header->e_shnum;
	for (size_t i = 0; i < elf->sections_count; i++)
		if (!is_inside(elf, &elf->sections[i]))
			return -ENOEXEC;
	return load_names(elf, header);
}

int go_elf_open(int fd, struct go_elf *ret)
{
	struct stat st;
	Elf64_Ehdr header;
	int err;

	*ret = (struct go_elf){.fd = fd};
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(header))
		return -ENOEXEC;
	ret->size = (uint64_t)st.st_size;
	err = go_elf_pread(ret, 0, &header, sizeof(header));
	if (err == 0)
		err = check_header(&header);
	if (err < 0)
		return err;
	ret->entry = header.e_entry;
	ret->is_pie = header.e_type == ET_DYN;
	ret->segments_count = header.e_phnum;
	err = load(ret, header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr), &ret->segments);
	if (err == 0)
		err = load_sections(ret, &header);
	if (err < 0)
		go_elf_close(ret);
	return err == -ENODATA ? -ENOEXEC : err;
}

void go_elf_close(struct go_elf *elf)
{
	free(elf->segments);
	free(elf->sections);
	free(elf->names);
	*elf = (struct go_elf){.fd = -1};
}

int go_elf_read(const struct go_elf *elf, uint64_t address, void *buf, size_t size)
{
	for (size_t i = 0; i < elf->segments_count; i++) {
		const Elf64_Phdr *segment = &elf->segments[i];
		uint64_t at = address - segment->p_vaddr;

		if (segment->p_type != PT_LOAD || address < segment->p_vaddr ||
		    at >= segment->p_filesz || size > segment->p_filesz - at)
			continue;
		if (segment->p_offset > elf->size)
			return -EFAULT;
		return go_elf_pread(elf, segment->p_offset + at, buf, size) < 0 ? -EFAULT : 0;
	}
	return -EFAULT;
}

const Elf64_Shdr *go_elf_section(const struct go_elf *elf, const char *name)
{
	for (size_t i = 0; i < elf->sections_count; i++)
		if (elf->sections[i].sh_name < elf->names_size &&
		    !strcmp(elf->names + elf->sections[i].sh_name, name))
			return &elf->sections[i];
	return NULL;
}

static int match(const Elf64_Sym *have, const char *strings, size_t size,
		 struct go_elf_symbol *symbols, size_t count)
{
	if (have->st_shndx == SHN_UNDEF || have->st_name >= size || have->st_value == 0)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (symbols[i].address == 0 && !strcmp(symbols[i].name, strings + have->st_name)) {
			symbols[i].address = have->st_value;
			symbols[i].size = have->st_size;
			return 1;
		}
	return 0;
}

static int scan(const struct go_elf *elf, const Elf64_Shdr *table, const char *strings, size_t size,
		struct go_elf_symbol *symbols, size_t count)
{
	uint64_t left = table->sh_size / sizeof(Elf64_Sym);
	uint64_t at = table->sh_offset;
	Elf64_Sym *some = malloc(SYMBOLS_STEP * sizeof(*some));
	int found = 0, err = some ? 0 : -ENOMEM;

	while (err == 0 && left > 0 && found < (int)count) {
		size_t n = left < SYMBOLS_STEP ? (size_t)left : SYMBOLS_STEP;

		err = go_elf_pread(elf, at, some, n * sizeof(*some));
		for (size_t i = 0; err == 0 && i < n; i++)
			found += match(&some[i], strings, size, symbols, count);
		left -= n;
		at += n * sizeof(*some);
	}
	free(some);
	return err < 0 ? err : found;
}

static int look(const struct go_elf *elf, const Elf64_Shdr *table, struct go_elf_symbol *symbols,
		size_t count)
{
	const Elf64_Shdr *section;
	char *strings;
	int ret;

	if (table->sh_entsize != sizeof(Elf64_Sym) || table->sh_link >= elf->sections_count ||
	    table->sh_size > SYMBOLS_MAX * sizeof(Elf64_Sym))
		return -EBADMSG;
	section = &elf->sections[table->sh_link];
	if (section->sh_type != SHT_STRTAB || section->sh_size == 0 ||
	    section->sh_size > STRINGS_MAX)
		return -EBADMSG;
	ret = load(elf, section->sh_offset, section->sh_size, &strings);
	if (ret < 0)
		return ret;
	strings[section->sh_size - 1] = '\0';
	ret = scan(elf, table, strings, section->sh_size, symbols, count);
	free(strings);
	return ret;
}

int go_elf_symbols(const struct go_elf *elf, struct go_elf_symbol *symbols, size_t count)
{
	const Elf64_Shdr *table = go_elf_section(elf, ".symtab");

	return table && table->sh_type == SHT_SYMTAB ? look(elf, table, symbols, count) : 0;
}

/*
 * By the filter in front of the table of hashes, which tells the loader what is surely not there. Compilers export all
 * they have to their plugins: 2 MB to be read for each of a build's processes.
 */
static bool may_export(const struct go_elf *elf, const Elf64_Shdr *hashes, const char *name)
{
	struct {
		uint32_t buckets, first, words, shift;
	} head;
	uint32_t hash = 5381;
	uint64_t word;

	if (!hashes || go_elf_pread(elf, hashes->sh_offset, &head, sizeof(head)) < 0 || !head.words)
		return true;
	for (; *name; name++)
		hash = hash * 33 + (uint8_t)*name;
	if (go_elf_pread(elf, hashes->sh_offset + sizeof(head) + hash / 64 % head.words * 8, &word,
			 sizeof(word)) < 0)
		return true;
	return word >> hash % 64 & word >> (hash >> head.shift % 32) % 64 & 1;
}

int go_elf_exports(const struct go_elf *elf, struct go_elf_symbol *symbols, size_t count)
{
	const Elf64_Shdr *table = go_elf_section(elf, ".dynsym");
	const Elf64_Shdr *hashes = go_elf_section(elf, ".gnu.hash");
	size_t i = 0;

	while (i < count && !may_export(elf, hashes, symbols[i].name))
		i++;
	if (i == count)
		return 0;
	return table && table->sh_type == SHT_DYNSYM ? look(elf, table, symbols, count) : 0;
}
