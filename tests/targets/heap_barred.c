/* SPDX-License-Identifier: ISC */
/*
 * A thread that is not permitted to wait for others, while those allocate: futex(2) ends the process. Status 77: that
 * cannot be had here.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "heap_look.h"

#define BLOCKS 50000

static int is_over;

static void *allocates(void *arg)
{
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED))
		free(heap_use(malloc(40)));
	return arg;
}

static bool forbid_futex(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

static void *barred(void *arg)
{
	static char *blocks[BLOCKS];

	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = heap_use(malloc(64));
	if (!forbid_futex())
		_exit(77);
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = heap_use(realloc(blocks[i], 60));
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	/* Its end wakes who waits for it. */
	__atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
	return arg;
}

int main(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 3; i++)
		HEAP_CHECK(pthread_create(&threads[i], NULL, allocates, NULL) == 0);
	HEAP_CHECK(pthread_create(&threads[3], NULL, barred, NULL) == 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	heap_ok();
	_exit(0);
}
