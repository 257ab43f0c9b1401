/* SPDX-License-Identifier: ISC */
/*
 * Injecting the sampler: which library, and what LD_PRELOAD becomes. ld.so(8).
 */
#ifndef MSTAT_TOOLS_PRELOAD_H
#define MSTAT_TOOLS_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Finds our library: the given path, or (NULL or the bare libmstat.so) beside the mstat binary, in
 * ../lib from there, in the install libdir, or where the loader finds it. Returns its absolute path (the caller's, to free),
 * or NULL with a reason in error.
 */
char *preload_find(const char *path, char *error, size_t error_size);

/* The path by which an LD_PRELOAD names our library, a bare name being none; free() it. May be NULL. */
char *preload_named(const char *given);

/*
 * Whether the loader of that program's file would take the library. Returns NULL if so or if it is
 * no ELF file, else what is in the way; *ret_harmful says whether the loader would complain on the
 * program's stderr.
 */
const char *preload_objection(const char *file, bool *ret_harmful);

/*
 * LD_PRELOAD's new value: what was there is kept (given may be NULL), a bare libmstat.so in it is
 * replaced by the library's path, and the library is added at the end where it was not named. A
 * library of NULL takes the bare name away. The caller's to free; NULL where memory is out.
 */
char *preload_compose(const char *given, const char *library);

#endif
