/* SPDX-License-Identifier: ISC */
/* Makes a table of functions as Go's linker does, small, in each of its layouts. */
#ifndef MSTAT_TESTS_GO_MAKE_H
#define MSTAT_TESTS_GO_MAKE_H

#include "collector/runtimes/go/pclntab.h"
#include "core/bytes.h"
#include "tests/unit/unit.h"

#define GO_TEXT	      0x401000u
#define GO_TABLE_SIZE 1024

/*
 * A table of five functions: main.first of 16 bytes, main.second of 300 with a frame of 0x58 in its middle,
 * main.third that has no values, runtime.goexit, and runtime.asyncPreempt with a frame of 0x10.
 */
struct go_made {
	uint8_t bytes[GO_TABLE_SIZE];
	size_t size;
	enum go_pclntab_layout layout;
};

static const enum go_pclntab_layout GO_LAYOUTS[] = {GO_PCLNTAB_16, GO_PCLNTAB_18, GO_PCLNTAB_20};
static const uint32_t GO_MAGICS[] = {0xfffffffa, 0xfffffff0, 0xfffffff1};
static const uint32_t GO_ENTRIES[] = {0, 16, 316, 320, 336, 352};

/* Where its parts are: names, units, files, values, functions. */
static const uint64_t GO_PARTS[] = {128, 208, 224, 256, 320};
static const char GO_NAMES[] =
	"\0main.first\0main.second\0main.third\0runtime.goexit\0runtime.asyncPreempt";
static const char GO_FILES[] = "a.go\0/src/b.go";

static inline void go_put32(struct go_made *t, size_t at, uint32_t v)
{
	memcpy(t->bytes + at, &v, sizeof(v));
}

static inline void go_put64(struct go_made *t, size_t at, uint64_t v)
{
	memcpy(t->bytes + at, &v, sizeof(v));
}

/* An address of code, as the layout has it; returns where the next one goes. */
static inline size_t go_put_entry(struct go_made *t, size_t at, uint32_t offset)
{
	if (t->layout == GO_PCLNTAB_16)
		go_put64(t, at, GO_TEXT + offset);
	else
		go_put32(t, at, offset);
	return at + (t->layout == GO_PCLNTAB_16 ? 8 : 4);
}

static inline void go_put_values(struct go_made *t)
{
	struct bytes_out out = {.p = t->bytes + GO_PARTS[3] + 1, .end = t->bytes + GO_PARTS[4]};

	/* 1: frames of main.second. 0 for 4 bytes, 0x58 for 290, 0 for 6. */
	bytes_put_zigzag(&out, 1);
	bytes_put_varint(&out, 4);
	bytes_put_zigzag(&out, 0x58);
	bytes_put_varint(&out, 290);
	bytes_put_zigzag(&out, -0x58);
	bytes_put_varint(&out, 6);
	bytes_put_u8(&out, 0);
	/* 13: files: the second one of the unit throughout. */
	out.p = t->bytes + GO_PARTS[3] + 13;
	bytes_put_zigzag(&out, 2);
	bytes_put_varint(&out, 300);
	bytes_put_u8(&out, 0);
	/* 20: lines: 1000 for 100 bytes, then 7. */
	out.p = t->bytes + GO_PARTS[3] + 20;
	bytes_put_zigzag(&out, 1001);
	bytes_put_varint(&out, 100);
	bytes_put_zigzag(&out, -993);
	bytes_put_varint(&out, 200);
	bytes_put_u8(&out, 0);
	/* 30: nothing added first, which is the value -1; 40: a frame that is none. */
	out.p = t->bytes + GO_PARTS[3] + 30;
	bytes_put_zigzag(&out, 0);
	bytes_put_varint(&out, 16);
	bytes_put_u8(&out, 0);
	out.p = t->bytes + GO_PARTS[3] + 40;
	bytes_put_zigzag(&out, 5);
	bytes_put_varint(&out, 300);
	bytes_put_u8(&out, 0);
	/* 50: the frame of runtime.asyncPreempt. */
	out.p = t->bytes + GO_PARTS[3] + 50;
	bytes_put_zigzag(&out, 0x11);
	bytes_put_varint(&out, 16);
	bytes_put_u8(&out, 0);
	assert_false(out.full);
}

static inline size_t go_put_function(struct go_made *t, size_t at, unsigned number)
{
	static const uint32_t names[] = {1, 12, 24, 35, 50}, pcsp[] = {30, 1, 0, 0, 50},
			      file[] = {0, 13, 0, 0, 0}, line[] = {0, 20, 0, 0, 0};

	at = go_put_entry(t, at, GO_ENTRIES[number]);
	go_put32(t, at, names[number]);
	go_put32(t, at + 12, pcsp[number]);
	go_put32(t, at + 16, file[number]);
	go_put32(t, at + 20, line[number]);
	go_put32(t, at + 28, 2); /* its unit's files begin there */
	return at + 40;
}

static inline struct go_pclntab go_make(struct go_made *t, enum go_pclntab_layout layout)
{
	struct go_pclntab tab;
	size_t list = GO_PARTS[4], at, word = 24;

	*t = (struct go_made){.size = 704, .layout = layout};
	for (size_t i = 0; i < UNIT_COUNT(GO_LAYOUTS); i++)
		if (GO_LAYOUTS[i] == layout)
			go_put32(t, 0, GO_MAGICS[i]);
	t->bytes[6] = 1;
	t->bytes[7] = 8;
	go_put64(t, 8, 5);
	if (layout != GO_PCLNTAB_16) {
		go_put64(t, word, GO_TEXT);
		word += 8;
	}
	for (size_t i = 0; i < UNIT_COUNT(GO_PARTS); i++)
		go_put64(t, word + 8 * i, GO_PARTS[i]);
	memcpy(t->bytes + GO_PARTS[0], GO_NAMES, sizeof(GO_NAMES));
	memcpy(t->bytes + GO_PARTS[2], GO_FILES, sizeof(GO_FILES));
	/* Units: two that are another's, a.go, b.go. */
	go_put32(t, GO_PARTS[1] + 12, 5);
	go_put_values(t);
	at = list + 96;
	for (unsigned i = 0; i < 5; i++) {
		list = go_put_entry(t, list, GO_ENTRIES[i]);
		if (layout == GO_PCLNTAB_16)
			go_put64(t, list, at - GO_PARTS[4]);
		else
			go_put32(t, list, (uint32_t)(at - GO_PARTS[4]));
		list += layout == GO_PCLNTAB_16 ? 8 : 4;
		at = go_put_function(t, at, i);
	}
	go_put_entry(t, list, GO_ENTRIES[5]);
	assert_int_equal(go_pclntab_init(&tab, t->bytes, t->size), 0);
	return tab;
}

#endif
