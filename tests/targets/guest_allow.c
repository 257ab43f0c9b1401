/* SPDX-License-Identifier: ISC */
/*
 * A program under a filter that permits what the program itself calls, and kills for all else.
 *   guest_allow twice     a second filter on top of the first
 *   guest_allow child     a child made by a raw system call, where no sampler is, ends by exit()
 *   guest_allow setuid    that child changes its ids
 *   guest_allow fork      it forks
 *   guest_allow thread    another thread, under a filter of its own, changes its ids
 *   guest_allow wait      after a fork, for which the sampler is away: the parent waits for the child
 *   guest_allow race      not a filter: exit() in one thread, while another changes its ids
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "guest_look.h"

/* The guest takes it for Python, and is away from a fork to the wait. */
extern const unsigned long Py_Version;
const unsigned long Py_Version = 0x030c00f0;

#define ALLOW(nr)                                        \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* more: a call besides those that each of them makes. */
static void filter(long more)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(SYS_write),
		ALLOW(SYS_exit),
		ALLOW(SYS_exit_group),
		ALLOW((unsigned)more),
		ALLOW(more == SYS_clone ? SYS_set_robust_list : SYS_exit),
		ALLOW(more == SYS_clone ? SYS_wait4 : SYS_exit),
		ALLOW(more == SYS_clone ? SYS_rseq : SYS_exit),
		ALLOW(more == SYS_setfsuid ? SYS_madvise : SYS_exit),
		ALLOW(more == SYS_setfsuid ? SYS_rt_sigprocmask : SYS_exit),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(77);
}

static void say(const char *text)
{
	(void)!write(1, text, strlen(text));
}

static int twice(void)
{
	filter(SYS_prctl);
	filter(SYS_prctl);
	say("alive\n");
	return 0;
}

static _Noreturn void be_child(const char *what)
{
	uid_t uid = getuid();
	int status = 0;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	filter(what[0] == 's' ? SYS_setuid : SYS_clone);
	if (what[0] == 's' && setuid(uid) < 0)
		_exit(5);
	if (what[0] == 'f') {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		waitpid(pid, &status, 0);
	}
	if (status == 0)
		say("alive\n");
	exit(0);
}

static int child(const char *what)
{
	int status = -1;
	pid_t pid = (pid_t)look_raw(SYS_clone, SIGCHLD, 0, 0);

	if (pid == 0)
		be_child(what);
	waitpid(pid, &status, 0);
	return status != 0;
}

static void *change_in_thread(void *arg)
{
	filter(SYS_setfsuid);
	(void)!syscall(SYS_setfsuid, 0);
	say("alive\n");
	return arg;
}

static int thread(void)
{
	pthread_t other;

	pthread_create(&other, NULL, change_in_thread, NULL);
	pthread_join(other, NULL);
	return 0;
}

static int wait_filtered(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(0);
	filter(SYS_wait4);
	if (waitpid(pid, &status, 0) == pid && status == 0)
		say("alive\n");
	return 0;
}

static void *change_always(void *arg)
{
	for (;;)
		setfsuid(0);
	return arg;
}

static int race(void)
{
	static unsigned us;
	pthread_t other;

	for (int i = 0; i < 200; i++, us += 37) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0) {
			pthread_create(&other, NULL, change_always, NULL);
			usleep(200 + us % 2000);
			exit(0);
		}
		waitpid(pid, &status, 0);
		if (status)
			return 1;
	}
	say("alive\n");
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (what[0] == 'r')
		return race();
	look_ticks(20); /* older than 100 ms: exit() then asks for a last sample */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!strcmp(what, "twice"))
		return twice();
	if (!strcmp(what, "thread"))
		return thread();
	if (!strcmp(what, "wait"))
		return wait_filtered();
	return child(what);
}
