/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/control.h"
#include "core/bytes.h"

#define HEAD_MAX (1 + BYTES_VARINT_MAX)

/* One descriptor of a message. */
union rights {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int))];
};

bool control_is_request(uint8_t first)
{
	return first >= CONTROL_OPEN && first <= CONTROL_READ;
}

static size_t pack_head(uint8_t head[HEAD_MAX], const struct control_message *message)
{
	struct bytes_out out = {head, head + HEAD_MAX, false};

	bytes_put_u8(&out, message->kind);
	bytes_put_varint(&out, message->number);
	return (size_t)(out.p - head);
}

size_t control_pack(uint8_t *buf, const struct control_message *message)
{
	uint8_t head[HEAD_MAX];
	size_t len = pack_head(head, message);

	if (message->len > CONTROL_MAX - len)
		return 0;
	memcpy(buf, head, len);
	if (message->len)
		memcpy(buf + len, message->bytes, message->len);
	return len + message->len;
}

int control_unpack(const uint8_t *buf, size_t len, struct control_message *ret)
{
	struct bytes_in in = {buf, buf + len, false};

	ret->kind = bytes_get_u8(&in);
	ret->number = bytes_get_varint(&in);
	ret->bytes = in.p;
	ret->len = bytes_left(&in);
	return in.bad ? -EBADMSG : 0;
}

int control_send(int socket, const struct control_message *message, int fd)
{
	uint8_t head[HEAD_MAX];
	struct iovec iov[] = {
		{head, pack_head(head, message)},
		{(void *)message->bytes, message->len},
	};
	union rights rights = {.space = {0}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	if (iov[0].iov_len + message->len > CONTROL_MAX)
		return -EMSGSIZE;
	if (fd >= 0) {
		rights.head.cmsg_level = SOL_SOCKET;
		rights.head.cmsg_type = SCM_RIGHTS;
		rights.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&rights.head), &fd, sizeof(int));
		msg.msg_control = &rights;
		msg.msg_controllen = sizeof(rights);
	}
	while (sendmsg(socket, &msg, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* The first one; more would fit where the buffer ends with padding, and are not wanted. */
static int take_fd(struct msghdr *msg)
{
	int ret = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0);
		     at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof(int));
			if (ret < 0)
				ret = fd;
			else
				close(fd);
		}
	}
	return ret;
}

static int wait_for(int socket, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = socket, .events = POLLIN};
	int n;

	do
		n = poll(&poll_fd, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

int control_receive(int socket, uint8_t *buf, int timeout_ms, struct control_message *ret,
		    int *ret_fd)
{
	struct iovec iov = {buf, CONTROL_MAX};
	union rights rights;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ret_fd ? &rights : NULL,
		.msg_controllen = ret_fd ? sizeof(rights) : 0,
	};
	ssize_t n;
	int err = timeout_ms >= 0 ? wait_for(socket, timeout_ms) : 0;

	if (ret_fd)
		*ret_fd = -1;
	if (err < 0)
		return err;
	do
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -ECONNRESET;
	if (ret_fd)
		*ret_fd = take_fd(&msg);
	err = msg.msg_flags & MSG_TRUNC ? -EBADMSG : control_unpack(buf, (size_t)n, ret);
	if (err < 0 && ret_fd && *ret_fd >= 0) {
		close(*ret_fd);
		*ret_fd = -1;
	}
	return err;
}
