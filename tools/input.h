/* SPDX-License-Identifier: ISC */
/* What a program that reads run files may be given as one. */
#ifndef MSTAT_TOOLS_INPUT_H
#define MSTAT_TOOLS_INPUT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether this is no path but "mstatd:NAME", a run that mstatd keeps. */
bool input_is_kept(const char *name);

/* Opens it for reading: the caller's descriptor, or an error; then why is a line without the name. */
int input_open(const char *name, char *why, size_t size);

/* The same, as something that can be read more than once: a pipe is copied. */
int input_open_again(const char *name, char *why, size_t size);

#endif
