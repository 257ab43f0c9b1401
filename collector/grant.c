/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "collector/grant_internal.h"
#include "collector/smallfile.h"
#include "core/parse.h"

/* Another grant's sweep may take a directory that has nobody yet. */
#define MAKE_TRIES 5

int grant_refuse(struct grant *grant, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(grant->why, grant->why_size, format, args);
	va_end(args);
	for (char *at = grant->why; *at; at++)
		if (*at == '\n')
			*at = ' ';
	return err;
}

/* ---- the peer ---------------------------------------------------------------------------------- */

/* Real, effective, saved and that of files: one that runs a set-user-id program has them differ. */
static bool has_uid(pid_t pid, uid_t uid)
{
	char path[32], text[4096];
	const char *line;
	size_t len, used;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	len = smallfile_read(path, text, sizeof(text));
	line = parse_line(text, len, "Uid", &len);
	for (int i = 0; i < 4; i++) {
		if (!line || parse_number(line, len, &used) != (int64_t)uid || used == 0)
			return false;
		line += used;
		len -= used;
	}
	return true;
}

static bool is_alive(int pidfd)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};

	return pidfd >= 0 && poll(&end, 1, 0) == 0;
}

int grant_check_peer(const struct grant_peer *peer)
{
	bool is_users;

	/* 0, a peer of a pid namespace that we do not see, would be ourselves. */
	if (peer->pid <= 0)
		return -ESRCH;
	is_users = has_uid(peer->pid, peer->uid);
	/* The last: as long as it lives nobody else has its pid. */
	if (!is_alive(peer->pidfd))
		return -ESRCH;
	return is_users ? 0 : -EPERM;
}

static int check_peer(struct grant *grant)
{
	int err = grant_check_peer(grant->peer);

	if (err == -ESRCH)
		return grant_refuse(grant, err, "the process that asked is gone");
	if (err < 0)
		return grant_refuse(grant, err, "the process that asked has another user by now");
	return 0;
}

/* A kernel that has none has both fail. */
static bool has_our_namespace(pid_t pid)
{
	struct stat ours, theirs;
	char path[40];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/ns/cgroup", (int)pid);
	err = stat("/proc/self/ns/cgroup", &ours);
	if (err != stat(path, &theirs))
		return false;
	return err < 0 || (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino);
}

static int find_peer(struct grant *grant)
{
	int err = check_peer(grant);
	int found;
	bool is_ours;

	if (err < 0)
		return err;
	is_ours = has_our_namespace(grant->peer->pid);
	found = cgroup_find_of("", grant->peer->pid, &grant->place);
	err = check_peer(grant);
	if (err < 0)
		return err;
	if (!is_ours)
		return grant_refuse(grant, -EXDEV, "the process is in another cgroup namespace");
	if (found == -EXDEV)
		return grant_refuse(grant, found, "its memory cgroup is not among those seen here");
	if (found < 0)
		return grant_refuse(grant, found, "its memory cgroup was not found: %s",
				    strerror(-found));
	return 0;
}

/* ---- a child of its cgroup --------------------------------------------------------------------- */

/*
 * Whether the limits of a v1 cgroup hold for those below it. The root, which has none, may count
 * nothing of its children and they still all of theirs.
 */
static int check_v1(struct grant *grant, int parent)
{
	if (faccessat(parent, "memory.use_hierarchy", F_OK, 0) < 0 ||
	    cgroup_file_has_word(parent, "memory.use_hierarchy", "1") ||
	    faccessat(parent, "release_agent", F_OK, 0) == 0)
		return 0;
	return grant_refuse(
		grant, -EPERM,
		"its cgroup's limits would not hold below it: memory.use_hierarchy is 0");
}

static int check_v2(struct grant *grant, int parent)
{
	bool is_in;
	int err;

	if (!cgroup_file_has_word(parent, "cgroup.controllers", "memory"))
		return grant_refuse(grant, -ENOENT,
				    "the memory controller is not enabled for its cgroup");
	if (cgroup_dir_is_v2_root(parent))
		return 0;
	err = cgroup_dir_only(parent, grant->peer->pid, &is_in);
	if (err == -EBUSY || (err == 0 && !is_in))
		return grant_refuse(grant, -EBUSY, "its cgroup has other processes");
	if (err < 0)
		return grant_refuse(grant, err, "its cgroup cannot have others below it: %s",
				    strerror(-err));
	return 0;
}

