/* SPDX-License-Identifier: ISC */
/* Requests as bytes, and real answers of three versions of the struct. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>

#include "core/parse.h"
#include "core/taskstats.h"

/* Where the struct stands in a captured answer: netlink, generic netlink, the group, its pid. */
#define STRUCT_AT 36

static const struct {
	const char *kernel;
	unsigned version;
	size_t size;
} captures[] = {{"6.1", 13, 416}, {"6.12", 14, 432}, {"6.18", 16, 560}};

static void unpack_file(const char *kernel, const char *file, enum source source,
			struct record *rec)
{
	size_t len;
	uint8_t *reply = unit_kernel(kernel, file, &len);

	record_init(rec);
	assert_int_equal(taskstats_unpack(reply, len, source, rec), 0);
	assert_int_equal(rec->reason[source], REASON_OK);
	free(reply);
}

static void near(int64_t a, int64_t b, int64_t most)
{
	if (a - b > most || b - a > most)
		fail_msg("%ld and %ld differ by more than %ld", a, b, most);
}

/* What /proc said of the same process at the same time. */
static int64_t proc_value(const char *kernel, const char *file, enum source source, unsigned field)
{
	size_t len;
	uint8_t *text = unit_kernel(kernel, file, &len);
	struct record rec;

	record_init(&rec);
	parse_source(source, text, len, &rec);
	free(text);
	assert_true(record_has(&rec, field));
	return record_scaled(&rec, field);
}

static int64_t start_ns(const char *kernel)
{
	size_t len;
	char *text = (char *)unit_kernel(kernel, "stat", &len);
	int64_t start = (int64_t)parse_word(text, len, 22) * 10000000;

	free(text);
	return start;
}

static void captured_pid(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(captures); i++) {
		const char *kernel = captures[i].kernel;
		int64_t age = unit_about(kernel, "boottime_ns") - start_ns(kernel);
		struct record rec;

		unpack_file(kernel, "taskstats.pid", SOURCE_TASKSTATS_PID, &rec);
		near(record_scaled(&rec, FIELD_BEGIN),
		     unit_about(kernel, "realtime_s") * 1000000000 - age, 2000000000);
		/* It had used 0.4 s of CPU time; the clock was read some seconds after. */
		assert_in_range(record_scaled(&rec, FIELD_ELAPSED), 400000000, age);
		/* Per-CPU counters are not summed up exactly for it. */
		near(record_scaled(&rec, FIELD_HIWATER),
		     proc_value(kernel, "status", SOURCE_STATUS, FIELD_HWM), 256 * 1024);
	}
}

static void captured_tgid(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(captures); i++) {
		const char *kernel = captures[i].kernel;
		struct record rec;

		unpack_file(kernel, "taskstats.tgid", SOURCE_TASKSTATS_TGID, &rec);
		/* The second thread did nothing: what the first has is what the group has. */
		near(record_scaled(&rec, FIELD_CPU),
		     proc_value(kernel, "schedstat", SOURCE_SCHEDSTAT, FIELD_S_CPU), 5000000);
		near(record_scaled(&rec, FIELD_CPU_DELAY),
		     proc_value(kernel, "schedstat", SOURCE_SCHEDSTAT, FIELD_S_CPU_DELAY), 5000000);
		near(rec.value[FIELD_CPU_DELAYS],
		     proc_value(kernel, "schedstat", SOURCE_SCHEDSTAT, FIELD_S_CPU_DELAYS), 5);
		near(record_scaled(&rec, FIELD_USER) + record_scaled(&rec, FIELD_SYSTEM),
		     record_scaled(&rec, FIELD_CPU), 30000000);
		assert_true(record_has(&rec, FIELD_WPCOPY_DELAY));
		assert_int_equal(record_has(&rec, FIELD_IRQ_DELAYS), captures[i].version >= 14);
		assert_int_equal(record_has(&rec, FIELD_IRQ_DELAY), captures[i].version >= 14);
		assert_false(record_has(&rec, FIELD_BEGIN));
	}
}

/* The collector's own sources read the same bytes into their own fields. */
static void captured_by_collector(void **state)
{
	struct record a, b;

	(void)state;
	unpack_file("6.18", "taskstats.tgid", SOURCE_TASKSTATS_TGID, &a);
	unpack_file("6.18", "taskstats.tgid", SOURCE_COLLECTOR_TGID, &b);
	for (unsigned f = FIELD_USER; f <= FIELD_IRQ_DELAY; f++) {
		assert_true(record_has(&b, f - FIELD_USER + FIELD_C_USER));
		assert_int_equal(a.value[f], b.value[f - FIELD_USER + FIELD_C_USER]);
	}
	unpack_file("6.18", "taskstats.pid", SOURCE_COLLECTOR_PID, &b);
	assert_true(record_has(&b, FIELD_C_BEGIN) && record_has(&b, FIELD_C_HIWATER));
}

