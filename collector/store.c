/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/runlock.h"
#include "collector/store.h"

#define SUFFIX	   ".mstat"
#define SUFFIX_LEN (sizeof(SUFFIX) - 1)
#define LOCK_NAME  "lock"
/* What a name may hold. */
#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-"
#define COMM_LEN   16
/* A name without its number and suffix: "20261121T163352Z-1234-nginx". */
#define STEM_SIZE 48
/* "4294967295" */
#define UID_SIZE 11
/* Runs of the same second, pid and comm. */
#define COPIES_MAX 999
/* What st_blocks counts in, whatever the file system's blocks are. */
#define BLOCK_BYTES   512
#define RUN_BYTES_MIN 4096
/* Of a uid: to tell of more would take long. */
#define RUNS_MAX 1000

struct store {
	int fd;	     /* owned: DIR */
	int lock_fd; /* owned */
};

/* One uid's, in the order of their names. */
struct run_list {
	struct store_run *runs; /* owned */
	size_t count, room;
};

/* Owned by the caller, which frees it. open() with a slash at the end follows a symbolic link. */
static char *without_slashes(const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	return strndup(path, len);
}

/* Where the sticky bit is set, others may make files, but cannot rename or remove ours. */
static int check_store(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return -EPERM;
	return (st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX) ? -EPERM : 0;
}

static int check_own(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) ? -EPERM : 0;
}

static int open_checked(int at, const char *path, int (*check)(int fd))
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = check(fd);
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

static int open_dir(const char *dir)
{
	char *path = without_slashes(dir);
	int fd = -ENOMEM;

	if (path)
		fd = mkdir(path, 0711) < 0 && errno != EEXIST
			     ? -errno
			     : open_checked(AT_FDCWD, path, check_store);
	free(path);
	return fd;
}

/* Two that remove each other's runs would keep to no size. A folder itself could be locked by all who may read it. */
static int lock_dir(int dir)
{
	int fd = openat(dir, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
			0600);
	int err;

	if (fd < 0)
		return -errno;
	err = check_own(fd);
	if (err == 0)
		err = runlock_take(fd);
	if (err == 0)
		return fd;
	close(fd);
	return err == -EAGAIN ? -EBUSY : err;
}

int store_open(const char *dir, struct store **ret)
{
	struct store *store = calloc(1, sizeof(*store));
	int err;

	*ret = NULL;
	if (!store)
		return -ENOMEM;
	store->fd = err = open_dir(dir);
	if (err >= 0)
		store->lock_fd = err = lock_dir(store->fd);
	if (err >= 0) {
		*ret = store;
		return 0;
	}
	if (store->fd >= 0)
		close(store->fd);
	free(store);
	return err;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	/* A child may have a copy, for a moment. */
	runlock_release(store->lock_fd);
	close(store->lock_fd);
	close(store->fd);
	free(store);
}

static void print_uid(char text[UID_SIZE], uid_t uid)
{
	snprintf(text, UID_SIZE, "%u", (unsigned)uid);
}

/* In a sticky DIR somebody else may have made it, as a link to where we write and he cannot. */
static int open_folder(struct store *store, uid_t uid)
{
	char text[UID_SIZE];

	print_uid(text, uid);
	return open_checked(store->fd, text, check_own);
}

static int make_folder(struct store *store, uid_t uid)
{
	char text[UID_SIZE];

	print_uid(text, uid);
	if (mkdirat(store->fd, text, 0700) < 0 && errno != EEXIST)
		return -errno;
	return open_folder(store, uid);
}

static bool is_run_name(const char *name)
{
	size_t len = strnlen(name, STORE_NAME_SIZE);

	return len > SUFFIX_LEN && len < STORE_NAME_SIZE && name[0] != '.' &&
	       strspn(name, NAME_CHARS) == len && !strcmp(name + len - SUFFIX_LEN, SUFFIX);
}

static int make_stem(char buf[STEM_SIZE], const char *comm, pid_t pid, time_t at)
{
	char word[COMM_LEN + 1] = "_";
	char date[sizeof("20261121T163352Z")];
	struct tm tm;

	/* Names are sorted: a year has four digits. */
	if (!gmtime_r(&at, &tm) || tm.tm_year < 0 || tm.tm_year > 9999 - 1900 || pid < 0)
		return -EINVAL;
	strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &tm);
	for (size_t i = 0; i < COMM_LEN && comm[i]; i++)
		word[i] = strchr(NAME_CHARS, comm[i]) && (i || comm[i] != '.') ? comm[i] : '_';
	snprintf(buf, STEM_SIZE, "%s-%d-%s", date, (int)pid, word);
	return 0;
}

/* What cannot be told for a finished run is not removed. */
static bool is_locked(int fd)
{
	return runlock_is_held(fd) != 0;
}

