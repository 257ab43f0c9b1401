/* SPDX-License-Identifier: ISC */
/* A cgroup that others have made, to be looked at. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "collector/cgroup_internal.h"
#include "core/parse.h"

/* The path in a line of /proc/PID/cgroup ("4:memory:/a/b"); what is none is a path already. */
static const char *path_of_line(const char *text)
{
	size_t id = strspn(text, "0123456789");
	const char *path = id && text[id] == ':' ? strchr(text + id + 1, ':') : NULL;

	return path && path[1] == '/' ? path + 1 : text;
}

static bool is_cgroup(const char *dir)
{
	cleanup_fd int fd = cgroup_dir_open(AT_FDCWD, dir);

	return fd >= 0 && faccessat(fd, "cgroup.procs", F_OK, 0) == 0;
}

/* What is left of the path below the own one, or NULL. */
static const char *below_own(const char *path, const char *own)
{
	size_t len = strlen(own);

	if (len == 1 || strncmp(path, own, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return path + len;
}

/*
 * Where the mounts show that path of the memory hierarchy; text is the path, or the line that has it. A
 * container may see no more of it than what is below its own cgroup.
 */
static int dir_of_path(const char *root, const char *text, const char *path, char *ret)
{
	struct cgroup_place place;
	char top[CGROUP_PATH_SIZE];
	int err = cgroup_find(root, &place);
	const char *below = err == 0 ? below_own(path, place.own) : NULL;
	int n;

	/* In another hierarchy the same path may be another cgroup. */
	if (err == 0 && path != text && !cgroup_text_holds(text, place.mode, path))
		return -EMEDIUMTYPE;
	if (below)
		snprintf(top, sizeof(top), "%s", place.memory);
	else if (err == 0)
		err = cgroup_dir_above(&place, 0, top, sizeof(top));
	if (err < 0)
		return err;
	n = snprintf(ret, CGROUP_PATH_SIZE, "%s%s", top, below ? below : path);
	if (n < 0 || n >= CGROUP_PATH_SIZE)
		return -ENAMETOOLONG;
	while (n > 1 && ret[n - 1] == '/')
		ret[--n] = '\0';
	return is_cgroup(ret) ? 0 : -ENOENT;
}

static int find_dir(const char *root, const char *text, char *ret)
{
	const char *path = path_of_line(text);
	char real[PATH_MAX];

	if (path == text && is_cgroup(text)) {
		if (!realpath(text, real))
			return -errno;
		snprintf(ret, CGROUP_PATH_SIZE, "%s", real);
		return 0;
	}
	return *path == '/' ? dir_of_path(root, text, path, ret) : -ENOENT;
}

int cgroup_open(const char *root, const char *path, struct cgroup **ret)
{
	char dir[CGROUP_PATH_SIZE];
	enum cgroup_mode mode = CGROUP_V1;
	cleanup_fd int fd = -1;
	int err = find_dir(root, path, dir);

	*ret = NULL;
	if (err == 0)
		err = fd = cgroup_dir_open(AT_FDCWD, dir);
	if (err < 0)
		return err;
	if (faccessat(fd, "memory.usage_in_bytes", F_OK, 0) < 0) {
		mode = CGROUP_V2;
		if (faccessat(fd, "cgroup.controllers", F_OK, 0) < 0)
			return -EMEDIUMTYPE;
	}
	*ret = cgroup_new(mode);
	if (!*ret)
		return -ENOMEM;
	snprintf((*ret)->path, sizeof((*ret)->path), "%s", dir);
	(*ret)->is_borrowed = true;
	(*ret)->memory.fd = fd;
	fd = -1;
	return 0;
}

int cgroup_number(const struct cgroup *cg, const char *file, uint64_t *ret)
{
	cleanup_text char *text = NULL;
	size_t len, used;
	int err = cgroup_file_read(cg->memory.fd, file, &text, &len);

	if (err < 0)
		return err;
	*ret = (uint64_t)parse_number(text, len, &used);
	if (strncmp(text, "max", 3) == 0)
		*ret = UINT64_MAX;
	else if (used == 0)
		return -EBADMSG;
	return 0;
}
