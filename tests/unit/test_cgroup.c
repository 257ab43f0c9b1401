/* SPDX-License-Identifier: ISC */
/*
 * The run's cgroup: found in captured trees (tests/fixtures/cgroup: proc/self and the cgroup
 * directories of Debian kernels), made, read and removed in a temporary directory that poses as a
 * cgroup file system. Such a directory gets no files of itself: a test writes those it needs.
 */
#include "tests/unit/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/cgroup.h"
#include "collector/cgroup_internal.h"

static void make_dir(const char *path)
{
	assert_int_equal(mkdir(at("%s", path), 0755), 0);
}

static void write_path(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) < 0, 0);
	assert_int_equal(fclose(file), 0);
}

static void write_file(const char *path, const char *text)
{
	write_path(at("%s", path), text);
}

static void write_below(const struct cgroup *cg, const char *name, const char *text)
{
	char path[PATH_MAX];

	assert_true((size_t)snprintf(path, sizeof(path), "%s/%s", cgroup_path(cg), name) <
		    sizeof(path));
	write_path(path, text);
}

static void unlink_below(const struct cgroup *cg, const char *name)
{
	char path[PATH_MAX];

	assert_true((size_t)snprintf(path, sizeof(path), "%s/%s", cgroup_path(cg), name) <
		    sizeof(path));
	assert_int_equal(unlink(path), 0);
}

static void assert_file(const char *path, const char *expected)
{
	char text[256] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) <= sizeof(text) - 1);
	fclose(file);
	assert_string_equal(text, expected);
}

static bool exists(const char *path)
{
	return access(at("%s", path), F_OK) == 0;
}

static const char *source_root(void)
{
	const char *root = getenv("MSTAT_SRC");

	return root && *root ? root : ".";
}

struct found {
	const char *fixture;
	int err;
	enum cgroup_mode mode;
	const char *own;
	const char *memory;
	const char *unified;
};

static const struct found founds[] = {
	{"v1", 0, CGROUP_V1, "/batch/job-7", "/sys/fs/cgroup/memory/batch/job-7", ""},
	{"v1-root", 0, CGROUP_V1, "/", "/sys/fs/cgroup/memory", ""},
	/* The mount shows our own cgroup only, as Docker gives it to a container. */
	{"v1-docker", 0, CGROUP_V1, "/docker/4f1c", "/sys/fs/cgroup/memory", ""},
	{"hybrid", 0, CGROUP_HYBRID, "/batch", "/sys/fs/cgroup/memory/batch",
	 "/sys/fs/cgroup/unified/batch/step"},
	{"v2-root", 0, CGROUP_V2, "/", "/sys/fs/cgroup", ""},
	{"v2-systemd", 0, CGROUP_V2, "/system.slice/vmrun.service",
	 "/sys/fs/cgroup/system.slice/vmrun.service", ""},
	/* v1 hierarchies beside it, but none of them has memory. */
	{"v2-elsewhere", 0, CGROUP_V2, "/", "/sys/fs/cgroup/unified", ""},
	/* The mount from before the namespace is passed over for the one made inside. */
	{"v2-namespace", 0, CGROUP_V2, "/", "/mnt", ""},
	{"v2-namespace-outside", -EXDEV, CGROUP_NONE, "", "", ""},
	/* Found all the same: the error comes when something is to be made there. */
	{"v2-read-only", 0, CGROUP_V2, "/box", "/sys/fs/cgroup/box", ""},
	{"none", -ENOENT, CGROUP_NONE, "", "", ""},
	{"no-such-tree", -ENOENT, CGROUP_NONE, "", "", ""},
};

static void find_fixtures(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(founds); i++) {
		const struct found *f = &founds[i];
		struct cgroup_place place;
		char root[PATH_MAX];
		int err;

		snprintf(root, sizeof(root), "%s/tests/fixtures/cgroup/%s", source_root(),
			 f->fixture);
		err = cgroup_find(root, &place);
		if (err != f->err || place.mode != f->mode)
			fail_msg("%s: error %d, mode %d", f->fixture, err, place.mode);
		assert_string_equal(place.own, f->own);
		if (*f->memory)
			assert_int_equal(strncmp(place.memory, root, strlen(root)), 0);
		assert_string_equal(place.memory + (*f->memory ? strlen(root) : 0), f->memory);
		assert_string_equal(place.unified + (*f->unified ? strlen(root) : 0), f->unified);
	}
}

/* A folder with a blank in its name is not for a source tree: only its proc is captured. */
static void find_escaped(void **state)
{
	struct cgroup_place place;
	char *proc;
	char real[PATH_MAX];

	(void)state;
	assert_non_null(realpath(source_root(), real));
	assert_true(asprintf(&proc, "%s/tests/fixtures/cgroup/v1-escaped/proc", real) > 0);
	assert_int_equal(symlink(proc, at("proc")), 0);
	free(proc);
	make_dir("tmp");
	make_dir("tmp/odd place");
	make_dir("tmp/odd place/batch");
	make_dir("tmp/odd place/batch/job-7");
	write_file("tmp/odd place/batch/job-7/cgroup.procs", "");
	assert_int_equal(cgroup_find(tmp, &place), 0);
	assert_int_equal(place.mode, CGROUP_V1);
	assert_string_equal(place.memory, at("tmp/odd place/batch/job-7"));
}

/* proc/self below the temporary directory. */
static int find_text(const char *cgroup, const char *mountinfo, struct cgroup_place *ret)
{
	mkdir(at("proc"), 0755);
	mkdir(at("proc/self"), 0755);
	write_file("proc/self/cgroup", cgroup);
	write_file("proc/self/mountinfo", mountinfo);
	return cgroup_find(tmp, ret);
}

