/* SPDX-License-Identifier: ISC */
/*
 * Where the variables of Go's runtime are in a program that has neither symbols nor debugging information: by
 * places in functions that the table of functions names. Every place has a vote. With the wrong minor's table
 * few functions have the right size, and votes differ.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_SIGNATURE_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include "collector/runtimes/go/code.h"
#include "collector/runtimes/go/layout.h"
#include "collector/runtimes/go/pclntab.h"
#include "collector/runtimes/go/table.h"

struct go_signature {
	unsigned votes;	 /* of places whose function is there, and as long as in the table */
	unsigned agreed; /* with what was elected */
	uint64_t global[GO_GLOBALS]; /* 0: none was elected */
};

/* Asks all places of that table. Returns 0; -ENOENT where they do not agree on anything. */
int go_signature_match(const struct go_table *table, const struct go_pclntab *tab,
		       const struct go_code *code, struct go_signature *ret);

/*
 * The same with all tables. Returns 0, and the one that fits, where one does and no other does nearly as well;
 * else -ENOENT.
 */
int go_signature_find(const struct go_pclntab *tab, const struct go_code *code,
		      struct go_signature *ret, const struct go_table **ret_table);

#endif
