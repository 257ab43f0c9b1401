/* SPDX-License-Identifier: ISC */
/* A program's code and constants: of its file, or of the process, at the addresses that its table of functions has. */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_CODE_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_CODE_H

#include <stddef.h>
#include <stdint.h>

struct go_code {
	/* All of it: returns 0, or negative errno. */
	int (*read)(void *arg, uint64_t address, void *buf, size_t size);
	void *arg;
};

#endif
