/* SPDX-License-Identifier: ISC */
/* The table of functions of a program's file, however it was linked and stripped, and where its code is. */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_FUNCTIONS_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_FUNCTIONS_H

#include "collector/runtimes/go/elf.h"
#include "collector/runtimes/go/moduledata.h"
#include "collector/runtimes/go/pclntab.h"

struct go_functions {
	void *bytes;		     /* owned: what tab is in */
	struct go_pclntab tab;	     /* addresses as linked */
	struct go_moduledata module; /* likewise; zeros where it was not found */
};

/*
 * minor: of the program, 0: not known. Returns 0; -ENOENT: it has none, or where the code is cannot be told;
 * -ENOMEM, or what reading said.
 */
int go_functions_open(const struct go_elf *elf, unsigned minor, struct go_functions *ret);
void go_functions_close(struct go_functions *functions);

/* Moves all addresses by so much, to those of a process. */
void go_functions_move(struct go_functions *functions, uint64_t bias);

#endif