static uint64_t u64_at(const uint8_t *reply, size_t offset)
{
	uint64_t v;

	memcpy(&v, reply + STRUCT_AT + offset, sizeof(v));
	return v;
}

/*
 * That no member moved, in versions that this machine's header may not know: the end of v12
 * (ac_exe_inode), v13's members and, behind v14's, v16's (cpu_delay_max and so on) stand where
 * they were measured; so v14's stand between them, at 416 and 424.
 */
static void layout(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(captures); i++) {
		size_t len;
		uint8_t *reply = unit_kernel(captures[i].kernel, "taskstats.pid", &len);
		uint16_t attr_len, version;

		memcpy(&attr_len, reply + STRUCT_AT - 4, sizeof(attr_len));
		memcpy(&version, reply + STRUCT_AT, sizeof(version));
		assert_int_equal(attr_len - 4, captures[i].size);
		assert_int_equal(version, captures[i].version);
		assert_int_equal(len, STRUCT_AT + captures[i].size);
		assert_memory_equal(reply + STRUCT_AT + 80, "a) b (c", 8);
		assert_int_equal((uint32_t)u64_at(reply, 368),
				 unit_about(captures[i].kernel, "pid")); /* ac_tgid */
		assert_true(u64_at(reply, 376) == u64_at(reply, 144));	 /* ac_tgetime, ac_etime */
		assert_in_range(u64_at(reply, 392), 2, UINT32_MAX);	 /* ac_exe_inode */
		/* Pages were copied: v13's members are not zero; they cost 10 ns to 10 ms each. */
		if (u64_at(reply, 400))
			assert_in_range(u64_at(reply, 408) / u64_at(reply, 400), 10, 10000000);
		free(reply);
	}
}

static void layout_v16(void **state)
{
	static const size_t totals[] = {24, 40, 56, 320, 336, 360, 408, 424};
	size_t len;
	uint8_t *reply = unit_kernel("6.18", "taskstats.pid", &len);

	(void)state;
	/* For each kind of delay, in this order: the longest and the shortest, after v14's end. */
	for (size_t i = 0; i < UNIT_COUNT(totals); i++) {
		uint64_t total = u64_at(reply, totals[i]);
		uint64_t most = u64_at(reply, 432 + 16 * i);
		uint64_t least = u64_at(reply, 440 + 16 * i);

		assert_true(least <= most && most <= total);
		assert_int_equal(total != 0, most != 0);
	}
	assert_true(u64_at(reply, 24) != 0);
	free(reply);
}

static void errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(captures); i++) {
		static const struct {
			const char *file;
			int error;
		} replies[] = {{"taskstats.esrch", -ESRCH}, {"taskstats.eperm", -EPERM}};

		for (size_t j = 0; j < UNIT_COUNT(replies); j++) {
			struct record rec;
			size_t len;
			uint8_t *reply = unit_kernel(captures[i].kernel, replies[j].file, &len);

			record_init(&rec);
			assert_int_equal(taskstats_unpack(reply, len, SOURCE_TASKSTATS_PID, &rec),
					 replies[j].error);
			assert_int_equal(taskstats_unpack_family(reply, len), replies[j].error);
			assert_int_equal(rec.reason[SOURCE_TASKSTATS_PID], REASON_UNKNOWN);
			free(reply);
		}
	}
}

/* An acknowledgement is no answer. */
static void acknowledgement(void **state)
{
	struct nlmsghdr head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct nlmsgerr)),
				.nlmsg_type = NLMSG_ERROR};
	uint8_t reply[NLMSG_LENGTH(sizeof(struct nlmsgerr))] = {0};
	struct record rec;

	(void)state;
	memcpy(reply, &head, sizeof(head));
	record_init(&rec);
	assert_int_equal(taskstats_unpack(reply, sizeof(reply), SOURCE_TASKSTATS_PID, &rec),
			 -EBADMSG);
	assert_int_equal(taskstats_unpack_family(reply, sizeof(reply)), -EBADMSG);
}

static void family(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(captures); i++) {
		size_t len;
		uint8_t *reply = unit_kernel(captures[i].kernel, "taskstats.family", &len);

		assert_int_equal(taskstats_unpack_family(reply, len),
				 unit_about(captures[i].kernel, "family"));
		free(reply);
	}
}

