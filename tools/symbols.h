/* SPDX-License-Identifier: ISC */
/*
 * Functions and lines of places in ELF files, by their DWARF or, without it, by their symbols.
 *
 * A file is used only if its build id is the one that was recorded, and its debug information only if
 * that has the same; where it was recorded without one, if it is the same file, unchanged: nothing is better
 * than something wrong. A place of which nothing is known has one
 * line all the same, of a function that is called "module+0xoffset". Files are opened for the time of
 * one call; what stays is texts and numbers.
 */
#ifndef MSTAT_TOOLS_SYMBOLS_H
#define MSTAT_TOOLS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/intern.h"

/* Numbers of texts. What is not known is text 0, which is empty. */
struct symbols_function {
	uint32_t name; /* for people; never empty */
	uint32_t
		linkage; /* as the linker has it; empty: this is no function, but the name of a place */
	uint32_t file;
	uint32_t start; /* the line on which it begins; 0: not known */
};

struct symbols_line {
	uint32_t function;
	uint32_t line; /* 0: not known */
};

struct symbols {
	struct texts texts;
	struct intern functions; /* of struct symbols_function */
	struct intern lines;	 /* of struct symbols_line */
	uint32_t *chain;	 /* owned; numbers of lines */
	uint32_t chain_count, chain_room;
	uint32_t *demangled; /* owned; by text: the number of what it means + 1, 0: not asked yet */
	uint32_t demangled_room;
};

/* What was found of a module. */
enum symbols_found {
	SYMBOLS_FUNCTIONS = 1,
	SYMBOLS_FILES = 2, /* and their lines */
	SYMBOLS_INLINED = 4,
};

struct symbols_module {
	const char *path;	 /* borrowed */
	const uint8_t *build_id; /* borrowed */
	size_t build_id_len;
	/* Without one: the file's inode, and since when, of CLOCK_REALTIME, it must not have changed; 0: not known. */
	uint64_t inode;
	int64_t since_ns;
	unsigned found;	 /* of enum symbols_found */
	const char *why; /* nothing was; NULL: something was */
};

/* A place in a file, and the lines that it stands for. */
struct symbols_place {
	uint64_t offset;       /* where a call returns to: what is looked for is before it */
	uint32_t tag;	       /* the caller's */
	uint32_t first, count; /* in chain: the innermost inlined function first; at least one */
};

/* 0 or -ENOMEM. */
int symbols_init(struct symbols *symbols);
void symbols_done(struct symbols *symbols);

/*
 * Finds n places of one module, which it sorts by their offsets. What was found is told in module;
 * returns 0 or -ENOMEM.
 */
int symbols_resolve(struct symbols *symbols, struct symbols_module *module,
		    struct symbols_place *place, size_t n);

/* The number of a line that is no more than a name, or -ENOMEM. */
int64_t symbols_name(struct symbols *symbols, const char *name, size_t len);

#endif
