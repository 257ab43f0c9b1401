/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "collector/listener.h"

/* A fork storm connects faster than we accept. The kernel cuts it to net.core.somaxconn. */
#define BACKLOG 4096

static int bind_and_listen(const struct sockaddr_un *addr, size_t len)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)addr, (socklen_t)len) == 0 &&
	    (addr->sun_path[0] == '\0' || chmod(addr->sun_path, 0666) == 0) &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int listen_on_path(struct listener *l, const char *name)
{
	static const char *const parents[] = {"/tmp", "/run", "/dev/shm", "/var/tmp"};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int err = -ENOENT;

	for (size_t i = 0; i < sizeof(parents) / sizeof(*parents); i++) {
		snprintf(l->folder, sizeof(l->folder), "%s/mstat-XXXXXX", parents[i]);
		if (!mkdtemp(l->folder)) {
			err = -errno;
			continue;
		}
		snprintf(l->path, sizeof(l->path), "%s/%s", l->folder, name);
		memcpy(addr.sun_path, l->path, strlen(l->path) + 1);
		if (chmod(l->folder, 0711) == 0)
			err = bind_and_listen(&addr, sizeof(addr));
		if (err >= 0)
			return err;
		unlink(l->path);
		rmdir(l->folder);
	}
	/* Only the abstract twin then: its name is the path's last part. */
	l->folder[0] = '\0';
	snprintf(l->path, sizeof(l->path), "/%s", name);
	return err;
}

static int listen_on_name(const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t len = strlen(name);

	memcpy(addr.sun_path + 1, name, len);
	return bind_and_listen(&addr, offsetof(struct sockaddr_un, sun_path) + 1 + len);
}

int listener_open(struct listener *ret)
{
	uint64_t random[2];
	char name[40];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	snprintf(name, sizeof(name), "%016llx%016llx", (unsigned long long)random[0],
		 (unsigned long long)random[1]);
	ret->path_fd = listen_on_path(ret, name);
	ret->abstract_fd = listen_on_name(name);
	if (ret->path_fd < 0 && ret->abstract_fd < 0)
		return ret->path_fd;
	return 0;
}

void listener_close(struct listener *listener)
{
	if (listener->path_fd >= 0)
		close(listener->path_fd);
	if (listener->abstract_fd >= 0)
		close(listener->abstract_fd);
	listener->path_fd = listener->abstract_fd = -1;
	if (listener->folder[0]) {
		unlink(listener->path);
		rmdir(listener->folder);
		listener->folder[0] = '\0';
	}
}
