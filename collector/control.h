/* SPDX-License-Identifier: ISC */
/*
 * What mstatd is asked, and what it answers: messages of the SOCK_SEQPACKET socket that samplers use too.
 * The first byte tells who speaks: a sampler's is a wire_kind (core/wire.h).
 *
 * A message is its kind, a varint number and bytes. Both sides are of one package: where the versions
 * differ mstatd says so and hangs up. Who asks is known by SO_PEERCRED alone.
 */
#ifndef MSTAT_COLLECTOR_CONTROL_H
#define MSTAT_COLLECTOR_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Grows with each change of a message, or of what lifequeue.c hands over. */
#define CONTROL_VERSION 1

/* No message is longer. */
#define CONTROL_MAX 65536

/* Where mstatd listens, unless $MSTAT_SOCKET says otherwise. */
#define CONTROL_SOCKET "/run/mstat/socket"

enum control_kind {
	CONTROL_OPEN = 0x40, /* number: CONTROL_VERSION. The first message of a connection */
	CONTROL_PLACE,	     /* "put me into a cgroup that is my user's" */
	CONTROL_FOLLOW,	     /* "tell me of all that comes from me" */
	CONTROL_SETTLE,	     /* number, that is answered when all that had happened was told */
	CONTROL_ASK,	     /* number: pid in that tree; its taskstats */
	CONTROL_LIST,	     /* the runs that are kept of the user */
	CONTROL_MORE,	     /* a recorder's: another file for its run */
	CONTROL_READ,	     /* bytes: the name of one of them */

	CONTROL_OPENED =
		0x60,	  /* number: enum control_flag. Or 0 and bytes: why not, then the end */
	CONTROL_PLACED,	  /* number: errno, 0: done. bytes: why not */
	CONTROL_FOLLOWED, /* number: errno, 0: done */
	CONTROL_LIVES,	  /* bytes: of lifequeue_part() */
	CONTROL_SETTLED,  /* number: the question's. bytes: struct lifecycle_losses */
	CONTROL_ASKED,	/* number: errno. bytes: two replies of the kernel, each after its length */
	CONTROL_LISTED, /* bytes: a line for each run. number: 1 where more follows */
	CONTROL_GIVEN, /* to a recorder: a sampler's connection. number: pid of the tree's first process.
				  bytes: the first message of the connection */
	CONTROL_READING, /* number: errno, 0: the file comes along with the message */
};

enum control_flag {
	CONTROL_IS_OPEN = 1,
	CONTROL_HAS_EVENTS = 2,
	CONTROL_HAS_RECORDS = 4,
	CONTROL_MARKS_LAST = 8, /* lifecycle_marks_last() */
	CONTROL_MAY_PLACE = 16, /* it is root's */
};

struct control_message {
	uint8_t kind; /* enum control_kind, or what the peer made of it */
	uint64_t number;
	const uint8_t *bytes; /* borrowed */
	size_t len;
};

/* Whether a message that begins so is one of these: not a sampler's. */
bool control_is_request(uint8_t first);

/* Into a buffer of CONTROL_MAX bytes. Returns the length, 0 where it is too long. */
size_t control_pack(uint8_t *buf, const struct control_message *message);

/* Returns 0 or -EBADMSG. *ret borrows from buf. */
int control_unpack(const uint8_t *buf, size_t len, struct control_message *ret);

/*
 * Sends a message, with the descriptor fd if it is not -1. Returns 0 or a negative errno: -EAGAIN where
 * a socket that does not block is full.
 */
int control_send(int socket, const struct control_message *message, int fd);

/*
 * Receives one into buf, of CONTROL_MAX bytes; *ret_fd (which may be NULL) is a descriptor that came
 * along, the caller's, or -1. timeout_ms -1: as the socket has it. Returns 0, -EAGAIN, -ETIMEDOUT,
 * -ECONNRESET where the peer is gone, -EBADMSG.
 */
int control_receive(int socket, uint8_t *buf, int timeout_ms, struct control_message *ret,
		    int *ret_fd);

#endif