static void find_odd(void **state)
{
	struct cgroup_place place;

	(void)state;
	make_dir("c");
	make_dir("c/a\\b");
	write_file("c/cgroup.procs", "");
	write_file("c/cgroup.controllers", "cpu memory pids\n");
	write_file("c/a\\b/cgroup.procs", "");
	write_file("c/a\\b/cgroup.controllers", "\n");

	/* Optional fields of a mount; memory is only above: still the mode, for a sibling. */
	assert_int_equal(find_text("0::/a\\b\n",
				   "1 2 0:3 / /c rw shared:1 master:2 - cgroup2 x rw\n", &place),
			 0);
	assert_int_equal(place.mode, CGROUP_V2);
	assert_string_equal(place.memory, at("c/a\\b"));

	/* The mount's root is escaped as its mountpoint is. */
	assert_int_equal(find_text("0::/a\\b\n", "1 2 0:3 /a\\134b /c rw - cgroup2 x rw\n", &place),
			 0);
	assert_string_equal(place.memory, at("c"));

	/* A root that is no whole component of our path is another's. */
	assert_int_equal(find_text("0::/abc\n", "1 2 0:3 /ab /c rw - cgroup2 x rw\n", &place),
			 -EXDEV);
	/* Moved out of the namespace's root. */
	assert_int_equal(find_text("0::/../x\n", "1 2 0:3 / /c rw - cgroup2 x rw\n", &place),
			 -EXDEV);
	/* Memory is on a v1 hierarchy that is not mounted here: v2 then has none. */
	assert_int_equal(
		find_text("3:memory:/\n0::/\n", "1 2 0:3 / /c rw - cgroup2 x rw\n", &place),
		-ENOENT);
	/* Removed: the directory is gone. */
	assert_int_equal(
		find_text("0::/gone (deleted)\n", "1 2 0:3 / /c rw - cgroup2 x rw\n", &place),
		-ENOENT);
	/* "memory" is a word, no part of one. */
	assert_int_equal(
		find_text("3:memoryx:/\n", "1 2 0:3 / /c rw - cgroup cg rw,memory\n", &place),
		-ENOENT);
	/* A writable mount is taken before a read-only one, wherever it stands. */
	make_dir("d");
	write_file("d/cgroup.procs", "");
	assert_int_equal(find_text("3:cpu,memory:/\n",
				   "1 2 0:3 / /c ro - cgroup cg ro,cpu,memory\n"
				   "1 2 0:3 / /d rw - cgroup cg rw,cpu,memory",
				   &place),
			 0);
	assert_string_equal(place.memory, at("d"));
	assert_int_equal(find_text("3:cpu,memory:/\n",
				   "1 2 0:3 / /d rw - cgroup cg rw,cpu,memory\n"
				   "1 2 0:3 / /c ro - cgroup cg ro,cpu,memory\n",
				   &place),
			 0);
	assert_string_equal(place.memory, at("d"));
}

static void find_garbage(void **state)
{
	static const char *const texts[] = {
		"", "\n\n", ":", "::", "0::", "0::/", "memory", "1:memory:", "1:memory:/\n"};
	static const char *const mounts[] = {"",
					     "\n",
					     "- - - - - - - - -",
					     "1 2 3 / / rw - cgroup",
					     "1 2 3 \\ \\1 rw - cgroup x memory",
					     "1 2 3 / /\\400\\777 rw - cgroup2 x rw",
					     "      -    "};
	struct cgroup_place place;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(texts); i++) {
		for (size_t k = 0; k < UNIT_COUNT(mounts); k++) {
			assert_true(find_text(texts[i], mounts[k], &place) < 0);
			assert_int_equal(place.mode, CGROUP_NONE);
		}
	}
}

static void text_holds(void **state)
{
	const char *text = "9:pids:/x\n4:cpu,memory:/a/run/b\n0::/a/run\n";

	(void)state;
	assert_true(cgroup_text_holds(text, CGROUP_V1, "/a/run"));
	assert_true(cgroup_text_holds(text, CGROUP_HYBRID, "/a/run/b"));
	assert_true(cgroup_text_holds(text, CGROUP_V2, "/a/run"));
	assert_false(cgroup_text_holds(text, CGROUP_V2, "/a/run/b"));
	assert_false(cgroup_text_holds(text, CGROUP_V1, "/a/ru"));
	assert_false(cgroup_text_holds(text, CGROUP_V1, "/x"));
	assert_false(cgroup_text_holds("", CGROUP_V2, "/a"));
	assert_false(cgroup_text_holds("0::/a", CGROUP_V1, "/a"));
	assert_false(cgroup_text_holds("0::/a", CGROUP_V2, ""));
}

/* A v1 or hybrid place: "own" in the temporary directory, beside it "unified". */
static struct cgroup_place place_v1(enum cgroup_mode mode)
{
	struct cgroup_place place = {.mode = mode, .own = "/job"};

	make_dir("own");
	write_file("own/cgroup.procs", "");
	snprintf(place.memory, sizeof(place.memory), "%s/own", tmp);
	if (mode == CGROUP_HYBRID)
		snprintf(place.unified, sizeof(place.unified), "%s/unified", tmp);
	return place;
}

/* A v2 place: own cgroup "up/own". */
static struct cgroup_place place_v2(const char *own_procs, const char *up_subtree)
{
	struct cgroup_place place = {.mode = CGROUP_V2, .own = "/job/own"};

	make_dir("up");
	write_file("up/cgroup.procs", "");
	write_file("up/cgroup.type", "domain\n");
	write_file("up/cgroup.controllers", "memory\n");
	write_file("up/cgroup.subtree_control", up_subtree);
	make_dir("up/own");
	write_file("up/own/cgroup.procs", own_procs);
	write_file("up/own/cgroup.type", "domain\n");
	write_file("up/own/cgroup.controllers", up_subtree);
	write_file("up/own/cgroup.subtree_control", "");
	snprintf(place.memory, sizeof(place.memory), "%s/up/own", tmp);
	return place;
}

