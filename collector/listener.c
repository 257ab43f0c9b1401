/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "collector/listener.h"
#include "collector/marks.h"
#include "collector/stranger.h"

/* A fork storm connects faster than we accept. The kernel cuts it to net.core.somaxconn. */
#define BACKLOG 4096
/* The socket's name: 128 bits in hexadecimal. */
#define NAME_LEN 32
/* Entered by all, listed by none. No folder without a lock has this mode but one left behind. */
#define FOLDER_MODE 0711

static int bind_and_listen(const struct sockaddr_un *addr, size_t len)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -errno;
	stranger_guard(fd);
	if (bind(fd, (const struct sockaddr *)addr, (socklen_t)len) == 0 &&
	    (addr->sun_path[0] == '\0' || chmod(addr->sun_path, 0666) == 0) &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* A run's socket, or the file of its marks. */
static bool is_left(const struct dirent *entry)
{
	const char *suffix = entry->d_type == DT_SOCK ? "" : MARKS_SUFFIX;

	return (entry->d_type == DT_SOCK || entry->d_type == DT_REG) &&
	       strspn(entry->d_name, "0123456789abcdef") == NAME_LEN &&
	       !strcmp(entry->d_name + NAME_LEN, suffix);
}

/* Removes the sockets and marks of a folder that no run holds. What else there may be in it keeps it. */
static void sweep_folder(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 07777) != FOLDER_MODE ||
	    flock(fd, LOCK_EX | LOCK_NB) < 0 || !(dir = fdopendir(fd))) {
		close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (is_left(entry))
			unlinkat(fd, entry->d_name, 0);
	unlinkat(parent, name, AT_REMOVEDIR);
	closedir(dir);
}

/* What mstat processes that were killed left there. */
static void sweep(const char *parent)
{
	DIR *dir = opendir(parent);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strlen(entry->d_name) == sizeof("mstat-XXXXXX") - 1 &&
		    !strncmp(entry->d_name, "mstat-", 6))
			sweep_folder(dirfd(dir), entry->d_name);
	if (dir)
		closedir(dir);
}

/* Locked before it gets its mode: until then no sweep takes it. */
static int make_folder(struct listener *l, const char *parent)
{
	int err;

	snprintf(l->folder, sizeof(l->folder), "%s/mstat-XXXXXX", parent);
	if (!mkdtemp(l->folder)) {
		err = -errno;
		l->folder[0] = '\0';
		return err;
	}
	l->folder_fd = open(l->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (l->folder_fd < 0)
		return -errno;
	/* A file system without locks has none that could be taken by a sweep, either. */
	flock(l->folder_fd, LOCK_SH | LOCK_NB);
	return fchmod(l->folder_fd, FOLDER_MODE) < 0 ? -errno : 0;
}

static void remove_folder(struct listener *l)
{
	if (l->folder[0]) {
		unlink(l->path);
		rmdir(l->folder);
	}
	if (l->folder_fd >= 0)
		close(l->folder_fd);
	l->folder_fd = -1;
	l->folder[0] = '\0';
}

static int listen_on_path(struct listener *l, const char *name)
{
	static const char *const parents[] = {"/tmp", "/run", "/dev/shm", "/var/tmp"};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int err = -ENOENT;

	for (size_t i = 0; i < sizeof(parents) / sizeof(*parents); i++) {
		sweep(parents[i]);
		err = make_folder(l, parents[i]);
		snprintf(l->path, sizeof(l->path), "%s/%s", l->folder, name);
		memcpy(addr.sun_path, l->path, strlen(l->path) + 1);
		if (err == 0)
			err = bind_and_listen(&addr, sizeof(addr));
		if (err >= 0)
			return err;
		remove_folder(l);
	}
	/* Only the abstract twin then: its name is the path's last part. */
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

void listener_init(struct listener *listener)
{
	*listener = (struct listener){.path_fd = -1, .abstract_fd = -1, .folder_fd = -1};
}

int listener_open(struct listener *ret)
{
	uint64_t random[2];
	char name[NAME_LEN + 1];

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
	remove_folder(listener);
}
