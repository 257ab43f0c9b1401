/* SPDX-License-Identifier: ISC */
/*
 * A Go program without debugging information: variables by its symbols, or where it has none, either, by what
 * its code refers to; members as in the table of its minor.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_STRIPPED_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_STRIPPED_H

#include "collector/runtimes/go/elf.h"
#include "collector/runtimes/go/layout.h"

/*
 * Both return 0, or -ENOENT where nothing was found; -ENOMEM. minor is what the program says that it is of, 0
 * where it does not.
 */
int go_stripped_by_symbols(const struct go_elf *elf, unsigned minor, struct go_layout *ret);
/* ret_minor is what it is of. */
int go_stripped_by_code(const struct go_elf *elf, unsigned minor, struct go_layout *ret,
			unsigned *ret_minor);

#endif
