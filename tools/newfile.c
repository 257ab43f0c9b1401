/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/newfile.h"

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

	return asprintf(ret, "%.*s.%.200s.%s", (int)len, path, path + len, end) < 0 ? -ENOMEM : 0;
}

/* /dev/stdout, or the name of what it leads to. */
static bool is_stdout(const struct stat *is)
{
	struct stat out;

	return fstat(STDOUT_FILENO, &out) == 0 && out.st_dev == is->st_dev &&
	       out.st_ino == is->st_ino;
}

static int open_itself(struct newfile *file, const char *path)
{
	file->is_direct = true;
	file->fd =
		path ? open(path, O_WRONLY | O_CLOEXEC) : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	return file->fd < 0 ? -errno : 0;
}

static int open_named(struct newfile *file)
{
	int err = name_beside(file->path, "XXXXXX", &file->name);

	if (err < 0)
		return err;
	file->fd = mkostemp(file->name, O_CLOEXEC);
	if (file->fd >= 0)
		return 0;
	err = -errno;
	free(file->name);
	file->name = NULL;
	return err;
}

static int begin(struct newfile *file, const char *path, bool is_named)
{
	struct stat is;
	bool exists;

	*file = (struct newfile){.fd = -1};
	if (!path)
		return open_itself(file, NULL);
	exists = stat(path, &is) == 0;
	if (exists && is_stdout(&is))
		return open_itself(file, NULL);
	if (exists && !S_ISREG(is.st_mode))
		return open_itself(file, path);
	/* To what a link leads to; a link in /dev is not to be replaced. */
	file->path = exists ? realpath(path, NULL) : strdup(path);
	if (!file->path)
		return -errno;
	file->fd = is_named ? -1 : open_nameless(file->path);
	return file->fd >= 0 ? 0 : open_named(file);
}

int newfile_open(struct newfile *file, const char *path)
{
	return begin(file, path, false);
}

int newfile_open_named(struct newfile *file, const char *path)
{
	return begin(file, path, true);
}

/* rename() is what replaces a file at once: it wants a name for the new one. */
static int give_name(struct newfile *file)
{
	char self[32], end[16];
	int err;

	snprintf(end, sizeof(end), "%d", (int)getpid());
	err = name_beside(file->path, end, &file->name);
	if (err < 0)
		return err;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", file->fd);
	if (linkat(AT_FDCWD, self, AT_FDCWD, file->name, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	err = -errno;
	free(file->name);
	file->name = NULL;
	return err;
}

int newfile_commit(struct newfile *file)
{
	int err = file->is_direct || file->name ? 0 : give_name(file);

	if (err == 0 && close(file->fd) < 0)
		err = -errno;
	else if (err < 0)
		close(file->fd);
	file->fd = -1;
	if (err < 0 || file->is_direct)
		return err;
	if (rename(file->name, file->path) < 0)
		return -errno;
	free(file->name);
	file->name = NULL;
	return 0;
}

void newfile_done(struct newfile *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->name)
		unlink(file->name);
	free(file->name);
	free(file->path);
	*file = (struct newfile){.fd = -1};
}
