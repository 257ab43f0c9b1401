/* SPDX-License-Identifier: ISC */
/*
 * Functions that the compiler has put into others: they have no frame of their own, and Go shows them as if
 * they had. Of Go 1.18 and 1.19, 1.21 and newer.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_INLINE_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_INLINE_H

#include <stdint.h>

#include "collector/runtimes/go/code.h"
#include "collector/runtimes/go/moduledata.h"
#include "collector/runtimes/go/pclntab.h"

/* More calls are not within each other. */
#define GO_INLINE_MAX 256

/* A place in a function: begin with that of the instruction (of a return address: with the byte before it), 0. */
struct go_inline {
	uint64_t pc;
	unsigned depth;
};

/*
 * What is executed at that place is part of an inlined function: its name, and *at becomes where that was
 * called, which may be in an inlined one again. Returns 1; 0 where it is the function's own; -ENODATA where
 * that is not known, -EBADMSG, or what reading said.
 */
int go_inline_next(const struct go_pclntab *tab, const struct go_moduledata *module,
		   const struct go_code *code, const struct go_function *function,
		   struct go_inline *at, const char **ret_name);

#endif
