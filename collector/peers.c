/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "collector/control.h"
#include "collector/peers.h"
#include "collector/stranger.h"
#include "core/heapwire.h"

/* Messages of one peer that are read in one drain; an honest one's socket holds fewer. */
#define TURN 1024
/* Connections that are accepted before the caller's other affairs get their turn. */
#define ACCEPT_TURN 64
/* An honest sampler says hello at once: the call after connect(). */
#define SILENT_NS 10000000000u
/* Samples of one tick: the one before exit may be of the tick of the one before it. */
#define REPEATS_MAX 64

struct peers {
	struct peers_sink sink;
	int page_fd; /* borrowed */
	int epoll;   /* owned */
	size_t count;
	uint64_t numbers; /* given so far */
	uint64_t drains;
	size_t heap_room;   /* of whose turn it is: what is left of PEERS_HEAP_TURN */
	struct peer *first; /* the newest */
	struct stranger_grave grave;
	ZSTD_DCtx *zstd; /* owned: one for all, for every message stands alone */
	uint8_t message[WIRE_MESSAGE_MAX + 1];
	uint8_t unpacked[WIRE_MESSAGE_MAX];
};

int peers_new(const struct peers_sink *sink, int page_fd, struct peers **ret)
{
	struct peers *peers = calloc(1, sizeof(*peers));
	int err;

	*ret = NULL;
	if (!peers)
		return -ENOMEM;
	peers->sink = *sink;
	peers->page_fd = page_fd;
	peers->zstd = ZSTD_createDCtx();
	peers->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!peers->zstd || peers->epoll < 0) {
		err = peers->zstd ? -errno : -ENOMEM;
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

static struct peer *add_peer(struct peers *peers, const struct peer *admitted)
{
	struct peer *peer = malloc(sizeof(*peer));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};

	if (!peer || epoll_ctl(peers->epoll, EPOLL_CTL_ADD, admitted->fd, &event) < 0) {
		peers->sink.refused(peers->sink.arg, admitted->pid, "out of memory");
		free(peer);
		stranger_close(&peers->grave, admitted->fd, admitted->is_guarded);
		return NULL;
	}
	*peer = *admitted;
	peer->number = ++peers->numbers;
	peer->next = peers->first;
	if (peer->next)
		peer->next->prev = peer;
	peers->first = peer;
	peers->count++;
	send_page(peer->fd, peers->page_fd);
	return peer;
}

static struct peer *take_connection(struct peers *peers, int fd, uint64_t now_ns)
{
	struct ucred cred = {0};
	socklen_t len = sizeof(cred);
	struct peer peer = {.fd = fd, .is_guarded = stranger_is_guarded(fd), .accepted_ns = now_ns};
	const char *why = fd < 0 ? "no descriptor is left" : "no credentials";
	int err = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);

	peer.pid = cred.pid;
	peer.uid = cred.uid;
	peer.gid = cred.gid;
	if (err == 0 && peers->sink.admit(peers->sink.arg, &peer, &why))
		return add_peer(peers, &peer);
	peers->sink.refused(peers->sink.arg, peer.pid, why);
	if (fd >= 0)
		stranger_close(&peers->grave, fd, peer.is_guarded);
	return NULL;
}

int peers_accept(struct peers *peers, int listen_fd, uint64_t now_ns)
{
	for (int i = 0; i < ACCEPT_TURN; i++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0)
			take_connection(peers, fd, now_ns);
		else if (errno == EAGAIN)
			return 0;
		else if (errno != EINTR && errno != ECONNABORTED)
			return -errno;
	}
	return 1;
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
	epoll_ctl(peers->epoll, EPOLL_CTL_DEL, peer->fd, NULL);
	stranger_close(&peers->grave, peer->fd, peer->is_guarded);
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

/* Time goes on: who repeats himself without end is no sampler, and would fill our memory. */
static bool is_plausible(struct peer *peer, uint64_t before, uint64_t tick)
{
	peer->repeats = tick == before ? peer->repeats + 1 : 0;
	return tick >= before && peer->repeats <= REPEATS_MAX;
}

static bool take_sample(struct peers *peers, struct peer *peer, enum wire_kind kind,
			struct bytes_in *in)
{
	uint64_t before = peer->last.tick;
	struct record rec;

	return peer->process && wire_unpack_sample(in, kind, &peer->last, &rec) == 0 &&
	       is_plausible(peer, before, rec.tick) &&
	       peers->sink.sample(peers->sink.arg, peer->process, &rec);
}

static bool take_heap(struct peers *peers, const struct peer *peer, enum wire_kind kind,
		      struct bytes_in in)
{
	size_t len = bytes_left(&in);

