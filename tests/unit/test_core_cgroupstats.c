/* SPDX-License-Identifier: ISC */
/* The question as bytes, and a real answer. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "core/cgroupstats.h"

/* Linux 6.18, x86-64, as received: one sleeping, two running, three stopped, ... */
static const uint8_t answer[64] = {
	/* length, type, flags, number, port */
	64, 0, 0, 0, 33, 0, 0, 0, 7, 0, 0, 0, 1, 2, 0, 0,
	/* generic netlink: command CGROUPSTATS_CMD_NEW */
	5, 1, 0, 0,
	/* attribute CGROUPSTATS_TYPE_CGROUP_STATS */
	44, 0, 1, 0,
	/* struct cgroupstats */
	1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0,
	0, 5, 0, 0, 0, 0, 0, 0, 1};

static void question(void **state)
{
	static const uint8_t want[] = {28, 0, 0, 0, 33, 0, 5, 0, 7, 0, 0, 0, 0, 0,
				       0,  0, 4, 1, 0,	0, 8, 0, 1, 0, 9, 1, 0, 0};
	uint8_t buf[CGROUPSTATS_REQUEST_MAX];

	(void)state;
	assert_int_equal(cgroupstats_pack_get(buf, 33, 7, 265), sizeof(want));
	assert_memory_equal(buf, want, sizeof(want));
}

static void answered(void **state)
{
	uint64_t got[CGROUPSTATS_COUNT];

	(void)state;
	assert_int_equal(cgroupstats_unpack(answer, sizeof(answer), got), 1);
	assert_int_equal(got[CGROUPSTATS_SLEEPING], 1);
	assert_int_equal(got[CGROUPSTATS_RUNNING], 2);
	assert_int_equal(got[CGROUPSTATS_STOPPED], 3);
	assert_int_equal(got[CGROUPSTATS_UNINTERRUPTIBLE], 4);
	assert_int_equal(got[CGROUPSTATS_IOWAIT], (uint64_t)1 << 56 | 5);
}

static void errors(void **state)
{
	uint8_t error[36] = {36, 0, 0, 0, 2, 0, 0, 1, 7};
	int code = -EINVAL;
	uint64_t got[CGROUPSTATS_COUNT];

	(void)state;
	assert_int_equal(cgroupstats_unpack(error, sizeof(error), got), 0);
	memcpy(error + 16, &code, sizeof(code));
	assert_int_equal(cgroupstats_unpack(error, sizeof(error), got), -EINVAL);
	code = 1;
	memcpy(error + 16, &code, sizeof(code));
	assert_int_equal(cgroupstats_unpack(error, sizeof(error), got), -EBADMSG);
	error[0] = 18;
	assert_int_equal(cgroupstats_unpack(error, sizeof(error), got), -EBADMSG);
}

static void spoilt(void **state)
{
	uint64_t got[CGROUPSTATS_COUNT];

	(void)state;
	/* Cut, in memory of exactly that size. */
	for (size_t len = 0; len < sizeof(answer); len++) {
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, answer, len);
		assert_int_equal(cgroupstats_unpack(cut, len, got), -EBADMSG);
		/* One that says it is no longer than that. */
		if (len > 0) {
			cut[0] = (uint8_t)len;
			assert_int_equal(cgroupstats_unpack(cut, len, got), -EBADMSG);
		}
		free(cut);
	}
	/* Another attribute, and one that is too short. */
	for (unsigned at = 20; at <= 22; at += 2) {
		uint8_t other[sizeof(answer)];

		memcpy(other, answer, sizeof(answer));
		other[at] = 2;
		assert_int_equal(cgroupstats_unpack(other, sizeof(other), got), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(question),
		cmocka_unit_test(answered),
		cmocka_unit_test(errors),
		cmocka_unit_test(spoilt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
