/* SPDX-License-Identifier: ISC */
/* What the files of grant share: the directory, and where systemd has the peer. */
#ifndef MSTAT_COLLECTOR_GRANT_INTERNAL_H
#define MSTAT_COLLECTOR_GRANT_INTERNAL_H

#include <limits.h>
#include <stdbool.h>

#include "collector/cgroup_internal.h"
#include "collector/grant.h"

struct grant {
	const struct grant_peer *peer; /* borrowed */
	struct cgroup_place place;     /* the peer's */
	char *why;		       /* borrowed */
	size_t why_size;
};

/* Notes why not. Returns err. */
__attribute__((format(printf, 3, 4))) int grant_refuse(struct grant *grant, int err,
						       const char *format, ...);

/*
 * Whether the peer lives, and is its user's. What was read of /proc/PID, or done to PID, before this
 * returned 0 was of the peer. Else -ESRCH or -EPERM.
 */
int grant_check_peer(const struct grant_peer *peer);

/* Whether a directory for the peer may be made in that of its cgroup, and be bound by what binds the peer. */
int grant_check_parent(struct grant *grant, int parent);

/* ---- a granted directory: grant_dir.c ---- */

/* Whether it is the name of a granted directory, mstatd-UID-HHHHHHHH, and whose. */
bool grant_dir_is_name(const char *name, uid_t *ret_uid);

/* A fresh name for that user's. */
int grant_dir_name(uid_t uid, char *ret, size_t size);

/* Opens an absolute path in which nothing is a link. */
int grant_dir_open(const char *path);

/* Whether nobody but root can make, rename or remove a directory in it. */
bool grant_dir_is_roots(int fd);

/*
 * Removes the granted directories in parent that have no process: those of that user with what is below
 * them; of others only what has nothing below, so that they cannot make this one wait.
 */
void grant_dir_sweep(int parent, uid_t uid);

/*
 * Moves the peer into the directory, which must be root's. If it is not the peer who came there, but one that
 * got the pid after it, who did is moved to where its parent process is: -ESRCH, -EPERM.
 */
int grant_dir_move(const struct cgroup_dir *dir, const struct grant_peer *peer);

/* Moves everybody in it out: to the directory above, or to where their parent process is. */
void grant_dir_empty(const struct cgroup_dir *dir, bool to_parent_process);

/* Gives the directory, and the files of it that mstat writes, to the peer's user. */
int grant_dir_delegate(int fd, enum cgroup_mode mode, const struct grant_peer *peer);

/* ---- where systemd has the peer: grant_scope.c ---- */

struct grant_unit {
	char slice[NAME_MAX + 1]; /* the innermost one of the system's systemd */
	size_t slice_len;	  /* so much of the path is the slice's */
	char unit[NAME_MAX + 1];  /* the service or scope in it; "": in none */
};

/* False: the path is not one that systemd would make. */
bool grant_unit_find(const char *own, struct grant_unit *ret);

/* Moves the peer into a scope and gives that to its user. */
int grant_scope_enter(struct grant *grant);

#endif
