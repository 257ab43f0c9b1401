/* SPDX-License-Identifier: ISC */
/* For whom a scope is the answer: by where one is, and by the error of making a cgroup there. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <unistd.h>

#include "collector/scope.h"

/* A user's id, where the tests run as root. */
#define SOMEBODY 65534

static int become_user(void **state)
{
	(void)state;
	return geteuid() == 0 ? seteuid(SOMEBODY) : 0;
}

static int become_self(void **state)
{
	(void)state;
	return seteuid(getuid());
}

/* A place in the slice of the user uid. */
static bool may_help(unsigned uid, const char *below, int err)
{
	static struct cgroup_place place = {.mode = CGROUP_V2};

	snprintf(place.own, sizeof(place.own), "/user.slice/user-%u.slice/%s", uid, below);
	return scope_may_help(&place, err);
}

static void test_errors(void **state)
{
	static const int others[] = {0, -EXDEV, -EROFS, -ENOSPC, -EOPNOTSUPP, -EIO};

	(void)state;
	assert_true(may_help(geteuid(), "session-2.scope", -EACCES));
	assert_true(may_help(geteuid(), "session-2.scope", -EPERM));
	/* Others are in it: so it is with a user's own cgroup that was delegated, and is not empty. */
	assert_true(may_help(geteuid(), "session-2.scope", -EBUSY));
	assert_true(may_help(geteuid(), "session-2.scope", -ENOENT));
	for (unsigned i = 0; i < UNIT_COUNT(others); i++)
		assert_false(may_help(geteuid(), "session-2.scope", others[i]));
}

static void test_places(void **state)
{
	struct cgroup_place place = {.mode = CGROUP_V2, .own = "/system.slice/cron.service"};

	(void)state;
	assert_false(scope_may_help(&place, -EBUSY));
	assert_false(may_help(geteuid() + 1, "session-2.scope", -EBUSY));
	assert_true(may_help(geteuid(), "user@1000.service/app.slice/x.scope", -EBUSY));
	assert_false(may_help(geteuid(), "session-2.scope/mstat-7-0123abcd", -EBUSY));
	assert_false(may_help(geteuid(), "x.scope/mstat-7-0123abcd/below", -EBUSY));
}

static void test_other_hierarchies(void **state)
{
	struct cgroup_place place = {.mode = CGROUP_V1};

	(void)state;
	snprintf(place.own, sizeof(place.own), "/user.slice/user-%u.slice/session-2.scope",
		 (unsigned)geteuid());
	assert_false(scope_may_help(&place, -EBUSY));
	place.mode = CGROUP_V2;
	assert_true(scope_may_help(&place, -EBUSY));
}

/* Root makes its own. */
static void test_root(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_false(may_help(0, "session-2.scope", -EBUSY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_errors, become_user, become_self),
		cmocka_unit_test_setup_teardown(test_places, become_user, become_self),
		cmocka_unit_test_setup_teardown(test_other_hierarchies, become_user, become_self),
		cmocka_unit_test(test_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