/* Version 15 has its members elsewhere: none of them is believed. */
static void version_15(void **state)
{
	size_t len;
	uint8_t *reply = unit_kernel("6.18", "taskstats.tgid", &len);
	struct record rec;

	(void)state;
	reply[STRUCT_AT] = 15;
	record_init(&rec);
	record_set(&rec, FIELD_CPU, 1);
	assert_int_equal(taskstats_unpack(reply, len, SOURCE_TASKSTATS_TGID, &rec), -EOPNOTSUPP);
	assert_int_equal(rec.reason[SOURCE_TASKSTATS_TGID], REASON_ABSENT);
	assert_false(record_has(&rec, FIELD_CPU));
	free(reply);
}

/* Every cut is refused, with and without its lengths made to fit; every short struct is read as
 * far as it goes. */
static void cuts(void **state)
{
	size_t len;
	uint8_t *reply = unit_kernel("6.12", "taskstats.tgid", &len);

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);
		uint32_t total = (uint32_t)cut;
		struct record rec;

		memcpy(copy, reply, cut);
		record_init(&rec);
		assert_int_equal(taskstats_unpack(copy, cut, SOURCE_TASKSTATS_TGID, &rec),
				 -EBADMSG);
		if (cut >= sizeof(total))
			memcpy(copy, &total, sizeof(total));
		assert_int_equal(taskstats_unpack(copy, cut, SOURCE_TASKSTATS_TGID, &rec),
				 -EBADMSG);
		free(copy);
	}
	for (size_t cut = 0; cut <= 432; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);
		struct record rec;

		memcpy(copy, reply + STRUCT_AT, cut);
		record_init(&rec);
		parse_source(SOURCE_TASKSTATS_TGID, copy, cut, &rec);
		assert_int_equal(record_has(&rec, FIELD_CPU), cut >= 72 + 8);
		assert_int_equal(record_has(&rec, FIELD_IRQ_DELAY), cut >= 424 + 8);
		free(copy);
	}
	free(reply);
}

/* The requests, by the kernel's own structs. */
static void requests(void **state)
{
	uint8_t buf[TASKSTATS_REQUEST_MAX];
	struct nlmsghdr nl;
	struct genlmsghdr genl;
	struct nlattr attr;
	uint32_t id;
	size_t len = taskstats_pack_family(buf, 7);

	(void)state;
	memcpy(&nl, buf, sizeof(nl));
	memcpy(&genl, buf + NLMSG_HDRLEN, sizeof(genl));
	memcpy(&attr, buf + NLMSG_HDRLEN + GENL_HDRLEN, sizeof(attr));
	assert_true(len <= sizeof(buf) && nl.nlmsg_len == len && nl.nlmsg_seq == 7);
	assert_true(nl.nlmsg_type == GENL_ID_CTRL && nl.nlmsg_flags & NLM_F_REQUEST);
	assert_int_equal(genl.cmd, CTRL_CMD_GETFAMILY);
	assert_int_equal(attr.nla_type, CTRL_ATTR_FAMILY_NAME);
	assert_string_equal((char *)buf + NLMSG_HDRLEN + GENL_HDRLEN + NLA_HDRLEN, "TASKSTATS");
	for (unsigned source = SOURCE_TASKSTATS_PID; source <= SOURCE_COLLECTOR_TGID; source++) {
		bool tgid = source == SOURCE_TASKSTATS_TGID || source == SOURCE_COLLECTOR_TGID;

		len = taskstats_pack_get(buf, 31, 8, source, 4242);
		memcpy(&nl, buf, sizeof(nl));
		memcpy(&genl, buf + NLMSG_HDRLEN, sizeof(genl));
		memcpy(&attr, buf + NLMSG_HDRLEN + GENL_HDRLEN, sizeof(attr));
		memcpy(&id, buf + NLMSG_HDRLEN + GENL_HDRLEN + NLA_HDRLEN, sizeof(id));
		assert_true(len <= sizeof(buf) && nl.nlmsg_len == len && nl.nlmsg_seq == 8);
		assert_true(nl.nlmsg_type == 31 && genl.cmd == TASKSTATS_CMD_GET);
		assert_int_equal(attr.nla_type,
				 tgid ? TASKSTATS_CMD_ATTR_TGID : TASKSTATS_CMD_ATTR_PID);
		assert_int_equal(attr.nla_len, NLA_HDRLEN + sizeof(id));
		assert_int_equal(id, 4242);
	}
}

