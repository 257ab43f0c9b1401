/* SPDX-License-Identifier: ISC */
/* What a Go program knows of itself, in data with what looks like it; and inlined calls. */
#include "tests/unit/go_make.h"

#include <errno.h>

#include "collector/runtimes/go/inline.h"
#include "collector/runtimes/go/moduledata.h"

#define TABLE 0x500000u
#define DATA  0x4f0000u /* of functions */
#define WORDS 44

static struct go_made table;
static struct go_pclntab tab;
static uint64_t data[256];

static void put(size_t at)
{
	memset(data + at, 0, 8 * WORDS);
	data[at] = TABLE;
	data[at + 1] = TABLE + tab.names;
	data[at + 10] = TABLE + tab.values;
	data[at + 16] = TABLE + tab.functions;
	data[at + 17] = tab.count + 1;
	data[at + 20] = data[at + 22] = GO_TEXT;
	data[at + 21] = GO_TEXT + 352;
	data[at + 23] = GO_TEXT + 400;
	data[at + 38] = DATA + 1;
	data[at + 40] = DATA + 2;
	data[at + 43] = DATA + 3;
}

static int find(unsigned minor, struct go_moduledata *ret)
{
	return go_moduledata_find(data, sizeof(data), &tab, TABLE, minor, ret);
}

static void found(void **state)
{
	struct go_moduledata module;

	(void)state;
	tab = go_make(&table, GO_PCLNTAB_20);
	/* Nothing; the address alone; all but one of its words. */
	assert_int_equal(find(24, &module), -ENOENT);
	data[3] = TABLE;
	put(100);
	data[117]++;
	assert_int_equal(find(24, &module), -ENOENT);
	put(100);
	assert_int_equal(find(24, &module), 0);
	assert_int_equal(module.text, GO_TEXT);
	assert_int_equal(module.text_end, GO_TEXT + 400);
	assert_int_equal(module.functions_data, DATA + 2);
	assert_int_equal(find(27, &module), 0);
	assert_int_equal(module.functions_data, DATA + 3);
	assert_int_equal(find(0, &module), 0);
	assert_int_equal(module.functions_data, 0);
	/* Two of them; one that does not end. */
	put(180);
	assert_int_equal(find(24, &module), -ENOENT);
	data[100] = 0;
	assert_int_equal(find(24, &module), 0);
	assert_int_equal(go_moduledata_find(data, 8 * (180 + WORDS) - 1, &tab, TABLE, 24, &module),
			 -ENOENT);
	assert_int_equal(go_moduledata_find(data, 0, &tab, TABLE, 24, &module), -ENOENT);
	tab = go_make(&table, GO_PCLNTAB_18);
	put(180);
	assert_int_equal(find(19, &module), 0);
	assert_int_equal(module.functions_data, DATA + 1);
}

/* At most two calls: each a name and where it is called. */
static uint8_t calls[64];

static int read_calls(void *arg, uint64_t address, void *buf, size_t size)
{
	(void)arg;
	if (address < DATA + 8 || address + size > DATA + 8 + sizeof(calls))
		return -EFAULT;
	memcpy(buf, calls + (address - DATA - 8), size);
	return 0;
}

/*
 * main.second has a call of main.third in it from its byte 50 on, which has one of main.first from its byte
 * 100 on.
 */
static void make_inlined(enum go_pclntab_layout layout)
{
	size_t fixed = layout == GO_PCLNTAB_20 ? 44 : 40, size = layout == GO_PCLNTAB_20 ? 16 : 20;
	size_t name = layout == GO_PCLNTAB_20 ? 4 : 12, parent = layout == GO_PCLNTAB_20 ? 8 : 16;
	struct bytes_out out;
	struct go_function f;
	uint32_t v;

	tab = go_make(&table, layout);
	assert_int_equal(go_pclntab_find_name(&tab, "main.second", &f), 0);
	/* What comes behind it is overwritten: it is not asked for. */
	go_put32(&table, f.at + 4 + 24, 3);
	table.bytes[f.at + fixed - 1] = 4;
	go_put32(&table, f.at + fixed + 8, 55);
	go_put32(&table, f.at + fixed + 12 + 12, 8);
	out = (struct bytes_out){.p = table.bytes + GO_PARTS[3] + 55,
				 .end = table.bytes + GO_PARTS[4]};
	bytes_put_zigzag(&out, 0);
	bytes_put_varint(&out, 50);
	bytes_put_zigzag(&out, 1);
	bytes_put_varint(&out, 50);
	bytes_put_zigzag(&out, 1);
	bytes_put_varint(&out, 100);
	bytes_put_u8(&out, 0);
	assert_false(out.full);
	memset(calls, 0, sizeof(calls));
	v = 24;
	memcpy(calls + name, &v, 4);
	v = 10;
	memcpy(calls + parent, &v, 4);
	v = 1;
	memcpy(calls + size + name, &v, 4);
	v = 60;
	memcpy(calls + size + parent, &v, 4);
}

static void inlined(void **state)
{
	static const enum go_pclntab_layout layouts[] = {GO_PCLNTAB_18, GO_PCLNTAB_20};
	const struct go_code code = {read_calls, NULL};
	struct go_moduledata module = {.functions_data = DATA};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(layouts); i++) {
		struct go_function f;
		const char *name;
		struct go_inline at = {0};

		make_inlined(layouts[i]);
		assert_int_equal(go_pclntab_find_name(&tab, "main.second", &f), 0);
		at.pc = f.entry + 150;
		assert_int_equal(go_inline_next(&tab, &module, &code, &f, &at, &name), 1);
		assert_string_equal(name, "main.first");
		assert_int_equal(at.pc, f.entry + 60);
		assert_int_equal(go_inline_next(&tab, &module, &code, &f, &at, &name), 1);
		assert_string_equal(name, "main.third");
		assert_int_equal(at.pc, f.entry + 10);
		assert_int_equal(go_inline_next(&tab, &module, &code, &f, &at, &name), 0);
		/* Where nothing is known, of the function or of its data. */
		at.pc = f.entry + 250;
		assert_int_equal(go_inline_next(&tab, &module, &code, &f, &at, &name), 0);
		at.pc = f.entry + 60;
		module.functions_data = 0;
		assert_int_equal(go_inline_next(&tab, &module, &code, &f, &at, &name), -ENODATA);
		module.functions_data = DATA + 100;
		assert_int_equal(go_inline_next(&tab, &module, &code, &f, &at, &name), -EFAULT);
		module.functions_data = DATA;
		memset(calls, 0x7f, sizeof(calls));
		assert_int_equal(go_inline_next(&tab, &module, &code, &f, &at, &name), -EBADMSG);
		/* One that is called in itself. */
		memset(calls, 0, sizeof(calls));
		calls[layouts[i] == GO_PCLNTAB_20 ? 8 : 16] = 60;
		at.depth = 0;
		for (int n = 0; n < GO_INLINE_MAX; n++)
			assert_int_equal(go_inline_next(&tab, &module, &code, &f, &at, &name), 1);
		assert_int_equal(go_inline_next(&tab, &module, &code, &f, &at, &name), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(found), cmocka_unit_test(inlined)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
