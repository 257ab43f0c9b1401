/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/spool.h"

static int copy_all(int from, int to)
{
	static char buffer[65536];

	for (;;) {
		ssize_t n = read(from, buffer, sizeof(buffer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		for (ssize_t at = 0; at < n;) {
			ssize_t done = write(to, buffer + at, (size_t)(n - at));

			if (done < 0 && errno != EINTR)
				return -errno;
			at += done > 0 ? done : 0;
		}
	}
}

static const char *folder_name(void)
{
	const char *folder = getenv("TMPDIR");

	return folder && *folder ? folder : "/tmp";
}

void spool_why(int err, char *why, size_t size)
{
	snprintf(why, size, "%s, for what is kept meanwhile (TMPDIR): %s", folder_name(),
		 strerror(-err));
}

/* Not every file system has files that never had a name. */
int spool_open(void)
{
	const char *folder = folder_name();
	char *path;
	int fd, err;

	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (asprintf(&path, "%s/mstat-spool-XXXXXX", folder) < 0)
		return -ENOMEM;
	fd = mkostemp(path, O_CLOEXEC);
	err = -errno;
	if (fd >= 0)
		unlink(path);
	free(path);
	return fd < 0 ? err : fd;
}

int spool_copy(int fd)
{
	int to = spool_open();
	int err;

	if (to < 0)
		return to;
	err = copy_all(fd, to);
	if (err == 0 && lseek(to, 0, SEEK_SET) < 0)
		err = -errno;
	if (err == 0)
		return to;
	close(to);
	return err;
}
