/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "collector/cgroup_internal.h"

/* A fresh name. The random part keeps two runs of one pid (of two pid namespaces) apart. */
static int run_name(char *ret, size_t size)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	snprintf(ret, size, "mstat-%d-%08x", (int)getpid(), random);
	return 0;
}

/* dir/name, with one slash. */
static int path_join(char *ret, const char *dir, size_t dir_len, const char *name)
{
	int n;

	while (dir_len > 0 && dir[dir_len - 1] == '/')
		dir_len--;
	n = snprintf(ret, CGROUP_PATH_SIZE, "%.*s/%s", (int)dir_len, dir, name);
	return n < 0 || n >= CGROUP_PATH_SIZE ? -ENAMETOOLONG : 0;
}

static size_t parent_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

/* Notes where the run stands: in our own cgroup, or beside it. */
static int run_paths(struct cgroup *cg, const struct cgroup_place *place, bool sibling)
{
	size_t dir_len = sibling ? parent_len(place->memory) : strlen(place->memory);
	size_t own_len = sibling ? parent_len(place->own) : strlen(place->own);
	int err = path_join(cg->path, place->memory, dir_len, cg->memory.name);

	return err < 0 ? err : path_join(cg->name, place->own, own_len, cg->memory.name);
}

/* Nothing is made where the program could not be moved to afterwards. */
int cgroup_dir_check_writable(int fd)
{
	if (faccessat(fd, ".", W_OK, AT_EACCESS) < 0 ||
	    faccessat(fd, "cgroup.procs", W_OK, AT_EACCESS) < 0)
		return -errno;
	return 0;
}

static int make_below(struct cgroup *cg, int parent, const char *name)
{
	return cgroup_dir_make(parent, name, &cg->memory);
}

static void make_twin(struct cgroup *cg, const struct cgroup_place *place, const char *name)
{
	cleanup_fd int parent = cgroup_dir_open(AT_FDCWD, place->unified);

	/* It adds only pressure and a cheap start: where it cannot be had, the run goes without. */
	if (parent < 0 || cgroup_dir_check_writable(parent) < 0)
		return;
	cgroup_dir_sweep(parent);
	cgroup_dir_make(parent, name, &cg->twin);
}

static int make_v1(struct cgroup *cg, const struct cgroup_place *place, const char *name)
{
	cleanup_fd int parent = cgroup_dir_open(AT_FDCWD, place->memory);
	int err = parent < 0 ? parent : cgroup_dir_check_writable(parent);

	if (err < 0)
		return err;
	cgroup_dir_sweep(parent);
	err = make_below(cg, parent, name);
	if (err < 0)
		return err;
	/*
	 * Before 5.11 a cgroup below one with use_hierarchy 0 does not count what is below it;
	 * later kernels always do, and newest have no such file.
	 */
	if (!cgroup_file_has_word(cg->memory.fd, "memory.use_hierarchy", "1"))
		cgroup_file_write(cg->memory.fd, "memory.use_hierarchy", "1");
	if (place->mode == CGROUP_HYBRID)
		make_twin(cg, place, name);
	return run_paths(cg, place, false);
}

/* Only the root has no type. */
bool cgroup_dir_is_v2_root(int fd)
{
	return faccessat(fd, "cgroup.type", F_OK, 0) < 0 && errno == ENOENT;
}

int cgroup_dir_only(int fd, pid_t pid, bool *ret_in)
{
	cleanup_text char *text = NULL;
	size_t len;
	int err = cgroup_file_read(fd, "cgroup.procs", &text, &len);

	*ret_in = false;
	if (err < 0)
		return err;
	for (char *at = text, *end; *at; at = end) {
		long listed = strtol(at, &end, 10);

		if (end == at)
			break;
		/* One of another pid namespace reads 0. */
		if (listed != (long)pid)
			return -EBUSY;
		*ret_in = true;
		end += *end == '\n';
	}
	return 0;
}

int cgroup_dir_enable_memory(int fd, bool *ret_enabled)
{
	int err;

	*ret_enabled = false;
	if (cgroup_file_has_word(fd, "cgroup.subtree_control", "memory"))
		return 0;
	err = cgroup_file_write(fd, "cgroup.subtree_control", "+memory");
	*ret_enabled = err == 0;
	return err;
}

