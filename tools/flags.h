/* SPDX-License-Identifier: ISC */
#ifndef MSTAT_TOOLS_FLAGS_H
#define MSTAT_TOOLS_FLAGS_H

#include <getopt.h>
#include <stdbool.h>

/* What stands on a command line behind the flags. */
enum flags_operand { FLAGS_NO_OPERAND, FLAGS_RUN_FILES, FLAGS_PIDS, FLAGS_COMMAND };

/* A flag that takes one of so many words, and nothing else. */
struct flags_words {
	const char *flag;
	const char *const *words;
	unsigned count;
};

/*
 * A program's command line, beside where it is read: what completions of shells are made of
 * (tools/completions/). All strings are static.
 */
struct flags_program {
	const char *name;
	const struct option *flags; /* as getopt_long_only() takes them; of more it is not asked */
	const char
		*usage; /* has each flag in a line that begins with "  -flag VALUE  what it is" */
	const struct flags_words *words; /* ends with one without a flag; NULL: none has any */
	enum flags_operand operand;
};

/* To be said once in a source file: FLAGS_PROGRAM(.name = "mstat-x", ...); who links that file finds it. */
#define FLAGS_PROGRAM(...)                                               \
	static const struct flags_program flags_program = {__VA_ARGS__}; \
	static const struct flags_program *const flags_program_at        \
		__attribute__((used, section("flags_programs"))) = &flags_program

/*
 * Whether a word of the command line (-freq, --freq, -freq=59) names that flag in full:
 * getopt_long_only() takes abbreviations; Go does not, and scripts had better not, either.
 */
bool flags_is_whole(const char *word, const char *name);

/* The value of a flag that is on or off, in the words that Go's flag package takes; NULL: on. */
bool flags_read_bool(const char *text, bool *ret);

#endif
