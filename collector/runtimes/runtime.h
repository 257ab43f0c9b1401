/* SPDX-License-Identifier: ISC */
/*
 * A reader of what a language's runtime, or an allocator, thinks of its memory: read from outside, with
 * no help from the program. collector/runtimes/NAME.c is one, and has what is declared here under the
 * name runtime_NAME; what it is made of, if that is more than a file, is in collector/runtimes/NAME/.
 * collector/runtimes.c drives them all.
 *
 * All functions are called on a helper thread, one at a time for a process, for several processes at the
 * same time. They may wait for what the kernel waits for: nobody waits for them for long. They believe
 * nothing that they read: neither the program's files nor its memory.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_RUNTIME_H
#define MSTAT_COLLECTOR_RUNTIMES_RUNTIME_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/maps.h"
#include "core/record.h"

/* A process that may be read. Borrowed by readers, and the same from attach to detach. */
struct runtime_target {
	pid_t pid; /* as the collector's pid namespace has it */
	int dir;   /* /proc/PID, open: what is opened below it is that process's or nothing */
	/* While attach is called: its mappings that the readers want, read once for all of them. */
	const struct maps *maps;
};

/* What is said of a reader and a process, in one line for people. */
#define RUNTIME_TEXT_MAX 160

struct runtime_reader {
	const char *name;
	enum source source; /* whose fields it fills in */
	/* Whether attach is to find the mappings of that file in target->maps. NULL: it asks for none. */
	bool (*wants)(const char *path);
	/*
	 * Recognises the program, and finds what has to be read. Returns 0, *ret (given back to detach), and
	 * in text what was found ("go1.19.8, by its debug information"); -ENOEXEC: it is not of this kind,
	 * nothing to be said; -EAGAIN: its runtime is not up yet, or the process is stopped in the middle of
	 * something: ask again; another error: it is of this kind and cannot be read, text says why and what
	 * to do; with -EPERM and -EACCES it may be empty, and the first one is said for all. text has
	 * RUNTIME_TEXT_MAX bytes, and is always terminated.
	 */
	int (*attach)(const struct runtime_target *target, void **ret, char *text);
	/*
	 * Sets all fields of its source that there are, and the source's reason to REASON_OK. Returns 0;
	 * -EAGAIN: torn, or moving too fast to be true: nulls this time; another error: not the program any
	 * more that it was (it has ended, or runs another one): it is detached.
	 */
	int (*read)(void *state, const struct runtime_target *target, struct record *rec);
	void (*detach)(void *state);
};

#endif
