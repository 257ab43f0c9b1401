/* SPDX-License-Identifier: ISC */
/* A program with the debugging information of Go's runtime, made up: all that layout.h lists. */
#ifndef MSTAT_TESTS_GODWARF_MAKE_H
#define MSTAT_TESTS_GODWARF_MAKE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "collector/runtimes/go/layout.h"

enum go_make_packing { GO_MAKE_PLAIN, GO_MAKE_COMPRESSED, GO_MAKE_ZDEBUG };

struct go_make {
	unsigned version;	      /* of DWARF */
	bool is_wide;		      /* 64-bit DWARF */
	bool has_near_refs;	      /* references inside of the unit */
	enum go_make_packing packing; /* of the debug sections */
	const char *unit;	      /* NULL: "runtime" */
	const char *without;	      /* a path of layout.h that is left out; NULL: none */
};

struct go_make_bytes {
	uint8_t *p; /* owned */
	size_t len;
};

static inline void go_make_raw(struct go_make_bytes *b, const void *src, size_t len)
{
	b->p = realloc(b->p, b->len + len + 1);
	if (len)
		memcpy(b->p + b->len, src, len);
	b->len += len;
}

static inline void go_make_number(struct go_make_bytes *b, uint64_t value, size_t size)
{
	go_make_raw(b, &value, size);
}

static inline void go_make_leb(struct go_make_bytes *b, uint64_t value)
{
	do {
		go_make_number(b, (value & 0x7f) | (value > 0x7f ? 0x80 : 0), 1);
		value >>= 7;
	} while (value);
}

static inline void go_make_text(struct go_make_bytes *b, const char *text, size_t len)
{
	go_make_raw(b, text, len);
	go_make_number(b, 0, 1);
}

/* ---- entries --------------------------------------------------------------------------------- */

/* Numbers of abbreviations. */
enum {
	GO_MAKE_UNIT = 1,
	GO_MAKE_STRUCT,
	GO_MAKE_MEMBER,
	GO_MAKE_VARIABLE,
	GO_MAKE_TYPEDEF,
	GO_MAKE_ARRAY,
	GO_MAKE_FUNCTION,
	GO_MAKE_LOCAL,
};

static inline void go_make_abbrevs(struct go_make_bytes *b, bool has_near_refs)
{
	uint8_t ref = has_near_refs ? 0x13 : 0x10;
	const uint8_t table[] = {
		/* code, tag, children, {attribute, form}..., 0, 0 */
		GO_MAKE_UNIT,
		0x11,
		1,
		0x03,
		0x08,
		0x13,
		0x0b,
		0,
		0, /* name, language */
		GO_MAKE_STRUCT,
		0x13,
		1,
		0x03,
		0x08,
		0x0b,
		0x0f,
		0,
		0, /* name, size: udata */
		GO_MAKE_MEMBER,
		0x0d,
		0,
		0x03,
		0x08,
		0x38,
		0x0f,
		0x49,
		ref,
		0,
		0,
		GO_MAKE_VARIABLE,
		0x34,
		0,
		0x03,
		0x08,
		0x02,
		0x0a,
		0x49,
		ref,
		0,
		0,
		GO_MAKE_TYPEDEF,
		0x16,
		0,
		0x03,
		0x08,
		0x49,
		ref,
		0,
		0,
		GO_MAKE_ARRAY,
		0x01,
		0,
		0x49,
		ref,
		0x0b,
		0x06,
		0,
		0, /* type, size: data4 */
		GO_MAKE_FUNCTION,
		0x2e,
		1,
		0x03,
		0x08,
		0x20,
		0x0b,
		0x3f,
		0x19,
		0,
		0,
		GO_MAKE_LOCAL,
		0x34,
		0,
		0x03,
		0x08,
		0x02,
		0x18,
		0,
		0, /* location: exprloc */
		0,
	};

	go_make_raw(b, table, sizeof(table));
}

