/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/output.h"

static bool is_same(int fd, const struct stat *other)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == other->st_dev && st.st_ino == other->st_ino;
}

/* Of mode 0600 as well where it was there: arguments hold secrets. */
static int open_in_place(const char *name, struct newfile *ret)
{
	struct stat st;

	*ret = (struct newfile){.is_direct = true};
	ret->fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (ret->fd < 0)
		return -errno;
	if (fstat(ret->fd, &st) == 0 && S_ISREG(st.st_mode))
		fchmod(ret->fd, 0600);
	return 0;
}

int output_open(const char *name, int input, enum output_how how, struct output *ret)
{
	struct stat st;
	int err;

	*ret = (struct output){.fd = STDOUT_FILENO, .file = {.fd = -1}};
	if (!name)
		return 0;
	ret->fd = -1;
	if (stat(name, &st) == 0 && S_ISREG(st.st_mode) && is_same(input, &st))
		return OUTPUT_IS_INPUT;
	if (how == OUTPUT_IN_PLACE)
		err = open_in_place(name, &ret->file);
	else if (how == OUTPUT_NAMED)
		err = newfile_open_named(&ret->file, name);
	else
		err = newfile_open(&ret->file, name);
	if (err < 0)
		output_discard(ret);
	else
		ret->fd = ret->file.fd;
	return err;
}

const char *output_name(const struct output *output)
{
	return output->file.name;
}

int output_commit(struct output *output)
{
	int err = 0;

	if (output->file.fd >= 0)
		err = newfile_commit(&output->file);
	else if (close(output->fd) < 0)
		err = -errno;
	output_discard(output);
	return err;
}

void output_discard(struct output *output)
{
	newfile_done(&output->file);
	output->fd = -1;
}
