/* SPDX-License-Identifier: ISC */
/*
 * Who may speak in a run: its own processes. (The socket's name is no secret: /proc/net/unix.)
 */
#ifndef MSTAT_COLLECTOR_MEMBERS_H
#define MSTAT_COLLECTOR_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "collector/cgroup.h"

/* Users whose processes were seen in the run; more than a tree has in practice. */
#define MEMBERS_UIDS_MAX 64

struct members {
	uid_t uids[MEMBERS_UIDS_MAX];
	size_t count;
};

/* Our own user is one from the start. */
void members_init(struct members *members);

/*
 * Whether the process that connected, by the kernel's word (SO_PEERCRED), is of the run: in its
 * cgroup. cg may be NULL: then those of our own user are, and all where we are root. Where it is
 * not, *ret_why says why.
 */
bool members_admit(struct members *members, const struct cgroup *cg, pid_t pid, uid_t uid,
		   const char **ret_why);

#endif
