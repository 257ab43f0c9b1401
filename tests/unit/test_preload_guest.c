/* SPDX-License-Identifier: ISC */
/* The guest's thread: start, stop, last sample, forks, and its stack's limits. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/wire.h"
#include "preload/guest.h"
#include "preload/sampler.h"

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

static int overflow(void *state)
{
	volatile char frame[3000];

	frame[0] = 1;
	return overflow(state) + frame[0];
}

/* An overflow of its stack is a fault, never somebody else's memory. */
static void test_guard(void **unused)
{
	int status = 0;
	pid_t pid;

	(void)unused;
	pid = fork();
	if (pid == 0) {
		guest_forget();
		guest_start(overflow, 64);
		for (;;)
			pause();
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
}

/* All signals are blocked in it, whatever the starter blocks. */
static int look_at_mask(void *state)
{
	uint64_t mask = 0;

	(void)state;
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof(mask));
	*(uint64_t *)state = mask;
	return idle(state);
}

static int find_state(void *state)
{
	*(void **)state = state;
	return idle(state);
}

static void test_zeroed_state(void **unused)
{
	(void)unused;
	assert_int_equal(guest_start(find_state, 20000), 0);
	guest_stop();
	assert_int_equal(guest_start(look_at_mask, 20000), 0);
	guest_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start_stop),   cmocka_unit_test(test_last_against_stop),
		cmocka_unit_test(test_children),     cmocka_unit_test(test_guard),
		cmocka_unit_test(test_zeroed_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
