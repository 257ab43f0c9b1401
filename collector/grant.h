/* SPDX-License-Identifier: ISC */
/*
 * A cgroup for another user's mstat, by a daemon that runs as root: the asking process is put into a fresh
 * one that belongs to its user, and finds it as it would any delegated one.
 *
 * It never has looser limits than what the process was in. On v1 there is one thing that a kernel cannot
 * forbid: who owns a memory cgroup may put any process of his own into it, wherever that was before.
 *
 * Errors are negative errno. Nothing here prints.
 */
#ifndef MSTAT_COLLECTOR_GRANT_H
#define MSTAT_COLLECTOR_GRANT_H

#include <stddef.h>
#include <sys/types.h>

/* Who asks, by SO_PEERCRED. */
struct grant_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	int pidfd; /* borrowed: tells whether the pid is still this process's */
};

/*
 * Puts the peer, which waits for it, into a cgroup of its own: where systemd has the v2 memory
 * controller a scope in the slice of the unit that the peer is in, which is stopped with that unit; else a
 * child of the peer's memory cgroup. *ret_dir is that child's directory, for grant_remove(); "" for a
 * scope, which goes by itself. The peer's pid is that of pidfd. Takes 5 s at most, or longer where the
 * same user left a great many cgroups. Not for a process with threads: it may fork.
 *
 * Returns 0 or an error; then why says on one line why not, and nothing is left behind. -ESRCH: the peer
 * is gone; -EPERM: it is not of that user (any more), or may not leave its cgroup; -EXDEV: it is in
 * another cgroup namespace, or where our mounts do not reach; -EBUSY: it is not alone in its cgroup.
 */
int grant_enter(const struct grant_peer *peer, char *ret_dir, size_t dir_size, char *why,
		size_t why_size);

/*
 * Removes a granted directory, with what is below it. 0 also where it is gone; -EBUSY while processes are
 * in it; -EINVAL for a path that grant_enter() does not give.
 */
int grant_remove(const char *dir);

#endif
