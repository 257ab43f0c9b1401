/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/launch.h"

const int launch_signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, 0};

void launch_prepare(struct launch_origin *ret)
{
	struct rlimit files;
	sigset_t set;
	int fd;

	/* Close-on-exec: the program finds them closed, as mstat did. */
	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= 2);
	if (fd >= 0)
		close(fd);
	sigemptyset(&set);
	for (const int *sig = launch_signals; *sig; sig++)
		sigaddset(&set, *sig);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, &ret->signals);
	getrlimit(RLIMIT_NOFILE, &ret->files);
	files = ret->files;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

/* In the child, between clone and exec. What fails goes to the parent through the pipe. */
__attribute__((noreturn)) static void become(const struct collector *collector,
					     const struct launch_origin *origin, bool cloned_into,
					     int pipe_fd, char **command, char **environment)
{
	struct launch_failure failure = {0};

	failure.cgroup_error = -collector_enter(collector, cloned_into);
	if (failure.cgroup_error)
		(void)!write(pipe_fd, &failure, sizeof(failure));
	setrlimit(RLIMIT_NOFILE, &origin->files);
	sigprocmask(SIG_SETMASK, &origin->signals, NULL);
	execvpe(command[0], command, environment);
	failure.exec_error = errno;
	(void)!write(pipe_fd, &failure, sizeof(failure));
	_exit(127);
}

static pid_t clone_into(int cgroup_fd)
{
	struct clone_args args = {
		.flags = cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)(cgroup_fd >= 0 ? cgroup_fd : 0),
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* Ends when the program's image is there, or with its failure. */
static void read_failure(int fd, struct launch_failure *ret)
{
	struct launch_failure failure;
	ssize_t n;

	while ((n = read(fd, &failure, sizeof(failure))) != 0) {
		if (n == (ssize_t)sizeof(failure))
			*ret = failure;
		else if (n > 0 || errno != EINTR)
			return;
	}
}

pid_t launch_start(const struct collector *collector, const struct launch_origin *origin,
		   char **command, char **environment, struct launch_failure *ret)
{
	int cgroup_fd = collector_clone_fd(collector);
	int fds[2];
	pid_t pid;

	*ret = (struct launch_failure){0};
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = clone_into(cgroup_fd);
	if (pid < 0 && cgroup_fd >= 0) {
		cgroup_fd = -1;
		pid = clone_into(-1);
	}
	/* A filter (an older container's) may refuse clone3 with ENOSYS. */
	if (pid < 0)
		pid = fork();
	if (pid == 0)
		become(collector, origin, cgroup_fd >= 0, fds[1], command, environment);
	close(fds[1]);
	if (pid < 0) {
		int err = -errno;

		close(fds[0]);
		return err;
	}
	read_failure(fds[0], ret);
	close(fds[0]);
	if (ret->exec_error)
		waitpid(pid, NULL, 0);
	return pid;
}

static int count_filters(void)
{
	char line[256];
	int n = 0;
	FILE *status = fopen("/proc/self/status", "re");

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "Seccomp_filters: %d", &n) == 1)
			break;
	if (status)
		fclose(status);
	return n;
}

/* The sampler's system calls, with arguments that do nothing; errors are as good as success. */
static void try_calls(void)
{
	struct rlimit limit;
	char buf[1];
	int fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, NULL, NULL);
	syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDBUF, NULL, 0);
	syscall(SYS_connect, fd, NULL, 0);
	syscall(SYS_sendto, fd, buf, 0, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
	syscall(SYS_recvfrom, fd, buf, 0, MSG_DONTWAIT, NULL, NULL);
	syscall(SYS_recvmsg, fd, NULL, MSG_DONTWAIT);
	syscall(SYS_ioctl, fd, 0x5411 /* SIOCOUTQ */, NULL);
	syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	syscall(SYS_unshare, CLONE_FS);
	syscall(SYS_openat, AT_FDCWD, "/proc/self/stat", O_RDONLY | O_CLOEXEC);
	syscall(SYS_pread64, -1, buf, 0, 0);
	syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", buf, 1);
	syscall(SYS_mincore, NULL, 0, NULL);
	syscall(SYS_madvise, NULL, 0, MADV_WIPEONFORK);
	syscall(SYS_sched_getscheduler, 0);
	syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
	syscall(SYS_futex, NULL, 1, 0, NULL, NULL, 0);
	syscall(SYS_clone, CLONE_THREAD, NULL, NULL, NULL, NULL); /* EINVAL: no CLONE_SIGHAND */
	syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_UNSHARE);
}

int launch_try_filters(void)
{
	int filters = count_filters();
	int status = 0;
	pid_t pid;

	if (filters == 0)
		return 0;
	pid = fork();
	if (pid == 0) {
		try_calls();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return filters;
}