/* A cgroup with controllers enabled below may hold no process: we make room for the run. */
static int leaf_enter(struct cgroup *cg, int parent, const char *name)
{
	char leaf[CGROUP_NAME_SIZE];
	int err;

	snprintf(leaf, sizeof(leaf), "%.40s.leaf", name);
	err = cgroup_dir_make(parent, leaf, &cg->leaf);
	if (err < 0)
		return err;
	err = cgroup_file_write(cg->leaf.fd, "cgroup.procs", "0");
	if (err < 0)
		cgroup_dir_remove(&cg->leaf);
	return err;
}

/*
 * Moves us back and leaves the own cgroup as it was found; not as long as a run stands in it, which
 * would lose its memory controller.
 */
static void leaf_leave(struct cgroup *cg)
{
	int parent = cg->leaf.parent;

	if (cg->leaf.fd < 0 || cgroup_dir_count_runs(parent, cg->leaf.name) != 0)
		return;
	if (cg->enabled && cgroup_file_write(parent, "cgroup.subtree_control", "-memory") < 0)
		return;
	cg->enabled = false;
	if (cgroup_file_write(parent, "cgroup.procs", "0") < 0)
		return;
	cgroup_dir_remove(&cg->leaf);
}

static int make_in_own(struct cgroup *cg, const struct cgroup_place *place, const char *name)
{
	cleanup_fd int own = cgroup_dir_open(AT_FDCWD, place->memory);
	bool self = false;
	int err = own < 0 ? own : cgroup_dir_check_writable(own);

	if (err < 0)
		return err;
	cgroup_dir_sweep(own);
	if (!cgroup_file_has_word(own, "cgroup.controllers", "memory"))
		return -ENOENT;
	if (!cgroup_dir_is_v2_root(own)) {
		err = cgroup_dir_only(own, getpid(), &self);
		if (err == 0 && self)
			err = leaf_enter(cg, own, name);
	}
	if (err == 0)
		err = cgroup_dir_enable_memory(own, &cg->enabled);
	if (err == 0)
		err = make_below(cg, own, name);
	if (err == 0)
		err = run_paths(cg, place, false);
	return err;
}

/* A limit of the own cgroup holds beside it too: the program must not get more than without us. */
static int copy_limits(int own, int sibling)
{
	static const char *const files[] = {"memory.max", "memory.high", "memory.swap.max"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		cleanup_text char *text = NULL;
		size_t len;
		int err;

		if (cgroup_file_read(own, files[i], &text, &len) < 0 || strcmp(text, "max\n") == 0)
			continue;
		err = cgroup_file_write(sibling, files[i], text);
		if (err < 0)
			return err;
	}
	return 0;
}

static int make_sibling(struct cgroup *cg, const struct cgroup_place *place, int parent,
			const char *name)
{
	cleanup_fd int own = cgroup_dir_open(AT_FDCWD, place->memory);
	int err = own < 0 ? own : make_below(cg, parent, name);

	if (err == 0)
		err = copy_limits(own, cg->memory.fd);
	return err < 0 ? err : run_paths(cg, place, true);
}

/* Sets *ret_err where a parent is there at all; false: there is none that could be taken. */
static bool make_in_parent(struct cgroup *cg, const struct cgroup_place *place, const char *name,
			   int *ret_err)
{
	char path[CGROUP_PATH_SIZE];
	cleanup_fd int parent = -1;
	bool enabled;
	int err;

	/* Beside another mstat's run we would be out of what that one measures. */
	if (cgroup_dir_is_run(strrchr(place->memory, '/') + 1))
		return false;
	snprintf(path, sizeof(path), "%.*s", (int)parent_len(place->memory), place->memory);
	parent = cgroup_dir_open(AT_FDCWD, path);
	if (parent < 0 || faccessat(parent, "cgroup.controllers", F_OK, 0) < 0)
		return false;
	err = cgroup_dir_check_writable(parent);
	if (err == 0)
		cgroup_dir_sweep(parent);
	/* What an inner cgroup gives to its children is its owner's affair; the root has no owner. */
	if (err == 0 && cgroup_dir_is_v2_root(parent))
		err = cgroup_dir_enable_memory(parent, &enabled);
	else if (err == 0 && !cgroup_file_has_word(parent, "cgroup.subtree_control", "memory"))
		err = -ENOENT;
	if (err == 0)
		err = make_sibling(cg, place, parent, name);
	*ret_err = err;
	return true;
}

