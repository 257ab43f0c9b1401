/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>
#include <stdbool.h>

#include "core/parse.h"
#include "core/taskstats.h"

#define HEADERS (NLMSG_HDRLEN + GENL_HDRLEN)

/* Netlink speaks the machine's byte order; the structs are written and read by hand here because
 * the buffers have no alignment and the lengths in them are not to be believed. */
static void put_u16(uint8_t *p, uint16_t v)
{
	for (unsigned i = 0; i < sizeof(v); i++)
		p[i] = ((uint8_t *)&v)[i];
}

static void put_u32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < sizeof(v); i++)
		p[i] = ((uint8_t *)&v)[i];
}

static uint16_t get_u16(const uint8_t *p)
{
	uint16_t v;

	for (unsigned i = 0; i < sizeof(v); i++)
		((uint8_t *)&v)[i] = p[i];
	return v;
}

static uint32_t get_u32(const uint8_t *p)
{
	uint32_t v;

	for (unsigned i = 0; i < sizeof(v); i++)
		((uint8_t *)&v)[i] = p[i];
	return v;
}

static uint64_t get_u64(const uint8_t *p)
{
	uint64_t v;

	for (unsigned i = 0; i < sizeof(v); i++)
		((uint8_t *)&v)[i] = p[i];
	return v;
}

static size_t pack(uint8_t *buf, uint16_t type, uint32_t seq, uint8_t cmd, uint16_t attr,
		   const void *data, uint16_t len)
{
	size_t total = HEADERS + NLA_ALIGN(NLA_HDRLEN + len);

	for (size_t i = 0; i < total; i++)
		buf[i] = 0;
	put_u32(buf, (uint32_t)total);
	put_u16(buf + 4, type);
	put_u16(buf + 6, NLM_F_REQUEST);
	put_u32(buf + 8, seq);
	buf[NLMSG_HDRLEN] = cmd;
	buf[NLMSG_HDRLEN + 1] = 1; /* version of both families */
	put_u16(buf + HEADERS, (uint16_t)(NLA_HDRLEN + len));
	put_u16(buf + HEADERS + 2, attr);
	for (size_t i = 0; i < len; i++)
		buf[HEADERS + NLA_HDRLEN + i] = ((const uint8_t *)data)[i];
	return total;
}

size_t taskstats_pack_family(uint8_t *buf, uint32_t seq)
{
	return pack(buf, GENL_ID_CTRL, seq, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME,
		    TASKSTATS_GENL_NAME, sizeof(TASKSTATS_GENL_NAME));
}

size_t taskstats_pack_get(uint8_t *buf, uint16_t family, uint32_t seq, enum source source,
			  uint32_t id)
{
	bool tgid = source == SOURCE_TASKSTATS_TGID || source == SOURCE_COLLECTOR_TGID;

	return pack(buf, family, seq, TASKSTATS_CMD_GET,
		    tgid ? TASKSTATS_CMD_ATTR_TGID : TASKSTATS_CMD_ATTR_PID, &id, sizeof(id));
}

size_t taskstats_pack_register(uint8_t *buf, uint16_t family, uint32_t seq, const char *cpus,
			       bool on)
{
	uint16_t size = 0;
	size_t len;

	while (cpus[size++]) /* with its zero byte: the kernel cuts a byte where there is none */
		;
	len = pack(buf, family, seq, TASKSTATS_CMD_GET,
		   on ? TASKSTATS_CMD_ATTR_REGISTER_CPUMASK : TASKSTATS_CMD_ATTR_DEREGISTER_CPUMASK,
		   cpus, size);
	put_u16(buf + 6, NLM_F_REQUEST | NLM_F_ACK);
	return len;
}

/* The payload of an attribute in a run of attributes, or NULL. */
static const uint8_t *attr_find(const uint8_t *buf, size_t len, uint16_t type, size_t *ret_len)
{
	while (len >= NLA_HDRLEN) {
		size_t size = get_u16(buf);
		size_t step = NLA_ALIGN(size);

		if (size < NLA_HDRLEN || size > len)
			return NULL;
		if ((get_u16(buf + 2) & NLA_TYPE_MASK) == type) {
			*ret_len = size - NLA_HDRLEN;
			return buf + NLA_HDRLEN;
		}
		if (step >= len)
			return NULL;
		buf += step;
		len -= step;
	}
	return NULL;
}

/* The attributes of a reply; NULL with *ret_err set where it is an error or no whole message. */
static const uint8_t *reply_attrs(const uint8_t *buf, size_t len, size_t *ret_len, int *ret_err)
{
	size_t total;

	*ret_err = -EBADMSG;
	if (len < NLMSG_HDRLEN)
		return NULL;
	total = get_u32(buf);
	if (total > len || total < NLMSG_HDRLEN)
		return NULL;
	if (get_u16(buf + 4) == NLMSG_ERROR) {
		int err = total >= NLMSG_HDRLEN + 4 ? (int)get_u32(buf + NLMSG_HDRLEN) : 0;

		if (err < 0)
			*ret_err = err;
		return NULL;
	}
	if (total < HEADERS)
		return NULL;
	*ret_len = total - HEADERS;
	return buf + HEADERS;
}