/* Of this capture: the parent of all is root's, and 0.1 s or so before was the clock read. */
static void unpack_exit_file(const char *file, const char *pid, const char *tgid,
			     struct taskstats_exit *ret)
{
	size_t len;
	uint8_t *msg = unit_kernel("6.18", file, &len);

	memset(ret, 0xa5, sizeof(*ret));
	assert_int_equal(taskstats_unpack_exit(msg, len, ret), 0);
	assert_int_equal(ret->pid, unit_about("6.18", pid));
	assert_int_equal(ret->tgid, unit_about("6.18", tgid));
	assert_int_equal(ret->ppid, unit_about("6.18", "exit_parent"));
	assert_int_equal(ret->uid, 0);
	assert_int_equal(ret->gid, 0);
	assert_string_equal(ret->comm, "a) b (c");
	near((int64_t)ret->begin_s, unit_about("6.18", "exit_realtime_s"), 1);
	assert_true(ret->tells_group);
	assert_int_equal(ret->len, 560);
	assert_memory_equal(ret->bytes, msg + STRUCT_AT, 560);
	free(msg);
}

static void exit_record(void **state)
{
	struct taskstats_exit end;
	struct record rec;

	(void)state;
	unpack_exit_file("taskstats.exit", "exit_pid", "exit_pid", &end);
	assert_int_equal(end.status, 7 << 8);
	assert_int_equal(end.flags, TASKSTATS_GROUP);
	assert_in_range(end.elapsed_us, 500, 1000000);
	record_init(&rec);
	assert_true(parse_source(SOURCE_EXIT, end.bytes, end.len, &rec));
	assert_int_equal(record_scaled(&rec, FIELD_X_ELAPSED), end.elapsed_us * 1000);
	assert_in_range(record_scaled(&rec, FIELD_X_HWM), 8 << 20, 16 << 20);
	assert_in_range(record_scaled(&rec, FIELD_X_CPU), 100000, 1000000000);
	assert_in_range(record_scaled(&rec, FIELD_X_MINOR_FAULTS), 2048, 4096);
}

/* The leader ended first: its record has a status, but not the process's. */
static void exit_record_threads(void **state)
{
	struct taskstats_exit end;

	(void)state;
	unpack_exit_file("taskstats.exit.leader", "exit_leader", "exit_leader", &end);
	assert_int_equal(end.status, 0);
	assert_int_equal(end.flags & TASKSTATS_GROUP, 0);
	unpack_exit_file("taskstats.exit.last", "exit_last", "exit_leader", &end);
	assert_int_equal(end.status, 9 << 8);
	assert_int_equal(end.flags & TASKSTATS_GROUP, TASKSTATS_GROUP);
	assert_in_range(end.elapsed_us, 50000, 1000000);
}

/* The exit record as a kernel whose struct has that version and size would have sent it. */
static uint8_t *exit_of_version(uint16_t version, size_t size, size_t *ret_len)
{
	size_t len;
	uint8_t *msg = unit_kernel("6.18", "taskstats.exit", &len);
	uint8_t *cut = calloc(1, STRUCT_AT + size);
	uint32_t total = (uint32_t)(STRUCT_AT + size);
	uint16_t group = (uint16_t)(total - NLMSG_HDRLEN - GENL_HDRLEN);
	uint16_t stats = (uint16_t)(NLA_HDRLEN + size);

	assert_non_null(cut);
	memcpy(cut, msg, len < total ? len : total);
	memcpy(cut, &total, sizeof(total));
	memcpy(cut + NLMSG_HDRLEN + GENL_HDRLEN, &group, sizeof(group));
	memcpy(cut + STRUCT_AT - NLA_HDRLEN, &stats, sizeof(stats));
	memcpy(cut + STRUCT_AT, &version, sizeof(version));
	free(msg);
	*ret_len = total;
	return cut;
}

