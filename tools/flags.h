/* SPDX-License-Identifier: ISC */
#ifndef MSTAT_TOOLS_FLAGS_H
#define MSTAT_TOOLS_FLAGS_H

#include <stdbool.h>

/*
 * Whether a word of the command line (-freq, --freq, -freq=59) names that flag in full:
 * getopt_long_only() takes abbreviations; Go does not, and scripts had better not, either.
 */
bool flags_is_whole(const char *word, const char *name);

/* The value of a flag that is on or off, in the words that Go's flag package takes; NULL: on. */
bool flags_read_bool(const char *text, bool *ret);

#endif
