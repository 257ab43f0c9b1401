/* SPDX-License-Identifier: ISC */
/*
 * A program that puts itself under a seccomp filter.
 *   guest_filter harmless CMD...   one that forbids nothing of what is called; then it becomes CMD
 *   guest_filter deadly CMD...     one that kills for socket() and close_range(); likewise
 *   guest_filter peeking CMD...    one that kills for process_vm_readv(), which only the hooks' sampler calls
 *   guest_filter blind CMD...      one by which mincore() is not permitted; likewise
 *   guest_filter refusing CMD...   one by which unshare() is not permitted, as in containers; likewise
 *   guest_filter forks             the deadly one, then children by fork
 *   guest_filter forks-later       likewise, but it kills for prctl(), too
 *   guest_filter stays [raw]       the harmless one: which threads are without it, at once or (raw: by
 *                                  system calls of its own) when the sampler has seen it
 *   guest_filter refused           what the kernel refuses changes nothing
 *   guest_filter all               by TSYNC, for all threads, deadly; it goes on working
 *   guest_filter thread            by another thread for itself alone: the sampler stays
 *   guest_filter strict            read and write alone; it ends by the one call that is left
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "guest_look.h"

#define ANSWER(nr, answer) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), BPF_STMT(BPF_RET | BPF_K, (answer))
#define DENY(nr) ANSWER(nr, SECCOMP_RET_KILL_PROCESS)

/* deadly: 0 not, 1 for what only a sampler calls, 2 for prctl() also; -1: unshare() is refused; or these. */
#define PEEKING (-2)
#define BLIND	(-3)
static int filter(int deadly, bool raw, unsigned long flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		DENY(deadly > 0 ? SYS_socket : SYS_reboot),
		DENY(deadly > 0 ? SYS_close_range : SYS_reboot),
		DENY(deadly > 1 ? SYS_prctl : SYS_reboot),
		DENY(deadly == PEEKING ? SYS_process_vm_readv : SYS_reboot),
		ANSWER(deadly == BLIND ? SYS_mincore : SYS_reboot, SECCOMP_RET_ERRNO | 1),
		ANSWER(deadly == -1 ? SYS_unshare : SYS_reboot, SECCOMP_RET_ERRNO | 1 /* EPERM */),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		exit(77);
	if (raw)
		return (int)look_raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (long)flags,
				     (long)&program);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static void must_filter(int deadly, bool raw, unsigned long flags)
{
	if (filter(deadly, raw, flags) != 0)
		exit(77);
}

static int forks(int deadly)
{
	pid_t guest;

	look_ticks(1);
	must_filter(deadly, false, 0);
	for (int i = 0; i < 20; i++) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0) {
			struct timespec while_it_would_start = {0, 20000000};

			nanosleep(&while_it_would_start, NULL);
			_exit(look_threads(getpid(), &guest));
		}
		waitpid(pid, &status, 0);
		printf(" %d", status);
	}
	printf("\n");
	return 0;
}

static int stays(bool raw)
{
	pid_t guest;

	look_ticks(1);
	must_filter(0, raw, 0);
	if (raw)
		look_gone();
	printf("%d left\n", look_threads(getpid(), &guest));
	return 0;
}

/* An unknown flag; an unknown mode. */
static int refused(void)
{
	int first, second;

	look_ticks(1);
	first = filter(0, false, 1u << 30);
	second = prctl(PR_SET_SECCOMP, 99, 0, 0, 0);
	look_ticks(2);
	printf("%d %d\n", first, second);
	return 0;
}

static void *wait_for_end(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *filter_itself(void *arg)
{
	must_filter(2, false, 0);
	return arg;
}

static int threads(bool all)
{
	pthread_t thread;
	pid_t guest;
	int n;

	look_ticks(2);
	pthread_create(&thread, NULL, all ? wait_for_end : filter_itself, NULL);
	if (all) {
		must_filter(2, false, SECCOMP_FILTER_FLAG_TSYNC);
	} else {
		pthread_join(thread, NULL);
		look_ticks(20);
	}
	n = look_threads(getpid(), &guest);
	printf("%d threads, %d of them ours\n", n, guest != 0);
	return 0;
}

static int strict(void)
{
	look_ticks(20);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) == 0 && write(1, "alive\n", 6) == 6)
		look_raw(SYS_exit, 5, 0, 0);
	return 1;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "forks"))
		return forks(1);
	if (!strcmp(what, "forks-later"))
		return forks(2);
	if (!strcmp(what, "stays"))
		return stays(argc > 2);
	if (!strcmp(what, "refused"))
		return refused();
	if (!strcmp(what, "all") || !strcmp(what, "thread"))
		return threads(what[0] == 'a');
	if (!strcmp(what, "strict"))
		return strict();
	must_filter(!strcmp(what, "refusing")  ? -1
		    : !strcmp(what, "peeking") ? PEEKING
		    : !strcmp(what, "blind")   ? BLIND
					       : what[0] == 'd',
		    false, 0);
	if (argc > 2)
		execvp(argv[2], argv + 2);
	return 127;
}
