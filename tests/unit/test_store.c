/* SPDX-License-Identifier: ISC */
/* The folder of runs: names, what others may plant there, hostile names, listing, rotation. */
#include "tests/unit/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/store.h"

/* 2026-11-21 16:33:52 UTC */
#define AT	1795278832
#define AT_NAME "20261121T163352Z-1234-"
#define UID	1000
#define OTHER	1001
/* Of a run in these tests; whole blocks on any file system. */
#define RUN_BYTES 65536

static char dir[128];
static struct store *store;
static char name[STORE_NAME_SIZE];

/* What a listing told. */
static struct store_run runs[16];
static size_t count;

static int setup(void **state)
{
	folder_setup(state);
	umask(022);
	snprintf(dir, sizeof(dir), "%s", at("runs"));
	assert_int_equal(store_open(dir, &store), 0);
	return 0;
}

static int teardown(void **state)
{
	store_close(store);
	return seteuid(getuid()) < 0 ? -1 : folder_teardown(state);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static int begin(uid_t uid, const char *comm, time_t at)
{
	int fd;

	assert_int_equal(store_begin(store, uid, comm, 1234, at, &fd, name), 0);
	assert_true(fd >= 0);
	return fd;
}

/* One of RUN_BYTES that was last written then; its name is left in name. Locked until it is closed. */
static int write_run(uid_t uid, const char *comm, time_t at, time_t mtime)
{
	struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
	static const char zeros[RUN_BYTES];
	int fd = begin(uid, comm, at);

	assert_int_equal(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
	assert_int_equal(futimens(fd, times), 0);
	return fd;
}

static void finished_run(uid_t uid, const char *comm, time_t at, time_t mtime)
{
	close(write_run(uid, comm, at, mtime));
}

static int take(void *arg, const struct store_run *run)
{
	assert_ptr_equal(arg, &count);
	assert_true(count < UNIT_COUNT(runs));
	runs[count++] = *run;
	return 0;
}

static void list(uid_t uid)
{
	count = 0;
	assert_int_equal(store_list(store, uid, take, &count), 0);
}

/* The runs that are there, by the letters their programs' names begin with. */
static void has_runs(uid_t uid, const char *letters)
{
	char is[UNIT_COUNT(runs) + 1] = "";

	list(uid);
	for (size_t i = 0; i < count; i++)
		is[i] = strrchr(runs[i].name, '-')[1];
	assert_string_equal(is, letters);
}

static uint64_t bytes(uid_t uid)
{
	uint64_t n = 1;
	size_t growing;

	assert_int_equal(store_bytes(store, uid, &n, &growing), 0);
	return n;
}

static void opening(void **state)
{
	struct store *second = (void *)1;

	(void)state;
	assert_int_equal(mode_of(dir), 0711);
	store_close(NULL);
	assert_int_equal(store_open(at("no/parents"), &second), -ENOENT);
	assert_null(second);
	make_file(at("file"));
	assert_int_equal(store_open(at("file"), &second), -ENOTDIR);
	assert_int_equal(symlink(dir, at("link")), 0);
	assert_true(store_open(at("link"), &second) < 0);
	assert_true(store_open(at("link//"), &second) < 0);
	store_close(store);
	assert_int_equal(store_open(at("runs/"), &store), 0);
}

/* The lock is the kernel's: a file that one who was killed has left is none. */
static void opening_twice(void **state)
{
	const char *lock = at("runs/lock");
	struct store *second = (void *)1;

	(void)state;
	assert_int_equal(mode_of(lock), 0600);
	assert_int_equal(store_open(dir, &second), -EBUSY);
	assert_null(second);
	store_close(store);
	assert_true(exists(lock));
	assert_int_equal(store_open(dir, &store), 0);
	store_close(store);
	store = NULL;
	/* In a DIR where others may make files. */
	if (geteuid() == 0) {
		assert_int_equal(chown(lock, UID, UID), 0);
		assert_int_equal(store_open(dir, &second), -EPERM);
	}
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(symlink(at("target"), lock), 0);
	assert_int_equal(store_open(dir, &second), -ELOOP);
	assert_false(exists(at("target")));
}

static void opening_others(void **state)
{
	static const struct {
		mode_t mode;
		int err;
	} cases[] = {{0770, -EPERM}, {0707, -EPERM}, {0777, -EPERM}, {01777, 0}, {0755, 0}};
	struct store *second;

	(void)state;
	store_close(store);
	store = NULL;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		assert_int_equal(chmod(dir, cases[i].mode), 0);
		assert_int_equal(store_open(dir, &second), cases[i].err);
		store_close(second);
	}
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(dir, UID, UID), 0);
	assert_int_equal(store_open(dir, &second), -EPERM);
}

