/* SPDX-License-Identifier: ISC */
/* Go's table of functions, in each of its layouts: what is found in it, and tables that are none. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "collector/runtimes/go/pclntab.h"
#include "core/bytes.h"

#define TEXT	   0x401000u
#define TABLE_SIZE 1024

/* A table of three functions: main.first of 16 bytes, main.second of 300, and one that has no values. */
struct table {
	uint8_t bytes[TABLE_SIZE];
	size_t size;
	enum go_pclntab_layout layout;
};

static const enum go_pclntab_layout LAYOUTS[] = {GO_PCLNTAB_16, GO_PCLNTAB_18, GO_PCLNTAB_20};
static const uint32_t MAGICS[] = {0xfffffffa, 0xfffffff0, 0xfffffff1};
static const uint32_t ENTRIES[] = {0, 16, 316, 320};

/* Where its parts are: names, units, files, values, functions. */
static const uint64_t PARTS[] = {128, 192, 208, 256, 320};
static const char NAMES[] = "\0main.first\0main.second\0main.third";
static const char FILES[] = "a.go\0/src/b.go";

static void put32(struct table *t, size_t at, uint32_t v)
{
	memcpy(t->bytes + at, &v, sizeof(v));
}

static void put64(struct table *t, size_t at, uint64_t v)
{
	memcpy(t->bytes + at, &v, sizeof(v));
}

/* An address of code, as the layout has it; returns where the next one goes. */
static size_t put_entry(struct table *t, size_t at, uint32_t offset)
{
	if (t->layout == GO_PCLNTAB_16)
		put64(t, at, TEXT + offset);
	else
		put32(t, at, offset);
	return at + (t->layout == GO_PCLNTAB_16 ? 8 : 4);
}

static void put_values(struct table *t)
{
	struct bytes_out out = {.p = t->bytes + PARTS[3] + 1, .end = t->bytes + PARTS[4]};

	/* 1: frames of main.second. 0 for 4 bytes, 0x58 for 290, 0 for 6. */
	bytes_put_zigzag(&out, 1);
	bytes_put_varint(&out, 4);
	bytes_put_zigzag(&out, 0x58);
	bytes_put_varint(&out, 290);
	bytes_put_zigzag(&out, -0x58);
	bytes_put_varint(&out, 6);
	bytes_put_u8(&out, 0);
	/* 13: files: the second one of the unit throughout. */
	out.p = t->bytes + PARTS[3] + 13;
	bytes_put_zigzag(&out, 2);
	bytes_put_varint(&out, 300);
	bytes_put_u8(&out, 0);
	/* 20: lines: 1000 for 100 bytes, then 7. */
	out.p = t->bytes + PARTS[3] + 20;
	bytes_put_zigzag(&out, 1001);
	bytes_put_varint(&out, 100);
	bytes_put_zigzag(&out, -993);
	bytes_put_varint(&out, 200);
	bytes_put_u8(&out, 0);
	/* 30: nothing added first, which is the value -1; 40: a frame that is none. */
	out.p = t->bytes + PARTS[3] + 30;
	bytes_put_zigzag(&out, 0);
	bytes_put_varint(&out, 16);
	bytes_put_u8(&out, 0);
	out.p = t->bytes + PARTS[3] + 40;
	bytes_put_zigzag(&out, 5);
	bytes_put_varint(&out, 300);
	bytes_put_u8(&out, 0);
	assert_false(out.full);
}

static size_t put_function(struct table *t, size_t at, unsigned number)
{
	static const uint32_t names[] = {1, 12, 24}, pcsp[] = {30, 1, 0}, file[] = {0, 13, 0},
			      line[] = {0, 20, 0};

	at = put_entry(t, at, ENTRIES[number]);
	put32(t, at, names[number]);
	put32(t, at + 12, pcsp[number]);
	put32(t, at + 16, file[number]);
	put32(t, at + 20, line[number]);
	put32(t, at + 28, 2); /* its unit's files begin there */
	return at + 40;
}

static struct go_pclntab make(struct table *t, enum go_pclntab_layout layout)
{
	struct go_pclntab tab;
	size_t list = PARTS[4], at, word = 24;

