/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/rootfile.h"

/* Below the process's root, which may have been made to lead elsewhere. */
static int open_below(int dir, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int root = openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd, err;

	if (root < 0)
		return -errno;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	err = fd < 0 ? -errno : fd;
	close(root);
	return err;
}

int rootfile_open(int dir, const char *path, uint64_t inode)
{
	int fd = open_below(dir, path);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == inode)
		return fd;
	close(fd);
	return -ENOENT;
}