int grant_check_parent(struct grant *grant, int parent)
{
	if (!grant_dir_is_roots(parent))
		return grant_refuse(grant, -EPERM,
				    "its cgroup belongs to a user, who can make others in it");
	return grant->place.mode == CGROUP_V2 ? check_v2(grant, parent) : check_v1(grant, parent);
}

static int make_child(struct grant *grant, int parent, struct cgroup_dir *ret)
{
	char name[CGROUP_NAME_SIZE];
	int err = grant_dir_name(grant->peer->uid, name, sizeof(name));

	if (err == 0)
		err = cgroup_dir_make(parent, name, ret);
	if (err < 0)
		return err;
	/* Below a root that does not count its children: see check_v1(). */
	if (grant->place.mode != CGROUP_V2 &&
	    faccessat(ret->fd, "memory.use_hierarchy", F_OK, 0) == 0 &&
	    !cgroup_file_has_word(ret->fd, "memory.use_hierarchy", "1"))
		err = cgroup_file_write(ret->fd, "memory.use_hierarchy", "1");
	/* The sweep may have taken a while. */
	if (err == 0)
		err = grant_check_peer(grant->peer);
	if (err == 0)
		err = grant_dir_move(ret, grant->peer);
	return err;
}

static int make_and_move(struct grant *grant, int parent, struct cgroup_dir *ret)
{
	int err = -EAGAIN;

	for (int i = 0; i < MAKE_TRIES; i++) {
		err = make_child(grant, parent, ret);
		if (err == 0)
			return 0;
		cgroup_dir_remove(ret);
		cgroup_dir_done(ret);
		if (err != -ENODEV && err != -ENOENT)
			break;
	}
	/* Also the write of a pid that is nobody's. */
	if (check_peer(grant) == 0)
		grant_refuse(grant, err, "the process could not be moved to a cgroup: %s",
			     strerror(-err));
	return err;
}

/* v2's files of memory are there only when the parent has its children have them. */
static int hand_over(struct grant *grant, const struct cgroup_dir *dir)
{
	bool enabled = false;
	int err = 0;

	if (grant->place.mode == CGROUP_V2)
		err = cgroup_dir_enable_memory(dir->parent, &enabled);
	if (err == 0)
		err = grant_dir_delegate(dir->fd, grant->place.mode, grant->peer);
	if (err == 0)
		return 0;
	if (enabled && !cgroup_dir_is_v2_root(dir->parent))
		cgroup_file_write(dir->parent, "cgroup.subtree_control", "-memory");
	return grant_refuse(grant, err, "the cgroup could not be handed over: %s", strerror(-err));
}

static int enter_child(struct grant *grant, char *ret_dir, size_t size)
{
	cleanup_fd int parent = grant_dir_open(grant->place.memory);
	struct cgroup_dir dir;
	int err;

	cgroup_dir_init(&dir);
	if (parent < 0)
		return grant_refuse(grant, parent, "its memory cgroup cannot be opened: %s",
				    strerror(-parent));
	if (strlen(grant->place.memory) + 1 + CGROUP_NAME_SIZE > size)
		return grant_refuse(grant, -ENAMETOOLONG, "its memory cgroup's path is too long");
	err = grant_check_parent(grant, parent);
	if (err < 0)
		return err;
	grant_dir_sweep(parent, grant->peer->uid);
	err = make_and_move(grant, parent, &dir);
	if (err < 0)
		return err;
	err = hand_over(grant, &dir);
	if (err < 0) {
		grant_dir_empty(&dir, false);
		cgroup_dir_remove(&dir);
	} else {
		snprintf(ret_dir, size, "%s/%s", grant->place.memory, dir.name);
	}
	cgroup_dir_done(&dir);
	return err;
}

/* ---- both -------------------------------------------------------------------------------------- */

int grant_enter(const struct grant_peer *peer, char *ret_dir, size_t dir_size, char *why,
		size_t why_size)
{
	struct grant grant = {.peer = peer, .why = why, .why_size = why_size};
	int err;

	ret_dir[0] = '\0';
	why[0] = '\0';
	err = find_peer(&grant);
	if (err < 0)
		return err;
	/* What systemd has made is its own, also where it would not mind. sd_booted(3). */
	if (grant.place.mode == CGROUP_V2 &&
	    faccessat(AT_FDCWD, "/run/systemd/system", F_OK, 0) == 0)
		return grant_scope_enter(&grant);
	return enter_child(&grant, ret_dir, dir_size);
}
