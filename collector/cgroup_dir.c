/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "collector/cgroup_internal.h"
#include "core/parse.h"

int cgroup_file_read(int dirfd, const char *name, char **ret, size_t *ret_len)
{
	cleanup_fd int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	cleanup_text char *text = NULL;
	size_t room = 0;
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		if (room - len < 2) {
			char *more = realloc(text, room ? room * 2 : 4096);

			if (!more)
				return -ENOMEM;
			text = more;
			room = room ? room * 2 : 4096;
		}
		n = read(fd, text + len, room - len - 1);
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
	} while (n != 0);
	text[len] = '\0';
	*ret = text;
	*ret_len = len;
	text = NULL;
	return 0;
}

int cgroup_file_write(int dirfd, const char *name, const char *text)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	do
		n = write(fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	err = n < 0 ? -errno : 0;
	close(fd);
	return err;
}

bool cgroup_file_has_word(int dirfd, const char *name, const char *word)
{
	cleanup_text char *text = NULL;
	size_t len;

	return cgroup_file_read(dirfd, name, &text, &len) == 0 &&
	       cgroup_has_word(text, len, ' ', word);
}

int cgroup_dir_open(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/*
 * A walk through a tree of directories of any depth with one descriptor: a level keeps the names of
 * its subdirectories, and the way up is "..", which a cgroup file system has even in a directory
 * that was removed meanwhile.
 */
struct level {
	char *names; /* owned; one after the other, each ending with a zero */
	size_t len;
	size_t at; /* the one that is being walked */
};

struct walk {
	int fd;		      /* owned: where the walk stands */
	struct level *levels; /* owned */
	size_t depth;
	size_t room;
};

typedef int (*walk_enter_fn)(int fd, void *arg);
typedef int (*walk_leave_fn)(int parent, const char *name);

static void walk_done(struct walk *walk)
{
	while (walk->depth > 0)
		free(walk->levels[--walk->depth].names);
	free(walk->levels);
	cgroup_close_fd(&walk->fd);
}

static int level_add(struct level *level, const char *name)
{
	size_t size = strlen(name) + 1;
	char *more = realloc(level->names, level->len + size);

	if (!more)
		return -ENOMEM;
	memcpy(more + level->len, name, size);
	level->names = more;
	level->len += size;
	return 0;
}

static void close_stream(DIR **stream)
{
	if (*stream)
		closedir(*stream);
}

static bool is_subdir(int fd, const struct dirent *entry)
{
	struct stat st;

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return false;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int level_read(int fd, struct level *level)
{
	__attribute__((cleanup(close_stream))) DIR *stream = NULL;
	struct dirent *entry;
	struct stat st;
	int err = 0;
	int copy;

	/* Two links mean no subdirectory, on a cgroup file system too: spares reading all names. */
	if (fstat(fd, &st) == 0 && st.st_nlink == 2)
		return 0;
	copy = cgroup_dir_open(fd, ".");
	if (copy < 0)
		return copy;
	stream = fdopendir(copy);
	if (!stream) {
		err = -errno;
		close(copy);
		return err;
	}
	while (err == 0 && (entry = readdir(stream)))
		if (is_subdir(fd, entry))
			err = level_add(level, entry->d_name);
	return err;
}

static int walk_push(struct walk *walk)
{
	struct level level = {0};
	int err;

	if (walk->depth == walk->room) {
		size_t room = walk->room ? walk->room * 2 : 8;
		struct level *more = realloc(walk->levels, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		walk->levels = more;
		walk->room = room;
	}
	err = level_read(walk->fd, &level);
	walk->levels[walk->depth++] = level;
	return err;
}

/* The subdirectory that the walk stands at; NULL: the level has been walked. */
static char *walk_name(struct walk *walk)
{
	struct level *level = &walk->levels[walk->depth - 1];

	return level->at < level->len ? level->names + level->at : NULL;
}

static void walk_next(struct walk *walk)
{
	walk->levels[walk->depth - 1].at += strlen(walk_name(walk)) + 1;
}

/* Into the subdirectory; one that is gone meanwhile is passed over. */
static int walk_down(struct walk *walk, walk_enter_fn enter, void *arg)
{
	int child = cgroup_dir_open(walk->fd, walk_name(walk));
	int err;

	if (child == -ENOENT) {
		walk_next(walk);
		return 0;
	}
	if (child < 0)
		return child;
	cgroup_close_fd(&walk->fd);
	walk->fd = child;
	err = enter ? enter(child, arg) : 0;
	return err < 0 ? err : walk_push(walk);
}

/* Out of a directory that has been walked, and past it. */
static int walk_up(struct walk *walk, walk_leave_fn leave)
{
	int up = cgroup_dir_open(walk->fd, "..");
	int err;

	if (up < 0)
		return up;
	free(walk->levels[--walk->depth].names);
	cgroup_close_fd(&walk->fd);
	walk->fd = up;
	err = leave ? leave(up, walk_name(walk)) : 0;
	walk_next(walk);
	return err;
}

/*
 * Calls enter in the directory and in each one below it, parents first; and leave, when a
 * subdirectory has been walked, in its parent. Either may be NULL; an error of theirs ends the walk.
 */
static int walk_tree(int top, walk_enter_fn enter, walk_leave_fn leave, void *arg)
{
	__attribute__((cleanup(walk_done))) struct walk walk = {.fd = cgroup_dir_open(top, ".")};
	int err = walk.fd < 0 ? walk.fd : enter ? enter(walk.fd, arg) : 0;

	if (err == 0)
		err = walk_push(&walk);
	while (err == 0) {
		if (walk_name(&walk))
			err = walk_down(&walk, enter, arg);
		else if (walk.depth > 1)
			err = walk_up(&walk, leave);
		else
			break;
	}
	return err;
}

int cgroup_dir_each(int fd, int (*enter)(int fd, void *arg), void *arg)
{
	return walk_tree(fd, enter, NULL, arg);
}

struct process_list {
	pid_t *pid; /* borrowed */
	size_t max;
	size_t count;
};

static int list_processes(int fd, void *arg)
{
	struct process_list *list = arg;
	cleanup_text char *text = NULL;
	size_t len;
	size_t used;
	int err = cgroup_file_read(fd, "cgroup.procs", &text, &len);

	/*
	 * Removed meanwhile; or threaded: then its processes stand in the domain's file above
	 * (cgroup-v2.rst, "Threads").
	 */
	if (err == -ENOENT || err == -ENODEV || err == -EOPNOTSUPP)
		return 0;
	if (err < 0)
		return err;
	for (size_t at = 0; at < len; at += used + 1) {
		int64_t pid = parse_number(text + at, len - at, &used);

		if (used == 0)
			break;
		if (list->count < list->max)
			list->pid[list->count] = (pid_t)pid;
		list->count++;
	}
	return 0;
}

int cgroup_dir_processes(int fd, pid_t *ret, size_t max)
{
	struct process_list list = {.pid = ret, .max = max};
	int err = walk_tree(fd, list_processes, NULL, &list);

	return err < 0 ? err : (int)list.count;
}

static bool is_populated(int fd)
{
	return cgroup_dir_processes(fd, NULL, 0) > 0;
}

static int remove_subdir(int parent, const char *name)
{
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT || errno == ENODEV)
		return 0;
	return -errno;
}

/* The tree below fd and then fd itself, whose name in parent is known. */
static int remove_tree(int parent, int fd, const char *name)
{
	int err = remove_subdir(parent, name);

	if (err == 0 || (err != -EBUSY && err != -ENOTEMPTY))
		return err;
	if (is_populated(fd))
		return -EBUSY;
	err = walk_tree(fd, NULL, remove_subdir, NULL);
	return err < 0 ? err : remove_subdir(parent, name);
}

void cgroup_dir_init(struct cgroup_dir *dir)
{
	dir->parent = -1;
	dir->fd = -1;
	dir->name[0] = '\0';
}

void cgroup_dir_done(struct cgroup_dir *dir)
{
	cgroup_close_fd(&dir->parent);
	cgroup_close_fd(&dir->fd);
	dir->name[0] = '\0';
}

void cgroup_sleep_ms(long ms)
{
	struct timespec ts = {.tv_nsec = ms * 1000000};

	nanosleep(&ts, NULL);
}

int cgroup_dir_remove(struct cgroup_dir *dir)
{
	int err = 0;

	if (dir->fd < 0)
		return 0;
	/*
	 * A process that has just died may still count for some milliseconds, while it is in no
	 * list any more; one that is listed is alive, and not waited for.
	 */
	for (int i = 0; i < 50; i++) {
		err = remove_tree(dir->parent, dir->fd, dir->name);
		if ((err != -EBUSY && err != -ENOTEMPTY) || is_populated(dir->fd))
			break;
		cgroup_sleep_ms(2);
	}
	if (err == -ENOTEMPTY)
		err = -EBUSY;
	if (err == 0)
		cgroup_dir_done(dir);
	return err;
}

/* Whether fd is still what stands under that name. */
static bool is_same(int parent, const char *name, int fd)
{
	struct stat named;
	struct stat opened;

	return fstat(fd, &opened) == 0 && fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/*
 * The lock tells a run that lives from one that is to be swept, across pid namespaces, where
 * neither a pid nor emptiness would. Another's sweep may hold it for a moment; somebody else who
 * holds it for good (any user may lock what he can read) must not stop the run.
 */
static void lock_shared(int fd)
{
	for (int i = 0; i < 20 && flock(fd, LOCK_SH | LOCK_NB) < 0; i++)
		cgroup_sleep_ms(1);
}

int cgroup_dir_make(int parent, const char *name, struct cgroup_dir *ret)
{
	cleanup_fd int up = cgroup_dir_open(parent, ".");

	cgroup_dir_init(ret);
	if (up < 0)
		return up;
	if (strlen(name) >= sizeof(ret->name))
		return -ENAMETOOLONG;
	/* Between mkdir and flock a sweep may take it for a dead one. */
	for (int i = 0; i < 5; i++) {
		cleanup_fd int fd = -1;

		if (mkdirat(up, name, 0755) < 0)
			return -errno;
		fd = cgroup_dir_open(up, name);
		if (fd < 0 && fd != -ENOENT) {
			unlinkat(up, name, AT_REMOVEDIR);
			return fd;
		}
		if (fd < 0)
			continue;
		lock_shared(fd);
		if (!is_same(up, name, fd))
			continue;
		strcpy(ret->name, name);
		ret->parent = up;
		ret->fd = fd;
		up = fd = -1;
		return 0;
	}
	return -EAGAIN;
}

/* What follows mstat-PID-HHHHHHHH in a name, or NULL for another name. */
static const char *run_suffix(const char *name)
{
	size_t digits;

	if (strncmp(name, "mstat-", 6) != 0)
		return NULL;
	name += 6;
	digits = strspn(name, "0123456789");
	if (digits == 0 || name[digits] != '-')
		return NULL;
	name += digits + 1;
	return strspn(name, "0123456789abcdef") == 8 ? name + 8 : NULL;
}

bool cgroup_dir_is_run(const char *name)
{
	const char *suffix = run_suffix(name);

	return suffix && *suffix == '\0';
}

/* A run's directory or its leaf. */
static bool is_ours(const char *name)
{
	const char *suffix = run_suffix(name);

	return suffix && (*suffix == '\0' || strcmp(suffix, ".leaf") == 0);
}

static void sweep_one(int parent, const char *name)
{
	cleanup_fd int fd = cgroup_dir_open(parent, name);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		remove_tree(parent, fd, name);
}

static void level_done(struct level *level)
{
	free(level->names);
}

void cgroup_dir_sweep(int parent)
{
	__attribute__((cleanup(level_done))) struct level level = {0};

	level_read(parent, &level);
	for (size_t at = 0; at < level.len; at += strlen(level.names + at) + 1)
		if (is_ours(level.names + at))
			sweep_one(parent, level.names + at);
}

bool cgroup_path_is_in_run(const char *path)
{
	char part[NAME_MAX + 1];

	while (*path) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len < sizeof(part)) {
			memcpy(part, path, len);
			part[len] = '\0';
			if (cgroup_dir_is_run(part))
				return true;
		}
		path += len;
	}
	return false;
}

int cgroup_dir_children(int parent, int (*fn)(int parent, const char *name, void *arg), void *arg)
{
	__attribute__((cleanup(level_done))) struct level level = {0};
	int err = level_read(parent, &level);

	for (size_t at = 0; err == 0 && at < level.len; at += strlen(level.names + at) + 1)
		err = fn(parent, level.names + at, arg);
	return err;
}

int cgroup_dir_count_runs(int parent, const char *except)
{
	__attribute__((cleanup(level_done))) struct level level = {0};
	int count = 0;
	int err = level_read(parent, &level);

	if (err < 0)
		return err;
	for (size_t at = 0; at < level.len; at += strlen(level.names + at) + 1)
		if (is_ours(level.names + at) && strcmp(level.names + at, except) != 0)
			count++;
	return count;
}
