/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/runlock.h"
#include "tools/runout.h"

/* Emptied when it is known that nobody else writes it. A file system without locks is taken at its word. */
static int take(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return 0;
	if (runlock_take(fd) == -EAGAIN)
		return -EAGAIN;
	if (ftruncate(fd, 0) < 0)
		return -errno;
	fchmod(fd, 0600);
	return 0;
}

int runout_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	int err = fd < 0 ? -errno : take(fd);

	if (err == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}
