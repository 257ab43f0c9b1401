/* SPDX-License-Identifier: ISC */
/*
 * Go's table of functions, which stays in a program whatever it was stripped of: names, addresses, sizes
 * of stack frames, files and lines. Of Go 1.16 and newer, little endian and 64 bits.
 *
 * All of it works on bytes that the caller has read, which are not believed: whatever is in them, nothing
 * outside is touched, and no function takes longer than the bytes are long. What is given back borrows
 * from them.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_PCLNTAB_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_PCLNTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No program has a larger table: they are a fourth of it. */
#define GO_PCLNTAB_MAX ((size_t)256 << 20)

/* The longest name of a function or file, with its zero byte; those of generic functions are long. */
#define GO_NAME_SIZE 4096

/* The layouts there are, each since that minor. */
enum go_pclntab_layout {
	GO_PCLNTAB_16 = 16, /* addresses of functions are absolute */
	GO_PCLNTAB_18 = 18, /* relative to text */
	GO_PCLNTAB_20 = 20, /* a function knows its first line */
};

struct go_pclntab {
	const uint8_t *data; /* borrowed */
	size_t size;
	enum go_pclntab_layout layout;
	uint32_t count; /* of functions */
	/*
	 * What the addresses of functions are told from: the address of the first one. As the file has it,
	 * 0 where it does not say (PIE, newer linkers): then they are offsets. The caller may set it, to
	 * have addresses of a live process. In GO_PCLNTAB_16 it is what is added to them.
	 */
	uint64_t text;
	/* Offsets into data, which are all within it. */
	size_t names, units, files, values, functions;
};

struct go_function {
	uint64_t entry, end; /* the first byte, and the one behind the last */
	const char *name;    /* borrowed from the table */
	size_t at;	     /* where its description is in the table */
};

/*
 * The table begins with data, and is no longer than size. Returns 0; -EBADMSG where it is none, and
 * -EOPNOTSUPP where it is one of Go 1.15 or older, or of another machine.
 */
int go_pclntab_init(struct go_pclntab *ret, const void *data, size_t size);

/*
 * Looks for a table, of which only the magic number is known, in the bytes of a section. Returns 0 and
 * its offset, or -ENOENT.
 */
int go_pclntab_scan(const void *data, size_t size, size_t *ret_offset);

/* The function of that number, which are in the order of their addresses. Returns 0, -ENOENT, -EBADMSG. */
int go_pclntab_function(const struct go_pclntab *tab, uint32_t number, struct go_function *ret);

/* The function that has this address. Returns 0, -ENOENT or -EBADMSG. */
int go_pclntab_find(const struct go_pclntab *tab, uint64_t pc, struct go_function *ret);

/* The first function of that name: looks at all. Returns 0 or -ENOENT. */
int go_pclntab_find_name(const struct go_pclntab *tab, const char *name, struct go_function *ret);

/*
 * How many bytes the function has on the stack when it is at pc, the return address not counted: that
 * is found so far above the stack pointer. Returns 0, -ENODATA where the table does not say, -EBADMSG.
 */
int go_pclntab_frame(const struct go_pclntab *tab, const struct go_function *function, uint64_t pc,
		     uint32_t *ret_bytes);

/*
 * Where the instruction at pc was written (of a return address, ask for the byte before it). Returns 0;
 * -ENODATA where the table does not say, -EBADMSG.
 */
int go_pclntab_line(const struct go_pclntab *tab, const struct go_function *function, uint64_t pc,
		    const char **ret_file, uint32_t *ret_line);

/*
 * Of the tables of values that the compiler has for a function, for the runtime's own use, what that of this
 * number has for pc. Returns 0, -ENODATA where there is none, -EBADMSG.
 */
int go_pclntab_value(const struct go_pclntab *tab, const struct go_function *function,
		     uint32_t number, uint64_t pc, int32_t *ret);

/*
 * Of the data that the compiler has for a function, where that of this number is: so far behind
 * go_moduledata's functions_data. Not of GO_PCLNTAB_16. Returns 0, -ENODATA where there is none, -EBADMSG.
 */
int go_pclntab_data(const struct go_pclntab *tab, const struct go_function *function,
		    uint32_t number, uint32_t *ret_offset);

/* The name of a function that stands there among the names. NULL: none does. */
const char *go_pclntab_name(const struct go_pclntab *tab, uint32_t offset);

#endif
