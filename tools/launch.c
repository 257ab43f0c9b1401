/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <paths.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/launch.h"

const int launch_signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, 0};

/* What execve(2) would say of that file. */
static int check(const char *file)
{
	struct stat st;

	if (stat(file, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return faccessat(AT_FDCWD, file, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

int launch_find(const char *program, const char *path, char *ret, size_t size)
{
	int err = -ENOENT;

	if (strchr(program, '/')) {
		if ((size_t)snprintf(ret, size, "%s", program) >= size)
			return -ENAMETOOLONG;
		return check(program);
	}
	for (const char *dir = path ? path : _PATH_STDPATH, *end; dir;
	     dir = *end ? end + 1 : NULL) {
		int len = (int)strcspn(dir, ":");
		int this_err = -ENOENT;

		end = dir + len;
		if ((size_t)snprintf(ret, size, "%.*s%s%s", len, dir, len ? "/" : "", program) <
		    size)
			this_err = check(ret);
		if (this_err == 0)
			return 0;
		/* A folder of that name is passed over; a file that may not be executed is told of. */
		if (this_err == -EACCES)
			err = this_err;
	}
	return err;
}

/* As the kernel has it: sigaction(2) of glibc refuses those two. */
struct kernel_action {
	unsigned long handler, flags, restorer, mask;
};

static bool internal_is_ignored(int sig)
{
	struct kernel_action action = {0};

	return syscall(SYS_rt_sigaction, sig, NULL, &action, sizeof(action.mask)) == 0 &&
	       action.handler == (unsigned long)SIG_IGN;
}

static void internal_ignore(int sig)
{
	struct kernel_action action = {.handler = (unsigned long)SIG_IGN};

	syscall(SYS_rt_sigaction, sig, &action, NULL, sizeof(action.mask));
}

void launch_prepare(struct launch_origin *ret)
{
	struct sigaction child;
	struct rlimit files;
	int fd;

	/* As good as closed: EBADF for who reads or writes. Close-on-exec: the program finds them as
	 * mstat did. */
	do
		fd = open("/", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd <= 2);
	if (fd >= 0)
		close(fd);
	getrlimit(RLIMIT_NOFILE, &ret->files);
	files = ret->files;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	for (int i = 0; i < 2; i++)
		ret->internal_ignored[i] = internal_is_ignored(32 + i);
	ret->child_ignored = sigaction(SIGCHLD, NULL, &child) == 0 && child.sa_handler == SIG_IGN;
	if (ret->child_ignored)
		signal(SIGCHLD, SIG_DFL);
}

void launch_hold_signals(struct launch_origin *ret)
{
	sigset_t set;

	sigemptyset(&set);
	for (const int *sig = launch_signals; *sig; sig++)
		sigaddset(&set, *sig);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGXFSZ);
	/* Whether the job stops is for the program to say. */
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGTTIN);
	sigaddset(&set, SIGTTOU);
	sigprocmask(SIG_BLOCK, &set, &ret->signals);
}

bool launch_reached(int sig, int code)
{
	return code == SI_KERNEL && !(sig == SIGHUP && getsid(0) == getpid());
}

bool launch_is_foreground(void)
{
	int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
	bool is = fd >= 0 && tcgetpgrp(fd) == getpgrp();

	if (fd >= 0)
		close(fd);
	return is;
}

bool launch_is_stopped(pid_t pid)
{
	siginfo_t info = {0};

	/* News, which is left for others: that it goes on, or has stopped once more. */
	return waitid(P_PID, (id_t)pid, &info, WCONTINUED | WSTOPPED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid != pid;
}

int launch_held(const struct launch_origin *origin)
{
	struct sigaction action;
	sigset_t held;

	sigpending(&held);
	for (const int *sig = launch_signals; *sig; sig++)
		if (sigismember(&held, *sig) && !sigismember(&origin->signals, *sig) &&
		    sigaction(*sig, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
			return *sig;
	return 0;
}

static bool is_elf(const char *path)
{
	char magic[SELFMAG];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool elf =
		fd >= 0 && read(fd, magic, SELFMAG) == SELFMAG && !memcmp(magic, ELFMAG, SELFMAG);

	if (fd >= 0)
		close(fd);
	return elf;
}

/*
 * As execvp() does, a text without #! is a script of sh; but not a program of another machine. errno
 * says why it returns.
 */
static void exec_program(const char *program, char **command, char **environment)
{
	size_t n = 0;
	char **words;

	execve(program, command, environment);
	if (errno != ENOEXEC)
		return;
	while (command[n])
		n++;
	words = is_elf(program) ? NULL : calloc(n + 2, sizeof(*words));
	if (words) {
		words[0] = (char[]){"sh"};
		words[1] = (char *)program;
		memcpy(words + 2, command + 1, (n - 1) * sizeof(*words));
		execve("/bin/sh", words, environment);
	}
	errno = ENOEXEC;
}

/* In the child, between clone and exec. What fails goes to the parent through the pipe. */
__attribute__((noreturn)) static void become(const struct collector *collector,
					     const struct launch_origin *origin, bool cloned_into,
					     int pipe_fd, const char *program, char **command,
					     char **environment)
{
	struct launch_failure failure = {0};

	failure.cgroup_error = -collector_enter(collector, cloned_into);
	if (failure.cgroup_error)
		(void)!write(pipe_fd, &failure, sizeof(failure));
	/* Outside the cgroup its limits would be none. */
	if (failure.cgroup_error && collector_is_limited(collector))
		_exit(127);
	setrlimit(RLIMIT_NOFILE, &origin->files);
	if (origin->child_ignored)
		signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 2; i++)
		if (origin->internal_ignored[i])
			internal_ignore(32 + i);
	sigprocmask(SIG_SETMASK, &origin->signals, NULL);
	exec_program(program, command, environment);
	failure.exec_error = errno;
	(void)!write(pipe_fd, &failure, sizeof(failure));
	_exit(127);
}

/*
 * What was open when mstat began is the program's alone: whoever waits for the end of its pipe must
 * not wait for us. All that is ours is close-on-exec; nothing that came through an exec is. Only
 * stderr is kept.
 */
static void let_go(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int none = open("/", O_PATH | O_CLOEXEC);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fcntl(fd, F_GETFD) == 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
	dup3(none, STDIN_FILENO, O_CLOEXEC);
	dup3(none, STDOUT_FILENO, O_CLOEXEC);
	close(none);
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
		   const char *program, char **command, char **environment,
		   struct launch_failure *ret)
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
		become(collector, origin, cgroup_fd >= 0, fds[1], program, command, environment);
	close(fds[1]);
	if (pid < 0) {
		int err = -errno;

		close(fds[0]);
		return err;
	}
	let_go();
	read_failure(fds[0], ret);
	close(fds[0]);
	if (ret->exec_error || (ret->cgroup_error && collector_is_limited(collector)))
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
	syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0);
	syscall(SYS_madvise, NULL, 0, MADV_WIPEONFORK);
	syscall(SYS_sched_getscheduler, 0);
	syscall(SYS_sched_setscheduler, 0, -1, NULL);
	syscall(SYS_prctl, PR_SET_NAME, "mstat");
	syscall(SYS_mprotect, NULL, 0, PROT_NONE);
	syscall(SYS_nanosleep, NULL, NULL);
	syscall(SYS_tgkill, getpid(), getpid(), 0);
	syscall(SYS_write, -1, buf, 0);
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
