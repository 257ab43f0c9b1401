/* SPDX-License-Identifier: ISC */
/*
 * A program that goes into other namespaces and roots, and says how each call ended.
 *   guest_spaces unshare      each namespace alone, then all but pid's and time's at once, as a child each
 *   guest_spaces setns        those of a child that unshared them
 *   guest_spaces at-once      setns() and unshare() as the first act of the program, before its sampler may be up
 *   guest_spaces busy DIR     in a namespace of its own: starts anew in a file system mounted at DIR, leaves
 *                             it, unmounts it
 *   guest_spaces pivot DIR    in a namespace of its own: makes DIR its root, and unmounts the old one's /proc
 * With SAMPLED in the environment a sampler must have seen ticks before each call.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "guest_look.h"

static const struct {
	const char *name;
	int flag;
} spaces[] = {
	{"user", CLONE_NEWUSER},     {"mnt", CLONE_NEWNS},  {"uts", CLONE_NEWUTS},
	{"ipc", CLONE_NEWIPC},	     {"net", CLONE_NEWNET}, {"pid", CLONE_NEWPID},
	{"cgroup", CLONE_NEWCGROUP}, {"time", 0x80},
};
#define SPACES (sizeof(spaces) / sizeof(*spaces))

static void be_sampled(int ticks)
{
	if (getenv("SAMPLED"))
		look_ticks(ticks);
}

static void tell(const char *what, const char *name, long ret)
{
	printf("%s %s: %ld %d\n", what, name, ret, ret < 0 ? errno : 0);
	fflush(stdout);
}

static void unshare_in_child(const char *name, int flags, bool by_number)
{
	pid_t pid = fork();

	if (pid == 0) {
		be_sampled(1);
		tell("unshare", name, by_number ? syscall(SYS_unshare, flags) : unshare(flags));
		/* Where children go to another pid namespace, no thread can be added: clone(2). */
		if (!(flags & CLONE_NEWPID))
			be_sampled(2);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static int do_unshare(void)
{
	int all = 0;

	for (size_t i = 0; i < SPACES; i++) {
		unshare_in_child(spaces[i].name, spaces[i].flag, false);
		if (spaces[i].flag != CLONE_NEWPID && spaces[i].flag != 0x80)
			all |= spaces[i].flag;
	}
	unshare_in_child("user by syscall", CLONE_NEWUSER, true);
	unshare_in_child("fs", CLONE_FS, false);
	unshare_in_child("files", CLONE_FILES, false);
	unshare_in_child("thread", CLONE_THREAD, false);
	unshare_in_child("all", all, false);
	return 0;
}

/* One that has unshared them all, and waits for its end. */
static pid_t start_other(int flags)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready) < 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		if (unshare(flags) < 0)
			_exit(1);
		(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		exit(77);
	close(ready[0]);
	return pid;
}

static void end_other(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int do_setns(void)
{
	for (size_t i = 0; i < SPACES; i++) {
		pid_t other = start_other(spaces[i].flag);
		char path[64];
		pid_t pid;
		int fd;

		/* A pid namespace without a process cannot be opened: pid is that of all of us. */
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)other, spaces[i].name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		pid = fd < 0 ? -1 : fork();
		if (pid == 0) {
			be_sampled(1);
			tell("setns", spaces[i].name, setns(fd, spaces[i].flag));
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
		else
			tell("open", spaces[i].name, fd);
		close(fd);
		end_other(other);
	}
	return 0;
}

/* The constructor has started the sampler some microseconds before. */
static int do_at_once(const char *me)
{
	int failures = 0;

	for (int i = 0; i < 100; i++) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0) {
			execl(me, me, i & 1 ? "first-setns" : "first-unshare", NULL);
			_exit(127);
		}
		waitpid(pid, &status, 0);
		failures += status != 0;
	}
	printf("%d failures\n", failures);
	return 0;
}

static int do_first(const char *what)
{
	int fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);

	if (!strcmp(what, "first-unshare"))
		return unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0;
	return setns(fd, CLONE_NEWNS) < 0;
}

static int own_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		return -1;
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static int do_busy(const char *me, char *dir)
{
	if (own_mounts() < 0 || mount("none", dir, "tmpfs", 0, NULL) < 0 || chdir(dir) < 0)
		return 77;
	execl(me, me, "busy-there", dir, NULL);
	return 127;
}

static int do_busy_there(const char *dir)
{
	be_sampled(3);
	tell("chdir", "/", chdir("/"));
	tell("umount", "the first folder", umount2(dir, 0));
	be_sampled(2);
	return 0;
}

static int do_pivot(const char *dir)
{
	char path[4096];

	be_sampled(1);
	if (own_mounts() < 0 || mount(dir, dir, NULL, MS_BIND, NULL) < 0 || chdir(dir) < 0)
		return 77;
	mkdir("old", 0700);
	tell("pivot_root", "", syscall(SYS_pivot_root, ".", "old"));
	tell("chdir", "/", chdir("/"));
	tell("umount", "the old root", umount2("old", MNT_DETACH));
	tell("getcwd", "", getcwd(path, sizeof(path)) ? 0 : -1);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "unshare"))
		return do_unshare();
	if (!strcmp(what, "setns"))
		return do_setns();
	if (!strcmp(what, "at-once"))
		return do_at_once(argv[0]);
	if (!strncmp(what, "first-", 6))
		return do_first(what);
	if (argc > 2 && !strcmp(what, "busy"))
		return do_busy(argv[0], argv[2]);
	if (argc > 2 && !strcmp(what, "busy-there"))
		return do_busy_there(argv[2]);
	if (argc > 2 && !strcmp(what, "pivot"))
		return do_pivot(argv[2]);
	return 2;
}