static void made_and_removed(void **state)
{
	struct cgroup_place place = place_v1(CGROUP_V1);
	char procs[PATH_MAX];
	char name[64];
	struct cgroup *cg;

	(void)state;
	assert_int_equal(cgroup_make(&place, &cg), 0);
	snprintf(name, sizeof(name), "/job/mstat-%d-", (int)getpid());
	assert_int_equal(strncmp(cgroup_name(cg), name, strlen(name)), 0);
	assert_int_equal(strlen(cgroup_name(cg)), strlen(name) + 8);
	assert_int_equal(strncmp(cgroup_path(cg), at("own/"), strlen(at("own/"))), 0);
	assert_string_equal(strrchr(cgroup_path(cg), '/'), strrchr(cgroup_name(cg), '/'));
	assert_int_equal(access(cgroup_path(cg), F_OK), 0);
	assert_int_equal(cgroup_clone_fd(cg), -1);
	assert_false(cgroup_holds(cg, getpid()));

	assert_int_equal(cgroup_enter(cg, false), -ENOENT);
	write_below(cg, "cgroup.procs", "");
	assert_int_equal(cgroup_enter(cg, false), 0);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", cgroup_path(cg));
	assert_file(procs, "0");
	unlink_below(cg, "cgroup.procs");
	assert_int_equal(cgroup_remove(cg), 0);
	assert_int_equal(cgroup_remove(cg), 0);
	cgroup_free(cg);
	cgroup_free(NULL);
	assert_int_equal(rmdir(at("own")), -1);
	assert_int_equal(unlink(at("own/cgroup.procs")), 0);
	assert_int_equal(rmdir(at("own")), 0);
}

