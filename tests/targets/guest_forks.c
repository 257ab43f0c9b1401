/* SPDX-License-Identifier: ISC */
/*
 * Children made in every other way than fork(), vfork() and posix_spawn(): guest_follow has those.
 *   guest_forks HOW    prints how the child ended, and what its parent then finds
 * _Fork, raw (clone), clone3, none of which runs fork handlers; memory (a child that shares it, as a
 * vfork child does, without its parent waiting), thread (fork in a second one), system, popen; wait:
 * nobody is there to be waited for.
 */
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "guest_look.h"

static char *me;

/* How the child ended: its wait status, and whether it was the only one. */
static int reap(pid_t pid)
{
	int status = -1;

	if (pid < 0)
		perror("no child");
	waitpid(pid, &status, __WALL);
	printf("status %d then %d\n", status, waitpid(-1, NULL, __WALL | WNOHANG));
	return 0;
}

/*
 * No sampler came along, and there is none to step aside for or to ask for a last sample: the calls
 * that would do so return as ever. Older than 100 ms, so that exit() would ask.
 */
static void child(void)
{
	pid_t guest;

	alarm(LOOK_SECONDS);
	usleep(120000);
	if (setegid(getegid()) < 0 || look_threads(getpid(), &guest) > 2)
		exit(50);
	exit(guest ? 51 : 6);
}

/* Does it without memory or stack of its own, and leaves both as they were. */
static int shares(void *arg)
{
	(void)arg;
	return setegid(getegid()) < 0 ? 50 : 6;
}

static int do_memory(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t guest, after;

	look_threads(getpid(), &guest);
	reap(clone(shares, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL));
	look_threads(getpid(), &after);
	printf("sampler %s\n", guest == after ? "unchanged" : "changed");
	return 0;
}

static pid_t clone3_fork(void)
{
	struct clone_args args = {.exit_signal = SIGCHLD};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static void *forks(void *arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		look_ticks(3);
		exit(7);
	}
	reap(pid);
	return arg;
}

static int do_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, forks, NULL);
	return pthread_join(thread, NULL);
}

static int do_popen(void)
{
	char text[32] = "";
	FILE *pipe = popen("echo from a shell", "r");

	if (!pipe || !fgets(text, sizeof(text), pipe))
		return 1;
	printf("%s", text);
	return pclose(pipe);
}

/* With any flags, by any call: no child is found where none was made. */
static int do_wait(void)
{
	static const int flags[] = {0, WNOHANG, __WALL, __WCLONE, __WNOTHREAD | WNOHANG};
	siginfo_t info;

	for (unsigned i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (waitpid(-1, NULL, flags[i]) != -1 || errno != ECHILD)
			printf("somebody, flags %x\n", (unsigned)flags[i]);
	if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | __WALL) != -1 || errno != ECHILD)
		puts("somebody by waitid");
	puts("nobody");
	return 0;
}

/* A child without a sampler starts a program: it has one. */
static int do_exec(void)
{
	pid_t pid = _Fork();

	if (pid == 0) {
		execl(me, me, "here", (char *)NULL);
		_exit(127);
	}
	return reap(pid);
}

static int made(pid_t pid)
{
	if (pid == 0)
		child();
	return reap(pid);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	me = realpath("/proc/self/exe", NULL);
	look_ticks(3);
	fflush(stdout);
	if (!strcmp(how, "_Fork"))
		return made(_Fork());
	if (!strcmp(how, "raw"))
		return made((pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	if (!strcmp(how, "clone3"))
		return made(clone3_fork());
	if (!strcmp(how, "memory"))
		return do_memory();
	if (!strcmp(how, "thread"))
		return do_thread();
	if (!strcmp(how, "exec"))
		return do_exec();
	if (!strcmp(how, "wait"))
		return do_wait();
	if (!strcmp(how, "popen"))
		return do_popen();
	if (!strcmp(how, "system"))
		return WEXITSTATUS(system("exit 9"));
	return strcmp(how, "here") != 0;
}
