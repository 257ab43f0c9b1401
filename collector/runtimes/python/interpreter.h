/* SPDX-License-Identifier: ISC */
/*
 * The CPython that a process runs: a program or its libpython, which version, and where its allocator's
 * variables stand.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_PYTHON_INTERPRETER_H
#define MSTAT_COLLECTOR_RUNTIMES_PYTHON_INTERPRETER_H

#include "collector/runtimes/go/memory.h"
#include "collector/runtimes/python/obmalloc.h"
#include "collector/runtimes/runtime.h"

#define INTERPRETER_NAME_MAX 48

/* Addresses are the process's own. */
struct interpreter {
	struct go_memory memory;
	char name[INTERPRETER_NAME_MAX]; /* "CPython 3.11.2" */
	/* Its allocator's variables, by their names (up to 3.11); 0: they have none. */
	struct obmalloc_places places;
	/* From 3.12 on the memory that they are somewhere in; size 0: it is not known. */
	uint64_t state, state_size;
};

/* Whether a path is that of a libpython. */
bool interpreter_is_library(const char *path);

/*
 * Returns 0; -ENOEXEC: it is none; or another error, name tells what it is ("" where that is not known): it may not
 * be read, or is on its way through exec (-EAGAIN).
 */
int interpreter_find(const struct runtime_target *target, struct interpreter *ret);

/* Whether something is known of where its allocator's variables are. */
bool interpreter_has_allocator(const struct interpreter *interpreter);

#endif
