/* SPDX-License-Identifier: ISC */
/*
 * The samplers' connections: accepted at once, read when peers_drain() says so, never believed.
 */
#ifndef MSTAT_COLLECTOR_PEERS_H
#define MSTAT_COLLECTOR_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/record.h"
#include "core/wire.h"

/*
 * So many bytes of one peer's messages of heapwire.h (as unpacked) are read in one drain: 10 MiB in a
 * second. What is beyond stays in its socket, whose size is its own affair.
 */
#define PEERS_HEAP_TURN (1u << 20)

struct process;

struct peer {
	int fd;		 /* owned */
	uint64_t number; /* from 1, in the order in which they were accepted */
	bool is_guarded; /* stranger.h */
	pid_t pid;
	uid_t uid;
	gid_t gid; /* SO_PEERCRED: the kernel's word, not the peer's */
	/* Set by admit(): the start of the process that was looked at (/proc/PID/stat), 0: none was. */
	uint64_t start_ticks;
	bool is_guess;		 /* its hello must tell the same: its pid may have been another's */
	uint64_t accepted_ns;	 /* CLOCK_MONOTONIC of the host */
	struct process *process; /* borrowed; NULL before its hello */
	struct record last;	 /* what its next delta is against */
	uint64_t drained;	 /* the drain in which it had its turn */
	unsigned repeats;	 /* samples of the tick that the last one was of */
	struct peer *next, *prev;
};

/* Who is told. The rec and the hello's strings live during the call only. */
struct peers_sink {
	/* Whether that process may speak; where not, *ret_why says it in a word or three. */
	bool (*admit)(void *arg, struct peer *peer, const char **ret_why);
	/* Returns the process it speaks for, or NULL to end the connection. */
	struct process *(*hello)(void *arg, const struct peer *peer,
				 const struct wire_hello *hello);
	/* Returns false where the record cannot be true: the connection is ended. */
	bool (*sample)(void *arg, struct process *process, const struct record *rec);
	/*
	 * A message of heapwire.h that is as it must be, of a process that had said hello. Returns false
	 * where it cannot be true: the connection is ended.
	 */
	bool (*heap)(void *arg, const struct peer *peer, enum wire_kind kind, const uint8_t *body,
		     size_t len);
	/* The connection of a process that had said hello is over. */
	void (*gone)(void *arg, struct process *process);
	void (*refused)(void *arg, pid_t pid, const char *why);
	void *arg;
};

struct peers;

/* page_fd is sent to every peer, borrowed. Returns 0 or a negative errno. */
int peers_new(const struct peers_sink *sink, int page_fd, struct peers **ret);

/*
 * Accepts those that wait on the listening socket, a bounded number at a time. Returns 0, or 1
 * where more may wait, or the error (-EMFILE, -ENOMEM, ...) because of which they must wait.
 */
int peers_accept(struct peers *peers, int listen_fd, uint64_t now_ns);

/*
 * Takes a connection that somebody else has accepted, with the first message that was read from it. fd is -1
 * where there was no descriptor left for it: it is refused.
 */
void peers_adopt(struct peers *peers, int fd, const uint8_t *message, size_t len, uint64_t now_ns);

/*
 * Reads what lies in the sockets, each peer in its turn, and ends the connections that are over, or
 * that have said nothing for a long time. Returns false where something was left for the next
 * time, because a peer had more than its turn, or all together took more CPU time than budget_ns.
 */
bool peers_drain(struct peers *peers, uint64_t now_ns, uint64_t budget_ns);

size_t peers_count(const struct peers *peers);

/* Closes all connections without telling anybody. NULL is accepted. */
void peers_free(struct peers *peers);

#endif
