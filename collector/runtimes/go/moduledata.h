/* SPDX-License-Identifier: ISC */
/*
 * What a Go program knows of itself as it is loaded: where its code is, which its table of functions does not
 * say in a position-independent program. It is among the program's data, and begins with the address of that
 * table.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_MODULEDATA_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_MODULEDATA_H

#include <stddef.h>
#include <stdint.h>

#include "collector/runtimes/go/pclntab.h"

struct go_moduledata {
	uint64_t text, text_end; /* of the code that the table of functions tells of */
	uint64_t
		functions_data; /* what descriptions of functions point into (go.func.*); 0: not known */
};

/*
 * Looks for it in bytes of the program's data, of the file where addresses are fixed, else of the process. tab
 * is the table, which is at that address; minor that of the program, 0: not known. Returns 0, or -ENOENT where it is not there, or not clearly.
 */
int go_moduledata_find(const void *bytes, size_t size, const struct go_pclntab *tab,
		       uint64_t tab_address, unsigned minor, struct go_moduledata *ret);

#endif
