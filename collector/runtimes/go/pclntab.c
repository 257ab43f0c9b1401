/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "collector/runtimes/go/pclntab.h"
#include "core/bytes.h"

#define MAGIC_12 0xfffffffbu /* until 1.15 */
#define MAGIC_16 0xfffffffau
#define MAGIC_18 0xfffffff0u
#define MAGIC_20 0xfffffff1u

/* The header: the magic number, two zeros, the smallest instruction, the size of a pointer; then words. */
#define HEADER_FIXED 8
#define HEADER_WORDS 8 /* at most */
#define ALIGNMENT    8 /* linkers have it at 32, but only if the section begins there */

/* What looks like a header and is none is rare, and to look into it takes long. */
#define SCAN_TRIES 16

/* Numbers of 32 bits of a function's description, counted from behind its entry. */
enum member {
	NAME,
	ARGUMENTS,
	DEFER_RETURN,
	PCSP,
	PCFILE,
	PCLINE,
	PCDATA_COUNT,
	UNIT,
	MEMBERS,
};

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Of a function's entry, and of an address in the list of functions. */
static size_t entry_size(const struct go_pclntab *tab)
{
	return tab->layout == GO_PCLNTAB_16 ? 8 : 4;
}

/* Of a description, the members that all have: the last four bytes are smaller ones. */
static size_t fixed_size(const struct go_pclntab *tab)
{
	return entry_size(tab) + 4 * MEMBERS + (tab->layout >= GO_PCLNTAB_20 ? 4 : 0) + 4;
}

static int read_layout(const uint8_t *data, enum go_pclntab_layout *ret)
{
	bool is_amd64 = data[4] == 0 && data[5] == 0 && data[6] == 1 && data[7] == 8;

	switch (get32(data)) {
	case MAGIC_16:
		*ret = GO_PCLNTAB_16;
		break;
	case MAGIC_18:
		*ret = GO_PCLNTAB_18;
		break;
	case MAGIC_20:
		*ret = GO_PCLNTAB_20;
		break;
	case MAGIC_12:
		return -EOPNOTSUPP;
	default:
		return -EBADMSG;
	}
	return is_amd64 ? 0 : -EOPNOTSUPP;
}

int go_pclntab_init(struct go_pclntab *ret, const void *data, size_t size)
{
	struct go_pclntab tab = {.data = data, .size = size};
	size_t *offsets[] = {&tab.names, &tab.units, &tab.files, &tab.values, &tab.functions};
	const uint8_t *word = tab.data + HEADER_FIXED;
	uint64_t count, pair;
	int err;

	if (size < HEADER_FIXED + 8 * HEADER_WORDS || size > GO_PCLNTAB_MAX)
		return -EBADMSG;
	err = read_layout(tab.data, &tab.layout);
	if (err < 0)
		return err;
	count = get64(word);
	word += 16; /* and the number of files */
	if (tab.layout >= GO_PCLNTAB_18) {
		tab.text = get64(word);
		word += 8;
	}
	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++, word += 8) {
		if (get64(word) >= size)
			return -EBADMSG;
		*offsets[i] = (size_t)get64(word);
	}
	/* Pairs, and behind them the address where the last one ends. */
	pair = 2 * entry_size(&tab);
	if (count == 0 || count > UINT32_MAX ||
	    count * pair + entry_size(&tab) > size - tab.functions)
		return -EBADMSG;
	tab.count = (uint32_t)count;
	*ret = tab;
	return 0;
}

int go_pclntab_scan(const void *data, size_t size, size_t *ret_offset)
{
	const uint8_t *bytes = data;
	unsigned tries = 0;

	for (size_t at = 0; at + HEADER_FIXED <= size && tries < SCAN_TRIES; at += ALIGNMENT) {
		size_t left = size - at < GO_PCLNTAB_MAX ? size - at : GO_PCLNTAB_MAX;
		enum go_pclntab_layout layout;
		struct go_function first;
		struct go_pclntab tab;

		if (read_layout(bytes + at, &layout) < 0 ||
		    go_pclntab_init(&tab, bytes + at, left) < 0)
			continue;
		if (go_pclntab_function(&tab, 0, &first) == 0) {
			*ret_offset = at;
			return 0;
		}
		tries++;
	}
	return -ENOENT;
}

