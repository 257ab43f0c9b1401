/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "collector/grant_internal.h"
#include "collector/parent.h"
#include "collector/smallfile.h"
#include "core/parse.h"

#define PREFIX "mstatd-"
/* So many are moved out of a directory at a time, and so often is looked for more. */
#define EMPTY_MAX    256
#define EMPTY_ROUNDS 50
/* A process has no more ancestors than this that are all in one granted directory. */
#define ANCESTORS_MAX 64

bool grant_dir_is_name(const char *name, uid_t *ret_uid)
{
	size_t used;
	int64_t uid;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return false;
	name += strlen(PREFIX);
	if (*name < '0' || *name > '9')
		return false;
	uid = parse_number(name, strlen(name), &used);
	name += used;
	*ret_uid = (uid_t)uid;
	return uid <= UINT32_MAX && *name == '-' && strlen(name) == 9 &&
	       strspn(name + 1, "0123456789abcdef") == 8;
}

int grant_dir_name(uid_t uid, char *ret, size_t size)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	snprintf(ret, size, PREFIX "%u-%08x", (unsigned)uid, random);
	return 0;
}

/* Before 5.6 only the last part is kept from being a link: in a cgroup file system there is none. */
int grant_dir_open(const char *path)
{
	struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_NO_SYMLINKS};
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd < 0 && errno == ENOSYS)
		return cgroup_dir_open(AT_FDCWD, path);
	return fd < 0 ? -errno : (int)fd;
}

bool grant_dir_is_roots(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == 0 && (st.st_mode & S_IWOTH) == 0 &&
	       (st.st_gid == 0 || (st.st_mode & S_IWGRP) == 0);
}

static int sweep_one(int parent, const char *name, void *arg)
{
	const uid_t *uid = arg;
	struct cgroup_dir dir;
	uid_t owner;

	if (!grant_dir_is_name(name, &owner))
		return 0;
	/* One that is being made, and goes like this, is made again. */
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || owner != *uid)
		return 0;
	cgroup_dir_init(&dir);
	dir.parent = cgroup_dir_open(parent, ".");
	dir.fd = cgroup_dir_open(parent, name);
	snprintf(dir.name, sizeof(dir.name), "%.*s", (int)sizeof(dir.name) - 1, name);
	if (dir.parent >= 0 && dir.fd >= 0)
		cgroup_dir_remove(&dir);
	cgroup_dir_done(&dir);
	return 0;
}

void grant_dir_sweep(int parent, uid_t uid)
{
	cgroup_dir_children(parent, sweep_one, &uid);
}

static int write_pid(int fd, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	return cgroup_file_write(fd, "cgroup.procs", text);
}

static bool is_same(int fd, int other)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* The memory directory of the nearest ancestor that is in another one; where there is none: the parent. */
static int open_home(const struct cgroup_dir *dir, pid_t pid)
{
	struct cgroup_place place;

	for (int i = 0; i < ANCESTORS_MAX && (pid = parent_of_pid(pid)) > 0; i++) {
		cleanup_fd int fd = -1;
		int ret;

		if (cgroup_find_of("", pid, &place) < 0)
			break;
		fd = grant_dir_open(place.memory);
		if (fd < 0)
			break;
		if (is_same(fd, dir->fd))
			continue;
		ret = fd;
		fd = -1;
		return ret;
	}
	return cgroup_dir_open(dir->parent, ".");
}

static void move_home(const struct cgroup_dir *dir, pid_t pid)
{
	cleanup_fd int home = open_home(dir, pid);

	if (home < 0 || write_pid(home, pid) < 0)
		write_pid(dir->parent, pid);
}

void grant_dir_empty(const struct cgroup_dir *dir, bool to_parent_process)
{
	pid_t pids[EMPTY_MAX];

	for (int round = 0; round < EMPTY_ROUNDS; round++) {
		int count = cgroup_dir_processes(dir->fd, pids, EMPTY_MAX);

		if (count <= 0)
			return;
		for (int i = 0; i < count && i < EMPTY_MAX; i++) {
			/* One of a pid namespace that we do not see; written, it would be ourselves. */
			if (pids[i] <= 0)
				continue;
			if (to_parent_process)
				move_home(dir, pids[i]);
			else
				write_pid(dir->parent, pids[i]);
		}
		if (round > 0)
			cgroup_sleep_ms(1);
	}
}

int grant_dir_move(const struct cgroup_dir *dir, const struct grant_peer *peer)
{
	int err = write_pid(dir->fd, peer->pid);

	if (err < 0)
		return err;
	err = grant_check_peer(peer);
	if (err < 0)
		grant_dir_empty(dir, true);
	return err;
}

/* Not memory.oom_control: who switches off the killing there has others wait for memory. */
static const char *const files_v1[] = {"cgroup.procs",
				       "tasks",
				       "memory.limit_in_bytes",
				       "memory.memsw.limit_in_bytes",
				       "memory.max_usage_in_bytes",
				       NULL};
/* No more than limits: what is reserved for one (memory.low) is taken from others. */
static const char *const files_v2[] = {"cgroup.procs",
				       "cgroup.threads",
				       "cgroup.subtree_control",
				       "memory.max",
				       "memory.high",
				       "memory.swap.max",
				       "memory.peak",
				       NULL};

int grant_dir_delegate(int fd, enum cgroup_mode mode, const struct grant_peer *peer)
{
	const char *const *file = mode == CGROUP_V2 ? files_v2 : files_v1;

	for (; *file; file++)
		if (fchownat(fd, *file, peer->uid, peer->gid, AT_SYMLINK_NOFOLLOW) < 0 &&
		    (errno != ENOENT || strcmp(*file, "cgroup.procs") == 0))
			return -errno;
	/* The last: it lets the user do things below. */
	return fchown(fd, peer->uid, peer->gid) < 0 ? -errno : 0;
}

/*
 * What the grant has a v2 cgroup do for its children; it had none then, or it could not have had the peer.
 * The root's is nobody's.
 */
static void restore_parent(int parent)
{
	struct stat st;

	if (faccessat(parent, "cgroup.subtree_control", F_OK, 0) == 0 &&
	    !cgroup_dir_is_v2_root(parent) && fstat(parent, &st) == 0 && st.st_nlink == 2)
		cgroup_file_write(parent, "cgroup.subtree_control", "-memory");
}

int grant_remove(const char *path)
{
	const char *name = strrchr(path, '/');
	struct cgroup_dir dir;
	char above[CGROUP_PATH_SIZE];
	uid_t uid;
	int err;

	if (path[0] != '/' || !grant_dir_is_name(name + 1, &uid) ||
	    (size_t)(name - path) >= sizeof(above))
		return -EINVAL;
	snprintf(above, sizeof(above), "%.*s", (int)(name - path), path);
	cgroup_dir_init(&dir);
	dir.parent = grant_dir_open(above);
	dir.fd = dir.parent < 0 ? dir.parent : cgroup_dir_open(dir.parent, name + 1);
	snprintf(dir.name, sizeof(dir.name), "%.*s", (int)sizeof(dir.name) - 1, name + 1);
	if (dir.fd < 0) {
		err = dir.fd == -ENOENT ? 0 : dir.fd;
	} else {
		cleanup_fd int parent = cgroup_dir_open(dir.parent, ".");

		err = cgroup_dir_remove(&dir);
		if (err == 0 && parent >= 0)
			restore_parent(parent);
	}
	cgroup_dir_done(&dir);
	return err;
}