int taskstats_unpack_family(const uint8_t *buf, size_t len)
{
	size_t attrs_len;
	size_t id_len;
	int err;
	const uint8_t *attrs = reply_attrs(buf, len, &attrs_len, &err);
	const uint8_t *id;

	if (!attrs)
		return err;
	id = attr_find(attrs, attrs_len, CTRL_ATTR_FAMILY_ID, &id_len);
	return id && id_len >= 2 ? get_u16(id) : -EBADMSG;
}

const uint8_t *taskstats_struct(const uint8_t *buf, size_t len, size_t *ret_len, int *ret_err)
{
	size_t attrs_len;
	size_t group_len;
	const uint8_t *attrs = reply_attrs(buf, len, &attrs_len, ret_err);
	const uint8_t *group;

	if (!attrs)
		return NULL;
	group = attr_find(attrs, attrs_len, TASKSTATS_TYPE_AGGR_PID, &group_len);
	if (!group)
		group = attr_find(attrs, attrs_len, TASKSTATS_TYPE_AGGR_TGID, &group_len);
	return group ? attr_find(group, group_len, TASKSTATS_TYPE_STATS, ret_len) : NULL;
}

int taskstats_unpack(const uint8_t *buf, size_t len, enum source source, struct record *rec)
{
	size_t stats_len;
	int err;
	const uint8_t *stats = taskstats_struct(buf, len, &stats_len, &err);

	if (!stats)
		return err;
	return parse_source(source, stats, stats_len, rec) ? 0 : -EOPNOTSUPP;
}

int taskstats_error(const uint8_t *buf, size_t len)
{
	int err;

	if (len < NLMSG_HDRLEN + 4 || get_u16(buf + 4) != NLMSG_ERROR)
		return -EBADMSG;
	err = (int)get_u32(buf + NLMSG_HDRLEN);
	return err > 0 ? -EBADMSG : err;
}

/* Where the members of struct taskstats stand: by number, for the header that this is compiled with
 * may be older than the kernel. */
enum {
	AT_VERSION = 0,
	AT_EXITCODE = 4,
	AT_FLAG = 8,
	AT_COMM = 80,
	AT_UID = 120,
	AT_GID = 124,
	AT_PID = 128,
	AT_PPID = 132,
	AT_BTIME = 136,
	AT_ETIME = 144,
	AT_BASIC_END = 184, /* since version 2, which is older than any kernel that we run on */
	AT_BTIME64 = 344,   /* version 10 */
	AT_TGID = 368,	    /* version 12, which also has AGROUP */
};
#define VERSION_GROUP 12

static void read_basic(const uint8_t *stats, struct taskstats_exit *ret)
{
	ret->pid = get_u32(stats + AT_PID);
	ret->tgid = ret->pid;
	ret->ppid = get_u32(stats + AT_PPID);
	ret->uid = get_u32(stats + AT_UID);
	ret->gid = get_u32(stats + AT_GID);
	ret->status = get_u32(stats + AT_EXITCODE);
	ret->flags = stats[AT_FLAG];
	ret->begin_s = get_u32(stats + AT_BTIME);
	ret->elapsed_us = get_u64(stats + AT_ETIME);
	for (size_t i = 0; i < sizeof(ret->comm); i++)
		ret->comm[i] = i + 1 < sizeof(ret->comm) ? (char)stats[AT_COMM + i] : '\0';
}

static int read_exit(const uint8_t *stats, size_t len, struct taskstats_exit *ret)
{
	uint16_t version;

	if (len < AT_BASIC_END)
		return -EBADMSG;
	version = get_u16(stats + AT_VERSION);
	if (version == PARSE_TASKSTATS_MISLAID)
		return -EOPNOTSUPP;
	read_basic(stats, ret);
	if (len >= AT_BTIME64 + sizeof(uint64_t))
		ret->begin_s = get_u64(stats + AT_BTIME64);
	ret->tells_group = version >= VERSION_GROUP && len >= AT_TGID + sizeof(uint32_t);
	if (ret->tells_group)
		ret->tgid = get_u32(stats + AT_TGID);
	ret->len = len < TASKSTATS_STRUCT_MAX ? len : TASKSTATS_STRUCT_MAX;
	for (size_t i = 0; i < ret->len; i++)
		ret->bytes[i] = stats[i];
	return 0;
}

int taskstats_unpack_exit(const uint8_t *buf, size_t len, struct taskstats_exit *ret)
{
	size_t attrs_len;
	size_t group_len;
	size_t stats_len;
	int err;
	const uint8_t *attrs = reply_attrs(buf, len, &attrs_len, &err);
	const uint8_t *group;
	const uint8_t *stats;

	if (!attrs)
		return err;
	group = attr_find(attrs, attrs_len, TASKSTATS_TYPE_AGGR_PID, &group_len);
	if (!group) {
		group = attr_find(attrs, attrs_len, TASKSTATS_TYPE_AGGR_TGID, &group_len);
		return group ? -ENOMSG : -EBADMSG;
	}
	stats = attr_find(group, group_len, TASKSTATS_TYPE_STATS, &stats_len);
	return stats ? read_exit(stats, stats_len, ret) : -EBADMSG;
}

uint32_t taskstats_seq(const uint8_t *buf, size_t len)
{
	return len >= NLMSG_HDRLEN ? get_u32(buf + 8) : 0;
}
