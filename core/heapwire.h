/* SPDX-License-Identifier: ISC */
/*
 * Where the memory came from: what a sampler with allocation hooks tells beside its samples. FORMAT.md
 * has the bytes; a HEAP section of the run file holds such a message as it came.
 *
 * A process tells its modules, its stacks (each once, numbered from 0 on), and then, tick by tick, what
 * of each stack's sums has changed. All are estimates by sampling: a block of s bytes is sampled with
 * the probability p = 1 - exp(-s / interval), and then counts for 1/p blocks and s/p bytes.
 *
 * Packing never allocates and never fails but by a full buffer; what does not fit is for the next
 * message. Unpacking believes nothing.
 */
#ifndef MSTAT_CORE_HEAPWIRE_H
#define MSTAT_CORE_HEAPWIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bytes.h"
#include "core/wire.h"

/* A stack is cut at its outer end. */
#define HEAPWIRE_FRAMES_MAX 128
#define HEAPWIRE_PATH_MAX   1024
/* SHA-1 has 20 bytes, others are longer. */
#define HEAPWIRE_BUILD_ID_MAX 64
/* Of one process and connection. */
#define HEAPWIRE_STACKS_MAX  (1u << 24)
#define HEAPWIRE_MODULES_MAX 65536u

/* Blocks are counted in parts of one, for a sampled one stands for 1/p. */
#define HEAPWIRE_BLOCK 256
/* The variance's unit is interval * interval / 256. */
#define HEAPWIRE_VARIANCE 256

enum heapwire_flag {
	/* Of a list of modules: all that this process told before is void; stacks are numbered anew. */
	HEAPWIRE_RESTART = 1,
	/* Of a list of modules: the program has an allocator that no hook stands in front of. */
	HEAPWIRE_BYPASSED = 2,
};

/* An executable mapping of a file: /proc/PID/maps. */
struct heapwire_module {
	uint64_t start, end; /* addresses; start < end */
	uint64_t offset;     /* of start, in the file */
	const char *path;    /* borrowed; as in maps, without " (deleted)" */
	size_t path_len;
	const uint8_t *build_id; /* borrowed; NT_GNU_BUILD_ID's bytes; none: length 0 */
	size_t build_id_len;
	uint64_t inode; /* of the file, where it has no build id; 0: not told */
};

/* What a list begins with: MODULES a new one, which replaces the one before; MODULES_MORE goes on with it. */
struct heapwire_modules {
	uint64_t flags;	   /* enum heapwire_flag; of MODULES_MORE 0. Others: not known, pass over */
	uint64_t interval; /* bytes; at least 1; of MODULES_MORE the same once more */
};

enum heapwire_stack_flag {
	HEAPWIRE_MAPPING = 1,	/* mmap(), mremap() or sbrk() by the program itself, not the heap */
	HEAPWIRE_INHERITED = 2, /* allocated before the fork() that this process came from */
	HEAPWIRE_HOMELESS = 4,	/* of a module that is gone: no list of modules has its addresses */
};

struct heapwire_stack {
	uint64_t flags;			     /* enum heapwire_stack_flag */
	unsigned count;			     /* of frames: 0 where it could not be told */
	uint64_t frame[HEAPWIRE_FRAMES_MAX]; /* return addresses, the innermost first */
};

/* Sums of a stack. In a message: what they have changed by since they were told last, modulo 2^64. */
struct heapwire_sums {
	int64_t blocks, bytes;		 /* ever allocated: HEAPWIRE_BLOCKths, bytes */
	int64_t live_blocks, live_bytes; /* and not freed */
	int64_t live_variance; /* of live_bytes, in interval * interval / HEAPWIRE_VARIANCE */
};

/*
 * Packing: a message is begun (its first byte, the kind, and its head), then gets entries as long as they
 * fit. An entry that returns false did not fit, and left the message as it was: send it, begin another.
 * The buffer's end bounds the message: give it WIRE_MESSAGE_MAX bytes, into which every single entry
 * fits, or fewer. Only a head that does not fit leaves out->full set.
 */
struct heapwire_out {
	struct bytes_out *out;
	uint64_t at;		    /* what the next entry is told against: an address, a number */
	struct heapwire_stack last; /* of stacks: the one before */
};

/* kind: WIRE_MODULES or WIRE_MODULES_MORE (head's flags are not told then). */
void heapwire_begin_modules(struct heapwire_out *to, struct bytes_out *out, enum wire_kind kind,
			    const struct heapwire_modules *head);
/* By ascending addresses, within the limits above. */
bool heapwire_put_module(struct heapwire_out *to, const struct heapwire_module *module);

/* first: the number of the first stack in it; the others follow. */
void heapwire_begin_stacks(struct heapwire_out *to, struct bytes_out *out, uint64_t first);
/* Neighbours that have their outermost frames in common are told in less. */
bool heapwire_put_stack(struct heapwire_out *to, const struct heapwire_stack *stack);

/* lost: allocations and frees of this process that could not be kept so far. */
void heapwire_begin_heap(struct heapwire_out *to, struct bytes_out *out, uint64_t tick,
			 uint64_t lost);
bool heapwire_put_sums(struct heapwire_out *to, uint64_t stack, const struct heapwire_sums *change);

/*
 * Unpacking of a message's body, the bytes after its kind: the head, then entries to the end. The next
 * ones return 1, 0 at the end, or -EBADMSG (and so ever after). What is within the limits may still be
 * a lie: numbers of stacks that were never told, modules that overlap those of another message, any sums.
 */
struct heapwire_in {
	struct bytes_in in;
	uint64_t at;
	uint64_t count; /* entries so far */
	struct heapwire_stack last;
};

/* 0 or -EBADMSG. */
int heapwire_open_modules(struct heapwire_in *from, struct bytes_in body, enum wire_kind kind,
			  struct heapwire_modules *ret);
int heapwire_next_module(struct heapwire_in *from, struct heapwire_module *ret);
int heapwire_open_stacks(struct heapwire_in *from, struct bytes_in body, uint64_t *ret_first);
/* *ret is borrowed until the next call. */
int heapwire_next_stack(struct heapwire_in *from, const struct heapwire_stack **ret);
/* ret_lost may be NULL. */
int heapwire_open_heap(struct heapwire_in *from, struct bytes_in body, uint64_t *ret_tick,
		       uint64_t *ret_lost);
int heapwire_next_sums(struct heapwire_in *from, uint64_t *ret_stack, struct heapwire_sums *ret);

/* Whether a whole body of that kind (one of the four) is as it must be, and no longer than a message's. */
bool heapwire_is_sound(enum wire_kind kind, struct bytes_in body);

#endif
