/* SPDX-License-Identifier: ISC */
/*
 * Entries of .debug_info, one after the other, DWARF 4 and 5; strings of other sections are not followed, as
 * Go's compiler and linker use none. Nothing of it is believed, and all together takes no more than so many
 * steps.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_DIE_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_DIE_H

#include "collector/runtimes/go/section.h"

enum go_die_tag {
	GO_TAG_END = 0, /* of the children of an entry */
	GO_TAG_ARRAY = 0x01,
	GO_TAG_MEMBER = 0x0d,
	GO_TAG_UNIT = 0x11,
	GO_TAG_STRUCT = 0x13,
	GO_TAG_TYPEDEF = 0x16,
	GO_TAG_VARIABLE = 0x34,
};

/* A unit of .debug_info: [dies, end) are its entries, which are none where it cannot be read. */
struct go_unit {
	uint64_t start, dies, end;
	uint64_t abbrevs; /* its table, in .debug_abbrev */
	uint16_t version;
	bool is_wide; /* offsets have 8 bytes */
};

/* An entry, with what is of use to us; offsets are of .debug_info. */
struct go_die {
	uint64_t offset, next;
	uint64_t name;	  /* where it stands; 0: none */
	uint64_t type;	  /* 0: none */
	uint64_t size;	  /* DW_AT_byte_size */
	uint64_t within;  /* DW_AT_data_member_location */
	uint64_t address; /* DW_AT_location, where it is an address; 0: none */
	uint16_t tag;
	bool has_children;
	bool has_size, has_within;
};

struct go_abbrev {
	uint16_t tag; /* 0: there is none of this number */
	bool has_children;
	uint32_t first, count; /* of the attributes */
};

struct go_attribute {
	uint16_t name, form;
	int64_t value; /* of DW_FORM_implicit_const */
};

struct go_dies {
	struct go_section info, abbrev;
	/* The table that was read last. */
	uint64_t abbrevs; /* its offset; UINT64_MAX: none */
	bool is_readable;
	struct go_abbrev *list;		 /* owned; by number */
	struct go_attribute *attributes; /* owned */
	size_t list_count, attributes_count;
	uint64_t steps; /* that are left */
};

/* Returns 0, -ENOENT (no such sections), -EBADMSG, -ENOMEM. */
int go_dies_open(const struct go_elf *elf, struct go_dies *ret);
void go_dies_close(struct go_dies *dies);

/* The unit that begins there; the next one begins at its end. -ENOENT: there is none. */
int go_dies_unit(struct go_dies *dies, uint64_t offset, struct go_unit *ret);

/* The entry that begins there; -EBADMSG: there is none that can be read. */
int go_dies_read(struct go_dies *dies, const struct go_unit *unit, uint64_t offset,
		 struct go_die *ret);

/* Its name, "" where it has none; stays where it is until the next call of any other of these. */
const char *go_dies_name(const struct go_dies *dies, const struct go_die *die);

#endif
