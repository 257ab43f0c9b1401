/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tools/stream.h"

int stream_open(int fd, FILE **ret)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	int err;

	*ret = copy < 0 ? NULL : fdopen(copy, "w");
	if (!*ret) {
		err = -errno;
		if (copy >= 0)
			close(copy);
		return err;
	}
	/* stdio remembers that a write failed, and not why: that stays in errno, which a success does not clear. */
	errno = EIO;
	return 0;
}

int stream_close(FILE *stream, int err)
{
	if (fflush(stream) != 0 || ferror(stream))
		err = err ? err : -errno;
	fclose(stream);
	return err;
}
