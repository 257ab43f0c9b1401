/* SPDX-License-Identifier: ISC */
/*
 * Members and variables of Go's runtime out of a program's debugging information, DWARF 4 or 5, of which only
 * as much is inflated and read as is needed: the units named "runtime". libdw is not used for what
 * section.h says.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_DWARF_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_DWARF_H

#include "collector/runtimes/go/elf.h"
#include "collector/runtimes/go/layout.h"

/*
 * Returns 0 where all structures and at least one variable were found, in ret what there is of them; -ENOENT:
 * there is no such information; -EBADMSG: it is broken, or takes too long; -ENOMEM.
 */
int go_dwarf_layout(const struct go_elf *elf, struct go_layout *ret);

#endif
