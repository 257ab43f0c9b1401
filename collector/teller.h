/* SPDX-License-Identifier: ISC */
/*
 * Telling one user of the life of his processes: what is told of a group goes into a bounded queue, and
 * from there, as fast as it is read, to a socket.
 */
#ifndef MSTAT_COLLECTOR_TELLER_H
#define MSTAT_COLLECTOR_TELLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/kin.h"
#include "collector/lifequeue.h"

struct teller {
	struct kin_group group; /* first: of whom is told */
	uid_t uid;		/* to whom; 0 is told all of them */
	int fd;			/* borrowed; does not block */
	struct lifequeue queue;
	size_t sent; /* bytes of the queue */
	uint64_t lost;
	uint64_t question; /* of CONTROL_SETTLE, to be answered when all was sent; 0: none */
};

/*
 * Of processes of other users only that they come and go is told, and what everybody may see: no exit
 * record, no command line.
 */
void teller_tell(struct teller *teller, const struct life_event *event);

/* Whether a process is his to know all of: its effective user, or he is root. */
bool teller_may_know(const struct teller *teller, pid_t pid);

/*
 * Sends what it can. Returns 0 when all was sent, the answer included (which has these losses), 1 where
 * the socket is full, or a negative errno.
 */
int teller_send(struct teller *teller, const struct lifecycle_losses *losses);

void teller_done(struct teller *teller);

#endif
