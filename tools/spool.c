/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/spool.h"

int spool_open(void)
{
	const char *folder = getenv("TMPDIR");
	char *path;
	int err;
	int to;

	if (!folder || !*folder)
		folder = "/tmp";
	to = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (to >= 0)
		return to;
	if (asprintf(&path, "%s/mstat-decode-XXXXXX", folder) < 0)
		return -ENOMEM;
	to = mkostemp(path, O_CLOEXEC);
	err = -errno;
	if (to >= 0)
		unlink(path);
	free(path);
	return to < 0 ? err : to;
}
