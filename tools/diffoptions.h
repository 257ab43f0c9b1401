/* SPDX-License-Identifier: ISC */
/* The command line of mstat-diff. */
#ifndef MSTAT_TOOLS_DIFFOPTIONS_H
#define MSTAT_TOOLS_DIFFOPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/diffgate.h"

struct diffoptions {
	bool bytes;
	struct diffgate gate;
	size_t top;
	const char **name; /* owned: of run files, A's before B's */
	size_t a_count, count;
};

enum diffoptions_result {
	DIFFOPTIONS_RUN,
	DIFFOPTIONS_HELP,
	DIFFOPTIONS_VERSION,
	DIFFOPTIONS_BAD, /* error says why, one line without newline */
};

extern const char diffoptions_usage[];

/* Reads argv, as Go's flag package does. Strings are borrowed from it. */
enum diffoptions_result diffoptions_read(int argc, char **argv, struct diffoptions *ret,
					 char *error, size_t error_size);

void diffoptions_done(struct diffoptions *options);

#endif
