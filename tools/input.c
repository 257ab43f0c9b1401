/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/broker.h"
#include "tools/input.h"
#include "tools/spool.h"

#define KEPT	 "mstatd:"
#define KEPT_LEN (sizeof(KEPT) - 1)

bool input_is_kept(const char *name)
{
	return !strncmp(name, KEPT, KEPT_LEN);
}

static int open_kept(const char *name, char *why, size_t size)
{
	struct broker *broker;
	int fd = broker_open(NULL, &broker, why, size);

	if (fd < 0)
		return fd;
	fd = broker_read(broker, name);
	broker_free(broker);
	if (fd == -ENOENT || fd == -EINVAL)
		snprintf(why, size, "mstatd keeps no such run of yours (mstatd -list names them)");
	else if (fd < 0)
		snprintf(why, size, "mstatd does not give it: %s", strerror(-fd));
	return fd;
}

int input_open(const char *name, char *why, size_t size)
{
	int fd;

	if (input_is_kept(name))
		return open_kept(name + KEPT_LEN, why, size);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	fd = -errno;
	snprintf(why, size, "%s", strerror(-fd));
	return fd;
}

int input_open_again(const char *name, char *why, size_t size)
{
	int fd = input_open(name, why, size);
	int copy;

	if (fd < 0 || lseek(fd, 0, SEEK_CUR) >= 0)
		return fd;
	copy = spool_copy(fd);
	close(fd);
	if (copy < 0)
		spool_why(copy, why, size);
	return copy;
}
