/* SPDX-License-Identifier: ISC */
/*
 * [guest] The program's code, as /proc/PID/maps lists it: executable mappings of files, with their build ids,
 * so that addresses can be named when the process is gone.
 */
#ifndef MSTAT_PRELOAD_HEAP_MODULES_H
#define MSTAT_PRELOAD_HEAP_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/heapwire.h"

/*
 * Reads the list anew, for a generation of the program's modules (stacks.h) and a report. Returns whether it
 * is another one than before; the old one stays where it cannot be read.
 */
bool modules_read(uint32_t generation, uint32_t report);

/* The report that the list was read in; 0: none. */
uint32_t modules_report(void);

enum modules_answer {
	MODULES_KNOWN,	  /* all its addresses are in the list, or in no module at all */
	MODULES_UNKNOWN,  /* one is not: the list may be too old */
	MODULES_REPLACED, /* of a generation before, and one is of a module that came later */
};

/* Whether the list says what a stack's addresses meant in that generation. */
enum modules_answer modules_ask(const uint64_t *frame, unsigned count, uint32_t generation);

/* The module number i, from 0 on, borrowed; false past the last. */
bool modules_get(uint32_t i, struct heapwire_module *ret);

/* Bytes of memory mapped. */
size_t modules_memory(void);

#endif
