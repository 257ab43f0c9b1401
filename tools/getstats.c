/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "collector/proxy.h"
#include "core/parse.h"
#include "core/taskstats.h"
#include "tools/getstats.h"
#include "tools/plain.h"

enum kind { U8, U16, U32, U64, TEXT, TIME };

struct member {
	char name[28];
	char unit[6];
	uint16_t at;
	uint8_t kind;
	bool of_group; /* the TGID form has it, too: of the others it has zeroes */
};

static const uint8_t sizes[] = {
	[U8] = 1, [U16] = 2, [U32] = 4, [U64] = 8, [TEXT] = 32, [TIME] = 16};

/* A kind of delay: a count and a sum. */
#define DELAY(name, at)                                        \
	{name "_count", "", (at), U64, true},                  \
	{                                                      \
		name "_delay_total", "ns", (at) + 8, U64, true \
	}
#define EXTREMES(name, at)                                   \
	{name "_delay_max", "ns", (at), U64, true},          \
	{                                                    \
		name "_delay_min", "ns", (at) + 8, U64, true \
	}

/* By number, for the header that this is compiled with may be older than the kernel. */
static const struct member members[] = {
	{"version", "", 0, U16, true},
	{"ac_exitcode", "", 4, U32, false},
	{"ac_flag", "", 8, U8, false},
	{"ac_nice", "", 9, U8, false},
	DELAY("cpu", 16),
	DELAY("blkio", 32),
	DELAY("swapin", 48),
	{"cpu_run_real_total", "ns", 64, U64, true},
	{"cpu_run_virtual_total", "ns", 72, U64, true},
	{"ac_comm", "", 80, TEXT, false},
	{"ac_sched", "", 112, U8, false},
	{"ac_uid", "", 120, U32, false},
	{"ac_gid", "", 124, U32, false},
	{"ac_pid", "", 128, U32, false},
	{"ac_ppid", "", 132, U32, false},
	{"ac_btime", "s", 136, U32, false},
	{"ac_etime", "us", 144, U64, true},
	{"ac_utime", "us", 152, U64, true},
	{"ac_stime", "us", 160, U64, true},
	{"ac_minflt", "", 168, U64, false},
	{"ac_majflt", "", 176, U64, false},
	{"coremem", "MB us", 184, U64, false},
	{"virtmem", "MB us", 192, U64, false},
	{"hiwater_rss", "KiB", 200, U64, false},
	{"hiwater_vm", "KiB", 208, U64, false},
	{"read_char", "bytes", 216, U64, false},
	{"write_char", "bytes", 224, U64, false},
	{"read_syscalls", "", 232, U64, false},
	{"write_syscalls", "", 240, U64, false},
	{"read_bytes", "bytes", 248, U64, false},
	{"write_bytes", "bytes", 256, U64, false},
	{"cancelled_write_bytes", "bytes", 264, U64, false},
	{"nvcsw", "", 272, U64, true},
	{"nivcsw", "", 280, U64, true},
	{"ac_utimescaled", "us", 288, U64, false},
	{"ac_stimescaled", "us", 296, U64, false},
	{"cpu_scaled_run_real_total", "ns", 304, U64, true},
	DELAY("freepages", 312),
	DELAY("thrashing", 328),
	{"ac_btime64", "s", 344, U64, false},
	DELAY("compact", 352),
	{"ac_tgid", "", 368, U32, false},
	{"ac_tgetime", "us", 376, U64, false},
	{"ac_exe_dev", "", 384, U64, false},
	{"ac_exe_inode", "", 392, U64, false},
	DELAY("wpcopy", 400),
	DELAY("irq", 416),
	EXTREMES("cpu", 432),
	EXTREMES("blkio", 448),
	EXTREMES("swapin", 464),
	EXTREMES("freepages", 480),
	EXTREMES("thrashing", 496),
	EXTREMES("compact", 512),
	EXTREMES("wpcopy", 528),
	EXTREMES("irq", 544),
	{"cpu_delay_max_ts", "s", 560, TIME, true},
	{"blkio_delay_max_ts", "s", 576, TIME, true},
	{"swapin_delay_max_ts", "s", 592, TIME, true},
	{"freepages_delay_max_ts", "s", 608, TIME, true},
	{"thrashing_delay_max_ts", "s", 624, TIME, true},
	{"compact_delay_max_ts", "s", 640, TIME, true},
	{"wpcopy_delay_max_ts", "s", 656, TIME, true},
	{"irq_delay_max_ts", "s", 672, TIME, true},
};
#define MEMBERS	  (sizeof(members) / sizeof(*members))
#define KNOWN_END 688u