static void exit_versions(void **state)
{
	static const struct {
		uint16_t version;
		uint16_t size;
		int error;
		size_t len;
	} versions[] = {
		{9, 344, 0, 344},		     /* before ac_btime64 */
		{10, 352, 0, 352},		     /* Linux 5.10 */
		{11, 368, 0, 368},		     /* before ac_tgid */
		{13, 416, 0, 416},		     /* 6.1 */
		{14, 432, 0, 432},		     /* 6.12 */
		{15, 560, -EOPNOTSUPP, 0},	     /* its members are elsewhere */
		{16, 560, 0, 560},		     /* 6.18 */
		{99, 2000, 0, TASKSTATS_STRUCT_MAX}, /* of a time to come: as much as has room */
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(versions); i++) {
		struct taskstats_exit end;
		size_t len;
		uint8_t *msg = exit_of_version(versions[i].version, versions[i].size, &len);

		assert_int_equal(taskstats_unpack_exit(msg, len, &end), versions[i].error);
		free(msg);
		if (versions[i].error)
			continue;
		assert_int_equal(end.len, versions[i].len);
		assert_int_equal(end.status, 7 << 8);
		assert_int_equal(end.pid, unit_about("6.18", "exit_pid"));
		assert_int_equal(end.tgid, end.pid);
		assert_int_equal(end.tells_group, versions[i].version >= 12);
		near((int64_t)end.begin_s, unit_about("6.18", "exit_realtime_s"), 1);
	}
}

static void exit_refused(void **state)
{
	struct taskstats_exit end;
	size_t len;
	uint8_t *msg = unit_kernel("6.18", "taskstats.tgid", &len);

	(void)state;
	assert_int_equal(taskstats_unpack_exit(msg, len, &end), -ENOMSG);
	free(msg);
	msg = unit_kernel("6.18", "taskstats.eperm", &len);
	assert_int_equal(taskstats_unpack_exit(msg, len, &end), -EPERM);
	free(msg);
	msg = exit_of_version(1, 80, &len);
	assert_int_equal(taskstats_unpack_exit(msg, len, &end), -EBADMSG);
	free(msg);
	msg = unit_kernel("6.18", "taskstats.exit.last", &len);
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, msg, cut);
		assert_int_equal(taskstats_unpack_exit(copy, cut, &end), -EBADMSG);
		free(copy);
	}
	free(msg);
}

static void registration(void **state)
{
	uint8_t buf[TASKSTATS_REQUEST_MAX + 8];
	struct nlmsghdr nl;
	struct nlattr attr;

	(void)state;
	for (unsigned on = 0; on <= 1; on++) {
		size_t len = taskstats_pack_register(buf, 31, 9, "0-3,8", on);

		memcpy(&nl, buf, sizeof(nl));
		memcpy(&attr, buf + NLMSG_HDRLEN + GENL_HDRLEN, sizeof(attr));
		assert_true(len <= sizeof(buf) && nl.nlmsg_len == len && nl.nlmsg_seq == 9);
		assert_int_equal(nl.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
		assert_int_equal(nl.nlmsg_type, 31);
		assert_int_equal(buf[NLMSG_HDRLEN], TASKSTATS_CMD_GET);
		assert_int_equal(attr.nla_type, on ? TASKSTATS_CMD_ATTR_REGISTER_CPUMASK
						   : TASKSTATS_CMD_ATTR_DEREGISTER_CPUMASK);
		assert_int_equal(attr.nla_len, NLA_HDRLEN + sizeof("0-3,8"));
		assert_string_equal((char *)buf + STRUCT_AT - 12, "0-3,8");
	}
}

static void answers(void **state)
{
	uint8_t reply[NLMSG_LENGTH(sizeof(struct nlmsgerr))] = {0};
	struct nlmsghdr head = {.nlmsg_len = sizeof(reply), .nlmsg_type = NLMSG_ERROR};
	int error = -EINVAL;

	(void)state;
	memcpy(reply, &head, sizeof(head));
	assert_int_equal(taskstats_error(reply, sizeof(reply)), 0);
	memcpy(reply + NLMSG_HDRLEN, &error, sizeof(error));
	assert_int_equal(taskstats_error(reply, sizeof(reply)), -EINVAL);
	assert_int_equal(taskstats_error(reply, NLMSG_HDRLEN + 3), -EBADMSG);
	reply[4] = 31; /* no error message */
	assert_int_equal(taskstats_error(reply, sizeof(reply)), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captured_pid),
		cmocka_unit_test(captured_tgid),
		cmocka_unit_test(captured_by_collector),
		cmocka_unit_test(layout),
		cmocka_unit_test(layout_v16),
		cmocka_unit_test(errors),
		cmocka_unit_test(acknowledgement),
		cmocka_unit_test(family),
		cmocka_unit_test(version_15),
		cmocka_unit_test(cuts),
		cmocka_unit_test(requests),
		cmocka_unit_test(exit_record),
		cmocka_unit_test(exit_record_threads),
		cmocka_unit_test(exit_versions),
		cmocka_unit_test(exit_refused),
		cmocka_unit_test(registration),
		cmocka_unit_test(answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