static void beginning(void **state)
{
	struct stat st;
	int fd = begin(UID, "nginx", AT);
	int flags = fcntl(fd, F_GETFL);

	(void)state;
	assert_string_equal(name, AT_NAME "nginx.mstat");
	assert_int_equal(mode_of(at("runs/1000")), 0700);
	assert_int_equal(mode_of(at("runs/1000/%s", name)), 0600);
	assert_int_equal(flags & O_ACCMODE, O_WRONLY);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_size, 0);
	close(fd);
	close(begin(UINT32_MAX, "x", AT));
	assert_true(exists(at("runs/4294967295/%s", name)));
}

static void programs_names(void **state)
{
	static const struct {
		const char *comm, *word;
	} cases[] = {
		{"a_B.9+-z", "a_B.9+-z"},
		{"../../etc/passwd", "_._.._etc_passwd"},
		{".hidden", "_hidden"},
		{"", "_"},
		{"(sd-pam)", "_sd-pam_"},
		{"a b\n\xc3\xa9", "a_b___"},
		{"0123456789abcdefXYZ", "0123456789abcdef"},
	};
	char want[128];

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		int fd;

		close(begin(UID, cases[i].comm, AT));
		snprintf(want, sizeof(want), AT_NAME "%s.mstat", cases[i].word);
		assert_string_equal(name, want);
		fd = store_read(store, UID, name);
		assert_true(fd >= 0);
		close(fd);
	}
	list(UID);
	assert_int_equal(count, UNIT_COUNT(cases));
}

/* The longest name there can be is one that is read. */
static void extremes(void **state)
{
	const time_t newest = 253402300799; /* 9999-12-31 23:59:59 */
	int fd;

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(
			store_begin(store, UID, "0123456789abcdef", INT32_MAX, newest, &fd, name),
			0);
		close(fd);
	}
	assert_string_equal(name, "99991231T235959Z-2147483647-0123456789abcdef-10.mstat");
	fd = store_read(store, UID, name);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(store_begin(store, UID, "x", 1, newest + 1, &fd, name), -EINVAL);
	assert_int_equal(fd, -1);
	assert_string_equal(name, "");
	assert_int_equal(store_begin(store, UID, "x", 1, INT64_MAX, &fd, name), -EINVAL);
	assert_int_equal(store_begin(store, UID, "x", -1, AT, &fd, name), -EINVAL);
}

static void collisions(void **state)
{
	int fd;

	(void)state;
	close(begin(UID, "a", AT));
	close(begin(UID, "a", AT));
	assert_string_equal(name, AT_NAME "a-2.mstat");
	/* What is taken may be anything. */
	assert_int_equal(symlink(at("target"), at("runs/1000/" AT_NAME "a-3.mstat")), 0);
	assert_int_equal(mkdir(at("runs/1000/" AT_NAME "a-4.mstat"), 0700), 0);
	close(begin(UID, "a", AT));
	assert_string_equal(name, AT_NAME "a-5.mstat");
	assert_false(exists(at("target")));
	for (int i = 6; i <= 999; i++)
		close(begin(UID, "a", AT));
	assert_string_equal(name, AT_NAME "a-999.mstat");
	assert_int_equal(store_begin(store, UID, "a", 1234, AT, &fd, name), -EEXIST);
	assert_int_equal(fd, -1);
	assert_string_equal(name, "");
}

/* All that can be asked of a uid's folder refuses the one there is. */
static void is_refused(uid_t uid, const char *of_run)
{
	uint64_t n;
	size_t growing;
	int fd;

	assert_true(store_begin(store, uid, "a", 1234, AT, &fd, name) < 0);
	assert_int_equal(fd, -1);
	assert_true(store_read(store, uid, of_run) < 0);
	assert_true(store_list(store, uid, take, &count) < 0);
	assert_true(store_bytes(store, uid, &n, &growing) < 0);
	assert_true(store_rotate(store, uid, 0, 0, AT + 100) < 0);
	assert_true(store_rotate_all(store, 0, 0, AT + 100) < 0);
}

