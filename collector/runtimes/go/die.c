/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/runtimes/go/die.h"

/* A table of abbreviations larger than any compiler's is not read. */
#define ABBREVS_MAX    4096
#define ATTRIBUTES_MAX 65536
/* An attribute, or 64 bytes of a text; the largest programs' take some 2 million. */
#define STEPS_MAX (1u << 24)
#define LEB_MAX	  10

/* Names of attributes, and forms, that are needed by name. */
enum {
	AT_LOCATION = 0x02,
	AT_NAME = 0x03,
	AT_BYTE_SIZE = 0x0b,
	AT_MEMBER_LOCATION = 0x38,
	AT_TYPE = 0x49,
	OP_ADDR = 0x03,
	OP_PLUS_UCONST = 0x23,
	FORM_INDIRECT = 0x16,
	FORM_IMPLICIT_CONST = 0x21,
	UNIT_COMPILE = 1,
	UNIT_PARTIAL = 3,
};

/* A place of a section, up to where it may be read. */
struct cursor {
	struct go_section *section;
	uint64_t at, end;
	bool bad;
};

enum kind { KIND_OTHER, KIND_NUMBER, KIND_TEXT, KIND_BLOCK, KIND_REF, KIND_REF_IN_UNIT };

struct value {
	enum kind kind;
	uint64_t number; /* KIND_TEXT and KIND_BLOCK: where */
	uint64_t size;
};

static bool have(struct cursor *c, uint64_t size)
{
	if (c->bad || size > c->end - c->at || go_section_want(c->section, c->at + size) < 0)
		c->bad = true;
	return !c->bad;
}

static uint64_t get_number(struct cursor *c, unsigned size)
{
	uint64_t value = 0;

	if (!have(c, size))
		return 0;
	memcpy(&value, c->section->bytes + c->at, size);
	c->at += size;
	return value;
}

static uint64_t get_leb(struct cursor *c)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < LEB_MAX; i++) {
		uint8_t byte = (uint8_t)get_number(c, 1);

		if (i < LEB_MAX - 1 || byte <= 1)
			value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80))
			return value;
	}
	c->bad = true;
	return 0;
}

static int64_t get_signed_leb(struct cursor *c)
{
	uint64_t from = c->at;
	uint64_t value = get_leb(c);
	uint64_t bits = (c->at - from) * 7;

	if (!c->bad && bits < 64 && value >> (bits - 1) & 1)
		value |= ~(uint64_t)0 << bits;
	return (int64_t)value;
}

static void skip(struct cursor *c, uint64_t size)
{
	if (have(c, size))
		c->at += size;
}

/* Returns the length of a text. */
static uint64_t skip_text(struct cursor *c)
{
	uint64_t from = c->at;

	while (have(c, 1)) {
		uint64_t n = c->section->have < c->end ? c->section->have : c->end;
		const uint8_t *zero = memchr(c->section->bytes + c->at, 0, n - c->at);

		c->at = zero ? (uint64_t)(zero - c->section->bytes) + 1 : n;
		if (zero)
			return c->at - from - 1;
	}
	return 0;
}

static void get_block(struct cursor *c, uint64_t size, struct value *ret)
{
	*ret = (struct value){KIND_BLOCK, c->at, size};
	skip(c, size);
}

/* What a form has, as a size: of a number, a reference, or of what is only skipped. 0: not of a fixed size. */
static unsigned fixed_size(unsigned form, const struct go_unit *unit, enum kind *ret_kind)
{
	unsigned wide = unit->is_wide ? 8 : 4;

	*ret_kind = KIND_NUMBER;
	switch (form) {
	case 0x0b: /* data1 */
	case 0x0c: /* flag */
	case 0x25: /* strx1 */
	case 0x29: /* addrx1 */
		return 1;
	case 0x05: /* data2 */
	case 0x26: /* strx2 */
	case 0x2a: /* addrx2 */
		return 2;
	case 0x27: /* strx3 */
	case 0x2b: /* addrx3 */
		return 3;
	case 0x06: /* data4 */
	case 0x1c: /* ref_sup4 */
	case 0x28: /* strx4 */
	case 0x2c: /* addrx4 */
		return 4;
	case 0x01: /* addr */
	case 0x07: /* data8 */
	case 0x20: /* ref_sig8 */
	case 0x24: /* ref_sup8 */
		return 8;
	case 0x0e:   /* strp */
	case 0x17:   /* sec_offset */
	case 0x1d:   /* strp_sup */
	case 0x1f:   /* line_strp */
	case 0x1f20: /* GNU_ref_alt */
	case 0x1f21: /* GNU_strp_alt */
		*ret_kind = KIND_OTHER;
		return wide;
	}
	*ret_kind = form == 0x10 ? KIND_REF : KIND_REF_IN_UNIT;
	switch (form) {
	case 0x10: /* ref_addr */
		return wide;
	case 0x11:
		return 1;
	case 0x12:
		return 2;
	case 0x13:
		return 4;
	case 0x14:
		return 8;
	}
	return 0;
}

