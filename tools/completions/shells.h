/* SPDX-License-Identifier: ISC */
/* Each writes a program's completions for one shell. */
#ifndef MSTAT_TOOLS_COMPLETIONS_SHELLS_H
#define MSTAT_TOOLS_COMPLETIONS_SHELLS_H

#include <stdio.h>

#include "tools/completions/describe.h"

void bash_write(FILE *to, const struct flags_program *program, const struct describe_flag *flags,
		int count);
void zsh_write(FILE *to, const struct flags_program *program, const struct describe_flag *flags,
	       int count);
void fish_write(FILE *to, const struct flags_program *program, const struct describe_flag *flags,
		int count);

/* The text between quotes of a shell ('), which end and begin anew around each one in it. */
static inline void shells_quote(FILE *to, const char *text)
{
	for (; *text; text++)
		*text == '\'' ? fputs("'\\''", to) : fputc(*text, to);
}

#endif
