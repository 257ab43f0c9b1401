/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/rootfile.h"

/* The kernel tells paths as we would name them: where its root is a folder of ours, that stands before them. */
static const char *without_root(int dir, const char *path)
{
	char root[PATH_MAX];
	ssize_t n = readlinkat(dir, "root", root, sizeof(root));
	size_t len = n > 1 ? (size_t)n : 0;

	return !strncmp(path, root, len) && path[len] == '/' ? path + len : path;
}

/* Below the process's root, which may have been made to lead elsewhere. Opens nothing yet: it may be a device. */
static int find_below(int dir, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int root = openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd, err;

	if (root < 0)
		return -errno;
	fd = (int)syscall(SYS_openat2, root, without_root(dir, path), &how, sizeof(how));
	err = fd < 0 ? -errno : fd;
	close(root);
	return err;
}

static int open_found(int found, uint64_t inode)
{
	struct stat st;
	char path[32];
	int fd;

	if (fstat(found, &st) < 0 || !S_ISREG(st.st_mode) || st.st_ino != inode)
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", found);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int rootfile_open(int dir, const char *path, uint64_t inode)
{
	int found = find_below(dir, path);
	int fd;

	if (found < 0)
		return found;
	fd = open_found(found, inode);
	close(found);
	return fd;
}