static void get_value(struct cursor *c, unsigned form, int64_t constant, const struct go_unit *unit,
		      struct value *ret)
{
	enum kind kind;
	unsigned size = fixed_size(form, unit, &kind);

	if (size > 0) {
		*ret = (struct value){kind, get_number(c, size), 0};
		return;
	}
	*ret = (struct value){KIND_OTHER, 0, 0};
	switch (form) {
	case 0x08: /* string */
		*ret = (struct value){KIND_TEXT, c->at, 0};
		ret->size = skip_text(c);
		return;
	case 0x0a: /* block1 */
		get_block(c, get_number(c, 1), ret);
		return;
	case 0x03: /* block2 */
		get_block(c, get_number(c, 2), ret);
		return;
	case 0x04: /* block4 */
		get_block(c, get_number(c, 4), ret);
		return;
	case 0x09: /* block */
	case 0x18: /* exprloc */
		get_block(c, get_leb(c), ret);
		return;
	case 0x0d: /* sdata */
		*ret = (struct value){KIND_NUMBER, (uint64_t)get_signed_leb(c), 0};
		return;
	case 0x0f: /* udata */
		*ret = (struct value){KIND_NUMBER, get_leb(c), 0};
		return;
	case 0x15: /* ref_udata */
		*ret = (struct value){KIND_REF_IN_UNIT, get_leb(c), 0};
		return;
	case 0x1a:   /* strx */
	case 0x1b:   /* addrx */
	case 0x22:   /* loclistx */
	case 0x23:   /* rnglistx */
	case 0x1f01: /* GNU_addr_index */
	case 0x1f02: /* GNU_str_index */
		get_leb(c);
		return;
	case 0x1e: /* data16 */
		skip(c, 16);
		return;
	case 0x19: /* flag_present */
		return;
	case FORM_IMPLICIT_CONST:
		*ret = (struct value){KIND_NUMBER, (uint64_t)constant, 0};
		return;
	}
	c->bad = true;
}

/* The one number of an expression that has no more than this operation. */
static bool get_expression(const struct go_dies *dies, const struct value *value, unsigned op,
			   uint64_t *ret)
{
	struct cursor c = {(struct go_section *)&dies->info, value->number,
			   value->number + value->size, false};

	if (value->kind != KIND_BLOCK || get_number(&c, 1) != op)
		return false;
	*ret = op == OP_ADDR ? get_number(&c, 8) : get_leb(&c);
	return !c.bad && c.at == c.end;
}

static void take(const struct go_dies *dies, const struct go_unit *unit, unsigned name,
		 const struct value *value, struct go_die *die)
{
	switch (name) {
	case AT_NAME:
		die->name = value->kind == KIND_TEXT ? value->number : 0;
		return;
	case AT_TYPE:
		if (value->kind == KIND_REF)
			die->type = value->number;
		else if (value->kind == KIND_REF_IN_UNIT && value->number < unit->end - unit->start)
			die->type = unit->start + value->number;
		return;
	case AT_BYTE_SIZE:
		die->has_size = value->kind == KIND_NUMBER;
		die->size = value->number;
		return;
	case AT_MEMBER_LOCATION:
		die->has_within = value->kind == KIND_NUMBER;
		die->within = value->number;
		if (!die->has_within)
			die->has_within = get_expression(dies, value, OP_PLUS_UCONST, &die->within);
		return;
	case AT_LOCATION:
		if (!get_expression(dies, value, OP_ADDR, &die->address))
			die->address = 0;
		return;
	}
}

/* ---- abbreviations --------------------------------------------------------------------------- */

static bool add_attributes(struct go_dies *dies, struct cursor *c, struct go_abbrev *abbrev)
{
	abbrev->first = (uint32_t)dies->attributes_count;
	for (;;) {
		uint64_t name = get_leb(c), form = get_leb(c);
		int64_t value = form == FORM_IMPLICIT_CONST ? get_signed_leb(c) : 0;

		if (c->bad)
			return false;
		if (name == 0 && form == 0)
			break;
		if (name > UINT16_MAX || form > UINT16_MAX ||
		    dies->attributes_count == ATTRIBUTES_MAX || dies->steps == 0)
			return false;
		dies->steps--;
		dies->attributes[dies->attributes_count++] =
			(struct go_attribute){(uint16_t)name, (uint16_t)form, value};
	}
	abbrev->count = (uint32_t)dies->attributes_count - abbrev->first;
	return true;
}

static bool add_abbrev(struct go_dies *dies, struct cursor *c, uint64_t code)
{
	struct go_abbrev *abbrev;
	uint64_t tag = get_leb(c);
	bool has_children = get_number(c, 1) != 0;

	if (c->bad || code > ABBREVS_MAX || tag == 0 || tag > UINT16_MAX || dies->steps <= code)
		return false;
	dies->steps--;
	for (; dies->list_count <= code; dies->list_count++, dies->steps--)
		dies->list[dies->list_count] = (struct go_abbrev){0};
	abbrev = &dies->list[code];
	*abbrev = (struct go_abbrev){.tag = (uint16_t)tag, .has_children = has_children};
	return add_attributes(dies, c, abbrev);
}

