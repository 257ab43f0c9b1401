/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "collector/runlock.h"

static struct flock whole_file(short kind)
{
	return (struct flock){.l_type = kind, .l_whence = SEEK_SET};
}

int runlock_take(int fd)
{
	struct flock lock = whole_file(F_WRLCK);

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

void runlock_release(int fd)
{
	struct flock lock = whole_file(F_UNLCK);

	fcntl(fd, F_OFD_SETLK, &lock);
}

int runlock_is_held(int fd)
{
	struct flock lock = whole_file(F_RDLCK);

	return fcntl(fd, F_OFD_GETLK, &lock) < 0 ? -errno : lock.l_type == F_WRLCK;
}
