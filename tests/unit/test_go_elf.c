/* SPDX-License-Identifier: ISC */
/* Files of little more than holes: how large they say they are costs nothing. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/runtimes/go/die.h"
#include "collector/runtimes/go/functions.h"

/* At a gigabyte a second, an hour. */
#define HOLE	    ((uint64_t)1 << 42)
#define HOLE_AT	    65536
#define SECTIONS_AT 4096
#define NAMES_AT    8192

static int fd;

static void put(uint64_t at, const void *bytes, size_t size)
{
	assert_int_equal(pwrite(fd, bytes, size, (off_t)at), size);
}

/* A program with one writable segment of nothing, and these sections; names has theirs after a zero byte each. */
static void make(Elf64_Shdr *sections, unsigned count, const char *names, size_t names_size)
{
	Elf64_Ehdr header = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_phoff = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
		.e_shoff = SECTIONS_AT,
		.e_shentsize = sizeof(*sections),
		.e_shnum = (uint16_t)count,
	};
	Elf64_Phdr segment = {.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_filesz = 4096};

	for (unsigned i = 1, at = 1; i < count; i++, at += (unsigned)strlen(names + at) + 1)
		sections[i].sh_name = at;
	sections[0] =
		(Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = NAMES_AT, .sh_size = names_size};
	fd = memfd_create("program", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(HOLE_AT + HOLE)), 0);
	put(0, &header, sizeof(header));
	put(sizeof(header), &segment, sizeof(segment));
	put(SECTIONS_AT, sections, count * sizeof(*sections));
	put(NAMES_AT, names, names_size);
}

static void test_symbols(void **state)
{
	static const char names[] = "\0.symtab";
	struct go_elf_symbol symbol = {"runtime.memstats", 0, 0};
	Elf64_Shdr sections[] = {{0},
				 {.sh_type = SHT_SYMTAB,
				  .sh_offset = HOLE_AT,
				  .sh_size = HOLE,
				  .sh_entsize = sizeof(Elf64_Sym)}};
	struct go_elf elf;

	(void)state;
	make(sections, UNIT_COUNT(sections), names, sizeof(names));
	assert_int_equal(go_elf_open(fd, &elf), 0);
	assert_int_equal(go_elf_symbols(&elf, &symbol, 1), -EBADMSG);
	go_elf_close(&elf);
	close(fd);
}

static void test_relocations(void **state)
{
	static const char names[] = "\0.gopclntab\0.rela.dyn";
	/* Of Go 1.18, with one function, whose name is empty. */
	const uint64_t table[] = {0x08010000fffffff0, 1, 0, 0x1000, 512, 512, 512, 512, 512};
	Elf64_Shdr sections[] = {{0},
				 {.sh_type = SHT_PROGBITS, .sh_offset = 16384, .sh_size = 4096},
				 {.sh_type = SHT_RELA, .sh_offset = HOLE_AT, .sh_size = HOLE}};
	struct go_functions functions;
	struct go_elf elf;

	(void)state;
	make(sections, UNIT_COUNT(sections), names, sizeof(names));
	put(16384, table, sizeof(table));
	assert_int_equal(go_elf_open(fd, &elf), 0);
	assert_int_equal(go_functions_open(&elf, 19, &functions), 0);
	assert_int_equal(functions.tab.text, 0x1000);
	go_functions_close(&functions);
	go_elf_close(&elf);
	close(fd);
}

/* What numbers abbreviations leave out is paid for as well. */
static void test_abbreviations(void **state)
{
	static const char names[] = "\0.debug_info\0.debug_abbrev";
	static const uint8_t info[] = {9, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8, 0x80, 0x20};
	static const uint8_t abbrev[] = {0x80, 0x20, GO_TAG_UNIT, 0, 0, 0, 0};
	Elf64_Shdr sections[] = {
		{0},
		{.sh_type = SHT_PROGBITS, .sh_offset = 16384, .sh_size = sizeof(info)},
		{.sh_type = SHT_PROGBITS, .sh_offset = 20480, .sh_size = sizeof(abbrev)}};
	struct go_dies dies;
	struct go_unit unit;
	struct go_die die;
	struct go_elf elf;
	uint64_t steps;

	(void)state;
	make(sections, UNIT_COUNT(sections), names, sizeof(names));
	put(16384, info, sizeof(info));
	put(20480, abbrev, sizeof(abbrev));
	assert_int_equal(go_elf_open(fd, &elf), 0);
	assert_int_equal(go_dies_open(&elf, &dies), 0);
	steps = dies.steps;
	assert_int_equal(go_dies_unit(&dies, 0, &unit), 0);
	assert_int_equal(go_dies_read(&dies, &unit, unit.dies, &die), 0);
	assert_int_equal(die.tag, GO_TAG_UNIT);
	assert_true(steps - dies.steps > 4096);
	go_dies_close(&dies);
	go_elf_close(&elf);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_relocations),
		cmocka_unit_test(test_abbreviations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