static uint64_t number(const uint8_t *at, size_t size)
{
	uint64_t wide = 0;
	uint32_t u32;
	uint16_t u16;

	switch (size) {
	case 1:
		return *at;
	case 2:
		memcpy(&u16, at, sizeof(u16));
		return u16;
	case 4:
		memcpy(&u32, at, sizeof(u32));
		return u32;
	default:
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
}

int getstats_take(const uint8_t *pid_form, size_t pid_len, const uint8_t *tgid_form,
		  size_t tgid_len, struct getstats *ret)
{
	const uint8_t *from[2] = {pid_form, tgid_form};
	size_t len[2] = {pid_len, tgid_len};

	for (int i = 0; i < 2; i++) {
		if (len[i] < sizes[U16])
			return -EBADMSG;
		if (number(from[i], sizes[U16]) == PARSE_TASKSTATS_MISLAID)
			return -EOPNOTSUPP;
		ret->len[i] = len[i] < GETSTATS_MAX ? len[i] : GETSTATS_MAX;
		memcpy(ret->bytes[i], from[i], ret->len[i]);
	}
	return 0;
}

static int take_replies(const uint8_t *replies, const size_t *len, struct getstats *ret)
{
	const uint8_t *stats[2];
	size_t stats_len[2];
	int err;

	for (int i = 0; i < 2; i++) {
		stats[i] = taskstats_struct(replies, len[i], &stats_len[i], &err);
		if (!stats[i])
			return err;
		replies += len[i];
	}
	return getstats_take(stats[0], stats_len[0], stats[1], stats_len[1], ret);
}

int getstats_ask(struct proxy *proxy, pid_t pid, struct getstats *ret)
{
	uint8_t replies[2 * TASKSTATS_REPLY_MAX];
	size_t len[2];
	int err;

	ret->pid = pid;
	err = proxy_ask_raw(proxy, pid, replies, len);
	return err < 0 ? err : take_replies(replies, len, ret);
}

int getstats_read(pid_t pid, struct getstats *ret)
{
	struct proxy proxy;
	int err;

	proxy_init(&proxy);
	err = getstats_ask(&proxy, pid, ret);
	proxy_done(&proxy);
	return err;
}

/* The name of a member that is the sum of a delay, without its end; 0: it is another one. */
static size_t delay_name(const struct member *member)
{
	static const char end[] = "_delay_total";
	size_t len = strlen(member->name), end_len = sizeof(end) - 1;

	return len > end_len && strcmp(member->name + len - end_len, end) == 0 ? len - end_len : 0;
}

void getstats_take_delays(const struct getstats *stats, struct getstats_delays *ret)
{
	size_t n = 0;

	*ret = (struct getstats_delays){.is_known = true};
	for (size_t i = 0; i < MEMBERS && n < GETSTATS_DELAYS; i++) {
		if (!delay_name(&members[i]))
			continue;
		/* An older kernel has fewer of them. */
		if (members[i].at + sizes[U64] <= stats->len[1])
			ret->ns[n] = number(stats->bytes[1] + members[i].at, sizes[U64]);
		n++;
	}
}

const char *getstats_delays_text(const struct getstats_delays *delays, char *buf, size_t size)
{
	size_t n = 0, len = 0;

	snprintf(buf, size, delays->is_known ? "0" : "-");
	for (size_t i = 0; delays->is_known && i < MEMBERS && n < GETSTATS_DELAYS; i++) {
		size_t name = delay_name(&members[i]);
		uint64_t ms = name ? delays->ns[n] / 1000000 : 0;

		n += name > 0;
		if (ms && len < size)
			len += (size_t)snprintf(buf + len, size - len,
						"%s%.*s=%" PRIu64 ".%03" PRIu64 "s", len ? "," : "",
						(int)name, members[i].name, ms / 1000, ms % 1000);
	}
	return buf;
}

static void show(char ret[PLAIN_ROOM], const struct member *member, const struct getstats *stats,
		 int form)
{
	const uint8_t *at = stats->bytes[form] + member->at;

	strcpy(ret, "-");
	if (form == 1 && !member->of_group)
		return;
	if (member->at + sizes[member->kind] > stats->len[form])
		return;
	if (member->kind == TEXT)
		plain_text(ret, (const char *)at, strnlen((const char *)at, sizes[TEXT]));
	else if (member->kind == TIME)
		snprintf(ret, PLAIN_ROOM, "%" PRIu64 ".%09" PRIu64, number(at, 8),
			 number(at + 8, 8));
	else if (!strcmp(member->name, "ac_nice"))
		snprintf(ret, PLAIN_ROOM, "%d", (int8_t)*at);
	else
		snprintf(ret, PLAIN_ROOM, "%" PRIu64, number(at, sizes[member->kind]));
}

void getstats_print(FILE *to, const struct getstats *stats)
{
	size_t len = stats->len[0];
	char values[2][PLAIN_ROOM];

	fprintf(to, "taskstats of %d: version %" PRIu64 ", %zu bytes\n", (int)stats->pid,
		number(stats->bytes[0], sizes[U16]), len);
	fprintf(to, "%-25s  %20s  %20s  %s\n", "field", "PID (thread)", "TGID (process)", "unit");
	for (size_t i = 0; i < MEMBERS; i++) {
		/* The kernel has it not yet. */
		if (members[i].at + sizes[members[i].kind] > len)
			continue;
		show(values[0], &members[i], stats, 0);
		show(values[1], &members[i], stats, 1);
		fprintf(to, "%-25s  %20s  %20s%s%s\n", members[i].name, values[0], values[1],
			*members[i].unit ? "  " : "", members[i].unit);
	}
	if (len > KNOWN_END)
		fprintf(to, "and %zu bytes of a newer version\n", len - KNOWN_END);
}

const char *getstats_explain(int err)
{
	switch (err) {
	case -EPERM:
		return "taskstats take CAP_NET_ADMIN in the initial user namespace";
	case -ESRCH:
		return "gone";
	case -ENOENT:
		return "this kernel has no taskstats (CONFIG_TASKSTATS)";
	case -EOPNOTSUPP:
		return "this kernel's taskstats are of version 15, whose fields are elsewhere";
	default:
		return strerror(-err);
	}
}