static bool load_abbrevs(struct go_dies *dies, uint64_t offset)
{
	struct cursor c = {&dies->abbrev, offset, dies->abbrev.size, offset > dies->abbrev.size};
	uint64_t code;

	if (dies->abbrevs == offset)
		return dies->is_readable;
	dies->abbrevs = offset;
	dies->is_readable = false;
	dies->list_count = dies->attributes_count = 0;
	for (code = get_leb(&c); !c.bad && code != 0; code = get_leb(&c))
		if (!add_abbrev(dies, &c, code))
			return false;
	dies->is_readable = !c.bad;
	return dies->is_readable;
}

/* ---- units and entries ----------------------------------------------------------------------- */

int go_dies_open(const struct go_elf *elf, struct go_dies *ret)
{
	int err;

	*ret = (struct go_dies){.abbrevs = UINT64_MAX, .steps = STEPS_MAX};
	err = go_section_open(elf, "debug_info", &ret->info);
	if (err == 0)
		err = go_section_open(elf, "debug_abbrev", &ret->abbrev);
	ret->list = malloc((ABBREVS_MAX + 1) * sizeof(*ret->list));
	ret->attributes = malloc(ATTRIBUTES_MAX * sizeof(*ret->attributes));
	if (err == 0 && (!ret->list || !ret->attributes))
		err = -ENOMEM;
	if (err < 0)
		go_dies_close(ret);
	return err;
}

void go_dies_close(struct go_dies *dies)
{
	go_section_close(&dies->info);
	go_section_close(&dies->abbrev);
	free(dies->list);
	free(dies->attributes);
	*dies = (struct go_dies){0};
}

/* What follows the length of a unit. */
static bool read_unit(struct cursor *c, struct go_unit *unit)
{
	unsigned wide = unit->is_wide ? 8 : 4;
	unsigned type = UNIT_COMPILE, address_size;

	unit->version = (uint16_t)get_number(c, 2);
	if (unit->version >= 5) {
		type = (unsigned)get_number(c, 1);
		address_size = (unsigned)get_number(c, 1);
		unit->abbrevs = get_number(c, wide);
	} else {
		unit->abbrevs = get_number(c, wide);
		address_size = (unsigned)get_number(c, 1);
	}
	return !c->bad && unit->version >= 2 && unit->version <= 5 && address_size == 8 &&
	       (type == UNIT_COMPILE || type == UNIT_PARTIAL);
}

int go_dies_unit(struct go_dies *dies, uint64_t offset, struct go_unit *ret)
{
	struct cursor c = {&dies->info, offset, dies->info.size, offset > dies->info.size};
	uint64_t length;

	if (offset == dies->info.size)
		return -ENOENT;
	if (dies->steps == 0)
		return -EBADMSG;
	dies->steps--;
	*ret = (struct go_unit){.start = offset};
	length = get_number(&c, 4);
	if (length == UINT32_MAX) {
		ret->is_wide = true;
		length = get_number(&c, 8);
	}
	if (c.bad || length == 0 || length > c.end - c.at)
		return -EBADMSG;
	c.end = ret->end = c.at + length;
	ret->dies = read_unit(&c, ret) ? c.at : ret->end;
	return 0;
}

static bool read_attributes(struct go_dies *dies, const struct go_unit *unit, struct cursor *c,
			    const struct go_abbrev *abbrev, struct go_die *die)
{
	for (uint32_t i = 0; i < abbrev->count; i++) {
		const struct go_attribute *attribute = &dies->attributes[abbrev->first + i];
		unsigned form = attribute->form;
		struct value value;
		uint64_t steps;

		if (form == FORM_INDIRECT)
			form = (unsigned)get_leb(c);
		get_value(c, form, attribute->value, unit, &value);
		steps = 1 + value.size / 64;
		if (c->bad || steps > dies->steps)
			return false;
		dies->steps -= steps;
		take(dies, unit, attribute->name, &value, die);
	}
	return true;
}

int go_dies_read(struct go_dies *dies, const struct go_unit *unit, uint64_t offset,
		 struct go_die *ret)
{
	struct cursor c = {&dies->info, offset, unit->end, false};
	const struct go_abbrev *abbrev;
	uint64_t code;

	*ret = (struct go_die){.offset = offset};
	if (offset < unit->dies || offset >= unit->end || dies->steps == 0 ||
	    !load_abbrevs(dies, unit->abbrevs))
		return -EBADMSG;
	dies->steps--;
	code = get_leb(&c);
	if (!c.bad && code == 0) {
		ret->next = c.at;
		return 0;
	}
	if (c.bad || code >= dies->list_count || dies->list[code].tag == 0)
		return -EBADMSG;
	abbrev = &dies->list[code];
	ret->tag = abbrev->tag;
	ret->has_children = abbrev->has_children;
	if (!read_attributes(dies, unit, &c, abbrev, ret))
		return -EBADMSG;
	ret->next = c.at;
	return 0;
}

const char *go_dies_name(const struct go_dies *dies, const struct go_die *die)
{
	return die->name ? (const char *)dies->info.bytes + die->name : "";
}
