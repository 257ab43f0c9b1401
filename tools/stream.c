/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tools/stream.h"

int stream_open(int fd, FILE **ret)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	int err = 0;

	*ret = copy < 0 ? NULL : fdopen(copy, "w");
	if (!*ret) {
		err = -errno;
		if (copy >= 0)
			close(copy);
	}
	return err;
}

int stream_close(FILE *stream, int err)
{
	errno = EIO;
	if (fflush(stream) != 0 || ferror(stream))
		err = err ? err : -errno;
	fclose(stream);
	return err;
}