static int create_file(int folder, const char *name)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int err;

	if (fd < 0)
		return -errno;
	/* Without the lock it would be taken for a finished run, and removed. */
	err = runlock_take(fd);
	if (err == 0)
		return fd;
	unlinkat(folder, name, 0);
	close(fd);
	return err;
}

static int create_run(int folder, const char *stem, char ret_name[STORE_NAME_SIZE])
{
	int fd = -EEXIST;

	for (int i = 1; fd == -EEXIST && i <= COPIES_MAX; i++) {
		char number[8] = "";

		if (i > 1)
			snprintf(number, sizeof(number), "-%d", i);
		snprintf(ret_name, STORE_NAME_SIZE, "%s%s%s", stem, number, SUFFIX);
		fd = create_file(folder, ret_name);
	}
	return fd;
}

int store_begin(struct store *store, uid_t uid, const char *comm, pid_t pid, time_t at, int *ret_fd,
		char ret_name[STORE_NAME_SIZE])
{
	char stem[STEM_SIZE];
	int err = make_stem(stem, comm, pid, at);
	int folder = err < 0 ? err : make_folder(store, uid);

	*ret_fd = -1;
	ret_name[0] = '\0';
	if (folder < 0)
		return folder;
	err = create_run(folder, stem, ret_name);
	close(folder);
	if (err < 0) {
		ret_name[0] = '\0';
		return err;
	}
	*ret_fd = err;
	return 0;
}

/* What is there but is no regular file of ours is -ENOENT: no run. It never makes us wait. */
static int open_run(int folder, const char *name, struct stat *ret)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	/* A symbolic link, a socket. */
	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? -ENOENT : -errno;
	if (fstat(fd, ret) == 0 && S_ISREG(ret->st_mode) && ret->st_uid == geteuid())
		return fd;
	close(fd);
	return -ENOENT;
}

int store_read(struct store *store, uid_t uid, const char *name)
{
	struct stat st;
	int folder;
	int fd;

	if (!is_run_name(name))
		return -EINVAL;
	folder = open_folder(store, uid);
	if (folder < 0)
		return folder;
	fd = open_run(folder, name, &st);
	close(folder);
	return fd;
}

static int describe_run(int folder, const char *name, struct store_run *ret)
{
	struct stat st;
	uint64_t length, taken;
	int fd = open_run(folder, name, &st);

	if (fd < 0)
		return fd;
	length = (uint64_t)st.st_size;
	taken = (uint64_t)st.st_blocks * BLOCK_BYTES;
	memcpy(ret->name, name, strlen(name) + 1);
	ret->size_bytes = length > taken ? length : taken;
	/* A million empty ones fill a file system, too. */
	if (ret->size_bytes < RUN_BYTES_MIN)
		ret->size_bytes = RUN_BYTES_MIN;
	ret->mtime_s = st.st_mtim.tv_sec;
	ret->is_growing = is_locked(fd);
	close(fd);
	return 0;
}

static int add_run(struct run_list *list, int folder, const char *name)
{
	int err;

	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		struct store_run *runs = reallocarray(list->runs, room, sizeof(*runs));

		if (!runs)
			return -ENOMEM;
		list->runs = runs;
		list->room = room;
	}
	err = describe_run(folder, name, &list->runs[list->count]);
	if (err == 0)
		list->count++;
	return err == -ENOENT ? 0 : err;
}

/* One without its suffix: "-2" stands behind the first of its name, and "-10" behind "-9". */
static int compare_runs(const void *a, const void *b)
{
	char left[STORE_NAME_SIZE], right[STORE_NAME_SIZE];

	memcpy(left, ((const struct store_run *)a)->name, sizeof(left));
	memcpy(right, ((const struct store_run *)b)->name, sizeof(right));
	left[strlen(left) - SUFFIX_LEN] = '\0';
	right[strlen(right) - SUFFIX_LEN] = '\0';
	return strverscmp(left, right);
}

static int read_runs(DIR *dir, struct run_list *list)
{
	struct dirent *entry;
	int err = 0;

	while (err == 0 && (errno = 0, entry = readdir(dir)))
		if (is_run_name(entry->d_name))
			err = add_run(list, dirfd(dir), entry->d_name);
	return err < 0 ? err : -errno;
}

/* A stream of its own for an open folder. */
static DIR *open_stream(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);

	if (!dir && copy >= 0)
		close(copy);
	return dir;
}

/* The caller frees ret->runs, whatever is returned. */
static int load_runs(int folder, struct run_list *ret)
{
	DIR *dir = open_stream(folder);
	int err;

	*ret = (struct run_list){0};
	if (!dir)
		return -errno;
	err = read_runs(dir, ret);
	closedir(dir);
	if (err == 0 && ret->count)
		qsort(ret->runs, ret->count, sizeof(*ret->runs), compare_runs);
	return err;
}

