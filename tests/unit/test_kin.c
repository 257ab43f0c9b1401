/* SPDX-License-Identifier: ISC */
#include "tests/unit/unit.h"

#include <errno.h>
#include <unistd.h>

#include "collector/kin.h"

/* No process has such a pid: those who ended are gone at once. */
#define NONE	  0x7fff0000
#define SECOND_NS 1000000000u

static struct kin *kin;

static int setup(void **state)
{
	(void)state;
	return kin_new(&kin);
}

static int teardown(void **state)
{
	(void)state;
	kin_free(kin);
	return 0;
}

static bool is_in(pid_t pid, const struct kin_group *group)
{
	struct kin_group *at = NULL;

	while ((at = kin_next(kin, pid, at)))
		if (at == group)
			return true;
	return false;
}

static void children_are_where_their_parent_is(void **state)
{
	struct kin_group a = {.max = 10}, b = {.max = 10};

	(void)state;
	assert_int_equal(kin_add(kin, 1, &a), 0);
	assert_int_equal(kin_add(kin, 1, &b), 0);
	assert_int_equal(kin_add(kin, 1, &a), 0);
	kin_fork(kin, 1, 2);
	kin_fork(kin, 2, 3);
	kin_fork(kin, 7, 8);
	assert_true(is_in(3, &a));
	assert_true(is_in(3, &b));
	assert_false(is_in(8, &a));
	assert_int_equal(a.count, 3);
	assert_int_equal(b.count, 3);
	kin_drop(kin, &a);
	assert_false(is_in(3, &a));
	assert_true(is_in(3, &b));
	assert_int_equal(a.count, 0);
}

static void a_pid_is_whose_it_is_now(void **state)
{
	struct kin_group a = {.max = 10}, b = {.max = 10};

	(void)state;
	kin_add(kin, 1, &a);
	kin_add(kin, 2, &b);
	kin_fork(kin, 1, 5);
	kin_fork(kin, 2, 5);
	assert_false(is_in(5, &a));
	assert_true(is_in(5, &b));
	kin_fork(kin, 9, 5);
	assert_false(is_in(5, &b));
	assert_int_equal(b.count, 1);
}

static void the_dead_are_forgotten_later(void **state)
{
	struct kin_group a = {.max = 10};

	(void)state;
	kin_add(kin, NONE, &a);
	kin_add(kin, getpid(), &a);
	kin_exit(kin, NONE, SECOND_NS);
	kin_exit(kin, getpid(), SECOND_NS);
	kin_sweep(kin, 2 * SECOND_NS, true);
	assert_true(is_in(NONE, &a));
	kin_sweep(kin, 10 * (uint64_t)SECOND_NS, true);
	assert_false(is_in(NONE, &a));
	/* Its main thread has ended, and it is there still. */
	assert_true(is_in(getpid(), &a));
	assert_int_equal(a.count, 1);
}

static void a_group_is_bounded(void **state)
{
	struct kin_group a = {.max = 100};

	(void)state;
	assert_int_equal(kin_add(kin, 1, &a), 0);
	for (pid_t pid = 2; pid < 20000; pid++)
		kin_fork(kin, 1, pid);
	assert_int_equal(a.count, 100);
	assert_int_equal(a.missed, 20000 - 1 - 100);
	assert_int_equal(kin_add(kin, 30000, &a), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(children_are_where_their_parent_is, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_pid_is_whose_it_is_now, setup, teardown),
		cmocka_unit_test_setup_teardown(the_dead_are_forgotten_later, setup, teardown),
		cmocka_unit_test_setup_teardown(a_group_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
