/* SPDX-License-Identifier: ISC */
/*
 * Injecting the sampler: which library, and what LD_PRELOAD becomes. ld.so(8).
 */
#ifndef MSTAT_TOOLS_PRELOAD_H
#define MSTAT_TOOLS_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>

#define PRELOAD_PLAIN "libmstat.so"
#define PRELOAD_HEAP  "libmstat-heap.so"

/*
 * Finds our library: the given path, or (the bare name of one of ours; NULL: libmstat.so) beside the mstat
 * binary, in ../lib from there, in the install libdir, or where the loader finds it. Returns its
 * absolute path (the caller's, to free), or NULL with a reason in error.
 */
char *preload_find(const char *path, char *error, size_t error_size);

/*
 * The path by which an LD_PRELOAD names a library of ours. A bare name is none; but where the first that
 * is named is the bare libmstat-heap.so, that is returned. The caller's to free; may be NULL.
 */
char *preload_named(const char *given);

/* Whether that path or bare name is that of our sampler without hooks, or of the one with hooks. */
bool preload_is_plain(const char *path);
bool preload_is_heap(const char *path);

/*
 * Whether the loader of that program's file would take the library. Returns NULL if so or if it is
 * no ELF file, else what is in the way; *ret_harmful says whether the loader would complain on the
 * program's stderr.
 */
const char *preload_objection(const char *file, bool *ret_harmful);

/*
 * LD_PRELOAD's new value: what was there is kept (given may be NULL), a bare name of ours in it is
 * replaced by the library's path. So is a path of the other one of ours: there is never more than one of
 * them. Where none was named the library is added: at the end, the one with hooks at the beginning. A
 * library of NULL takes the bare names away. The caller's to free; NULL where memory is out.
 */
char *preload_compose(const char *given, const char *library);

#endif