static void made_hybrid(void **state)
{
	struct cgroup_place place = place_v1(CGROUP_HYBRID);
	struct cgroup *cg;
	struct record rec;
	char path[PATH_MAX];

	(void)state;
	/* The twin is optional. */
	assert_int_equal(cgroup_make(&place, &cg), 0);
	assert_int_equal(cgroup_clone_fd(cg), -1);
	assert_int_equal(cgroup_remove(cg), 0);
	cgroup_free(cg);

	make_dir("unified");
	write_file("unified/cgroup.procs", "");
	assert_int_equal(cgroup_make(&place, &cg), 0);
	assert_true(cgroup_clone_fd(cg) >= 0);
	snprintf(path, sizeof(path), "%s/unified/%s/memory.pressure", tmp,
		 strrchr(cgroup_path(cg), '/'));
	write_path(path, "some avg10=0.00 avg60=0.00 avg300=0.00 total=12\n"
			 "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
	record_init(&rec);
	cgroup_sample(cg, 1, &rec);
	assert_int_equal(rec.reason[SOURCE_V2_PRESSURE], REASON_OK);
	assert_int_equal(rec.value[FIELD_V2_PSI_SOME], 12);
	assert_int_equal(rec.value[FIELD_V2_PSI_FULL], 7);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(cgroup_remove(cg), 0);
	cgroup_free(cg);
	assert_int_equal(access(path, F_OK), -1);
}

static void made_v2_child(void **state)
{
	struct cgroup_place place = place_v2("", "memory\n");
	struct cgroup *cg;

	(void)state;
	assert_int_equal(cgroup_make(&place, &cg), 0);
	assert_file(at("up/own/cgroup.subtree_control"), "+memory");
	assert_int_equal(strncmp(cgroup_path(cg), at("up/own/mstat-"), strlen(at("up/own/mstat-"))),
			 0);
	assert_int_equal(strncmp(cgroup_name(cg), "/job/own/mstat-", 15), 0);
	assert_true(cgroup_clone_fd(cg) >= 0);
	/* Cloned into it: nothing is left to be written. */
	assert_int_equal(cgroup_enter(cg, true), 0);
	assert_int_equal(cgroup_remove(cg), 0);
	cgroup_free(cg);
}

static void made_v2_sibling(void **state)
{
	struct cgroup_place place = place_v2("1\n0\n", "cpu memory\n");
	struct cgroup *cg;

	(void)state;
	assert_int_equal(cgroup_make(&place, &cg), 0);
	assert_int_equal(strncmp(cgroup_path(cg), at("up/mstat-"), strlen(at("up/mstat-"))), 0);
	assert_int_equal(strncmp(cgroup_name(cg), "/job/mstat-", 11), 0);
	assert_file(at("up/cgroup.subtree_control"), "cpu memory\n");
	assert_file(at("up/own/cgroup.subtree_control"), "");
	assert_int_equal(cgroup_remove(cg), 0);
	cgroup_free(cg);

	/* A parent that does not give memory to its children is left as it is. */
	write_file("up/cgroup.subtree_control", "cpu\n");
	assert_int_equal(cgroup_make(&place, &cg), -ENOENT);
	assert_null(cg);
	assert_file(at("up/cgroup.subtree_control"), "cpu\n");
	/* The hierarchy's root is made to. */
	assert_int_equal(unlink(at("up/cgroup.type")), 0);
	assert_int_equal(cgroup_make(&place, &cg), 0);
	assert_file(at("up/cgroup.subtree_control"), "+memory");
	assert_int_equal(cgroup_remove(cg), 0);
	cgroup_free(cg);
}

/* An own cgroup of the user's, with others in it, below one of root's: they are the reason. */
static void made_v2_busy(void **state)
{
	struct cgroup_place place = place_v2("1\n0\n", "memory\n");
	struct cgroup *cg;
	int err;

	(void)state;
	assert_int_equal(chmod(tmp, 0711), 0);
	assert_int_equal(chmod(at("up"), 0555), 0);
	assert_int_equal(chmod(at("up/own"), 0777), 0);
	assert_int_equal(chmod(at("up/own/cgroup.procs"), 0666), 0);
	if (getuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	err = cgroup_make(&place, &cg);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(err, -EBUSY);
	assert_null(cg);
	assert_int_equal(chmod(at("up"), 0755), 0);
}

/* Beside a run it would be out of what that run's mstat measures. */
static void made_v2_nested(void **state)
{
	struct cgroup_place place = place_v2("1\n", "memory\n");
	struct cgroup *cg;

	(void)state;
	assert_int_equal(rename(at("up/own"), at("up/mstat-5-0123abcd")), 0);
	snprintf(place.memory, sizeof(place.memory), "%s/up/mstat-5-0123abcd", tmp);
	assert_int_equal(cgroup_make(&place, &cg), -EBUSY);
	assert_null(cg);
}

/* A limit that cannot be taken over: no run, and nothing left behind. */
static void made_v2_limited(void **state)
{
	struct cgroup_place place = place_v2("1\n", "memory\n");
	struct stat st;
	struct cgroup *cg;

	(void)state;
	write_file("up/own/memory.max", "max\n");
	assert_int_equal(cgroup_make(&place, &cg), 0);
	assert_int_equal(cgroup_remove(cg), 0);
	cgroup_free(cg);
	write_file("up/own/memory.max", "4096\n");
	assert_int_equal(cgroup_make(&place, &cg), -ENOENT);
	assert_int_equal(stat(at("up"), &st), 0);
	assert_true(st.st_nlink <= 3);
}

/* The root of v2 may hold processes and a run at once. */
static void made_v2_root(void **state)
{
	struct cgroup_place place = place_v2("1\n2\n", "memory\n");
	struct cgroup *cg;

	(void)state;
	snprintf(place.own, sizeof(place.own), "/");
	assert_int_equal(unlink(at("up/own/cgroup.type")), 0);
	assert_int_equal(cgroup_make(&place, &cg), 0);
	assert_int_equal(strncmp(cgroup_name(cg), "/mstat-", 7), 0);
	assert_int_equal(strncmp(cgroup_path(cg), at("up/own/mstat-"), strlen(at("up/own/mstat-"))),
			 0);
	assert_int_equal(cgroup_remove(cg), 0);
	cgroup_free(cg);
}

/* Here we cannot be moved to a leaf: nothing of it is left behind, and the parent is tried. */
static void made_v2_no_leaf(void **state)
{
	struct cgroup_place place;
	struct cgroup *cg;
	char self[32];

	(void)state;
	snprintf(self, sizeof(self), "%d\n", (int)getpid());
	place = place_v2(self, "memory\n");
	assert_int_equal(cgroup_make(&place, &cg), 0);
	assert_int_equal(strncmp(cgroup_name(cg), "/job/mstat-", 11), 0);
	assert_int_equal(cgroup_remove(cg), 0);
	cgroup_free(cg);
	for (const char **f =
		     (const char *[]){"procs", "type", "controllers", "subtree_control", NULL};
	     *f; f++) {
		char path[64];

		snprintf(path, sizeof(path), "up/own/cgroup.%s", *f);
		assert_int_equal(unlink(at("%s", path)), 0);
	}
	assert_int_equal(rmdir(at("up/own")), 0);
}

static void not_made(void **state)
{
	struct cgroup_place place = {.mode = CGROUP_NONE};
	struct cgroup *cg = (struct cgroup *)&place;

	(void)state;
	assert_true(cgroup_make(&place, &cg) < 0);
	assert_null(cg);
	/* Other processes, and no parent that is a cgroup. */
	place = place_v2("1\n", "memory\n");
	assert_int_equal(unlink(at("up/cgroup.controllers")), 0);
	assert_int_equal(cgroup_make(&place, &cg), -EBUSY);
	assert_null(cg);
	assert_int_equal(unlink(at("up/own/cgroup.procs")), 0);
	assert_int_equal(cgroup_make(&place, &cg), -ENOENT);
	if (getuid() == 0)
		return;
	write_file("up/own/cgroup.procs", "");
	assert_int_equal(chmod(at("up/own"), 0555), 0);
	assert_int_equal(cgroup_make(&place, &cg), -EACCES);
	assert_int_equal(chmod(at("up/own"), 0755), 0);
}

static void swept(void **state)
{
	static const char *const gone[] = {"own/mstat-7-0123abcd", "own/mstat-7-0123abcd.leaf",
					   "own/mstat-8-00000000"};
	static const char *const kept[] = {"own/mstat-7-0123abce",
					   "own/mstat-7-0123abcf",
					   "own/mstat-",
					   "own/mstat-7-0123ABCD",
					   "own/mstat-7-0123abcd0",
					   "own/mstat-x-0123abcd",
					   "own/mstat-7-0123abcd.lea",
					   "own/other"};
	struct cgroup_place place = place_v1(CGROUP_V1);
	struct cgroup *live;
	struct cgroup *cg;
	int fd;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(gone); i++)
		make_dir(gone[i]);
	make_dir("own/mstat-8-00000000/a");
	make_dir("own/mstat-8-00000000/a/b");
	make_dir("own/mstat-8-00000000/c");
	for (size_t i = 0; i < UNIT_COUNT(kept); i++)
		make_dir(kept[i]);
	/* A program that outlived its mstat, with a cgroup of its own below. */
	make_dir("own/mstat-7-0123abce/a");
	make_dir("own/mstat-7-0123abce/empty");
	write_file("own/mstat-7-0123abce/a/cgroup.procs", "77\n");
	/* A run that lives, though it holds no process now. */
	fd = open(at("own/mstat-7-0123abcf"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_SH), 0);

	assert_int_equal(cgroup_make(&place, &live), 0);
	assert_int_equal(cgroup_make(&place, &cg), 0);
	assert_int_equal(access(cgroup_path(live), F_OK), 0);
	for (size_t i = 0; i < UNIT_COUNT(gone); i++)
		if (exists(gone[i]))
			fail_msg("%s is still there", gone[i]);
	for (size_t i = 0; i < UNIT_COUNT(kept); i++)
		if (!exists(kept[i]))
			fail_msg("%s is gone", kept[i]);
	assert_true(exists("own/mstat-7-0123abce/empty"));
	close(fd);
	assert_int_equal(cgroup_remove(live), 0);
	assert_int_equal(cgroup_remove(cg), 0);
	cgroup_free(live);

	cgroup_free(cg);
	assert_int_equal(cgroup_make(&place, &cg), 0);
	assert_false(exists("own/mstat-7-0123abcf"));
	assert_int_equal(cgroup_remove(cg), 0);
	cgroup_free(cg);
}

static void processes(void **state)
{
	struct cgroup_place place = place_v1(CGROUP_V1);
	pid_t pid[3] = {0};
	struct cgroup *cg;
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(cgroup_make(&place, &cg), 0);
	assert_int_equal(cgroup_processes(cg, pid, 3), 0);
	write_below(cg, "cgroup.procs", "11\n12\n");
	snprintf(path, sizeof(path), "%s/below", cgroup_path(cg));
	assert_int_equal(mkdir(path, 0755), 0);
	write_below(cg, "below/cgroup.procs", "2147483647\n13\n");
	assert_int_equal(cgroup_processes(cg, pid, 3), 4);
	assert_int_equal(pid[0], 11);
	assert_int_equal(pid[1], 12);
	assert_int_equal(pid[2], 2147483647);
	assert_int_equal(cgroup_processes(cg, NULL, 0), 4);
	assert_int_equal(cgroup_remove(cg), -EBUSY);
	unlink_below(cg, "cgroup.procs");
	assert_int_equal(cgroup_remove(cg), -EBUSY);
	unlink_below(cg, "below/cgroup.procs");
	assert_int_equal(cgroup_remove(cg), 0);
	cgroup_free(cg);
}

/* More levels than a path may have bytes, more siblings than a program may have files. */
static void removed_deep(void **state)
{
	struct cgroup_place place = place_v1(CGROUP_V1);
	struct rlimit old;
	struct rlimit few;
	struct cgroup *cg;
	int fd;

	(void)state;
	assert_int_equal(cgroup_make(&place, &cg), 0);
	fd = open(cgroup_path(cg), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 2500; i++) {
		char name[16];
		int below;

		snprintf(name, sizeof(name), "w%d", i);
		assert_int_equal(mkdirat(fd, name, 0755), 0);
		if (i < 1000)
			continue;
		below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(below >= 0);
		close(fd);
		fd = below;
	}
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = 32;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(cgroup_processes(cg, NULL, 0), 0);
	assert_int_equal(cgroup_remove(cg), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	cgroup_free(cg);
}

static void sampled_v1(void **state)
{
	struct cgroup_place place = place_v1(CGROUP_V1);
	struct cgroup *cg;
	struct record rec;
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(cgroup_make(&place, &cg), 0);
	write_below(cg, "memory.usage_in_bytes", "8192\n");
	write_below(cg, "memory.stat", "cache 1\nrss 2\ntotal_cache 3\ntotal_rss 4\n");
	snprintf(path, sizeof(path), "%s/memory.oom_control", cgroup_path(cg));
	assert_int_equal(mkdir(path, 0755), 0); /* opens, but cannot be read */
	record_init(&rec);
	cgroup_sample(cg, 1000, &rec);
	assert_int_equal(rec.value[FIELD_V1_USAGE], 8192);
	assert_int_equal(rec.value[FIELD_V1_FILE], 3);
	assert_int_equal(rec.value[FIELD_V1_ANON], 4);
	assert_int_equal(rec.reason[SOURCE_V1_STAT], REASON_OK);
	assert_int_equal(rec.reason[SOURCE_V1_PEAK], REASON_ABSENT);
	assert_int_equal(rec.reason[SOURCE_V1_OOM], REASON_FAILED);
	assert_int_equal(rec.reason[SOURCE_V2_STAT], REASON_UNKNOWN);
	assert_int_equal(rec.reason[SOURCE_V2_PRESSURE], REASON_UNKNOWN);
	assert_int_equal(rec.reason[SOURCE_TREE], REASON_UNKNOWN);

	/* At the same instant the stat is not due, the usage always is; an old value is not kept. */
	write_below(cg, "memory.usage_in_bytes", "12288\n");
	cgroup_sample(cg, 1001, &rec);
	assert_int_equal(rec.value[FIELD_V1_USAGE], 12288);
	assert_int_equal(rec.reason[SOURCE_V1_STAT], REASON_NOT_DUE);
	assert_false(record_has(&rec, FIELD_V1_ANON));
	/* The last sample reads all, and a minute later all is due anyway. */
	cgroup_sample(cg, UINT64_MAX, &rec);
	assert_int_equal(rec.reason[SOURCE_V1_STAT], REASON_OK);
	cgroup_sample(cg, 60000000000, &rec);
	assert_int_equal(rec.reason[SOURCE_V1_STAT], REASON_OK);
	cgroup_free(cg);
}

static void sampled_v2(void **state)
{
	struct cgroup_place place = place_v2("", "memory\n");
	struct cgroup *cg;
	struct record rec;

	(void)state;
	assert_int_equal(cgroup_make(&place, &cg), 0);
	write_below(cg, "memory.current", "4096\n");
	write_below(cg, "memory.events", "low 0\nhigh 0\nmax 5\noom 1\noom_kill 2\n");
	/* A kernel before 5.18: no sum of the kernel's memory. */
	write_below(cg, "memory.stat", "anon 1\nkernel_stack 10\npercpu 200\nslab 3000\n");
	record_init(&rec);
	cgroup_sample(cg, 1000, &rec);
	assert_int_equal(rec.value[FIELD_V2_USAGE], 4096);
	assert_int_equal(rec.value[FIELD_V2_LIMIT_HITS], 5);
	assert_int_equal(rec.value[FIELD_V2_OOM_KILLS], 2);
	assert_int_equal(rec.value[FIELD_V2_KERNEL], 3210);
	assert_int_equal(rec.reason[SOURCE_V2_PEAK], REASON_ABSENT);
	assert_int_equal(rec.reason[SOURCE_V1_STAT], REASON_UNKNOWN);

	write_below(cg, "memory.stat", "kernel 7\nkernel_stack 10\npagetables 5\nslab 3000\n");
	cgroup_sample(cg, UINT64_MAX, &rec);
	assert_int_equal(rec.value[FIELD_V2_KERNEL], 7);
	write_below(cg, "memory.stat", "kernel_stack 10\npagetables 5\nslab 3000\n");
	cgroup_sample(cg, UINT64_MAX, &rec);
	assert_int_equal(rec.value[FIELD_V2_KERNEL], 3015);
	write_below(cg, "memory.stat", "slab 3000\n");
	cgroup_sample(cg, UINT64_MAX, &rec);
	assert_false(record_has(&rec, FIELD_V2_KERNEL));
	cgroup_free(cg);
}

/* What is opened by that text, below the temporary directory. */
static void opens(const char *text, const char *want)
{
	struct cgroup *cg;

	assert_int_equal(cgroup_open(tmp, text, &cg), 0);
	assert_string_equal(cgroup_path(cg), want);
	cgroup_free(cg);
}

static void opened_v1(void **state)
{
	struct cgroup_place place;
	struct cgroup *cg;
	struct record rec;
	uint64_t limit;
	char real[PATH_MAX];

	(void)state;
	assert_non_null(realpath(tmp, real));
	make_dir("m");
	make_dir("m/a");
	make_dir("m/a/b");
	write_file("m/cgroup.procs", "");
	write_file("m/memory.usage_in_bytes", "9\n");
	write_file("m/a/cgroup.procs", "");
	write_file("m/a/memory.usage_in_bytes", "8192\n");
	write_file("m/a/memory.limit_in_bytes", "4096\n");
	assert_int_equal(
		find_text("4:memory:/own\n", "1 2 0:3 / /m rw - cgroup x rw,memory\n", &place),
		-ENOENT);
	write_file("proc/self/cgroup", "4:memory:/\n");
	opens("/a", at("m/a"));
	opens("/a/", at("m/a"));
	opens("4:memory:/a", at("m/a"));
	opens("/", at("m"));
	snprintf(real + strlen(real), sizeof(real) - strlen(real), "/m/a");
	opens(at("m/a"), real);
	assert_int_equal(cgroup_open(tmp, "5:cpu:/a", &cg), -EMEDIUMTYPE);
	assert_int_equal(cgroup_open(tmp, "0::/a", &cg), -EMEDIUMTYPE);
	assert_int_equal(cgroup_open(tmp, "/a/b", &cg), -ENOENT);
	assert_int_equal(cgroup_open(tmp, "a", &cg), -ENOENT);
	assert_int_equal(cgroup_open(tmp, "/a", &cg), 0);
	assert_true(cgroup_is_v1(cg));
	record_init(&rec);
	cgroup_sample(cg, UINT64_MAX, &rec);
	assert_int_equal(rec.value[FIELD_V1_USAGE], 8192);
	assert_int_equal(cgroup_number(cg, "memory.limit_in_bytes", &limit), 0);
	assert_int_equal(limit, 4096);
	assert_int_equal(cgroup_number(cg, "memory.max", &limit), -ENOENT);
	cgroup_free(cg);
	assert_true(exists("m/a"));
}

static void opened_v2(void **state)
{
	struct cgroup_place place;
	struct cgroup *cg;
	uint64_t limit;
	const char *file;
	int64_t peak = 0;

	(void)state;
	make_dir("c");
	make_dir("c/x");
	make_dir("c/x/y");
	write_file("c/cgroup.procs", "");
	write_file("c/cgroup.controllers", "memory\n");
	write_file("c/x/cgroup.procs", "");
	write_file("c/x/cgroup.controllers", "memory\n");
	write_file("c/x/memory.max", "max\n");
	write_file("c/x/y/cgroup.procs", "");
	/* A container's mount, which shows what is below its own cgroup. */
	assert_int_equal(find_text("0::/box\n", "1 2 0:3 /box /c rw - cgroup2 x rw\n", &place), 0);
	opens("/box", at("c"));
	opens("0::/box/x", at("c/x"));
	assert_int_equal(cgroup_open(tmp, "4:memory:/box/x", &cg), -EMEDIUMTYPE);
	assert_int_equal(cgroup_open(tmp, "/boxes", &cg), -EXDEV);
	assert_int_equal(cgroup_open(tmp, "/box/x/y", &cg), -EMEDIUMTYPE);
	assert_int_equal(cgroup_open(tmp, "/box/x", &cg), 0);
	assert_false(cgroup_is_v1(cg));
	assert_int_equal(cgroup_number(cg, "memory.max", &limit), 0);
	assert_true(limit == UINT64_MAX);
	/* It is others': nothing is done to it. */
	write_file("c/x/memory.peak", "7\n");
	write_file("c/x/cgroup.kill", "");
	assert_int_equal(cgroup_phase(cg, &peak), -EROFS);
	assert_int_equal(cgroup_limit(cg, 1000, 1000, &file), -EROFS);
	assert_int_equal(cgroup_enter(cg, false), -EROFS);
	assert_int_equal(cgroup_kill(cg), -EROFS);
	assert_int_equal(cgroup_remove(cg), -EROFS);
	assert_file(at("c/x/memory.peak"), "7\n");
	assert_file(at("c/x/memory.max"), "max\n");
	assert_file(at("c/x/cgroup.kill"), "");
	assert_file(at("c/x/cgroup.procs"), "");
	cgroup_free(cg);
}

static void assert_below(const struct cgroup *cg, const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", cgroup_path(cg), name);
	assert_file(path, text);
}

static void limited_v1(void **state)
{
	struct cgroup_place place = place_v1(CGROUP_V1);
	const char *file;
	struct cgroup *cg;

	(void)state;
	assert_int_equal(cgroup_make(&place, &cg), 0);
	assert_true(cgroup_is_v1(cg));
	assert_int_equal(cgroup_limit(cg, UINT64_MAX, UINT64_MAX, &file), 0);
	assert_int_equal(cgroup_limit(cg, 1000, 24, &file), -ENOENT);
	assert_string_equal(file, "memory.limit_in_bytes");
	write_below(cg, "memory.limit_in_bytes", "");
	assert_int_equal(cgroup_limit(cg, 1000, 24, &file), -ENOENT);
	assert_string_equal(file, "memory.memsw.limit_in_bytes");
	write_below(cg, "memory.memsw.limit_in_bytes", "");
	assert_int_equal(cgroup_limit(cg, 1000, 24, &file), 0);
	assert_below(cg, "memory.limit_in_bytes", "1000");
	assert_below(cg, "memory.memsw.limit_in_bytes", "1024");
	/* Of memory alone: the other is left as it is. */
	write_below(cg, "memory.memsw.limit_in_bytes", "");
	assert_int_equal(cgroup_limit(cg, 1000, UINT64_MAX, &file), 0);
	assert_below(cg, "memory.memsw.limit_in_bytes", "");
	/* Swap alone has no limit there. */
	assert_int_equal(cgroup_limit(cg, UINT64_MAX, 24, &file), -EOPNOTSUPP);
	write_below(cg, "memory.memsw.limit_in_bytes", "");
	assert_int_equal(cgroup_limit(cg, (uint64_t)INT64_MAX - 5, 24, &file), 0);
	assert_below(cg, "memory.memsw.limit_in_bytes", "9223372036854775807");
	cgroup_free(cg);
}

static void limited_v2(void **state)
{
	struct cgroup_place place = place_v2("", "memory\n");
	const char *file;
	struct cgroup *cg;

	(void)state;
	assert_int_equal(cgroup_make(&place, &cg), 0);
	assert_false(cgroup_is_v1(cg));
	assert_int_equal(cgroup_limit(cg, 1000, 24, &file), -ENOENT);
	assert_string_equal(file, "memory.max");
	write_below(cg, "memory.max", "max\n");
	assert_int_equal(cgroup_limit(cg, 1000, 24, &file), -ENOENT);
	assert_string_equal(file, "memory.swap.max");
	assert_below(cg, "memory.max", "1000");
	write_below(cg, "memory.max", "max\n");
	write_below(cg, "memory.swap.max", "");
	assert_int_equal(cgroup_limit(cg, UINT64_MAX, 0, &file), 0);
	assert_below(cg, "memory.max", "max\n");
	assert_below(cg, "memory.swap.max", "0");
	/* What the own cgroup may not have, the run may not have either. */
	write_below(cg, "memory.max", "500\n");
	assert_int_equal(cgroup_limit(cg, 1000, UINT64_MAX, &file), 0);
	assert_below(cg, "memory.max", "500\n");
	assert_int_equal(cgroup_limit(cg, 400, UINT64_MAX, &file), 0);
	assert_below(cg, "memory.max", "400\n");
	cgroup_free(cg);
}

static void find_freezer(void **state)
{
	struct cgroup_place place;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		make_dir(i ? "freezer" : "memory");
		write_file(i ? "freezer/cgroup.procs" : "memory/cgroup.procs", "");
	}
	assert_int_equal(find_text("3:freezer:/\n2:memory:/\n",
				   "36 25 0:30 / /memory rw - cgroup cgroup rw,memory\n"
				   "37 25 0:31 / /freezer rw - cgroup cgroup rw,freezer\n",
				   &place),
			 0);
	assert_int_equal(place.mode, CGROUP_V1);
	assert_string_equal(place.memory, at("memory"));
	assert_string_equal(place.freezer, at("freezer"));
	assert_int_equal(find_text("2:memory:/\n",
				   "36 25 0:30 / /memory rw - cgroup cgroup rw,memory\n"
				   "37 25 0:31 / /freezer rw - cgroup cgroup rw,freezer\n",
				   &place),
			 0);
	assert_string_equal(place.freezer, "");
}

/* A freezer of its own is made only where v2 has nothing that stops forks. */
static void killing_prepared(void **state)
{
	struct cgroup_place place = place_v1(CGROUP_V1);
	char path[PATH_MAX];
	struct cgroup *cg;

	(void)state;
	make_dir("freezer");
	write_file("freezer/cgroup.procs", "");
	snprintf(place.freezer, sizeof(place.freezer), "%s/freezer", tmp);
	assert_int_equal(cgroup_make(&place, &cg), 0);
	cgroup_prepare_kill(cg, &place);
	snprintf(path, sizeof(path), "%s/freezer%s", tmp, strrchr(cgroup_path(cg), '/'));
	assert_int_equal(access(path, F_OK), 0);
	write_below(cg, "cgroup.procs", "");
	snprintf(path, sizeof(path), "%s/freezer%s/cgroup.procs", tmp,
		 strrchr(cgroup_path(cg), '/'));
	write_path(path, "");
	assert_int_equal(cgroup_enter(cg, false), 0);
	assert_file(path, "0");
	assert_int_equal(unlink(path), 0);
	unlink_below(cg, "cgroup.procs");
	/* Nobody is in it. */
	assert_int_equal(cgroup_kill(cg), 0);
	assert_int_equal(cgroup_remove(cg), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(access(path, F_OK), -1);
	cgroup_free(cg);
}

/* What stands in the file after a reset is the test's to say: the kernel would put the usage there. */
static void phase_is(struct cgroup *cg, int64_t peak)
{
	int64_t got = -1;

	assert_int_equal(cgroup_phase(cg, &got), 0);
	assert_int_equal(got, peak);
}

static int64_t sampled_peak(struct cgroup *cg, unsigned field)
{
	struct record rec;

	record_init(&rec);
	cgroup_sample(cg, UINT64_MAX, &rec);
	assert_true(record_has(&rec, field));
	return rec.value[field];
}

static void phases_v1(void **state)
{
	struct cgroup_place place = place_v1(CGROUP_V1);
	struct cgroup *cg;
	int64_t peak = -1;
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(cgroup_make(&place, &cg), 0);
	write_below(cg, "memory.max_usage_in_bytes", "5000\n");
	snprintf(path, sizeof(path), "%s/memory.max_usage_in_bytes", cgroup_path(cg));
	assert_int_equal(sampled_peak(cg, FIELD_V1_PEAK), 5000);
	phase_is(cg, 5000);
	assert_file(path, "0000\n");
	/* The run's own peak stays what it was, until it is higher. */
	write_below(cg, "memory.max_usage_in_bytes", "3000\n");
	assert_int_equal(sampled_peak(cg, FIELD_V1_PEAK), 5000);
	phase_is(cg, 3000);
	assert_int_equal(sampled_peak(cg, FIELD_V1_PEAK), 5000);
	write_below(cg, "memory.max_usage_in_bytes", "6000\n");
	assert_int_equal(sampled_peak(cg, FIELD_V1_PEAK), 6000);
	phase_is(cg, 6000);
	/* Garbage is no peak, and the phase after it began with no reset. */
	write_below(cg, "memory.max_usage_in_bytes", "none\n");
	assert_int_equal(cgroup_phase(cg, &peak), -EBADMSG);
	write_below(cg, "memory.max_usage_in_bytes", "7000\n");
	assert_int_equal(cgroup_phase(cg, &peak), -ENODATA);
	assert_int_equal(peak, -1);
	assert_int_equal(sampled_peak(cg, FIELD_V1_PEAK), 7000);
	write_below(cg, "memory.max_usage_in_bytes", "4000\n");
	phase_is(cg, 4000);
	unlink_below(cg, "memory.max_usage_in_bytes");
	assert_int_equal(cgroup_remove(cg), 0);
	cgroup_free(cg);
}

static void phases_v2(void **state)
{
	struct cgroup_place place = place_v2("", "memory\n");
	struct cgroup *cg;
	int64_t peak = -1;

	(void)state;
	assert_int_equal(cgroup_make(&place, &cg), 0);
	/* Before 5.19 there is no such file. */
	assert_int_equal(cgroup_phase(cg, &peak), -ENOENT);
	write_below(cg, "memory.peak", "5000\n");
	assert_int_equal(cgroup_phase(cg, &peak), -ENODATA);
	write_below(cg, "memory.peak", "3000\n");
	phase_is(cg, 3000);
	/* The descriptor that is sampled was not reset, whatever this file says. */
	write_below(cg, "memory.peak", "4000\n");
	assert_int_equal(sampled_peak(cg, FIELD_V2_PEAK), 4000);
	unlink_below(cg, "memory.peak");
	assert_int_equal(cgroup_remove(cg), 0);
	cgroup_free(cg);
}

static void explained(void **state)
{
	static const enum cgroup_mode modes[] = {CGROUP_NONE, CGROUP_V1, CGROUP_V2, CGROUP_HYBRID};
	struct cgroup_place place = {.mode = CGROUP_V2};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(modes); i++) {
		place.mode = modes[i];
		for (int err = 0; err < 140; err++) {
			const char *text = cgroup_explain(&place, -err);

			assert_true(text && *text);
			assert_null(strchr(text, '\n'));
		}
	}
	place.mode = CGROUP_V2;
	assert_non_null(strstr(cgroup_explain(&place, -EACCES), "Delegate=yes"));
	assert_non_null(strstr(cgroup_explain(&place, -EROFS), "read-only"));
	assert_string_equal(cgroup_mode_name(CGROUP_V2), "unified (v2)");
	assert_string_equal(cgroup_mode_name(CGROUP_V1), "legacy (v1)");
	assert_string_equal(cgroup_mode_name(CGROUP_HYBRID), "hybrid (v1 memory)");
	assert_string_equal(cgroup_mode_name(CGROUP_NONE), "none");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opened_v1),       TEST(opened_v2),	      TEST(find_fixtures),
		TEST(find_escaped),    TEST(find_odd),	      TEST(find_garbage),
		TEST(text_holds),      TEST(made_hybrid),     TEST(made_and_removed),
		TEST(made_v2_child),   TEST(made_v2_sibling), TEST(made_v2_busy),
		TEST(made_v2_nested),  TEST(made_v2_limited), TEST(made_v2_root),
		TEST(made_v2_no_leaf), TEST(not_made),	      TEST(swept),
		TEST(processes),       TEST(removed_deep),    TEST(sampled_v1),
		TEST(sampled_v2),      TEST(explained),	      TEST(limited_v1),
		TEST(limited_v2),      TEST(find_freezer),    TEST(killing_prepared),
		TEST(phases_v1),       TEST(phases_v2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
