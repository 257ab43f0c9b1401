/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/aside.h"

/* Where the path's last part begins. */
static size_t folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) + 1 : 0;
}

/* A file without a name goes with its writer, however that ends; not every file system has them. */
static int open_nameless(const char *path)
{
	size_t len = folder_len(path);
	char *folder = len ? strndup(path, len) : strdup(".");
	int fd = folder ? open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) : -1;

	free(folder);
	return fd;
}

static int name_beside(const char *path, const char *end, char **ret)
{
	size_t len = folder_len(path);

	return asprintf(ret, "%.*s.%s.%s", (int)len, path, path + len, end) < 0 ? -ENOMEM : 0;
}

int aside_open(struct aside *aside, const char *path)
{
	struct stat is;
	int err;

	*aside = (struct aside){.fd = -1, .path = path};
	if (stat(path, &is) == 0 && !S_ISREG(is.st_mode)) {
		aside->is_direct = true;
		aside->fd = open(path, O_WRONLY | O_CLOEXEC);
		return aside->fd < 0 ? -errno : 0;
	}
	aside->fd = open_nameless(path);
	if (aside->fd >= 0)
		return 0;
	err = name_beside(path, "XXXXXX", &aside->name);
	if (err < 0)
		return err;
	aside->fd = mkostemp(aside->name, O_CLOEXEC);
	if (aside->fd >= 0)
		return 0;
	err = -errno;
	free(aside->name);
	aside->name = NULL;
	return err;
}

/* rename() is what replaces a file at once: it wants a name for the new one. */
static int give_name(struct aside *aside)
{
	char self[32], end[16];
	int err;

	snprintf(end, sizeof(end), "%d", (int)getpid());
	err = name_beside(aside->path, end, &aside->name);
	if (err < 0)
		return err;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", aside->fd);
	if (linkat(AT_FDCWD, self, AT_FDCWD, aside->name, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	err = -errno;
	free(aside->name);
	aside->name = NULL;
	return err;
}

int aside_commit(struct aside *aside)
{
	int err = aside->is_direct || aside->name ? 0 : give_name(aside);

	if (err == 0 && close(aside->fd) < 0)
		err = -errno;
	else if (err < 0)
		close(aside->fd);
	aside->fd = -1;
	if (err < 0 || aside->is_direct)
		return err;
	if (rename(aside->name, aside->path) < 0)
		return -errno;
	free(aside->name);
	aside->name = NULL;
	return 0;
}

void aside_done(struct aside *aside)
{
	if (aside->fd >= 0)
		close(aside->fd);
	if (aside->name)
		unlink(aside->name);
	free(aside->name);
	*aside = (struct aside){.fd = -1};
}