static int make_v2(struct cgroup *cg, const struct cgroup_place *place, const char *name)
{
	int err = make_in_own(cg, place, name);
	int beside = 0;

	if (err == 0)
		return 0;
	cgroup_dir_remove(&cg->memory);
	leaf_leave(cg);
	/* That the parent is not ours either tells nobody how an own one that is could be used. */
	if (make_in_parent(cg, place, name, &beside) && !(err == -EBUSY && beside == -EACCES))
		err = beside;
	return err;
}

struct cgroup *cgroup_new(enum cgroup_mode mode)
{
	struct cgroup *cg = calloc(1, sizeof(*cg));

	if (!cg)
		return NULL;
	cg->mode = mode;
	cgroup_dir_init(&cg->memory);
	cgroup_dir_init(&cg->twin);
	cgroup_dir_init(&cg->leaf);
	cgroup_dir_init(&cg->freezer);
	cg->phase_fd = -1;
	for (unsigned i = 0; i < SOURCE_MAX; i++)
		cg->reader[i].fd = -1;
	return cg;
}

int cgroup_make(const struct cgroup_place *place, struct cgroup **ret)
{
	char name[CGROUP_NAME_SIZE];
	struct cgroup *cg;
	int err;

	*ret = NULL;
	if (place->mode == CGROUP_NONE)
		return -ENODEV;
	err = run_name(name, sizeof(name));
	if (err < 0)
		return err;
	cg = cgroup_new(place->mode);
	if (!cg)
		return -ENOMEM;
	err = place->mode == CGROUP_V2 ? make_v2(cg, place, name) : make_v1(cg, place, name);
	if (err < 0) {
		cgroup_remove(cg);
		cgroup_free(cg);
		return err;
	}
	*ret = cg;
	return 0;
}

int cgroup_clone_fd(const struct cgroup *cg)
{
	return cg->mode == CGROUP_V2 ? cg->memory.fd : cg->twin.fd;
}

int cgroup_enter(const struct cgroup *cg, bool joined_v2)
{
	if (cg->is_borrowed)
		return -EROFS;
	/* "0" is the writer. Each write waits for an RCU grace period, 8-12 ms: none too many. */
	if (!joined_v2 && cg->twin.fd >= 0)
		cgroup_file_write(cg->twin.fd, "cgroup.procs", "0");
	if (cg->freezer.fd >= 0)
		cgroup_file_write(cg->freezer.fd, "cgroup.procs", "0");
	if (joined_v2 && cg->mode == CGROUP_V2)
		return 0;
	return cgroup_file_write(cg->memory.fd, "cgroup.procs", "0");
}

const char *cgroup_path(const struct cgroup *cg)
{
	return cg->path;
}

const char *cgroup_name(const struct cgroup *cg)
{
	return cg->name;
}

bool cgroup_holds(const struct cgroup *cg, pid_t pid)
{
	cleanup_text char *text = NULL;
	char path[32];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	return cgroup_file_read(AT_FDCWD, path, &text, &len) == 0 &&
	       cgroup_text_holds(text, cg->mode, cg->name);
}

int cgroup_processes(const struct cgroup *cg, pid_t *ret, size_t max)
{
	return cgroup_dir_processes(cg->memory.fd, ret, max);
}

int cgroup_remove(struct cgroup *cg)
{
	int err, twin_err, freezer_err;

	if (cg->is_borrowed)
		return -EROFS;
	err = cgroup_dir_remove(&cg->memory);
	twin_err = cgroup_dir_remove(&cg->twin);
	freezer_err = cgroup_dir_remove(&cg->freezer);
	leaf_leave(cg);
	return err < 0 ? err : twin_err < 0 ? twin_err : freezer_err;
}

void cgroup_free(struct cgroup *cg)
{
	if (!cg)
		return;
	leaf_leave(cg);
	for (unsigned i = 0; i < SOURCE_MAX; i++)
		cgroup_close_fd(&cg->reader[i].fd);
	cgroup_close_fd(&cg->phase_fd);
	cgroup_dir_done(&cg->memory);
	cgroup_dir_done(&cg->twin);
	cgroup_dir_done(&cg->leaf);
	cgroup_dir_done(&cg->freezer);
	free(cg);
}
