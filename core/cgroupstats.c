/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <linux/cgroupstats.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "core/cgroupstats.h"

/* Both the request and the answer have one attribute, at this place. */
#define ATTR_AT	  (NLMSG_HDRLEN + GENL_HDRLEN)
#define VALUES_AT (ATTR_AT + NLA_HDRLEN)

/* The machine's byte order, but no alignment: structs are copied, not pointed to. */
static void copy(void *to, const void *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
}

size_t cgroupstats_pack_get(uint8_t *buf, uint16_t family, uint32_t seq, uint32_t fd)
{
	struct nlmsghdr header = {
		.nlmsg_len = VALUES_AT + sizeof(fd),
		.nlmsg_type = family,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.nlmsg_seq = seq,
	};
	struct genlmsghdr command = {.cmd = CGROUPSTATS_CMD_GET, .version = 1};
	struct nlattr attr = {NLA_HDRLEN + sizeof(fd), CGROUPSTATS_CMD_ATTR_FD};

	copy(buf, &header, sizeof(header));
	copy(buf + NLMSG_HDRLEN, &command, sizeof(command));
	copy(buf + ATTR_AT, &attr, sizeof(attr));
	copy(buf + VALUES_AT, &fd, sizeof(fd));
	return header.nlmsg_len;
}

/* An error message with the error 0 is an acknowledgement. */
static int unpack_error(const uint8_t *buf, size_t len)
{
	int32_t err;

	if (len < NLMSG_HDRLEN + sizeof(err))
		return -EBADMSG;
	copy(&err, buf + NLMSG_HDRLEN, sizeof(err));
	return err <= 0 ? err : -EBADMSG;
}

int cgroupstats_unpack(const uint8_t *buf, size_t len, uint64_t *ret)
{
	struct nlmsghdr header;
	struct nlattr attr;
	size_t size = CGROUPSTATS_COUNT * sizeof(*ret);

	if (len < NLMSG_HDRLEN)
		return -EBADMSG;
	copy(&header, buf, sizeof(header));
	if (header.nlmsg_len > len)
		return -EBADMSG;
	if (header.nlmsg_type == NLMSG_ERROR)
		return unpack_error(buf, header.nlmsg_len);
	if (header.nlmsg_len < VALUES_AT + size)
		return -EBADMSG;
	copy(&attr, buf + ATTR_AT, sizeof(attr));
	if (attr.nla_type != CGROUPSTATS_TYPE_CGROUP_STATS || attr.nla_len < NLA_HDRLEN + size)
		return -EBADMSG;
	copy(ret, buf + VALUES_AT, size);
	return 1;
}
