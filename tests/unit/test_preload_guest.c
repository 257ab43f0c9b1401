/* SPDX-License-Identifier: ISC */
/* The guest's thread: start, stop, last sample, forks, and its stack's limits. */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "preload/guest.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* A guest that answers and does nothing else. */
static int idle(void *state)
{
	(void)state;
	for (;;) {
		enum guest_command command = guest_wait(now_ns() + 1000000000u);

		if (command == GUEST_STOP)
			return 0;
		if (command == GUEST_LAST)
			guest_answer();
	}
}

static int threads(void)
{
	struct stat st;

	return stat("/proc/self/task", &st) == 0 ? (int)st.st_nlink - 2 : -1;
}

/* What stopped is gone for /proc, too; what is started anew finds zeroed memory. */
static void test_start_stop(void **unused)
{
	(void)unused;
	for (int i = 0; i < 200; i++) {
		assert_int_equal(guest_start(idle, 20000), 0);
		assert_true(guest_is_here());
		assert_int_equal(threads(), 2);
		guest_stop();
		assert_int_equal(threads(), 1);
		assert_true(guest_is_here());
	}
}

static _Atomic bool racing;

static void *ask(void *arg)
{
	while (racing)
		guest_last(1000000);
	return arg;
}

/* exit() in one thread and setuid() in another: the one must not undo the other's command. */
static void test_last_against_stop(void **unused)
{
	pthread_t thread;

	(void)unused;
	racing = true;
	pthread_create(&thread, NULL, ask, NULL);
	for (int i = 0; i < 3000; i++) {
		assert_int_equal(guest_start(idle, 64), 0);
		guest_stop();
	}
	racing = false;
	pthread_join(thread, NULL);
}

/* In a child of any kind the guest is not there; stopping it there neither hangs nor harms. */
static void test_children(void **unused)
{
	int status = -1;
	pid_t pid;

	(void)unused;
	assert_int_equal(guest_start(idle, 64), 0);
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		bool here = guest_is_here();

		guest_stop();
		guest_forget();
		if (here || guest_start(idle, 64) < 0 || threads() != 2)
			_exit(1);
		guest_stop();
		_exit(threads() == 1 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	pid = vfork();
	if (pid == 0) {
		guest_stop();
		_exit(guest_is_here());
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(threads(), 2);
	guest_stop();
}

static uintptr_t stack_at;

static int find_stack(void *state)
{
	__atomic_store_n(&stack_at, (uintptr_t)__builtin_frame_address(0), __ATOMIC_RELEASE);
	return idle(state);
}

/* Directly below its stack nothing can be written: an overflow is never somebody else's memory. */
static void test_guard(void **unused)
{
	unsigned long start, end, below = 0;
	char line[512], rights[8];
	bool guarded = false;
	FILE *maps;

	(void)unused;
	assert_int_equal(guest_start(find_stack, 64), 0);
	while (!__atomic_load_n(&stack_at, __ATOMIC_ACQUIRE))
		usleep(1000);
	maps = fopen("/proc/self/maps", "re");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) &&
	       sscanf(line, "%lx-%lx %7s", &start, &end, rights) == 3) {
		if (stack_at >= start && stack_at < end)
			guarded = below == start;
		if (!strcmp(rights, "---p"))
			below = end;
	}
	fclose(maps);
	guest_stop();
	assert_true(guarded);
}

static pid_t raw_fork(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

/* Makes the next process that is born likely to get this pid. */
static bool set_next_pid(pid_t pid)
{
	FILE *file = fopen("/proc/sys/kernel/ns_last_pid", "we");
	bool done = file && fprintf(file, "%d", (int)pid - 1) > 0;

	return file && fclose(file) == 0 && done;
}

/* In a child of the dead first process: has a child the first one's pid, it must know better. */
static char try_pid(pid_t first)
{
	for (int i = 0; i < 200; i++) {
		int status = 0;
		pid_t pid;

		if (!set_next_pid(first))
			return 's';
		pid = raw_fork();
		if (pid == 0)
			_exit(getpid() != first ? 2 : guest_is_here());
		waitpid(pid, &status, 0);
		if (WEXITSTATUS(status) != 2)
			return WEXITSTATUS(status) == 0 ? 'y' : 'n';
	}
	return 's';
}

/* Pids turn round: a process with its ancestor's pid must not wait for that one's guest. */
static void test_same_pid(void **unused)
{
	int go[2], result[2];
	char byte = 0;
	pid_t first;

	(void)unused;
	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(result), 0);
	first = fork();
	if (first == 0) {
		guest_forget();
		guest_start(idle, 64);
		first = getpid();
		if (raw_fork() == 0) {
			byte = read(go[0], &byte, 1) == 1 ? try_pid(first) : 'n';
			(void)!write(result[1], &byte, 1);
		}
		_exit(0);
	}
	waitpid(first, NULL, 0);
	assert_int_equal(write(go[1], "", 1), 1);
	assert_int_equal(read(result[0], &byte, 1), 1);
	if (byte == 's') {
		print_message("no pid can be chosen here\n");
		skip();
	}
	assert_int_equal(byte, 'y');
}

static uint64_t guest_mask;
static _Atomic int looked; /* 1: the state was zeroed, 2: it was not */

static int look(void *state)
{
	uint8_t *byte = state;
	int was = 1;

	for (int i = 0; i < 20000; i++)
		was = byte[i] ? 2 : was;
	memset(state, 0xff, 20000);
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &guest_mask, sizeof(guest_mask));
	looked = was;
	return idle(state);
}

/* Every guest finds zeroed memory, and has all signals blocked: glibc's own 32 and 33, too. */
static void test_begin(void **unused)
{
	(void)unused;
	for (int i = 0; i < 3; i++) {
		looked = 0;
		assert_int_equal(guest_start(look, 20000), 0);
		while (!looked)
			usleep(100);
		guest_stop();
		assert_int_equal(looked, 1);
		/* SIGKILL and SIGSTOP cannot be. */
		assert_true(guest_mask == ~(1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begin),	 cmocka_unit_test(test_start_stop),
		cmocka_unit_test(test_children), cmocka_unit_test(test_last_against_stop),
		cmocka_unit_test(test_guard),	 cmocka_unit_test(test_same_pid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