	*t = (struct table){.size = 640, .layout = layout};
	for (size_t i = 0; i < UNIT_COUNT(LAYOUTS); i++)
		if (LAYOUTS[i] == layout)
			put32(t, 0, MAGICS[i]);
	t->bytes[6] = 1;
	t->bytes[7] = 8;
	put64(t, 8, 3);
	if (layout != GO_PCLNTAB_16) {
		put64(t, word, TEXT);
		word += 8;
	}
	for (size_t i = 0; i < UNIT_COUNT(PARTS); i++)
		put64(t, word + 8 * i, PARTS[i]);
	memcpy(t->bytes + PARTS[0], NAMES, sizeof(NAMES));
	memcpy(t->bytes + PARTS[2], FILES, sizeof(FILES));
	/* Units: two that are another's, a.go, b.go. */
	put32(t, PARTS[1] + 12, 5);
	put_values(t);
	at = list + 64;
	for (unsigned i = 0; i < 3; i++) {
		list = put_entry(t, list, ENTRIES[i]);
		if (layout == GO_PCLNTAB_16)
			put64(t, list, at - PARTS[4]);
		else
			put32(t, list, (uint32_t)(at - PARTS[4]));
		list += layout == GO_PCLNTAB_16 ? 8 : 4;
		at = put_function(t, at, i);
	}
	put_entry(t, list, ENTRIES[3]);
	assert_int_equal(go_pclntab_init(&tab, t->bytes, t->size), 0);
	return tab;
}

static void finds_functions(void **state)
{
	struct table t;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(LAYOUTS); i++) {
		struct go_pclntab tab = make(&t, LAYOUTS[i]);
		struct go_function f;

		assert_int_equal(tab.layout, LAYOUTS[i]);
		assert_int_equal(tab.count, 3);
		assert_int_equal(go_pclntab_find(&tab, TEXT, &f), 0);
		assert_string_equal(f.name, "main.first");
		assert_int_equal(go_pclntab_find(&tab, TEXT + 15, &f), 0);
		assert_string_equal(f.name, "main.first");
		assert_int_equal(go_pclntab_find(&tab, TEXT + 16, &f), 0);
		assert_string_equal(f.name, "main.second");
		assert_int_equal(f.entry, TEXT + 16);
		assert_int_equal(f.end, TEXT + 316);
		assert_int_equal(go_pclntab_find(&tab, TEXT + 319, &f), 0);
		assert_string_equal(f.name, "main.third");
		assert_int_equal(go_pclntab_find(&tab, TEXT + 320, &f), -ENOENT);
		assert_int_equal(go_pclntab_find(&tab, TEXT - 1, &f), -ENOENT);
		assert_int_equal(go_pclntab_find_name(&tab, "main.second", &f), 0);
		assert_int_equal(f.entry, TEXT + 16);
		assert_int_equal(go_pclntab_find_name(&tab, "main.sec", &f), -ENOENT);
		assert_int_equal(go_pclntab_function(&tab, 3, &f), -ENOENT);
	}
}

static void moved(void **state)
{
	struct table t;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(LAYOUTS); i++) {
		struct go_pclntab tab = make(&t, LAYOUTS[i]);
		uint64_t base = 0x555500000000;
		struct go_function f;

		tab.text = LAYOUTS[i] == GO_PCLNTAB_16 ? base : base + TEXT;
		assert_int_equal(go_pclntab_find(&tab, base + TEXT + 20, &f), 0);
		assert_string_equal(f.name, "main.second");
		assert_int_equal(f.entry, base + TEXT + 16);
	}
}

static uint32_t frame_at(const struct go_pclntab *tab, uint64_t offset)
{
	struct go_function f;
	uint32_t bytes;

	assert_int_equal(go_pclntab_find(tab, TEXT + offset, &f), 0);
	assert_int_equal(go_pclntab_frame(tab, &f, TEXT + offset, &bytes), 0);
	return bytes;
}

static void frames(void **state)
{
	struct table t;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(LAYOUTS); i++) {
		struct go_pclntab tab = make(&t, LAYOUTS[i]);
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
		assert_int_equal(go_pclntab_frame(&tab, &f, TEXT + 316, &bytes), -EBADMSG);
		put32(&t, f.at + (LAYOUTS[i] == GO_PCLNTAB_16 ? 8 : 4) + 12, 40);
		assert_int_equal(go_pclntab_frame(&tab, &f, TEXT + 16, &bytes), -EBADMSG);
		put32(&t, f.at + (LAYOUTS[i] == GO_PCLNTAB_16 ? 8 : 4) + 12, 100000);
		assert_int_equal(go_pclntab_frame(&tab, &f, TEXT + 16, &bytes), -EBADMSG);
		assert_int_equal(go_pclntab_find_name(&tab, "main.first", &f), 0);
		assert_int_equal(go_pclntab_frame(&tab, &f, TEXT, &bytes), -EBADMSG);
		assert_int_equal(go_pclntab_find_name(&tab, "main.third", &f), 0);
		assert_int_equal(go_pclntab_frame(&tab, &f, TEXT + 316, &bytes), -ENODATA);
	}
}