/* The word of the list of functions; the last one is where the code ends. */
static uint64_t listed(const struct go_pclntab *tab, uint64_t number)
{
	const uint8_t *p = tab->data + tab->functions + number * entry_size(tab);

	return tab->layout == GO_PCLNTAB_16 ? get64(p) : get32(p);
}

static uint64_t entry_of(const struct go_pclntab *tab, uint32_t number)
{
	return tab->text + listed(tab, 2 * (uint64_t)number);
}

static uint32_t member(const struct go_pclntab *tab, const struct go_function *function,
		       enum member which)
{
	return get32(tab->data + function->at + entry_size(tab) + 4 * (size_t)which);
}

/* NULL where it does not end within the table, or is longer than any name. */
static const char *text_at(const struct go_pclntab *tab, size_t from, uint64_t offset)
{
	size_t left = tab->size - from;

	if (offset >= left)
		return NULL;
	left -= offset;
	if (!memchr(tab->data + from + offset, '\0', left < GO_NAME_SIZE ? left : GO_NAME_SIZE))
		return NULL;
	return (const char *)tab->data + from + offset;
}

/* All but the name. */
static int describe(const struct go_pclntab *tab, uint32_t number, struct go_function *ret)
{
	size_t left = tab->size - tab->functions, need = fixed_size(tab);
	uint64_t at = listed(tab, 2 * (uint64_t)number + 1);

	if (left < need || at > left - need)
		return -EBADMSG;
	*ret = (struct go_function){
		.entry = entry_of(tab, number),
		.end = entry_of(tab, number + 1),
		.at = tab->functions + (size_t)at,
	};
	return ret->end < ret->entry ? -EBADMSG : 0;
}

int go_pclntab_function(const struct go_pclntab *tab, uint32_t number, struct go_function *ret)
{
	struct go_function function;
	int err = number < tab->count ? describe(tab, number, &function) : -ENOENT;

	if (err < 0)
		return err;
	function.name = text_at(tab, tab->names, member(tab, &function, NAME));
	if (!function.name)
		return -EBADMSG;
	*ret = function;
	return 0;
}

int go_pclntab_find(const struct go_pclntab *tab, uint64_t pc, struct go_function *ret)
{
	uint32_t low = 0, high = tab->count;
	int err;

	if (pc < entry_of(tab, 0) || pc >= entry_of(tab, tab->count))
		return -ENOENT;
	/* The last one that begins at pc or before. */
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (entry_of(tab, middle) <= pc)
			low = middle;
		else
			high = middle;
	}
	err = go_pclntab_function(tab, low, ret);
	if (err < 0)
		return err;
	/* What is not in order cannot be searched. */
	return pc >= ret->entry && pc < ret->end ? 0 : -EBADMSG;
}

int go_pclntab_find_name(const struct go_pclntab *tab, const char *name, struct go_function *ret)
{
	size_t size = strlen(name) + 1, left = tab->size - tab->names;
	struct go_function function;

	for (uint32_t i = 0; i < tab->count; i++) {
		uint32_t at;

		if (describe(tab, i, &function) < 0)
			continue;
		at = member(tab, &function, NAME);
		if (at < left && size <= left - at &&
		    !memcmp(tab->data + tab->names + at, name, size)) {
			function.name = (const char *)tab->data + tab->names + at;
			*ret = function;
			return 0;
		}
	}
	return -ENOENT;
}

/*
 * What a table of values has for pc: each value, as what is to be added to the one before, and for how
 * many bytes of code it holds. The first is added to -1.
 */
