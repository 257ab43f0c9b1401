/* SPDX-License-Identifier: ISC */
/* Files that are mapped are opened, and what stands in their place is not. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/rootfile.h"

static char folder[] = "/tmp/test_rootfile.XXXXXX";
static char path[64], other[64];

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	snprintf(other, sizeof(other), "%s/link", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(other);
	return rmdir(folder);
}

static uint64_t inode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	return st.st_ino;
}

static int open_it(const char *name, uint64_t inode)
{
	int dir = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = rootfile_open(dir, name, inode);

	close(dir);
	return fd;
}

static void opens(void **state)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char text[8];

	(void)state;
	assert_int_equal(write(fd, "hello", 5), 5);
	close(fd);
	fd = open_it(path, inode_of(path));
	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof(text)), 5);
	close(fd);
	assert_int_equal(open_it(path, inode_of(path) + 1), -ENOENT);
	assert_int_equal(open_it(other, 1), -ENOENT);
	assert_int_equal(open_it(folder, inode_of(folder)), -ENOENT);
	unlink(path);
}

/* Opening it would do something: of a FIFO that can be seen. */
static void leaves_devices(void **state)
{
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char events[256];

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(symlink(path, other), 0);
	assert_true(inotify_add_watch(watch, path, IN_OPEN) >= 0);
	assert_int_equal(open_it(path, inode_of(path)), -ENOENT);
	assert_int_equal(open_it(other, inode_of(path)), -ENOENT);
	assert_int_equal(read(watch, events, sizeof(events)), -1);
	assert_int_equal(errno, EAGAIN);
	close(watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens),
		cmocka_unit_test(leaves_devices),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