static void planted_folders(void **state)
{
	char of_run[STORE_NAME_SIZE];

	(void)state;
	finished_run(UID, "a", AT, AT);
	memcpy(of_run, name, sizeof(of_run));
	/* A link to somebody else's runs, one to a folder elsewhere, a file. */
	assert_int_equal(symlink("1000", at("runs/1001")), 0);
	assert_int_equal(rename(at("runs/1000"), at("elsewhere")), 0);
	assert_int_equal(mkdir(at("runs/1000"), 0700), 0);
	is_refused(OTHER, of_run);
	assert_int_equal(unlink(at("runs/1001")), 0);
	assert_int_equal(symlink(at("elsewhere"), at("runs/1001")), 0);
	is_refused(OTHER, of_run);
	assert_true(exists(at("elsewhere/%s", of_run)));
	assert_int_equal(unlink(at("runs/1001")), 0);
	make_file(at("runs/1001"));
	is_refused(OTHER, of_run);
}

static void writable_folder(void **state)
{
	(void)state;
	finished_run(UID, "a", AT, AT);
	assert_int_equal(chmod(at("runs/1000"), 0720), 0);
	is_refused(UID, AT_NAME "a.mstat");
	assert_int_equal(chmod(at("runs/1000"), 0702), 0);
	is_refused(UID, AT_NAME "a.mstat");
	assert_int_equal(chmod(at("runs/1000"), 0755), 0);
	has_runs(UID, "a");
}

static void foreign_folder(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	finished_run(UID, "a", AT, AT);
	finished_run(OTHER, "b", AT, AT);
	assert_int_equal(chown(at("runs/1000"), UID, UID), 0);
	is_refused(UID, AT_NAME "a.mstat");
	assert_true(exists(at("runs/1000/" AT_NAME "a.mstat")));
	/* It did not keep the others from being rotated. */
	assert_false(exists(at("runs/1001")));
}

