/* SPDX-License-Identifier: ISC */
/*
 * What processes are that may be gone before anybody looks: their names, read at once when the kernel
 * tells of an exec. A program of a millisecond is caught so, unless more than a hundred start in a
 * second: then only those that live for 10 ms. Who was not caught has no name here.
 *
 * A thread of its own, with all signals blocked: to read a command line may block for as long as the
 * process holds its memory map.
 */
#ifndef MSTAT_COLLECTOR_NAMES_H
#define MSTAT_COLLECTOR_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct names;

/* Of one exec; not terminated by zero bytes, but for argv's own, of which each string ends with one. */
struct life_name {
	const char *comm, *exe,
		*argv; /* borrowed from whoever gives it; no longer than a hello's */
	size_t comm_len, exe_len, argv_len;
};

/* Returns 0 and *ret, the caller's to free; -errno where execs are not told (connector_open()). */
int names_new(struct names **ret);

/*
 * The names of the exec that the connector told of with that time stamp; false where there are none.
 * They are the callee's until the next call. Execs are asked for about in the order in which they came.
 */
bool names_take(struct names *names, pid_t pid, uint64_t time_ns, struct life_name *ret);

/* Accepts NULL. Where its thread is blocked it is left to itself, and ends with the program. */
void names_free(struct names *names);

#endif
