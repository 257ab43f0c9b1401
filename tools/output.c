/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/output.h"

static bool is_same(int fd, const struct stat *other)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == other->st_dev && st.st_ino == other->st_ino;
}

/* It is emptied only once it is known not to be the input. */
static int open_in_place(const char *name, int input, struct output *ret)
{
	struct stat st;
	int err = 0;

	ret->fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (ret->fd < 0)
		return -errno;
	if (fstat(ret->fd, &st) < 0)
		err = -errno;
	else if (S_ISREG(st.st_mode) && is_same(input, &st))
		err = OUTPUT_IS_INPUT;
	else if (S_ISREG(st.st_mode) && ftruncate(ret->fd, 0) < 0)
		err = -errno;
	if (err)
		output_discard(ret);
	return err;
}

/* Beside the file, so that it can be renamed to it. */
static int open_aside(struct output *ret)
{
	const char *slash = strrchr(ret->name, '/');
	int folder_len = slash ? (int)(slash - ret->name) + 1 : 0;
	int err = 0;

	if (asprintf(&ret->aside, "%.*s.%.200s.XXXXXX", folder_len, ret->name,
		     ret->name + folder_len) < 0) {
		ret->aside = NULL;
		err = -ENOMEM;
	} else {
		ret->fd = mkostemp(ret->aside, O_CLOEXEC);
		err = ret->fd < 0 ? -errno : 0;
	}
	if (err < 0) {
		free(ret->aside);
		ret->aside = NULL;
		output_discard(ret);
	}
	return err;
}

int output_open(const char *name, int input, bool in_place, struct output *ret)
{
	struct stat st;
	bool exists;

	*ret = (struct output){.fd = STDOUT_FILENO};
	if (!name)
		return 0;
	ret->fd = -1;
	exists = stat(name, &st) == 0;
	if (exists && S_ISREG(st.st_mode) && is_same(input, &st))
		return OUTPUT_IS_INPUT;
	if (in_place || (exists && !S_ISREG(st.st_mode)))
		return open_in_place(name, input, ret);
	/* Through a link, not in its place. */
	ret->name = exists ? realpath(name, NULL) : strdup(name);
	return ret->name ? open_aside(ret) : -errno;
}

int output_commit(struct output *output)
{
	int err = close(output->fd) < 0 ? -errno : 0;

	output->fd = -1;
	if (err == 0 && output->aside && rename(output->aside, output->name) < 0)
		err = -errno;
	if (err == 0) {
		free(output->aside);
		output->aside = NULL;
	}
	output_discard(output);
	return err;
}

void output_discard(struct output *output)
{
	if (output->fd >= 0 && output->fd != STDOUT_FILENO)
		close(output->fd);
	if (output->aside)
		unlink(output->aside);
	free(output->aside);
	free(output->name);
	*output = (struct output){.fd = -1};
}