struct go_make_state {
	const struct go_make *how;
	struct go_make_bytes info;
	uint64_t unit; /* where it begins */
	struct go_layout *expected;
	uint64_t delta_size;
};

static inline void go_make_ref(struct go_make_state *s, uint64_t offset)
{
	if (s->how->has_near_refs)
		go_make_number(&s->info, offset - s->unit, 4);
	else
		go_make_number(&s->info, offset, s->how->is_wide ? 8 : 4);
}

/* A type of that size: an array of itself, by another name. Returns where it stands. */
static inline uint64_t go_make_type(struct go_make_state *s, uint64_t element, uint64_t size)
{
	uint64_t array = s->info.len, name;

	go_make_leb(&s->info, GO_MAKE_ARRAY);
	go_make_ref(s, element ? element : array);
	go_make_number(&s->info, size, 4);
	name = s->info.len;
	go_make_leb(&s->info, GO_MAKE_TYPEDEF);
	go_make_text(&s->info, "runtime.some", 12);
	go_make_ref(s, array);
	return name;
}

static const struct {
	enum go_struct within;
	const char *path;
} go_make_members[] = {
#define GO_MAKE_PATH(name, in, path) {GO_STRUCT_##in, path},
	GO_MEMBER_LIST(GO_MAKE_PATH)
#undef GO_MAKE_PATH
};

