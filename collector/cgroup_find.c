/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "collector/cgroup_internal.h"
#include "collector/smallfile.h"

/* A line of mountinfo, proc_pid_mountinfo(5): only what concerns us, unescaped. */
struct mount {
	char root[CGROUP_PATH_SIZE];
	char point[CGROUP_PATH_SIZE];
	bool read_only;
};

bool cgroup_has_word(const char *list, size_t len, char separator, const char *word)
{
	size_t want = strlen(word);

	for (size_t start = 0, end; start < len; start = end + 1) {
		for (end = start; end < len && list[end] != separator && list[end] != '\n';)
			end++;
		if (end - start == want && memcmp(list + start, word, want) == 0)
			return true;
	}
	return false;
}

/*
 * The path in a text of /proc/PID/cgroup ("4:cpu,memory:/path" lines) for that controller on v1, or
 * (NULL) for the v2 hierarchy. Nothing is escaped there, and a cgroup's name cannot hold a newline.
 * NULL: none.
 */
static const char *own_path(const char *text, const char *controller, size_t *ret_len)
{
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		const char *list = memchr(line, ':', len);
		const char *path =
			list ? memchr(list + 1, ':', len - (size_t)(list + 1 - line)) : NULL;

		if (path) {
			size_t list_len = (size_t)(path - list) - 1;
			bool is_v2 = list_len == 0 && line[0] == '0' && list == line + 1;

			*ret_len = len - (size_t)(path + 1 - line);
			if (controller ? cgroup_has_word(list + 1, list_len, ',', controller)
				       : is_v2)
				return path + 1;
		}
		line += len + (line[len] == '\n');
	}
	return NULL;
}

bool cgroup_text_holds(const char *text, enum cgroup_mode mode, const char *name)
{
	size_t name_len = strlen(name);
	size_t len;
	const char *path = own_path(text, mode == CGROUP_V2 ? NULL : "memory", &len);

	return path && name_len > 0 && len >= name_len && memcmp(path, name, name_len) == 0 &&
	       (len == name_len || path[name_len] == '/');
}

/* Copies a word of mountinfo, where blanks and backslashes stand as \040. False: too long. */
static bool unescape(char *ret, size_t size, const char *word, size_t len)
{
	size_t out = 0;

	for (size_t i = 0; i < len; out++) {
		unsigned value = (unsigned char)word[i];
		size_t used = 1;

		if (word[i] == '\\' && i + 3 < len && strspn(word + i + 1, "01234567") >= 3) {
			value = (unsigned)((word[i + 1] - '0') * 64 + (word[i + 2] - '0') * 8 +
					   (word[i + 3] - '0'));
			used = 4;
		}
		if (out + 1 >= size)
			return false;
		ret[out] = (char)value;
		i += used;
	}
	ret[out] = '\0';
	return true;
}

/*
 * "36 35 98:0 /root /point rw,noatime shared:1 - cgroup2 source rw": false for mounts other than
 * those of the controller's v1 hierarchy, or (NULL) of v2.
 */
static bool mount_parse(const char *line, size_t len, const char *controller, struct mount *ret)
{
	const char *word[32];
	size_t size[32];
	unsigned n = 0;
	unsigned dash;
	bool wanted;

	for (size_t i = 0; i < len && n < 32; i += size[n] + 1, n++) {
		word[n] = line + i;
		size[n] = 0;
		while (i + size[n] < len && line[i + size[n]] != ' ')
			size[n]++;
	}
	for (dash = 6; dash < n && !(size[dash] == 1 && *word[dash] == '-');)
		dash++;
	if (dash + 3 >= n)
		return false;
	if (controller)
		wanted = size[dash + 1] == 6 && memcmp(word[dash + 1], "cgroup", 6) == 0 &&
			 cgroup_has_word(word[dash + 3], size[dash + 3], ',', controller);
	else
		wanted = size[dash + 1] == 7 && memcmp(word[dash + 1], "cgroup2", 7) == 0;
	ret->read_only = cgroup_has_word(word[5], size[5], ',', "ro") ||
			 cgroup_has_word(word[dash + 3], size[dash + 3], ',', "ro");
	return wanted && unescape(ret->root, sizeof(ret->root), word[3], size[3]) &&
	       unescape(ret->point, sizeof(ret->point), word[4], size[4]);
}

/*
 * What is left of our own path below the mount's root: "" or "/...". NULL where the mount does not
 * show it. A path or root that begins with "/.." lies outside our cgroup namespace: its true names
 * are not told (cgroup_namespaces(7)).
 */
static const char *path_below(const char *own, const char *root)
{
	size_t len = strlen(root);

	if (strncmp(own, "/..", 3) == 0 && (own[3] == '/' || own[3] == '\0'))
		return NULL;
	if (len == 1)
		len = 0;
	if (strncmp(own, root, len) != 0 || (own[len] != '/' && own[len] != '\0'))
		return NULL;
	return strcmp(own + len, "/") == 0 ? "" : own + len;
}