	peers->heap_room -= len < peers->heap_room ? len : peers->heap_room;
	return peer->process && heapwire_is_sound(kind, in) &&
	       peers->sink.heap(peers->sink.arg, peer, kind, in.p, len);
}

static bool take_message(struct peers *peers, struct peer *peer, size_t len)
{
	enum wire_kind kind = peers->message[0] & ~WIRE_ZSTD;
	struct bytes_in in;

	if (len == 0 || len > WIRE_MESSAGE_MAX || !open_body(peers, len, &in))
		return false;
	switch (kind) {
	case WIRE_HELLO:
		return take_hello(peers, peer, &in);
	case WIRE_SAMPLE:
	case WIRE_FULL:
		return take_sample(peers, peer, kind, &in);
	case WIRE_MODULES:
	case WIRE_MODULES_MORE:
	case WIRE_STACKS:
	case WIRE_HEAP:
		return take_heap(peers, peer, kind, in);
	}
	return false;
}

static void refuse_message(struct peers *peers, const struct peer *peer)
{
	/* A run in a run looks for mstatd where it finds us. */
	if (!control_is_request(peers->message[0]))
		peers->sink.refused(peers->sink.arg, peer->pid, "bad message");
}

void peers_adopt(struct peers *peers, int fd, const uint8_t *message, size_t len, uint64_t now_ns)
{
	struct peer *peer = take_connection(peers, fd, now_ns);

	if (!peer)
		return;
	len = len < sizeof(peers->message) ? len : sizeof(peers->message);
	memcpy(peers->message, message, len);
	if (take_message(peers, peer, len))
		return;
	refuse_message(peers, peer);
	end_peer(peers, peer);
}

enum turn { TURN_OVER, TURN_CUT, TURN_ENDED };

/* Reads one peer's messages. */
static enum turn read_peer(struct peers *peers, struct peer *peer)
{
	peers->heap_room = PEERS_HEAP_TURN;
	for (int i = 0; i < TURN && peers->heap_room; i++) {
		ssize_t n = stranger_receive(peer->fd, peer->is_guarded, peers->message,
					     sizeof(peers->message));

		/* Reset: it died before it had read the page. Told once, before what it had sent. */
		if (n < 0 && (errno == EINTR || errno == ECONNRESET))
			continue;
		if (n <= 0)
			return n < 0 && errno == EAGAIN ? TURN_OVER : TURN_ENDED;
		if (!take_message(peers, peer, (size_t)n)) {
			refuse_message(peers, peer);
			return TURN_ENDED;
		}
	}
	return TURN_CUT;
}

/*
 * They hold descriptors, and count among those who share the budgets. Under load what one has said may
 * not have been read for long: those who have not had their turn in this drain are left.
 */
static void end_silent(struct peers *peers, uint64_t now_ns, bool all)
{
	for (struct peer *peer = peers->first, *next; peer; peer = next) {
		next = peer->next;
		if (peer->process || now_ns - peer->accepted_ns < SILENT_NS)
			continue;
		if (!all && peer->drained != peers->drains)
			continue;
		peers->sink.refused(peers->sink.arg, peer->pid, "said nothing");
		end_peer(peers, peer);
	}
}

/* CPU time: where the tree leaves us little of it, little would be read for a wall clock's budget. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Gives their turn to the next few. Returns false where nobody is left who has something to say. */
static bool drain_some(struct peers *peers, bool *all, bool *again)
{
	struct epoll_event events[8];
	int n = epoll_wait(peers->epoll, events, 8, 0);

	for (int i = 0; i < n; i++) {
		struct peer *peer = events[i].data.ptr;
		enum turn turn;

		if (peer->drained == peers->drains) {
			*again = true;
			continue;
		}
		peer->drained = peers->drains;
		turn = read_peer(peers, peer);
		if (turn == TURN_CUT)
			*all = false;
		else if (turn == TURN_ENDED)
			end_peer(peers, peer);
	}
	return n > 0;
}

bool peers_drain(struct peers *peers, uint64_t now_ns, uint64_t budget_ns)
{
	uint64_t end_ns = cpu_ns() + budget_ns;
	bool all = true;
	bool again = false;

	peers->drains++;
	stranger_tend(&peers->grave);
	/* The kernel's list is a queue: who comes up again has been behind all others. */
	while (!again && cpu_ns() < end_ns) {
		if (drain_some(peers, &all, &again))
			continue;
		end_silent(peers, now_ns, true);
		return all;
	}
	end_silent(peers, now_ns, false);
	return all && again;
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
	stranger_done(&peers->grave);
	if (peers->epoll >= 0)
		close(peers->epoll);
	ZSTD_freeDCtx(peers->zstd);
	free(peers);
}
