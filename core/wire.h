/* SPDX-License-Identifier: ISC */
/*
 * The messages that a sampler sends to a collector: one message of a SOCK_SEQPACKET socket each,
 * as FORMAT.md says. The sampler packs, the collector unpacks and believes nothing.
 */
#ifndef MSTAT_CORE_WIRE_H
#define MSTAT_CORE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bytes.h"
#include "core/record.h"

#define WIRE_VERSION 1

/* No message is longer, as sent or decompressed. */
#define WIRE_MESSAGE_MAX 8192

/* The first byte of a message: its kind, and whether the rest is a zstd frame of the body. */
enum wire_kind {
	WIRE_HELLO = 1,
	WIRE_SAMPLE = 2,  /* a delta against the sample sent before */
	WIRE_FULL = 3,	  /* a sample that stands alone */
	WIRE_MODULES = 4, /* heapwire.h */
	WIRE_MODULES_MORE = 5,
	WIRE_STACKS = 6,
	WIRE_HEAP = 7,
};
#define WIRE_ZSTD 0x80

/* How many samples of one connection may follow a full one as deltas. */
#define WIRE_FULL_EVERY 64

enum wire_hello_flag {
	WIRE_HELLO_FORK = 1,	/* the sampler was started in a fork's child */
	WIRE_HELLO_RESTART = 2, /* it had stepped aside, and came back */
	WIRE_HELLO_RETURN = 4,	/* the collector was gone, and came back */
};

/* Longest strings of a hello; longer ones are cut by the sender. */
#define WIRE_COMM_MAX 16
#define WIRE_EXE_MAX  1024
#define WIRE_ARGV_MAX 4096

struct wire_hello {
	uint32_t version;
	uint32_t flags;		       /* enum wire_hello_flag */
	uint32_t pid;		       /* as the target sees it: its pid namespace may be another */
	uint32_t ppid;		       /* likewise */
	uint64_t start_ticks;	       /* /proc/self/stat word 22, clock ticks since boot */
	uint32_t uid, gid;	       /* effective, as the target sees them */
	uint32_t freq;		       /* ticks a second */
	const char *comm, *exe, *argv; /* borrowed; argv's strings end with a zero byte each */
	size_t comm_len, exe_len, argv_len;
	uint64_t time_ns; /* when it was made: the target's CLOCK_MONOTONIC; 0: not said */
};

void wire_pack_hello(struct bytes_out *out, const struct wire_hello *hello);

/* Strings are borrowed from the input. Returns 0 or -EBADMSG; -EOPNOTSUPP for another version. */
int wire_unpack_hello(struct bytes_in *in, struct wire_hello *ret);

/*
 * Packs what was read at one tick (now: its fields are present only where a source was read) as a
 * difference to last, what the receiver knows; an empty last (wire_reset) makes a full sample.
 * now->dropped counts what was lost since the last one sent. last is not changed: call
 * wire_advance() once the message is really sent.
 */
void wire_pack_sample(struct bytes_out *out, const struct record *now, const struct record *last);

/* Makes last what the receiver knows after now was sent. */
void wire_advance(struct record *last, const struct record *now);

/* Makes last what the receiver knows before the first sample: nothing. */
void wire_reset(struct record *last);

/*
 * Unpacks a sample: *ret is what was read at that tick, *last the running state, which the caller
 * resets (wire_reset) on connect; a full sample resets it by itself. Fields and sources that this
 * table does not know are passed over. Returns 0 or -EBADMSG (last is then of no use).
 */
int wire_unpack_sample(struct bytes_in *in, enum wire_kind kind, struct record *last,
		       struct record *ret);

#endif
