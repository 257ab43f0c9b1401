/* SPDX-License-Identifier: ISC */
/*
 * Children, made in every way there is, that allocate, and free what they have inherited.
 *   heap_forks torture [N]  N times (500) while other threads allocate
 *   heap_forks atfork       with handlers that allocate
 *   heap_forks vfork        in memory that is shared; with an exec, and without
 *   heap_forks spawn        by posix_spawn()
 *   heap_forks clone        by the system call, without and with memory of its own
 *   heap_forks _Fork        without handlers
 *   heap_forks ends         which end, or execute a program, while their threads allocate
 *   heap_forks keep         parent and child keep some
 *   heap_forks crowd        the parent keeps some, and has more busy threads than there are CPUs
 */
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>

#include "heap_look.h"

#define INHERITED 200

extern char **environ;
static char *inherited[INHERITED];
static volatile int ended;
static char *by_handler[3];

static void make_inherited(void)
{
	for (int i = 0; i < INHERITED; i++) {
		inherited[i] = heap_use(malloc((size_t)i * 37 + 1));
		memset(inherited[i], i, (size_t)i * 37 + 1);
	}
}

static void free_inherited(void)
{
	for (int i = 0; i < INHERITED; i++) {
		HEAP_CHECK(inherited[i][i * 37] == (char)i);
		free(inherited[i]);
	}
}

static void *churns(void *arg)
{
	for (unsigned seed = (unsigned)(uintptr_t)arg; !ended; seed += 16)
		heap_churn(seed, 200);
	return NULL;
}

static void child(int i)
{
	/* As daemons do. */
	if (i % 5 == 1)
		closefrom(3);
	heap_churn((unsigned)i, 200);
	free_inherited();
	make_inherited();
	heap_churn((unsigned)i, 50);
	if (i % 3 == 0)
		exit(5);
	_exit(5);
}

static void do_torture(int times)
{
	pthread_t threads[3];

	for (uintptr_t i = 0; i < 3; i++)
		HEAP_CHECK(pthread_create(&threads[i], NULL, churns, (void *)i) == 0);
	for (int i = 0; i < times; i++) {
		pid_t pid = fork();

		if (pid == 0)
			child(i);
		heap_reap(pid, 5);
	}
	ended = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

static void renew(char **at)
{
	char *old = *at;

	*at = heap_use(malloc(3000));
	HEAP_CHECK(*at);
	(*at)[0] = (char)(old ? old[0] + 1 : 1);
	free(old);
}

static void in_prepare(void)
{
	renew(&by_handler[0]);
}

static void in_parent(void)
{
	renew(&by_handler[1]);
}

static void in_child(void)
{
	renew(&by_handler[2]);
}

static void do_atfork(void)
{
	pthread_atfork(in_prepare, in_parent, in_child);
	do_torture(100);
	HEAP_CHECK(by_handler[0][0] == 100 && by_handler[1][0] == 100 && !by_handler[2]);
}

/* The memory is the parent's, and stays consistent. */
static pid_t by_vfork(const char *file)
{
	pid_t pid = vfork();

	if (pid == 0) {
		if (file)
			execl(file, file, "child", (char *)NULL);
		free(heap_use(malloc(400)));
		_exit(5);
	}
	return pid;
}

static void do_vfork(const char *me)
{
	for (unsigned i = 0; i < 100; i++) {
		heap_reap(by_vfork(i % 2 ? me : NULL), 5);
		heap_churn(i, 100);
	}
}

static void do_spawn(char *me)
{
	for (int i = 0; i < 100; i++) {
		char *words[] = {me, (char[]){"child"}, NULL};
		pid_t pid = -1;

		HEAP_CHECK(posix_spawn(&pid, me, NULL, NULL, words, environ) == 0);
		heap_churn((unsigned)i, 100);
		heap_reap(pid, 5);
	}
}

static int shares(void *arg)
{
	(void)arg;
	free(heap_use(malloc(300)));
	return 5;
}

static void do_clone(void)
{
	static char stack[65536] __attribute__((aligned(16)));

	for (int i = 0; i < 50; i++) {
		pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

		if (pid == 0)
			child(1);
		heap_reap(pid, 5);
		heap_reap(clone(shares, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD,
				NULL),
			  5);
		heap_churn((unsigned)i, 100);
	}
}

static void do_Fork(void)
{
	for (int i = 0; i < 50; i++) {
		pid_t pid = _Fork();

		if (pid == 0)
			child(1);
		heap_reap(pid, 5);
		heap_churn((unsigned)i, 100);
	}
}

static void *exits(void *arg)
{
	heap_churn(1, 50);
	exit(5);
	return arg;
}

/* Whoever ends here must not wait for a thread that holds something. */
static void end_with_threads(int how, const char *me)
{
	pthread_t thread;

	for (uintptr_t i = 0; i < 3; i++)
		HEAP_CHECK(pthread_create(&thread, NULL, churns, (void *)i) == 0);
	heap_churn((unsigned)how, 100);
	switch (how) {
	case 0:
		exit(5);
	case 1:
		_exit(5);
	case 2:
		quick_exit(5);
	case 3:
		execl(me, me, "child", (char *)NULL);
		break;
	default:
		HEAP_CHECK(pthread_create(&thread, NULL, exits, NULL) == 0);
		pthread_exit(NULL);
	}
	_exit(6);
}

static void do_ends(const char *me)
{
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();

		if (pid == 0)
			end_with_threads(i % 5, me);
		heap_reap(pid, 5);
	}
}

HEAP_FRAME static void *parent_keeps(void)
{
	return heap_use(malloc(100000));
}

HEAP_FRAME static void *child_keeps(void)
{
	return heap_use(malloc(50000));
}

/* The parent outlives its children: what one of them has inherited is live once, in the parent. */
static void do_keep(void)
{
	char *first = parent_keeps();
	char *second = parent_keeps();

	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			free(second);
			heap_use(child_keeps());
			heap_settle();
			_exit(5);
		}
		heap_reap(pid, 5);
	}
	heap_settle();
	heap_use(first);
	heap_use(second);
}

static void *frees_at_once(void *arg)
{
	while (!ended)
		free(heap_use(malloc(40)));
	return arg;
}

/* Each fork waits for the locks with all of them. */
static void do_crowd(void)
{
	char *first = parent_keeps();
	pthread_t threads[8];

	for (int i = 0; i < 8; i++)
		HEAP_CHECK(pthread_create(&threads[i], NULL, frees_at_once, NULL) == 0);
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			heap_churn(1, 50);
			/* Its sampler has begun, and tells all there is at exit(). */
			usleep(20000);
			exit(5);
		}
		heap_reap(pid, 5);
	}
	ended = 1;
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	heap_settle();
	heap_use(first);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	if (!strcmp(how, "child")) {
		heap_churn(1, 200);
		return 5;
	}
	make_inherited();
	if (!strcmp(how, "torture"))
		do_torture(argc > 2 ? atoi(argv[2]) : 500);
	else if (!strcmp(how, "atfork"))
		do_atfork();
	else if (!strcmp(how, "vfork"))
		do_vfork("/proc/self/exe");
	else if (!strcmp(how, "spawn"))
		do_spawn(argv[0]);
	else if (!strcmp(how, "clone"))
		do_clone();
	else if (!strcmp(how, "_Fork"))
		do_Fork();
	else if (!strcmp(how, "ends"))
		do_ends("/proc/self/exe");
	else if (!strcmp(how, "keep"))
		do_keep();
	else if (!strcmp(how, "crowd"))
		do_crowd();
	else
		return 2;
	free_inherited();
	return heap_ok();
}
