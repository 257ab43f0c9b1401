/* SPDX-License-Identifier: ISC */
/*
 * Who may speak in a run: its own processes. (The socket's name is no secret: /proc/net/unix.)
 */
#ifndef MSTAT_COLLECTOR_MEMBERS_H
#define MSTAT_COLLECTOR_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/cgroup.h"
#include "collector/patience.h"
#include "collector/peers.h"

/* Users whose processes were seen in the run; more than a tree has in practice. */
#define MEMBERS_UIDS_MAX 64

struct members {
	uid_t uids[MEMBERS_UIDS_MAX];
	size_t count;
	struct patience *patience; /* borrowed: with those whose stat is waited for */
};

/* Our own user is one from the start. patience is borrowed. */
void members_init(struct members *members, struct patience *patience);

/*
 * Whether the process that connected is of the run: in its cgroup. cg may be NULL: then those of our
 * own user are, and all where we are root. Where it is not, *ret_why says why. One that is dead
 * already cannot be looked up any more: it is believed, where it was of a user whose processes the
 * run has.
 *
 * peer->start_ticks is set to the start time of the process that was looked at; it stays 0 where that
 * hangs in an exec. Where the kernel cannot say that it is the one that connected (before 6.5),
 * peer->is_guess is set, for members_confirm().
 */
bool members_admit(struct members *members, const struct cgroup *cg, struct peer *peer,
		   const char **ret_why);

/* Whether an admitted peer, whose hello says start_ticks, is the process that was looked at. */
bool members_confirm(struct members *members, const struct peer *peer, uint64_t start_ticks);

#endif
