/* SPDX-License-Identifier: ISC */
/*
 * A program that puts itself under a seccomp filter.
 *   guest_filter harmless CMD...   one that forbids nothing of what is called; then it becomes CMD
 *   guest_filter deadly CMD...     one that kills for socket() and close_range(); likewise
 *   guest_filter forks             the deadly one, then children by fork
 *   guest_filter forks-later       likewise, but it kills for prctl(), too, and the forks come later
 *   guest_filter stays             the harmless one, then it waits until no thread is without it
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "guest_look.h"

#define DENY(nr)                                         \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

/* deadly: 0 not, 1 for what only a sampler calls, 2 for prctl() also. */
static void filter(int deadly)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		DENY(deadly ? SYS_socket : SYS_reboot),
		DENY(deadly ? SYS_close_range : SYS_reboot),
		DENY(deadly > 1 ? SYS_prctl : SYS_reboot),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		exit(77);
}

static int forks(int deadly)
{
	pid_t guest;

	look_ticks(1);
	filter(deadly);
	if (deadly > 1)
		look_gone();
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

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (!strcmp(argv[1], "forks"))
		return forks(1);
	if (!strcmp(argv[1], "forks-later"))
		return forks(2);
	if (!strcmp(argv[1], "stays")) {
		look_ticks(1);
		filter(0);
		look_gone();
		puts("it left");
		return 0;
	}
	filter(argv[1][0] == 'd');
	execvp(argv[2], argv + 2);
	return 127;
}