/* Whether the directory is really a cgroup's: the mount may be covered by a later one. */
static int dir_probe(const char *dir)
{
	cleanup_fd int fd = cgroup_dir_open(AT_FDCWD, dir);

	if (fd < 0)
		return fd;
	return faccessat(fd, "cgroup.procs", F_OK, 0) < 0 ? -errno : 0;
}

static int dir_of_mount(const struct mount *mount, const char *root, const char *own, char *ret)
{
	const char *below = path_below(own, mount->root);
	const char *point = strcmp(mount->point, "/") == 0 ? "" : mount->point;
	char dir[CGROUP_PATH_SIZE];
	int len;
	int err;

	if (!below)
		return -EXDEV;
	len = snprintf(dir, sizeof(dir), "%s%s%s", root, point, below);
	if (len < 0 || (size_t)len >= sizeof(dir))
		return -ENAMETOOLONG;
	err = dir_probe(dir);
	if (err < 0)
		return err;
	memcpy(ret, dir, (size_t)len + 1);
	return 0;
}

/*
 * Our own directory in a hierarchy, through any of its mounts, a writable one if there is one.
 * Returns 0, -ENOENT where it is not mounted, -EXDEV where no mount shows our own cgroup.
 */
static int own_dir(const char *mounts, const char *controller, const char *root, const char *own,
		   char *ret)
{
	bool found = false;
	int err = -ENOENT;

	for (const char *line = mounts; *line;) {
		size_t len = strcspn(line, "\n");
		struct mount mount;
		int try;

		if (mount_parse(line, len, controller, &mount) && !(found && mount.read_only)) {
			try = dir_of_mount(&mount, root, own, ret);
			if (try == 0 && !mount.read_only)
				return 0;
			found = found || try == 0;
			err = try;
		}
		line += len + (line[len] == '\n');
	}
	return found ? 0 : err;
}

/*
 * Whether the memory controller is on this v2 hierarchy: in our own cgroup or, not enabled for it,
 * in one above it (then a sibling, or an administrator, may have it).
 */
static bool memory_in_reach(const char *dir)
{
	cleanup_fd int fd = cgroup_dir_open(AT_FDCWD, dir);

	while (fd >= 0 && faccessat(fd, "cgroup.controllers", F_OK, 0) == 0) {
		int up;

		if (cgroup_file_has_word(fd, "cgroup.controllers", "memory"))
			return true;
		up = cgroup_dir_open(fd, "..");
		cgroup_close_fd(&fd);
		fd = up;
	}
	return false;
}

/* Process 0 is this one. */
static int proc_read(const char *root, pid_t pid, const char *file, char **ret)
{
	char path[CGROUP_PATH_SIZE], who[16] = "self";
	size_t len;
	int n;

	if (pid > 0)
		snprintf(who, sizeof(who), "%d", (int)pid);
	n = snprintf(path, sizeof(path), "%s/proc/%s/%s", root, who, file);

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	return cgroup_file_read(AT_FDCWD, path, ret, &len);
}

/* Own path of one hierarchy as a string. False: this process is not in such a hierarchy. */
static bool own_copy(const char *text, const char *controller, char *ret)
{
	size_t len;
	const char *path = own_path(text, controller, &len);

	if (!path || len >= CGROUP_PATH_SIZE)
		return false;
	memcpy(ret, path, len);
	ret[len] = '\0';
	return true;
}

static int find_v1(const char *text, const char *mounts, const char *root, struct cgroup_place *ret)
{
	char own[CGROUP_PATH_SIZE];
	int err = own_dir(mounts, "memory", root, ret->own, ret->memory);

	if (err < 0)
		return err;
	ret->mode = CGROUP_V1;
	if (own_copy(text, NULL, own) && own_dir(mounts, NULL, root, own, ret->unified) == 0)
		ret->mode = CGROUP_HYBRID;
	else
		ret->unified[0] = '\0';
	if (!own_copy(text, "freezer", own) ||
	    own_dir(mounts, "freezer", root, own, ret->freezer) < 0)
		ret->freezer[0] = '\0';
	return 0;
}

static int find_v2(const char *mounts, const char *root, struct cgroup_place *ret)
{
	int err = own_dir(mounts, NULL, root, ret->own, ret->memory);

	if (err == 0 && !memory_in_reach(ret->memory))
		err = -ENOENT;
	if (err == 0)
		ret->mode = CGROUP_V2;
	return err;
}

