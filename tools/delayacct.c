/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "tools/delayacct.h"

#define SWITCH "/proc/sys/kernel/task_delayacct"
#define STATE  "/run/mstat.delayacct"

/* Bytes of the state's file that are locked: by who looks at the switch, and by all who need it. */
enum { LOOKING, NEEDING };

static int lock(int fd, int byte, short type)
{
	struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	return fcntl(fd, F_OFD_SETLK, &range) < 0 ? -errno : 0;
}

/* Another one holds it for microseconds; but he may be stopped. */
static int lock_looking(int fd)
{
	struct timespec pause = {.tv_nsec = 1000000};
	int err;

	for (int i = 0; (err = lock(fd, LOOKING, F_WRLCK)) == -EAGAIN && i < 1000; i++)
		nanosleep(&pause, NULL);
	return err;
}

/* '0', '1', or a negative errno. */
static int read_switch(void)
{
	char value = 0;
	int fd = open(SWITCH, O_RDONLY | O_CLOEXEC);
	int err = fd < 0 || read(fd, &value, 1) != 1 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err ? err : value;
}

bool delayacct_is_on(void)
{
	/* Before 5.14 there is no switch: they are counted. */
	int now = read_switch();

	return now == '1' || now == -ENOENT;
}

static int write_switch(char value)
{
	int fd = open(SWITCH, O_WRONLY | O_CLOEXEC);
	int err = fd < 0 || write(fd, &value, 1) != 1 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

/* Whether one of us switched it on: then the file holds what it was. */
static bool is_noted(int fd)
{
	char was = 0;

	return pread(fd, &was, 1, 0) == 1 && was == '0';
}

/* Noted first: who dies in between has only noted what is true. */
static int switch_on(int fd)
{
	int now = read_switch();
	int err;

	if (now != '0')
		return now < 0 ? now : 0;
	if (pwrite(fd, "0", 1, 0) != 1)
		return -errno;
	err = write_switch('1');
	if (err < 0)
		(void)!ftruncate(fd, 0);
	return err;
}

static void switch_off(int fd)
{
	if (is_noted(fd) && write_switch('0') == 0)
		(void)!ftruncate(fd, 0);
}

int delayacct_on(void)
{
	int fd = open(STATE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int err = fd < 0 ? -errno : lock_looking(fd);

	if (err == 0)
		err = lock(fd, NEEDING, F_RDLCK);
	if (err == 0)
		err = switch_on(fd);
	if (fd >= 0 && err == 0)
		err = lock(fd, LOOKING, F_UNLCK);
	if (err == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

void delayacct_off(int fd)
{
	if (fd < 0)
		return;
	lock_looking(fd);
	/* Refused as long as another one needs it. */
	if (lock(fd, NEEDING, F_WRLCK) == 0)
		switch_off(fd);
	close(fd);
}
