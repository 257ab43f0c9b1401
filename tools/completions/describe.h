/* SPDX-License-Identifier: ISC */
/* A program's flags, as completions need them: its option table, and what its usage says of each. */
#ifndef MSTAT_TOOLS_COMPLETIONS_DESCRIBE_H
#define MSTAT_TOOLS_COMPLETIONS_DESCRIBE_H

#include <stdbool.h>

#include "tools/flags.h"

#define DESCRIBE_FLAGS 64
#define DESCRIBE_TEXT  1024

enum describe_value {
	DESCRIBE_NONE,	/* it has no value, or may go without */
	DESCRIBE_PLAIN, /* any text */
	DESCRIBE_WORDS, /* one of words */
	DESCRIBE_FILE,
	DESCRIBE_FOLDER,
	DESCRIBE_PID,
};

struct describe_flag {
	const char *name;
	enum describe_value value;
	char value_name[32]; /* as the usage has it, in small letters */
	char text
		[DESCRIBE_TEXT]; /* what it is, on one line; "" for one that is another's synonym */
	bool is_many;		 /* it may be given several times */
	const struct flags_words *words;
};

/*
 * Describes the flags of a program. Returns how many, or -1: *ret_missing is one that the usage does not
 * have, or the program has too many ("").
 */
int describe_program(const struct flags_program *program, struct describe_flag ret[DESCRIBE_FLAGS],
		     const char **ret_missing);

#endif
