/* SPDX-License-Identifier: ISC */
/*
 * The stack of a goroutine, from frame to frame by the sizes that the table of functions has for them. On
 * bytes of it that the caller has read, which are not believed; where they end, the caller is asked for more.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_WALK_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/runtimes/go/pclntab.h"

/* Of each end of a stack so many frames are kept, as many as Go prints. */
#define GO_WALK_KEPT 50

/* A stack that has more is not walked to its end: that takes a second. */
#define GO_WALK_FRAMES_MAX (1u << 22)

struct go_walk_frame {
	uint64_t pc;
	/* What it points to was not called from here, but interrupted: the line is that of pc itself. */
	bool is_exact;
};

struct go_walk {
	uint64_t pc, sp;   /* of the next frame */
	uint64_t low, top; /* the stack has addresses from low up to top */
	uint64_t bottom;   /* where runtime.goexit begins, into which every goroutine returns */
	bool is_exact;
	uint32_t count; /* of frames so far */
	struct go_walk_frame kept[2 * GO_WALK_KEPT];
};

/* Bytes of the stack, from that address on. */
struct go_walk_bytes {
	uint64_t from;
	const void *bytes; /* borrowed */
	size_t size;
};

/*
 * A goroutine that stands at pc with that stack pointer. bottom: where runtime.goexit begins. Returns 0, or
 * -EBADMSG where sp is not within its stack.
 */
int go_walk_begin(struct go_walk *walk, uint64_t pc, uint64_t sp, uint64_t low, uint64_t high,
		  uint64_t bottom);

/*
 * Walks on. Returns 0 when it has come to the bottom, all frames being there; -EAGAIN and *ret_want, at
 * which eight bytes are needed, where these do not go so far: to be called again with more. -EBADMSG: this
 * is no stack, or not one any more.
 */
int go_walk_on(struct go_walk *walk, const struct go_pclntab *tab,
	       const struct go_walk_bytes *bytes, uint64_t *ret_want);

/* The frame of that number, the innermost being 0. NULL for those in the middle that were not kept. */
const struct go_walk_frame *go_walk_frame(const struct go_walk *walk, uint32_t number);

#endif
