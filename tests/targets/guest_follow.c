/* SPDX-License-Identifier: ISC */
/*
 * Programs that go on in another process, image, thread or root. Each ends when the sampler has
 * seen some ticks of where it went to.
 *   guest_follow fork|double|daemon|vfork|spawn|threads|exec-thread|chroot|leader|leaders|raw|here
 */
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "guest_look.h"

#define TICKS 4

static char *me;

static void wait_child(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	printf("child %d\n", status);
}

static int do_fork(int depth)
{
	pid_t pid;

	look_ticks(TICKS);
	fflush(stdout);
	pid = depth ? fork() : -1;
	if (pid == 0) {
		do_fork(depth - 1);
		exit(0);
	}
	if (pid > 0)
		wait_child(pid);
	return 0;
}

static int do_daemon(void)
{
	if (daemon(1, 1) < 0)
		return 1;
	look_ticks(TICKS);
	look_make("daemon");
	return 0;
}

/* A vfork child is in our memory: it must not be taken for us. */
static int do_vfork(void)
{
	pid_t guest, after;

	look_ticks(TICKS);
	look_threads(getpid(), &guest);
	for (int i = 0; i < 20; i++) {
		pid_t pid = vfork();

		if (pid == 0) {
			(void)!setgid(getgid());
			execl(me, me, "nothing", (char *)NULL);
			_exit(127);
		}
		waitpid(pid, NULL, 0);
	}
	look_threads(getpid(), &after);
	printf("sampler %s\n", guest == after ? "unchanged" : "changed");
	look_ticks(TICKS);
	return 0;
}

static int do_spawn(void)
{
	char *argv[] = {me, "here", NULL};
	pid_t pid;

	look_ticks(TICKS);
	if (posix_spawn(&pid, me, NULL, NULL, argv, environ) == 0)
		wait_child(pid);
	return 0;
}

static volatile int forking = 1;

static void *forker(void *arg)
{
	while (forking) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	return arg;
}

/* Three threads fork, one changes ids: the children must live, and the parent. */
static int do_threads(void)
{
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, forker, NULL);
	for (int i = 0; i < 150; i++)
		(void)!setegid(getegid());
	forking = 0;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	look_ticks(TICKS);
	puts("alive");
	return 0;
}

static void *execs(void *arg)
{
	execl(me, me, "here", (char *)NULL);
	return arg;
}

static int do_exec_thread(void)
{
	pthread_t thread;

	look_ticks(TICKS);
	pthread_create(&thread, NULL, execs, NULL);
	pthread_join(thread, NULL);
	return 1;
}

/* What was opened before must be readable still. */
static int do_chroot(const char *folder)
{
	long before;

	look_ticks(TICKS);
	before = look_sleeps();
	if (chroot(folder) < 0 || chdir("/") < 0)
		return 77;
	/* No /proc here: this long is many ticks at 100 Hz. */
	for (int i = 0; i < 300; i++)
		look_pause();
	printf("ticks before %s\n", before > 0 ? "yes" : "no");
	return 0;
}

static void *outlives(void *arg)
{
	char path[64];
	char state;

	/* Until the main thread is no more than a zombie. */
	do {
		look_pause();
		snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)getpid());
		state = *(strrchr(look_file(path), ')') + 2);
	} while (state != 'Z');
	look_ticks(TICKS);
	puts("outlived");
	fflush(stdout);
	if (arg)
		syscall(SYS_exit, 0);
	return NULL;
}

/* The main thread ends first; the process must end with the last of the program's own. */
static int do_leader(int raw)
{
	pthread_t thread;

	look_ticks(TICKS);
	pthread_create(&thread, NULL, outlives, raw ? &thread : NULL);
	if (raw)
		syscall(SYS_exit, 3);
	pthread_exit(NULL);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	me = realpath("/proc/self/exe", NULL);
	if (!strcmp(what, "fork"))
		return do_fork(1);
	if (!strcmp(what, "double"))
		return do_fork(2);
	if (!strcmp(what, "daemon"))
		return do_daemon();
	if (!strcmp(what, "vfork"))
		return do_vfork();
	if (!strcmp(what, "spawn"))
		return do_spawn();
	if (!strcmp(what, "threads"))
		return do_threads();
	if (!strcmp(what, "exec-thread"))
		return do_exec_thread();
	if (!strcmp(what, "chroot"))
		return do_chroot(argv[2]);
	if (!strcmp(what, "leader"))
		return do_leader(0);
	if (!strcmp(what, "leaders"))
		return do_leader(1);
	if (!strcmp(what, "raw")) {
		look_ticks(TICKS);
		syscall(SYS_exit, 3);
	}
	if (!strcmp(what, "here"))
		look_ticks(TICKS);
	return 0;
}