static void lines(void **state)
{
	struct table t;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(LAYOUTS); i++) {
		struct go_pclntab tab = make(&t, LAYOUTS[i]);
		const char *file;
		struct go_function f;
		uint32_t line;

		assert_int_equal(go_pclntab_find(&tab, TEXT + 115, &f), 0);
		assert_int_equal(go_pclntab_line(&tab, &f, TEXT + 115, &file, &line), 0);
		assert_string_equal(file, "/src/b.go");
		assert_int_equal(line, 1000);
		assert_int_equal(go_pclntab_line(&tab, &f, TEXT + 116, &file, &line), 0);
		assert_int_equal(line, 7);
		assert_int_equal(go_pclntab_find(&tab, TEXT + 316, &f), 0);
		assert_int_equal(go_pclntab_line(&tab, &f, TEXT + 316, &file, &line), -ENODATA);
	}
}

static void refused(void **state)
{
	struct table t;
	struct go_pclntab tab;

	(void)state;
	make(&t, GO_PCLNTAB_20);
	for (size_t size = 0; size < 72; size++)
		assert_int_equal(go_pclntab_init(&tab, t.bytes, size), -EBADMSG);
	put32(&t, 0, 0xfffffffb);
	assert_int_equal(go_pclntab_init(&tab, t.bytes, t.size), -EOPNOTSUPP);
	put32(&t, 0, 0xfffffff7);
	assert_int_equal(go_pclntab_init(&tab, t.bytes, t.size), -EBADMSG);
	make(&t, GO_PCLNTAB_20);
	t.bytes[7] = 4;
	assert_int_equal(go_pclntab_init(&tab, t.bytes, t.size), -EOPNOTSUPP);
	for (size_t word = 32; word < 72; word += 8) {
		make(&t, GO_PCLNTAB_20);
		put64(&t, word, t.size);
		assert_int_equal(go_pclntab_init(&tab, t.bytes, t.size), -EBADMSG);
	}
	for (unsigned shift = 7; shift < 64; shift += 8) {
		make(&t, GO_PCLNTAB_20);
		put64(&t, 8, 1ull << shift);
		assert_int_equal(go_pclntab_init(&tab, t.bytes, t.size), -EBADMSG);
	}
	make(&t, GO_PCLNTAB_20);
	put64(&t, 8, 0);
	assert_int_equal(go_pclntab_init(&tab, t.bytes, t.size), -EBADMSG);
}

/* Functions that are not in order, have no end, or no name, are told from those that have. */
static void lies(void **state)
{
	struct table t;
	struct go_pclntab tab = make(&t, GO_PCLNTAB_18);
	struct go_function f;

	(void)state;
	put32(&t, PARTS[4] + 8, 400);
	assert_int_equal(go_pclntab_function(&tab, 1, &f), -EBADMSG);
	assert_int_equal(go_pclntab_function(&tab, 2, &f), 0);
	tab = make(&t, GO_PCLNTAB_18);
	put32(&t, PARTS[4] + 12, (uint32_t)(t.size - PARTS[4] - 30));
	assert_int_equal(go_pclntab_function(&tab, 1, &f), -EBADMSG);
	assert_int_equal(go_pclntab_find(&tab, TEXT + 20, &f), -EBADMSG);
	assert_int_equal(go_pclntab_find_name(&tab, "main.third", &f), 0);
	tab = make(&t, GO_PCLNTAB_18);
	memset(t.bytes + TABLE_SIZE / 2, 'x', TABLE_SIZE / 2);
	put32(&t, PARTS[4] + 64 + 4, (uint32_t)(600 - PARTS[0]));
	assert_int_equal(go_pclntab_function(&tab, 0, &f), -EBADMSG);
}

static void scanned(void **state)
{
	uint8_t section[2048];
	struct table t;
	size_t offset;

	(void)state;
	make(&t, GO_PCLNTAB_20);
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
