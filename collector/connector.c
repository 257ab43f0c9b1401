/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/connector.h"

/* Linux 6.6: which events are wanted, said after the plain PROC_CN_MCAST_LISTEN. */
struct choice {
	uint32_t op;
	uint32_t kinds;
};

static int give_room(int fd, int size)
{
	int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	/* Told of ENOBUFS, a socket that was full once takes nothing until it is empty. */
	return setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof(one)) ? -errno : 0;
}

int netlink_open(int protocol, unsigned groups, int size)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	int err;

	if (fd < 0)
		return -errno;
	err = give_room(fd, size);
	if (!err && bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

int netlink_size(int fd)
{
	int size = 0;
	socklen_t len = sizeof(size);

	return getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &len) ? 0 : size;
}

static int say(int fd, const void *data, uint16_t len)
{
	struct cn_msg cn = {.id = {CN_IDX_PROC, CN_VAL_PROC}, .len = len};
	struct nlmsghdr nl = {
		.nlmsg_len = (uint32_t)NLMSG_LENGTH(sizeof(cn) + len),
		.nlmsg_type = NLMSG_DONE,
	};
	uint8_t message[NLMSG_SPACE(sizeof(cn) + sizeof(struct choice))] = {0};

	memcpy(message, &nl, sizeof(nl));
	memcpy(message + NLMSG_HDRLEN, &cn, sizeof(cn));
	memcpy(message + NLMSG_HDRLEN + sizeof(cn), data, len);
	return send(fd, message, nl.nlmsg_len, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int connector_open(uint32_t kinds, int size)
{
	struct choice choice = {PROC_CN_MCAST_LISTEN, kinds};
	int fd = netlink_open(NETLINK_CONNECTOR, CN_IDX_PROC, size);
	int err;

	if (fd < 0)
		return fd;
	err = say(fd, &choice.op, sizeof(choice.op));
	if (!err) {
		say(fd, &choice, sizeof(choice)); /* passed over by kernels that do not know it */
		return fd;
	}
	close(fd);
	return err;
}

struct proc_event connector_unpack(const uint8_t *message, size_t len)
{
	const size_t head = NLMSG_HDRLEN + sizeof(struct cn_msg);
	struct proc_event told = {0};
	struct cn_msg cn;

	if (len < head)
		return told;
	memcpy(&cn, message + NLMSG_HDRLEN, sizeof(cn));
	len -= head;
	if (cn.id.idx != CN_IDX_PROC || cn.id.val != CN_VAL_PROC || cn.len > len)
		return told;
	/* Older kernels' is shorter: they do not tell an EXIT's parent. */
	memcpy(&told, message + head, cn.len < sizeof(told) ? cn.len : sizeof(told));
	return told;
}

void connector_close(int fd)
{
	uint32_t op = PROC_CN_MCAST_IGNORE;

	say(fd, &op, sizeof(op));
	close(fd);
}