static uint64_t sum_runs(const struct run_list *list)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < list->count; i++)
		bytes += list->runs[i].size_bytes;
	return bytes;
}

/* A uid without a folder has no runs. */
static int load_uid(struct store *store, uid_t uid, struct run_list *ret)
{
	int folder = open_folder(store, uid);
	int err;

	*ret = (struct run_list){0};
	if (folder < 0)
		return folder == -ENOENT ? 0 : folder;
	err = load_runs(folder, ret);
	close(folder);
	return err;
}

int store_list(struct store *store, uid_t uid, store_sink *each, void *arg)
{
	struct run_list list;
	int err = load_uid(store, uid, &list);

	for (size_t i = 0; err == 0 && i < list.count; i++)
		err = each(arg, &list.runs[i]);
	free(list.runs);
	return err;
}

int store_bytes(struct store *store, uid_t uid, uint64_t *ret_bytes, size_t *ret_growing)
{
	struct run_list list;
	int err = load_uid(store, uid, &list);

	*ret_bytes = err == 0 ? sum_runs(&list) : 0;
	*ret_growing = 0;
	for (size_t i = 0; err == 0 && i < list.count; i++)
		*ret_growing += list.runs[i].is_growing;
	free(list.runs);
	return err;
}

static bool is_old(const struct store_run *run, uint64_t keep_s, time_t now)
{
	/* A clock that was set back makes nothing old. */
	return now > run->mtime_s && (uint64_t)now - (uint64_t)run->mtime_s > keep_s;
}

struct rotation {
	int folder; /* borrowed */
	int removed, error;
	uint64_t bytes; /* of all that are there */
	size_t count;
};

static void close_run(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void drop_run(struct rotation *r, struct store_run *run)
{
	int fd = openat(r->folder, run->name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (unlinkat(r->folder, run->name, 0) < 0) {
		r->error = r->error ? r->error : -errno;
		close_run(fd);
		return;
	}
	/* Else whoever was given it to read would keep its bytes. */
	if (fd >= 0 && ftruncate(fd, 0) < 0) {
		/* It goes with its last descriptor. */
	}
	close_run(fd);
	r->removed++;
	r->count--;
	r->bytes -= run->size_bytes;
	run->name[0] = '\0';
}

static bool is_removable(const struct store_run *run)
{
	return run->name[0] && !run->is_growing;
}

static int rotate_folder(int folder, uint64_t keep_s, uint64_t max_bytes, time_t now)
{
	struct rotation r = {.folder = folder};
	struct run_list list;
	int err = load_runs(folder, &list);

	if (err == 0)
		r.bytes = sum_runs(&list);
	r.count = err == 0 ? list.count : 0;
	/* All old ones first: a run that began later may have ended earlier. */
	for (size_t i = 0; err == 0 && i < list.count; i++)
		if (is_removable(&list.runs[i]) && is_old(&list.runs[i], keep_s, now))
			drop_run(&r, &list.runs[i]);
	for (size_t i = 0;
	     err == 0 && i < list.count && (r.bytes > max_bytes || r.count > RUNS_MAX); i++)
		if (is_removable(&list.runs[i]))
			drop_run(&r, &list.runs[i]);
	free(list.runs);
	err = err ? err : r.error;
	return err ? err : r.removed;
}

int store_rotate(struct store *store, uid_t uid, uint64_t keep_s, uint64_t max_bytes, time_t now)
{
	int folder = open_folder(store, uid);
	char text[UID_SIZE];
	int removed;

	if (folder < 0)
		return folder == -ENOENT ? 0 : folder;
	removed = rotate_folder(folder, keep_s, max_bytes, now);
	close(folder);
	/* Fails where there is something left in it. */
	print_uid(text, uid);
	unlinkat(store->fd, text, AT_REMOVEDIR);
	return removed;
}

/* Only as we would write it: "007" and "7" are not one uid's folders. */
static bool parse_uid(const char *text, uid_t *ret)
{
	char again[UID_SIZE];

	*ret = (uid_t)strtoul(text, NULL, 10);
	print_uid(again, *ret);
	return !strcmp(text, again);
}

int store_rotate_all(struct store *store, uint64_t keep_s, uint64_t max_bytes, time_t now)
{
	DIR *dir = open_stream(store->fd);
	struct dirent *entry;
	int removed = 0;
	int err = 0;
	uid_t uid;

	if (!dir)
		return -errno;
	while ((errno = 0, entry = readdir(dir))) {
		int n = parse_uid(entry->d_name, &uid)
				? store_rotate(store, uid, keep_s, max_bytes, now)
				: 0;

		if (n < 0)
			err = err ? err : n;
		else
			removed += n;
	}
	err = err ? err : -errno;
	closedir(dir);
	return err ? err : removed;
}
