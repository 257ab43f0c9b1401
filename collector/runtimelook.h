/* SPDX-License-Identifier: ISC */
/*
 * One process and all readers of runtimes: who of them reads it, and a look at it by these.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMELOOK_H
#define MSTAT_COLLECTOR_RUNTIMELOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/runtimes/runtime.h"

#define RUNTIME_READERS_MAX 16

/* Those that there are. */
extern const struct runtime_reader *const runtime_readers[];
extern const size_t runtime_readers_count;

enum runtime_stage {
	RUNTIME_ASKED, /* its runtime is not up, as far as known */
	RUNTIME_READ,
	RUNTIME_OVER, /* not this kind of program, or not to be read */
};

/* What one reader has to do with the process. */
struct runtime_part {
	enum runtime_stage stage;
	int err; /* of its last call */
	void *state;
	char text[RUNTIME_TEXT_MAX];
	bool is_told; /* the caller's: text is in the run file */
};

/* A program as a process runs it: the next one has another stack, mostly another file. */
struct runtime_image {
	dev_t dev;
	ino_t ino;
	uint64_t stack; /* address */
};

struct runtime_look {
	struct runtime_target target; /* its folder is owned */
	struct runtime_part part[RUNTIME_READERS_MAX];
	struct runtime_image image; /* of what was attached; zeros: nothing yet */
	/* To be set before a look. */
	bool asks;   /* those whose runtime is not up */
	bool doubts; /* whether it is the same program: somebody says that it has become another */
	/* Of the look. */
	bool is_other; /* it is; nothing of what was read counts */
	uint64_t
		cost_ns; /* CPU time; what is done once is not in it: attaching, and a first reading, which takes
			     many times as long as those after it */
	struct record rec;
};

/* Returns 0 and *ret, for runtime_look_close(); or a negative errno. */
int runtime_look_open(pid_t pid, struct runtime_look *ret);
void runtime_look_close(struct runtime_look *look);

/* By all readers that read it, or are asked. look->rec: with its tick, and empty. */
void runtime_look(struct runtime_look *look);

/* Whether a reader is to be asked again, and whether one reads it. */
bool runtime_look_is_asking(const struct runtime_look *look);
bool runtime_look_is_reading(const struct runtime_look *look);

#endif
