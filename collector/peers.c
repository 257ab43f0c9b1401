/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zstd.h>

#include "collector/peers.h"

/* Messages of one peer that are read before the others get their turn. */
#define TURN 1024

struct peers {
	struct peers_sink sink;
	int page_fd; /* borrowed */
	int epoll;   /* owned */
	size_t count;
	struct peer *first;
	ZSTD_DCtx *zstd; /* owned: one for all, for every message stands alone */
	uint8_t message[WIRE_MESSAGE_MAX + 1];
	uint8_t unpacked[WIRE_MESSAGE_MAX];
};

int peers_new(const struct peers_sink *sink, int page_fd, struct peers **ret)
{
	struct peers *peers = calloc(1, sizeof(*peers));

	*ret = NULL;
	if (!peers)
		return -ENOMEM;
	peers->sink = *sink;
	peers->page_fd = page_fd;
	peers->zstd = ZSTD_createDCtx();
	peers->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!peers->zstd || peers->epoll < 0) {
		int err = peers->zstd ? -errno : -ENOMEM;

		peers_free(peers);
		return err;
	}
	*ret = peers;
	return 0;
}

static void send_page(int fd, int page_fd)
{
	struct iovec iov = {"", 1};
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.space = {0}};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &page_fd, sizeof(int));
	/* A peer that is gone already needs none. */
	(void)!sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void add_peer(struct peers *peers, int fd, const struct ucred *cred, uint64_t now_ns)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};

	if (!peer || epoll_ctl(peers->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		peers->sink.refused(peers->sink.arg, cred->pid, "out of memory");
		free(peer);
		close(fd);
		return;
	}
	peer->fd = fd;
	peer->pid = cred->pid;
	peer->uid = cred->uid;
	peer->gid = cred->gid;
	peer->accepted_ns = now_ns;
	peer->next = peers->first;
	if (peer->next)
		peer->next->prev = peer;
	peers->first = peer;
	peers->count++;
	send_page(fd, peers->page_fd);
}

void peers_accept(struct peers *peers, int listen_fd, uint64_t now_ns)
{
	for (;;) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct ucred cred = {0};
		socklen_t len = sizeof(cred);
		const char *why = "no credentials";

		if (fd < 0)
			return;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
		    peers->sink.admit(peers->sink.arg, cred.pid, cred.uid, &why)) {
			add_peer(peers, fd, &cred, now_ns);
		} else {
			peers->sink.refused(peers->sink.arg, cred.pid, why);
			close(fd);
		}
	}
}

static void end_peer(struct peers *peers, struct peer *peer)
{
	if (peer->process)
		peers->sink.gone(peers->sink.arg, peer->process);
	if (peer->prev)
		peer->prev->next = peer->next;
	else
		peers->first = peer->next;
	if (peer->next)
		peer->next->prev = peer->prev;
	peers->count--;
	close(peer->fd); /* takes it out of the epoll set */
	free(peer);
}

/* The body of a message, decompressed where it says so. */
static bool open_body(struct peers *peers, size_t len, struct bytes_in *ret)
{
	const uint8_t *body = peers->message + 1;
	size_t n;

	if (!(peers->message[0] & WIRE_ZSTD)) {
		*ret = (struct bytes_in){body, body + len - 1, false};
		return true;
	}
	n = ZSTD_decompressDCtx(peers->zstd, peers->unpacked, sizeof(peers->unpacked), body,
				len - 1);
	if (ZSTD_isError(n))
		return false;
	*ret = (struct bytes_in){peers->unpacked, peers->unpacked + n, false};
	return true;
}

static bool take_hello(struct peers *peers, struct peer *peer, struct bytes_in *in)
{
	struct wire_hello hello;

	if (peer->process || wire_unpack_hello(in, &hello) < 0)
		return false;
	peer->process = peers->sink.hello(peers->sink.arg, peer, &hello);
	wire_reset(&peer->last);
	return peer->process != NULL;
}

static bool take_sample(struct peers *peers, struct peer *peer, enum wire_kind kind,
			struct bytes_in *in)
{
	struct record rec;

	return peer->process && wire_unpack_sample(in, kind, &peer->last, &rec) == 0 &&
	       peers->sink.sample(peers->sink.arg, peer->process, &rec);
}

static bool take_message(struct peers *peers, struct peer *peer, size_t len)
{
	enum wire_kind kind = peers->message[0] & ~WIRE_ZSTD;
	struct bytes_in in;

	if (len > WIRE_MESSAGE_MAX || !open_body(peers, len, &in))
		return false;
	switch (kind) {
	case WIRE_HELLO:
		return take_hello(peers, peer, &in);
	case WIRE_SAMPLE:
	case WIRE_FULL:
		return take_sample(peers, peer, kind, &in);
	}
	return false;
}

/* Reads one peer's messages. Returns false when its connection is over. */
static bool read_peer(struct peers *peers, struct peer *peer)
{
	for (int i = 0; i < TURN; i++) {
		ssize_t n = recv(peer->fd, peers->message, sizeof(peers->message), MSG_DONTWAIT);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		if (!take_message(peers, peer, (size_t)n)) {
			peers->sink.refused(peers->sink.arg, peer->pid, "bad message");
			return false;
		}
	}
	return true;
}

void peers_drain(struct peers *peers)
{
	struct epoll_event events[256];
	size_t turns = peers->count + 1;
	int n;

	/* Bounded: peers that write faster than we read get their next turn at the next drain. */
	do {
		n = epoll_wait(peers->epoll, events, 256, 0);
		for (int i = 0; i < n; i++)
			if (!read_peer(peers, events[i].data.ptr))
				end_peer(peers, events[i].data.ptr);
		turns -= (size_t)(n > 0 ? n : 0) < turns ? (size_t)(n > 0 ? n : 0) : turns;
	} while (n > 0 && turns);
}

size_t peers_count(const struct peers *peers)
{
	return peers->count;
}

void peers_free(struct peers *peers)
{
	if (!peers)
		return;
	while (peers->first) {
		peers->first->process = NULL;
		end_peer(peers, peers->first);
	}
	if (peers->epoll >= 0)
		close(peers->epoll);
	ZSTD_freeDCtx(peers->zstd);
	free(peers);
}
