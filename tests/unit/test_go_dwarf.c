/* SPDX-License-Identifier: ISC */
/* Members of Go's runtime, out of debugging information that is made up; and files that are broken. */
#include "tests/unit/unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/runtimes/go/dwarf.h"
#include "collector/runtimes/go/memstats.h"
#include "tests/unit/godwarf_make.h"

static int file_of(const void *bytes, size_t len)
{
	int fd = memfd_create("program", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, 0), len);
	return fd;
}

/* What is found in a file of these bytes. */
static int layout_of(const void *bytes, size_t len, struct go_layout *ret)
{
	int fd = file_of(bytes, len);
	struct go_elf elf;
	int err = go_elf_open(fd, &elf);

	if (err == 0) {
		err = go_dwarf_layout(&elf, ret);
		go_elf_close(&elf);
	}
	close(fd);
	return err;
}

static void same(const struct go_layout *have, const struct go_layout *want)
{
	for (unsigned i = 0; i < GO_MEMBERS; i++) {
		if (have->has[i] != want->has[i] || have->member[i] != want->member[i])
			fail_msg("%s: %d %u, not %d %u", go_make_members[i].path, have->has[i],
				 have->member[i], want->has[i], want->member[i]);
	}
	for (unsigned i = 0; i < GO_GLOBALS; i++)
		assert_int_equal(have->global[i], want->global[i]);
}

static void test_found(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * 2 * 2 * 3; i++) {
		struct go_make how = {
			.version = i & 1 ? 5 : 4,
			.is_wide = i & 2,
			.has_near_refs = i & 4,
			.packing = (enum go_make_packing)(i / 8),
		};
		struct go_layout have, want;
		struct go_make_bytes program = go_make_program(&how, &want);

		assert_int_equal(layout_of(program.p, program.len, &have), 0);
		same(&have, &want);
		for (unsigned k = 0; k < GO_MEMBERS; k++)
			assert_true(have.has[k]);
		assert_null(go_memstats_missing(&have));
		free(program.p);
	}
}

static void test_missing(void **state)
{
	static const struct {
		const char *path, *missing;
	} cases[] = {
		{"gcMiscSys", "GC_MISC_SYS"},
		{"inHeap", "DELTA_IN_HEAP"},
		{"mappedReady", "GC_MAPPED_READY"},
		{"mcache", "P_MCACHE"},
		{"alloc#", "MCACHE_ALLOC_SIZE"},
		{"inPtrScalarBits", NULL},
		{"gFree.n", NULL},
	};

	(void)state;
	for (unsigned i = 0; i < UNIT_COUNT(cases); i++) {
		struct go_make how = {.version = 4, .without = cases[i].path};
		struct go_layout have, want;
		struct go_make_bytes program = go_make_program(&how, &want);
		const char *missing;

		assert_int_equal(layout_of(program.p, program.len, &have), 0);
		/* Without a '#' the member is there no less. */
		if (strchr(cases[i].path, '#')) {
			have.has[GO_MCACHE_ALLOC_SIZE] = false;
		} else {
			same(&have, &want);
		}
		missing = go_memstats_missing(&have);
		if (cases[i].missing)
			assert_string_equal(missing, cases[i].missing);
		else
			assert_null(missing);
		free(program.p);
	}
}

static void test_none(void **state)
{
	struct go_make how = {.version = 4, .unit = "runtime/debug"};
	struct go_layout have, want;
	struct go_make_bytes program = go_make_program(&how, &want);
	Elf64_Ehdr header;

	(void)state;
	assert_int_equal(layout_of(program.p, program.len, &have), -ENOENT);
	memcpy(&header, program.p, sizeof(header));
	header.e_shnum = 0;
	memcpy(program.p, &header, sizeof(header));
	assert_int_equal(layout_of(program.p, program.len, &have), -ENOENT);
	header.e_machine = EM_AARCH64;
	memcpy(program.p, &header, sizeof(header));
	assert_int_equal(layout_of(program.p, program.len, &have), -EOPNOTSUPP);
	header.e_ident[1] = 'F';
	memcpy(program.p, &header, sizeof(header));
	assert_int_equal(layout_of(program.p, program.len, &have), -ENOEXEC);
	assert_int_equal(layout_of("#!/bin/sh\n", 10, &have), -ENOEXEC);
	free(program.p);
}

/* Any end, any byte: an error or not, but an end. */
static void test_broken(void **state)
{
	(void)state;
	unit_random_init();
	for (unsigned packing = 0; packing < 3; packing++) {
		struct go_make how = {.version = 4, .packing = (enum go_make_packing)packing};
		struct go_layout have, want;
		struct go_make_bytes program = go_make_program(&how, &want);

		for (size_t len = 0; len < program.len; len += 1 + unit_below(97))
			assert_true(layout_of(program.p, len, &have) < 0);
		for (unsigned i = 0; i < 300; i++) {
			size_t at = unit_below(program.len);
			uint8_t was = program.p[at];

			program.p[at] = (uint8_t)unit_random();
			layout_of(program.p, program.len, &have);
			if (i % 4)
				program.p[at] = was;
		}
		free(program.p);
	}
}

enum filter { FILTER_WHOLE, FILTER_EMPTY, FILTER_NONE };

/* How many symbols are found in a library, which has one of them. */
static int exports_of(const uint8_t *library, size_t len, enum filter filter)
{
	struct go_elf_symbol symbols[] = {{"no_such_function", 0, 0},
					  {"_cmocka_run_group_tests", 0, 0}};
	int fd = file_of(library, len), found;
	Elf64_Shdr *hashes;
	struct go_elf elf;
	uint32_t words;

	assert_int_equal(go_elf_open(fd, &elf), 0);
	hashes = (Elf64_Shdr *)go_elf_section(&elf, ".gnu.hash");
	assert_non_null(hashes);
	assert_int_equal(go_elf_pread(&elf, hashes->sh_offset + 8, &words, sizeof(words)), 0);
	for (uint64_t i = 0; filter == FILTER_EMPTY && i < words; i++)
		pwrite(fd, &(uint64_t){0}, 8, (off_t)(hashes->sh_offset + 16 + 8 * i));
	if (filter == FILTER_NONE)
		hashes->sh_name = 0;
	found = go_elf_exports(&elf, symbols, 2);
	assert_int_equal(symbols[0].address, 0);
	assert_int_equal(symbols[1].address != 0, found > 0);
	go_elf_close(&elf);
	close(fd);
	return found;
}

static void test_exports(void **state)
{
	struct stat st;
	uint8_t *bytes;
	Dl_info info;
	int fd;

	(void)state;
	assert_true(dladdr((void *)_cmocka_run_group_tests, &info));
	fd = open(info.dli_fname, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	bytes = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	assert_int_equal(exports_of(bytes, (size_t)st.st_size, FILTER_WHOLE), 1);
	assert_int_equal(exports_of(bytes, (size_t)st.st_size, FILTER_EMPTY), 0);
	assert_int_equal(exports_of(bytes, (size_t)st.st_size, FILTER_NONE), 1);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),	cmocka_unit_test(test_missing),
		cmocka_unit_test(test_none),	cmocka_unit_test(test_broken),
		cmocka_unit_test(test_exports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