static void reading(void **state)
{
	char byte = 'x';
	int fd = begin(UID, "a", AT);
	int reader;

	(void)state;
	assert_int_equal(write(fd, &byte, 1), 1);
	reader = store_read(store, UID, name);
	assert_true(reader >= 0);
	assert_int_equal(fcntl(reader, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(fcntl(reader, F_GETFD), FD_CLOEXEC);
	byte = 0;
	assert_int_equal(read(reader, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	assert_true(write(reader, &byte, 1) < 0);
	close(reader);
	close(fd);
	assert_int_equal(store_read(store, UID, AT_NAME "b.mstat"), -ENOENT);
	assert_int_equal(store_read(store, OTHER, name), -ENOENT);
	assert_false(exists(at("runs/1001")));
}

/* Each of them leads to a file that is there. */
static void hostile_names(void **state)
{
	static const char *const names[] = {
		"../1001/" AT_NAME "a.mstat",
		"./" AT_NAME "b.mstat",
		"sub/c.mstat",
		".d.mstat",
		"e",
		"f.mstat.tmp",
		"g\n.mstat",
		"h h.mstat",
		"\xc3\xa9.mstat",
		".mstat",
		"0000000000111111111122222222223333333333444444444455555555.mstat",
	};
	char absolute[256];
	int fd;

	(void)state;
	close(begin(OTHER, "a", AT));
	close(begin(UID, "b", AT));
	assert_int_equal(mkdir(at("runs/1000/sub"), 0700), 0);
	for (size_t i = 0; i < UNIT_COUNT(names); i++) {
		if (i >= 2)
			make_file(at("runs/1000/%s", names[i]));
		assert_true(exists(at("runs/1000/%s", names[i])));
		assert_int_equal(store_read(store, UID, names[i]), -EINVAL);
	}
	snprintf(absolute, sizeof(absolute), "%s/1000/%s", dir, name);
	assert_int_equal(store_read(store, UID, absolute), -EINVAL);
	assert_int_equal(store_read(store, UID, ""), -EINVAL);
	assert_int_equal(store_read(store, UID, "."), -EINVAL);
	assert_int_equal(store_read(store, UID, ".."), -EINVAL);
	/* Nor are they runs to be listed or removed. */
	has_runs(UID, "b");
	assert_int_equal(store_rotate(store, UID, 0, 0, AT + (1u << 30)), 1);
	assert_true(exists(at("runs/1000/e")));
	assert_true(exists(at("runs/1000/.d.mstat")));
	/* One byte shorter than the one above. */
	make_file(at("runs/1000/%s", names[10] + 1));
	fd = store_read(store, UID, names[10] + 1);
	assert_true(fd >= 0);
	close(fd);
}

/* What has a run's name and is none. */
static void planted_files(void **state)
{
	static const char *const names[] = {"link.mstat", "folder.mstat", "fifo.mstat",
					    "foreign.mstat"};
	size_t n = geteuid() == 0 ? 4 : 3;

	(void)state;
	make_file(at("secret"));
	finished_run(UID, "a", AT, AT);
	assert_int_equal(symlink(at("secret"), at("runs/1000/link.mstat")), 0);
	assert_int_equal(mkdir(at("runs/1000/folder.mstat"), 0700), 0);
	assert_int_equal(mkfifo(at("runs/1000/fifo.mstat"), 0600), 0);
	make_file(at("runs/1000/foreign.mstat"));
	if (n == 4)
		assert_int_equal(chown(at("runs/1000/foreign.mstat"), UID, UID), 0);
	else
		assert_int_equal(unlink(at("runs/1000/foreign.mstat")), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(store_read(store, UID, names[i]), -ENOENT);
	has_runs(UID, "a");
	assert_int_equal(store_rotate(store, UID, 0, 0, AT + 100), 1);
	for (size_t i = 0; i < n; i++)
		assert_true(exists(at("runs/1000/%s", names[i])));
}

static int stop(void *arg, const struct store_run *run)
{
	(void)run;
	++*(int *)arg;
	return 7;
}

static void listing(void **state)
{
	int stopped = 0;
	int fd;

	(void)state;
	has_runs(UID, "");
	assert_int_equal(bytes(UID), 0);
	assert_false(exists(at("runs/1000")));
	finished_run(UID, "c", AT + 20, AT + 21);
	finished_run(UID, "a", AT - 7 * 3600, AT + 22);
	fd = write_run(UID, "b", AT + 10, AT + 23);
	finished_run(OTHER, "x", AT, AT);
	has_runs(UID, "abc");
	assert_string_equal(runs[0].name, "20261121T093352Z-1234-a.mstat");
	assert_int_equal(runs[0].mtime_s, AT + 22);
	assert_int_equal(runs[2].mtime_s, AT + 21);
	assert_true(runs[0].size_bytes >= RUN_BYTES && runs[0].size_bytes < 2 * RUN_BYTES);
	assert_int_equal(bytes(UID), runs[0].size_bytes + runs[1].size_bytes + runs[2].size_bytes);
	assert_false(runs[0].is_growing);
	assert_true(runs[1].is_growing);
	assert_false(runs[2].is_growing);
	close(fd);
	list(UID);
	assert_false(runs[1].is_growing);
	assert_int_equal(store_list(store, UID, stop, &stopped), 7);
	assert_int_equal(stopped, 1);
}

/* More than one allocation, and numbers behind names. */
static int in_order(void *arg, const struct store_run *run)
{
	char want[STORE_NAME_SIZE];
	int i = ++*(int *)arg;

	if (i == 1)
		snprintf(want, sizeof(want), AT_NAME "a.mstat");
	else
		snprintf(want, sizeof(want), AT_NAME "a-%d.mstat", i);
	assert_string_equal(run->name, want);
	return 0;
}

static void many(void **state)
{
	int n = 0;

	(void)state;
	for (int i = 0; i < 200; i++)
		close(begin(UID, "a", AT));
	assert_int_equal(store_list(store, UID, in_order, &n), 0);
	assert_int_equal(n, 200);
	assert_int_equal(store_rotate(store, UID, 0, STORE_NO_LIMIT, (time_t)1 << 40), 200);
}

/* A hole is counted as what it may become, a byte as the block that it takes. */
static void sizes(void **state)
{
	struct stat st;
	int fd = begin(UID, "a", AT);

	(void)state;
	assert_int_equal(ftruncate(fd, 1 << 24), 0);
	assert_true(bytes(UID) >= 1 << 24);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(fsync(fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(bytes(UID), st.st_blocks ? st.st_blocks * 512 : 1);
	close(fd);
}

static void rotation_by_age(void **state)
{
	(void)state;
	finished_run(UID, "a", AT, AT + 50);
	finished_run(UID, "b", AT + 1, AT + 10);
	finished_run(UID, "c", AT + 2, AT + 40);
	finished_run(UID, "d", AT + 3, AT + 1000);
	assert_int_equal(store_rotate(store, UID, STORE_NO_LIMIT, STORE_NO_LIMIT, AT + 100), 0);
	assert_int_equal(store_rotate(store, UID, 60, STORE_NO_LIMIT, AT + 100), 1);
	has_runs(UID, "acd");
	assert_int_equal(store_rotate(store, UID, 59, STORE_NO_LIMIT, AT + 100), 1);
	has_runs(UID, "ad");
	/* By a clock that was set back, one has not been written yet. */
	assert_int_equal(store_rotate(store, UID, 0, STORE_NO_LIMIT, AT + 100), 1);
	has_runs(UID, "d");
}

static void rotation_by_size(void **state)
{
	uint64_t each;

	(void)state;
	finished_run(UID, "c", AT + 2, AT);
	finished_run(UID, "a", AT, AT);
	finished_run(UID, "d", AT + 3, AT);
	finished_run(UID, "b", AT + 1, AT);
	each = bytes(UID) / 4;
	assert_int_equal(store_rotate(store, UID, STORE_NO_LIMIT, 4 * each, AT + 100), 0);
	assert_int_equal(store_rotate(store, UID, STORE_NO_LIMIT, 4 * each - 1, AT + 100), 1);
	has_runs(UID, "bcd");
	assert_int_equal(store_rotate(store, UID, STORE_NO_LIMIT, each, AT + 100), 2);
	has_runs(UID, "d");
	assert_int_equal(store_rotate(store, UID, STORE_NO_LIMIT, 0, AT + 100), 1);
	has_runs(UID, "");
}

/* What goes for its age makes room for older ones that were written longer. */
static void rotation_by_both(void **state)
{
	(void)state;
	finished_run(UID, "a", AT, AT + 100);
	finished_run(UID, "b", AT + 1, AT + 1);
	assert_int_equal(store_rotate(store, UID, 50, bytes(UID) / 2, AT + 100), 1);
	has_runs(UID, "a");
}

static void growing_stays(void **state)
{
	int fd = write_run(UID, "a", AT, AT);
	int copy = dup(fd);

	(void)state;
	finished_run(UID, "b", AT + 1, AT);
	finished_run(UID, "c", AT + 2, AT + 1000);
	/* Its bytes count: of what may go, all goes, and it is too much still. */
	assert_int_equal(store_rotate(store, UID, 10, bytes(UID) / 3, AT + 1000), 2);
	has_runs(UID, "a");
	assert_int_equal(store_rotate(store, UID, 0, 0, AT + 1000), 0);
	/* As in a process that it was handed to. */
	close(fd);
	assert_int_equal(store_rotate(store, UID, 0, 0, AT + 1000), 0);
	has_runs(UID, "a");
	close(copy);
	assert_int_equal(store_rotate(store, UID, 0, 0, AT + 1000), 1);
	has_runs(UID, "");
}

/* Whoever was given a run to read cannot keep it. */
static void readers_keep_nothing(void **state)
{
	char made[STORE_NAME_SIZE];
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	int fd, reader;

	(void)state;
	assert_int_equal(store_begin(store, UID, "a", 1, AT, &fd, made), 0);
	close(fd);
	reader = store_read(store, UID, made);
	assert_true(reader >= 0);
	assert_int_equal(flock(reader, LOCK_EX), 0);
	assert_int_equal(fcntl(reader, F_OFD_SETLK, &lock), 0);
	assert_int_equal(store_rotate(store, UID, 0, STORE_NO_LIMIT, time(NULL) + 10), 1);
	close(reader);
}

/* Root can remove whatever there is: by an ordinary user, in a folder that he cannot write. */
static void removal_fails(void **state)
{
	(void)state;
	if (geteuid() == 0) {
		assert_int_equal(chmod(tmp, 0711), 0);
		assert_int_equal(chown(dir, UID, (gid_t)-1), 0);
		assert_int_equal(seteuid(UID), 0);
	}
	finished_run(UID, "a", AT, AT);
	assert_int_equal(chmod(at("runs/1000"), 0500), 0);
	assert_int_equal(store_rotate(store, UID, 0, STORE_NO_LIMIT, AT + 100), -EACCES);
	assert_int_equal(store_rotate(store, UID, STORE_NO_LIMIT, 0, AT + 100), -EACCES);
	has_runs(UID, "a");
	assert_int_equal(chmod(at("runs/1000"), 0700), 0);
	assert_int_equal(store_rotate(store, UID, 0, STORE_NO_LIMIT, AT + 100), 1);
}

static void empty_folders(void **state)
{
	int fd = begin(UID, "a", AT);

	(void)state;
	assert_int_equal(store_rotate(store, UID, STORE_NO_LIMIT, STORE_NO_LIMIT, AT), 0);
	assert_true(exists(at("runs/1000/%s", name)));
	close(fd);
	assert_int_equal(unlink(at("runs/1000/%s", name)), 0);
	assert_int_equal(store_rotate(store, UID, STORE_NO_LIMIT, STORE_NO_LIMIT, AT), 0);
	assert_false(exists(at("runs/1000")));
	assert_int_equal(store_rotate(store, UID, 0, 0, AT), 0);
	close(begin(UID, "a", AT));
}

static void others_untouched(void **state)
{
	(void)state;
	finished_run(UID, "a", AT, AT);
	finished_run(OTHER, "b", AT, AT);
	finished_run(OTHER, "c", AT + 1, AT);
	assert_int_equal(store_rotate(store, UID, 0, 0, AT + 100), 1);
	assert_false(exists(at("runs/1000")));
	has_runs(OTHER, "bc");
}

/* The limit is each one's. What is in DIR and is no uid's is nothing of ours. */
static void rotation_of_all(void **state)
{
	static const char *const names[] = {"01000", "1000x", "x", "-1", "4294967296", "+7"};
	uint64_t each;

	(void)state;
	finished_run(UID, "a", AT, AT);
	finished_run(UID, "b", AT + 1, AT + 50);
	finished_run(OTHER, "c", AT, AT + 50);
	finished_run(0, "d", AT, AT);
	each = bytes(OTHER);
	for (size_t i = 0; i < UNIT_COUNT(names); i++)
		assert_int_equal(mkdir(at("runs/%s", names[i]), 0700), 0);
	assert_int_equal(store_rotate_all(store, STORE_NO_LIMIT, each, AT + 100), 1);
	has_runs(UID, "b");
	has_runs(OTHER, "c");
	has_runs(0, "d");
	assert_int_equal(store_rotate_all(store, 60, STORE_NO_LIMIT, AT + 100), 1);
	assert_false(exists(at("runs/0")));
	assert_int_equal(store_rotate_all(store, 0, STORE_NO_LIMIT, AT + 100), 2);
	assert_false(exists(at("runs/1000")));
	for (size_t i = 0; i < UNIT_COUNT(names); i++)
		assert_true(exists(at("runs/%s", names[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(opening, setup, teardown),
		cmocka_unit_test_setup_teardown(opening_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(opening_others, setup, teardown),
		cmocka_unit_test_setup_teardown(beginning, setup, teardown),
		cmocka_unit_test_setup_teardown(programs_names, setup, teardown),
		cmocka_unit_test_setup_teardown(extremes, setup, teardown),
		cmocka_unit_test_setup_teardown(collisions, setup, teardown),
		cmocka_unit_test_setup_teardown(planted_folders, setup, teardown),
		cmocka_unit_test_setup_teardown(writable_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(reading, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_names, setup, teardown),
		cmocka_unit_test_setup_teardown(planted_files, setup, teardown),
		cmocka_unit_test_setup_teardown(listing, setup, teardown),
		cmocka_unit_test_setup_teardown(many, setup, teardown),
		cmocka_unit_test_setup_teardown(sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(rotation_by_age, setup, teardown),
		cmocka_unit_test_setup_teardown(rotation_by_size, setup, teardown),
		cmocka_unit_test_setup_teardown(rotation_by_both, setup, teardown),
		cmocka_unit_test_setup_teardown(growing_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(readers_keep_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(removal_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(empty_folders, setup, teardown),
		cmocka_unit_test_setup_teardown(others_untouched, setup, teardown),
		cmocka_unit_test_setup_teardown(rotation_of_all, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