static inline uint64_t go_make_size(const struct go_make_state *s, const char *path, size_t len)
{
	static const struct {
		const char *path;
		uint64_t size;
	} sizes[] = {
		{"pause_ns", 2048},	 {"pause_end", 2048}, {"smallAllocCount", 544},
		{"smallFreeCount", 544}, {"alloc", 1088},
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (strlen(sizes[i].path) == len && !strncmp(path, sizes[i].path, len))
			return sizes[i].size;
	return len == 15 && !strncmp(path, "heapStats.stats", 15) ? 3 * s->delta_size : 8;
}

/* Whether a path of the structure's begins so, or is that; and is not left out. */
static inline bool go_make_below(const struct go_make_state *s, size_t i, enum go_struct within,
				 const char *prefix, size_t len)
{
	const char *path = go_make_members[i].path;

	return go_make_members[i].within == within && !strncmp(path, prefix, len) &&
	       (!s->how->without || strcmp(path, s->how->without) != 0);
}

struct go_make_field {
	const char *path; /* up to len */
	size_t len;
	uint64_t type, size, offset;
};

/*
 * A structure with what stands below a prefix ("gFree."), and before it those that are inside of it. Returns
 * where it stands; its members are told from `base` on.
 */
static inline uint64_t go_make_struct(struct go_make_state *s, enum go_struct within,
				      const char *name, const char *prefix, size_t prefix_len,
				      uint64_t base, uint64_t *ret_size)
{
	struct go_make_field fields[64];
	size_t count = 0;
	uint64_t at = base ? 0 : 8, die;

	for (size_t i = 0; i < GO_MEMBERS; i++) {
		const char *path = go_make_members[i].path;
		size_t len = prefix_len +
			     strcspn(path + (strlen(path) < prefix_len ? 0 : prefix_len), ".#");
		struct go_make_field *f = &fields[count];
		bool is_known = len == prefix_len;

		if (!go_make_below(s, i, within, prefix, prefix_len))
			continue;
		for (size_t k = 0; k < count; k++)
			is_known = is_known ||
				   (fields[k].len == len && !strncmp(fields[k].path, path, len));
		if (is_known)
			continue;
		*f = (struct go_make_field){path, len, 0, go_make_size(s, path, len), at};
		if (path[len] == '.')
			f->type = go_make_struct(s, within, "", path, len + 1, base + at, &f->size);
		else
			f->type = go_make_type(s, 0, f->size);
		at += f->size;
		count++;
	}
	die = s->info.len;
	go_make_leb(&s->info, GO_MAKE_STRUCT);
	go_make_text(&s->info, name, strlen(name));
	go_make_leb(&s->info, at);
	for (size_t k = 0; k < count; k++) {
		size_t len = fields[k].len - prefix_len;

		go_make_leb(&s->info, GO_MAKE_MEMBER);
		go_make_text(&s->info, fields[k].path + prefix_len, len);
		go_make_leb(&s->info, fields[k].offset);
		go_make_ref(s, fields[k].type);
		for (size_t i = 0; i < GO_MEMBERS; i++) {
			const char *path = go_make_members[i].path;

			if (!go_make_below(s, i, within, fields[k].path, fields[k].len))
				continue;
			if (path[fields[k].len] == '\0' || path[fields[k].len] == '#') {
				s->expected->has[i] = true;
				s->expected->member[i] =
					(uint32_t)(path[fields[k].len] ? fields[k].size
								       : base + fields[k].offset);
			}
		}
	}
	go_make_leb(&s->info, 0);
	*ret_size = at;
	return die;
}

/* A function with a variable that has a structure's name: nothing that is right below the unit. */
static inline void go_make_function(struct go_make_state *s)
{
	go_make_leb(&s->info, GO_MAKE_FUNCTION);
	go_make_text(&s->info, "runtime.f", 9);
	go_make_number(&s->info, 1, 1);
	go_make_leb(&s->info, GO_MAKE_LOCAL);
	go_make_text(&s->info, "runtime.memstats", 16);
	go_make_leb(&s->info, 9);
	go_make_number(&s->info, 3, 1);
	go_make_number(&s->info, 0x666, 8);
	go_make_leb(&s->info, 0);
}

static inline void go_make_variables(struct go_make_state *s, uint64_t type)
{
	static const char *const names[] = {
#define GO_MAKE_NAME(name, text) text,
		GO_GLOBAL_LIST(GO_MAKE_NAME)};

	for (size_t i = 0; i < GO_GLOBALS; i++) {
		s->expected->global[i] = 0x500000 + i * 0x10000;
		go_make_leb(&s->info, GO_MAKE_VARIABLE);
		go_make_text(&s->info, names[i], strlen(names[i]));
		go_make_number(&s->info, 9, 1);
		go_make_number(&s->info, 3, 1);
		go_make_number(&s->info, s->expected->global[i], 8);
		go_make_ref(s, type);
	}
}

static inline void go_make_structs(struct go_make_state *s)
{
	static const char *const names[] = {GO_STRUCT_LIST(GO_MAKE_NAME)
#undef GO_MAKE_NAME
	};
	uint64_t size;

	go_make_struct(s, GO_STRUCT_DELTA, names[GO_STRUCT_DELTA], "", 0, 0, &s->delta_size);
	s->expected->has[GO_DELTA_SIZE] = true;
	s->expected->member[GO_DELTA_SIZE] = (uint32_t)s->delta_size;
	for (unsigned i = 0; i < GO_STRUCTS; i++)
		if (i != GO_STRUCT_DELTA)
			go_make_struct(s, i, names[i], "", 0, 0, &size);
}

/* Begins a unit; what has been begun is to be ended. */
static inline void go_make_begin(struct go_make_state *s, const char *name)
{
	unsigned wide = s->how->is_wide ? 8 : 4;

	s->unit = s->info.len;
	if (s->how->is_wide)
		go_make_number(&s->info, UINT32_MAX, 4);
	go_make_number(&s->info, 0, wide);
	go_make_number(&s->info, s->how->version, 2);
	if (s->how->version >= 5) {
		go_make_number(&s->info, 1, 1);
		go_make_number(&s->info, 8, 1);
		go_make_number(&s->info, 0, wide);
	} else {
		go_make_number(&s->info, 0, wide);
		go_make_number(&s->info, 8, 1);
	}
	go_make_leb(&s->info, GO_MAKE_UNIT);
	go_make_text(&s->info, name, strlen(name));
	go_make_number(&s->info, 22, 1);
}

static inline void go_make_end(struct go_make_state *s)
{
	size_t head = s->how->is_wide ? 12 : 4;
	uint64_t length;

	go_make_leb(&s->info, 0);
	length = s->info.len - s->unit - head;
	memcpy(s->info.p + s->unit + head - (s->how->is_wide ? 8 : 4), &length,
	       s->how->is_wide ? 8 : 4);
}

/* ---- the file -------------------------------------------------------------------------------- */

static inline struct go_make_bytes go_make_pack(struct go_make_bytes plain,
						enum go_make_packing how)
{
	struct go_make_bytes b = {0};
	uLongf len = compressBound(plain.len);
	uint8_t *packed = malloc(len);
	Elf64_Chdr header = {ELFCOMPRESS_ZLIB, 0, plain.len, 1};

	if (how == GO_MAKE_PLAIN) {
		free(packed);
		return plain;
	}
	compress(packed, &len, plain.p, plain.len);
	if (how == GO_MAKE_COMPRESSED)
		go_make_raw(&b, &header, sizeof(header));
	else {
		go_make_raw(&b, "ZLIB", 4);
		go_make_number(&b, __builtin_bswap64(plain.len), 8);
	}
	go_make_raw(&b, packed, len);
	free(packed);
	free(plain.p);
	return b;
}

/* An ELF file of these sections, after an empty one and before that of their names; frees their bytes. */
static inline struct go_make_bytes
go_make_elf(const char *const *names, struct go_make_bytes *sections, size_t count, uint64_t flags)
{
	struct go_make_bytes b = {0}, text = {0};
	Elf64_Shdr headers[16] = {0};
	Elf64_Ehdr header = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = (uint16_t)(count + 2),
		.e_shstrndx = (uint16_t)(count + 1),
	};

	go_make_raw(&b, &header, sizeof(header));
	go_make_number(&text, 0, 1);
	for (size_t i = 0; i < count; i++) {
		headers[i + 1] = (Elf64_Shdr){
			.sh_name = (uint32_t)text.len,
			.sh_type = SHT_PROGBITS,
			.sh_flags = flags,
			.sh_offset = b.len,
			.sh_size = sections[i].len,
		};
		go_make_text(&text, names[i], strlen(names[i]));
		go_make_raw(&b, sections[i].p, sections[i].len);
		free(sections[i].p);
	}
	headers[count + 1] = (Elf64_Shdr){
		.sh_type = SHT_STRTAB,
		.sh_offset = b.len,
		.sh_size = text.len,
	};
	go_make_raw(&b, text.p, text.len);
	free(text.p);
	header.e_shoff = b.len;
	memcpy(b.p, &header, sizeof(header));
	go_make_raw(&b, headers, (count + 2) * sizeof(*headers));
	return b;
}

/* The program; free() its bytes. expected is what is to be found in it. */
static inline struct go_make_bytes go_make_program(const struct go_make *how,
						   struct go_layout *ret_expected)
{
	struct go_make_state s = {.how = how, .expected = ret_expected};
	struct go_make_bytes sections[2] = {0};
	bool is_old = how->packing == GO_MAKE_ZDEBUG;
	const char *const names[] = {is_old ? ".zdebug_info" : ".debug_info",
				     is_old ? ".zdebug_abbrev" : ".debug_abbrev"};

	*ret_expected = (struct go_layout){0};
	go_make_begin(&s, "main");
	go_make_function(&s);
	go_make_end(&s);
	go_make_begin(&s, how->unit ? how->unit : "runtime");
	go_make_function(&s);
	go_make_structs(&s);
	go_make_variables(&s, go_make_type(&s, 0, 8));
	go_make_end(&s);
	go_make_abbrevs(&sections[1], how->has_near_refs);
	sections[0] = go_make_pack(s.info, how->packing);
	sections[1] = go_make_pack(sections[1], how->packing);
	return go_make_elf(names, sections, 2,
			   how->packing == GO_MAKE_COMPRESSED ? SHF_COMPRESSED : 0);
}

#endif