static int value_at(const struct go_pclntab *tab, const struct go_function *function,
		    uint32_t offset, uint64_t pc, int32_t *ret)
{
	struct bytes_in in = {.p = tab->data + tab->values + offset, .end = tab->data + tab->size};
	uint64_t at = function->entry;
	uint32_t value = UINT32_MAX;

	if (offset == 0)
		return -ENODATA;
	if (offset >= tab->size - tab->values || pc < function->entry || pc >= function->end)
		return -EBADMSG;
	for (bool is_first = true;; is_first = false) {
		uint64_t step = bytes_get_varint(&in), length;

		/* Only the first may add nothing: that is the end, and the rest of the function has no value. */
		if (step == 0 && !is_first)
			return in.bad ? -EBADMSG : -ENODATA;
		length = bytes_get_varint(&in);
		if (in.bad || step > UINT32_MAX || length == 0 || length > UINT32_MAX)
			return -EBADMSG;
		value += (uint32_t)(step >> 1 ^ (0 - (step & 1)));
		at += length;
		if (pc < at) {
			*ret = (int32_t)value;
			return 0;
		}
	}
}

int go_pclntab_frame(const struct go_pclntab *tab, const struct go_function *function, uint64_t pc,
		     uint32_t *ret_bytes)
{
	int32_t bytes;
	int err = value_at(tab, function, member(tab, function, PCSP), pc, &bytes);

	if (err < 0)
		return err;
	/* Slots of the stack have 8 bytes. */
	if (bytes < 0 || bytes % 8)
		return -EBADMSG;
	*ret_bytes = (uint32_t)bytes;
	return 0;
}

int go_pclntab_line(const struct go_pclntab *tab, const struct go_function *function, uint64_t pc,
		    const char **ret_file, uint32_t *ret_line)
{
	int32_t file, line;
	uint64_t unit;
	const char *name;
	int err = value_at(tab, function, member(tab, function, PCFILE), pc, &file);

	if (err >= 0)
		err = value_at(tab, function, member(tab, function, PCLINE), pc, &line);
	if (err < 0)
		return err;
	if (file < 0 || line < 0)
		return -ENODATA;
	/* A function counts its files from where its compilation unit's begin. */
	unit = 4 * ((uint64_t)member(tab, function, UNIT) + (uint32_t)file);
	if (tab->size - tab->units < 4 || unit > tab->size - tab->units - 4)
		return -EBADMSG;
	name = text_at(tab, tab->files, get32(tab->data + tab->units + unit));
	if (!name)
		return -EBADMSG;
	*ret_file = name;
	*ret_line = (uint32_t)line;
	return 0;
}

/* Behind the description's members are numbers: of tables of values, then of data, as many as it says. */
static int extra(const struct go_pclntab *tab, const struct go_function *function, uint64_t number,
		 uint32_t *ret)
{
	uint64_t at = function->at + fixed_size(tab) + 4 * number;

	if (number > UINT32_MAX || at > tab->size - 4)
		return -EBADMSG;
	*ret = get32(tab->data + at);
	return 0;
}

int go_pclntab_value(const struct go_pclntab *tab, const struct go_function *function,
		     uint32_t number, uint64_t pc, int32_t *ret)
{
	uint32_t offset;
	int err = number < member(tab, function, PCDATA_COUNT)
			  ? extra(tab, function, number, &offset)
			  : -ENODATA;

	return err < 0 ? err : value_at(tab, function, offset, pc, ret);
}

int go_pclntab_data(const struct go_pclntab *tab, const struct go_function *function,
		    uint32_t number, uint32_t *ret_offset)
{
	uint64_t last = function->at + fixed_size(tab) - 1;
	int err;

	if (tab->layout == GO_PCLNTAB_16)
		return -ENODATA;
	if (last >= tab->size)
		return -EBADMSG;
	if (number >= tab->data[last])
		return -ENODATA;
	err = extra(tab, function, (uint64_t)member(tab, function, PCDATA_COUNT) + number,
		    ret_offset);
	return err == 0 && *ret_offset == UINT32_MAX ? -ENODATA : err;
}

const char *go_pclntab_name(const struct go_pclntab *tab, uint32_t offset)
{
	return text_at(tab, tab->names, offset);
}