int cgroup_find_of(const char *root, pid_t pid, struct cgroup_place *ret)
{
	cleanup_text char *text = NULL;
	cleanup_text char *mounts = NULL;
	int err;

	memset(ret, 0, sizeof(*ret));
	ret->mode = CGROUP_NONE;
	err = proc_read(root, pid, "cgroup", &text);
	if (err == 0)
		err = proc_read(root, 0, "mountinfo", &mounts);
	if (err < 0)
		return err;
	if (own_copy(text, "memory", ret->own))
		err = find_v1(text, mounts, root, ret);
	else if (own_copy(text, NULL, ret->own))
		err = find_v2(mounts, root, ret);
	else
		err = -ENOENT;
	if (err < 0)
		memset(ret, 0, sizeof(*ret));
	return err;
}

int cgroup_find(const char *root, struct cgroup_place *ret)
{
	return cgroup_find_of(root, 0, ret);
}

static bool has_limit(const char *dir, const char *file)
{
	char path[CGROUP_PATH_SIZE + 32], text[64];
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	len = smallfile_read(path, text, sizeof(text));
	return strspn(text, "\n") < len && strncmp(text, "max", 3) != 0;
}

static const char *limit_in(const char *dir)
{
	static const char *const files[] = {"memory.max",	"memory.high", "memory.swap.max",
					    "memory.zswap.max", "pids.max",    "cpu.max",
					    "cpuset.cpus",	"cpuset.mems", "io.max"};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (has_limit(dir, files[i]))
			return files[i];
	return NULL;
}

int cgroup_dir_above(const struct cgroup_place *place, size_t own_len, char *ret, size_t size)
{
	const char *below = place->own + own_len;
	size_t dir_len = strlen(place->memory);
	size_t below_len = strcmp(below, "/") == 0 ? 0 : strlen(below);

	/* The directory ends with the path, as far as the mount shows that. */
	if (below_len > dir_len ||
	    memcmp(place->memory + dir_len - below_len, below, below_len) != 0)
		return -EXDEV;
	if (dir_len - below_len >= size)
		return -ENAMETOOLONG;
	memcpy(ret, place->memory, dir_len - below_len);
	ret[dir_len - below_len] = '\0';
	return 0;
}

int cgroup_find_limit(const struct cgroup_place *place, size_t own_len, const char **ret_file)
{
	char dir[CGROUP_PATH_SIZE];
	int err = cgroup_dir_above(place, own_len, dir, sizeof(dir));
	size_t top = err < 0 ? 0 : strlen(dir);

	if (err < 0)
		return err;
	for (strcpy(dir, place->memory); strlen(dir) > top; *strrchr(dir, '/') = '\0') {
		*ret_file = limit_in(dir);
		if (*ret_file)
			return 1;
	}
	return 0;
}

const char *cgroup_mode_name(enum cgroup_mode mode)
{
	switch (mode) {
	case CGROUP_V1:
		return "legacy (v1)";
	case CGROUP_V2:
		return "unified (v2)";
	case CGROUP_HYBRID:
		return "hybrid (v1 memory)";
	default:
		return "none";
	}
}

static const char *explain_none(int err)
{
	if (err == -EXDEV)
		return "the memory cgroup lies outside this cgroup namespace: mount a cgroup file "
		       "system inside it, or share the host's (--cgroupns=host)";
	if (err == -EACCES || err == -EPERM)
		return "this process may not look at its own cgroup";
	return "no memory controller: the kernel has none, it is disabled (cgroup_disable=memory), "
	       "or no cgroup file system is mounted";
}

static const char *explain_denied(const struct cgroup_place *place)
{
	if (place->mode == CGROUP_V2)
		return "the cgroup is not delegated to this user (systemd: Delegate=yes)";
	return "only root can make a cgroup here: run as root, or have the memory cgroup of this "
	       "session given to this user";
}

const char *cgroup_explain(const struct cgroup_place *place, int err)
{
	bool v2 = place->mode == CGROUP_V2;

	if (place->mode == CGROUP_NONE)
		return explain_none(err);
	switch (-err) {
	case EROFS:
		return "the cgroup tree is mounted read-only (a container?): run with a writable "
		       "cgroup mount (podman: --security-opt unmask=/sys/fs/cgroup)";
	case EACCES:
	case EPERM:
		return explain_denied(place);
	case EBUSY:
		return v2 ? "the own cgroup has other processes, and no run can stand beside it: "
			    "start mstat alone in a cgroup, as systemd-run --scope does"
			  : "the cgroup has processes";
	case ENOENT:
		return v2 ? "the memory controller is not enabled for this cgroup: it is not in "
			    "the parent's cgroup.subtree_control"
			  : "the own cgroup is not there any more";
	case ENOSPC:
	case EAGAIN:
		return v2 ? "too many cgroups: see cgroup.max.descendants and cgroup.max.depth"
			  : "too many cgroups";
	case ENODEV:
		return "the own cgroup was removed";
	case EOPNOTSUPP:
		return "the own cgroup is threaded and cannot hold a run";
	default:
		return "the kernel refused the cgroup";
	}
}
