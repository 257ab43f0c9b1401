/* SPDX-License-Identifier: ISC */
/*
 * Loaded into mstat: as long as there is a file FAULTS_SILENT, which holds "COMM FILE CALL", CALL
 * (open or read) of /proc/PID/FILE does not come back for processes that are called COMM, as it would
 * not while they held the lock that it takes. The file FAULTS_SILENT.calls grows by a byte for each.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

struct order {
	char comm[64], file[64], call[64];
};

static const char *order_path;

__attribute__((constructor)) static void init(void)
{
	order_path = getenv("FAULTS_SILENT");
	unsetenv("LD_PRELOAD"); /* for mstat alone */
}

/* Past our own functions. */
static int slurp(const char *path, char *buf, size_t size)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : syscall(SYS_read, fd, buf, size - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static void count(void)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s.calls", order_path);
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			  0600);
	if (write(fd, "x", 1) == 1)
		close(fd);
}

static int is_ordered(const char *call, const char *process, const char *file)
{
	char text[256], path[300], comm[64];
	struct order order;

	if (!order_path || !slurp(order_path, text, sizeof(text)) ||
	    sscanf(text, "%63s %63s %63s", order.comm, order.file, order.call) != 3)
		return 0;
	snprintf(path, sizeof(path), "%.200s/comm", process);
	if (strcmp(call, order.call) || strcmp(file, order.file) ||
	    !slurp(path, comm, sizeof(comm)))
		return 0;
	comm[strcspn(comm, "\n")] = '\0';
	return !strcmp(comm, order.comm);
}

/* Without any CPU time, as the kernel would: it is measured. */
static void keep_silent(void)
{
	char event[512];
	int fd = inotify_init1(IN_CLOEXEC);

	count();
	/* It fails when the file is gone. */
	if (inotify_add_watch(fd, order_path, IN_DELETE_SELF) >= 0)
		syscall(SYS_read, fd, event, sizeof(event));
	close(fd);
}

static ssize_t path_of(int fd, char *buf, size_t size)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

int openat(int dir, const char *name, int flags, ...)
{
	char process[256];
	va_list args;
	int mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, int) : 0;
	va_end(args);
	if (dir >= 0 && path_of(dir, process, sizeof(process)) > 0 &&
	    is_ordered("open", process, name))
		keep_silent();
	return (int)syscall(SYS_openat, dir, name, flags, mode);
}

ssize_t read(int fd, void *buf, size_t size)
{
	char process[256];
	char *slash;

	if (path_of(fd, process, sizeof(process)) > 0 && !strncmp(process, "/proc/", 6)) {
		slash = strrchr(process, '/');
		*slash = '\0';
		if (is_ordered("read", process, slash + 1))
			keep_silent();
	}
	return syscall(SYS_read, fd, buf, size);
}
