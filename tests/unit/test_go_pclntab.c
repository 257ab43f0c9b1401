/* SPDX-License-Identifier: ISC */
/* Go's table of functions, in each of its layouts: what is found in it, and tables that are none. */
#include "tests/unit/go_make.h"

#include <errno.h>

static void finds_functions(void **state)
{
	struct go_made t;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(GO_LAYOUTS); i++) {
		struct go_pclntab tab = go_make(&t, GO_LAYOUTS[i]);
		struct go_function f;

		assert_int_equal(tab.layout, GO_LAYOUTS[i]);
		assert_int_equal(tab.count, 5);
		assert_int_equal(go_pclntab_find(&tab, GO_TEXT, &f), 0);
		assert_string_equal(f.name, "main.first");
		assert_int_equal(go_pclntab_find(&tab, GO_TEXT + 15, &f), 0);
		assert_string_equal(f.name, "main.first");
		assert_int_equal(go_pclntab_find(&tab, GO_TEXT + 16, &f), 0);
		assert_string_equal(f.name, "main.second");
		assert_int_equal(f.entry, GO_TEXT + 16);
		assert_int_equal(f.end, GO_TEXT + 316);
		assert_int_equal(go_pclntab_find(&tab, GO_TEXT + 319, &f), 0);
		assert_string_equal(f.name, "main.third");
		assert_int_equal(go_pclntab_find(&tab, GO_TEXT + 352, &f), -ENOENT);
		assert_int_equal(go_pclntab_find(&tab, GO_TEXT - 1, &f), -ENOENT);
		assert_int_equal(go_pclntab_find_name(&tab, "main.second", &f), 0);
		assert_int_equal(f.entry, GO_TEXT + 16);
		assert_int_equal(go_pclntab_find_name(&tab, "main.sec", &f), -ENOENT);
		assert_int_equal(go_pclntab_function(&tab, 5, &f), -ENOENT);
	}
}

static void moved(void **state)
{
	struct go_made t;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(GO_LAYOUTS); i++) {
		struct go_pclntab tab = go_make(&t, GO_LAYOUTS[i]);
		uint64_t base = 0x555500000000;
		struct go_function f;

		tab.text = GO_LAYOUTS[i] == GO_PCLNTAB_16 ? base : base + GO_TEXT;
		assert_int_equal(go_pclntab_find(&tab, base + GO_TEXT + 20, &f), 0);
		assert_string_equal(f.name, "main.second");
		assert_int_equal(f.entry, base + GO_TEXT + 16);
	}
}

static uint32_t frame_at(const struct go_pclntab *tab, uint64_t offset)
{
	struct go_function f;
	uint32_t bytes;

	assert_int_equal(go_pclntab_find(tab, GO_TEXT + offset, &f), 0);
	assert_int_equal(go_pclntab_frame(tab, &f, GO_TEXT + offset, &bytes), 0);
	return bytes;
}

static void frames(void **state)
{
	struct go_made t;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(GO_LAYOUTS); i++) {
		struct go_pclntab tab = go_make(&t, GO_LAYOUTS[i]);
		struct go_function f;
		uint32_t bytes;

		assert_int_equal(frame_at(&tab, 16), 0);
		assert_int_equal(frame_at(&tab, 19), 0);
		assert_int_equal(frame_at(&tab, 20), 0x58);
		assert_int_equal(frame_at(&tab, 309), 0x58);
		assert_int_equal(frame_at(&tab, 310), 0);
		assert_int_equal(frame_at(&tab, 315), 0);
		/* Another function's address, one without a table, and values that no frame has. */
		assert_int_equal(go_pclntab_find_name(&tab, "main.second", &f), 0);
		assert_int_equal(go_pclntab_frame(&tab, &f, GO_TEXT + 316, &bytes), -EBADMSG);
		go_put32(&t, f.at + (GO_LAYOUTS[i] == GO_PCLNTAB_16 ? 8 : 4) + 12, 40);
		assert_int_equal(go_pclntab_frame(&tab, &f, GO_TEXT + 16, &bytes), -EBADMSG);
		go_put32(&t, f.at + (GO_LAYOUTS[i] == GO_PCLNTAB_16 ? 8 : 4) + 12, 100000);
		assert_int_equal(go_pclntab_frame(&tab, &f, GO_TEXT + 16, &bytes), -EBADMSG);
		assert_int_equal(go_pclntab_find_name(&tab, "main.first", &f), 0);
		assert_int_equal(go_pclntab_frame(&tab, &f, GO_TEXT, &bytes), -EBADMSG);
		assert_int_equal(go_pclntab_find_name(&tab, "main.third", &f), 0);
		assert_int_equal(go_pclntab_frame(&tab, &f, GO_TEXT + 316, &bytes), -ENODATA);
	}
}

static void lines(void **state)
{
	struct go_made t;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(GO_LAYOUTS); i++) {
		struct go_pclntab tab = go_make(&t, GO_LAYOUTS[i]);
		const char *file;
		struct go_function f;
		uint32_t line;

		assert_int_equal(go_pclntab_find(&tab, GO_TEXT + 115, &f), 0);
		assert_int_equal(go_pclntab_line(&tab, &f, GO_TEXT + 115, &file, &line), 0);
		assert_string_equal(file, "/src/b.go");
		assert_int_equal(line, 1000);
		assert_int_equal(go_pclntab_line(&tab, &f, GO_TEXT + 116, &file, &line), 0);
		assert_int_equal(line, 7);
		assert_int_equal(go_pclntab_find(&tab, GO_TEXT + 316, &f), 0);
		assert_int_equal(go_pclntab_line(&tab, &f, GO_TEXT + 316, &file, &line), -ENODATA);
	}
}

static void refused(void **state)
{
	struct go_made t;
	struct go_pclntab tab;

	(void)state;
	go_make(&t, GO_PCLNTAB_20);
	for (size_t size = 0; size < 72; size++)
		assert_int_equal(go_pclntab_init(&tab, t.bytes, size), -EBADMSG);
	go_put32(&t, 0, 0xfffffffb);
	assert_int_equal(go_pclntab_init(&tab, t.bytes, t.size), -EOPNOTSUPP);
	go_put32(&t, 0, 0xfffffff7);
	assert_int_equal(go_pclntab_init(&tab, t.bytes, t.size), -EBADMSG);
	go_make(&t, GO_PCLNTAB_20);
	t.bytes[7] = 4;
	assert_int_equal(go_pclntab_init(&tab, t.bytes, t.size), -EOPNOTSUPP);
	for (size_t word = 32; word < 72; word += 8) {
		go_make(&t, GO_PCLNTAB_20);
		go_put64(&t, word, t.size);
		assert_int_equal(go_pclntab_init(&tab, t.bytes, t.size), -EBADMSG);
	}
	for (unsigned shift = 7; shift < 64; shift += 8) {
		go_make(&t, GO_PCLNTAB_20);
		go_put64(&t, 8, 1ull << shift);
		assert_int_equal(go_pclntab_init(&tab, t.bytes, t.size), -EBADMSG);
	}
	go_make(&t, GO_PCLNTAB_20);
	go_put64(&t, 8, 0);
	assert_int_equal(go_pclntab_init(&tab, t.bytes, t.size), -EBADMSG);
}

/* Functions that are not in order, have no end, or no name, are told from those that have. */
static void lies(void **state)
{
	struct go_made t;
	struct go_pclntab tab = go_make(&t, GO_PCLNTAB_18);
	struct go_function f;

	(void)state;
	go_put32(&t, GO_PARTS[4] + 8, 400);
	assert_int_equal(go_pclntab_function(&tab, 1, &f), -EBADMSG);
	assert_int_equal(go_pclntab_function(&tab, 2, &f), 0);
	tab = go_make(&t, GO_PCLNTAB_18);
	go_put32(&t, GO_PARTS[4] + 12, (uint32_t)(t.size - GO_PARTS[4] - 30));
	assert_int_equal(go_pclntab_function(&tab, 1, &f), -EBADMSG);
	assert_int_equal(go_pclntab_find(&tab, GO_TEXT + 20, &f), -EBADMSG);
	assert_int_equal(go_pclntab_find_name(&tab, "main.third", &f), 0);
	tab = go_make(&t, GO_PCLNTAB_18);
	memset(t.bytes + GO_TABLE_SIZE / 2, 'x', GO_TABLE_SIZE / 2);
	go_put32(&t, GO_PARTS[4] + 96 + 4, (uint32_t)(600 - GO_PARTS[0]));
	assert_int_equal(go_pclntab_function(&tab, 0, &f), -EBADMSG);
}

static void scanned(void **state)
{
	uint8_t section[2048];
	struct go_made t;
	size_t offset;

	(void)state;
	go_make(&t, GO_PCLNTAB_20);
	memset(section, 0, sizeof(section));
	assert_int_equal(go_pclntab_scan(section, sizeof(section), &offset), -ENOENT);
	/* A header with nothing behind it is not taken for one. */
	memcpy(section + 256, t.bytes, 72);
	assert_int_equal(go_pclntab_scan(section, 256 + 72, &offset), -ENOENT);
	memcpy(section + 1024, t.bytes, t.size);
	section[256 + 6] = 4;
	assert_int_equal(go_pclntab_scan(section, sizeof(section), &offset), 0);
	assert_int_equal(offset, 1024);
	assert_int_equal(go_pclntab_scan(section, 1024 + 71, &offset), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_functions), cmocka_unit_test(moved),
		cmocka_unit_test(frames),	   cmocka_unit_test(lines),
		cmocka_unit_test(refused),	   cmocka_unit_test(lies),
		cmocka_unit_test(scanned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
