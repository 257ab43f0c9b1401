/* SPDX-License-Identifier: ISC */
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "core/parse.h"
#include "core/tick.h"
#include "preload/link.h"
#include "preload/procfs.h"
#include "preload/sys.h"

/* The collector drains ten times a second; two periods of unread samples are as much as may lie in
 * the socket, for they are charged to the target. A small message takes 768 bytes there. */
#define MESSAGE_CHARGE 1024u
#define SNDBUF_MIN     16384u
/* Where a heap is told of: 50,000 stacks are 3 MiB, which are to arrive within some seconds. */
#define SNDBUF_HEAP 196608u
/*
 * Before the collector has accepted us (then its page comes), a fortieth of a second must do, and at
 * least a hello and seven samples. What a process leaves to a collector that is stopped stays, and is
 * charged, after its own end, for each of 4096 processes that its queue holds: with the whole room 400
 * short lives at 1000 Hz, or 1500 at 100 Hz, held 64 MiB.
 */
#define SNDBUF_UNHEARD 8192u

/* Between two looks for a collector that has gone; each twice as long as the one before. */
#define PAUSE_MIN_NS 200000000u
#define PAUSE_MAX_NS 30000000000u

/* Room for hello's compression, mapped for that moment only: text, packed and compressed message,
 * and what ZSTD_estimateCCtxSize_usingCParams() says for the parameters below (36,580 bytes). */
struct hello_room {
	char comm[256];
	char exe[WIRE_EXE_MAX];
	char argv[WIRE_ARGV_MAX];
	uint8_t packed[WIRE_MESSAGE_MAX];
	uint8_t sent[WIRE_MESSAGE_MAX];
	_Alignas(64) uint8_t zstd[65536];
};
#define ZSTD_LEVEL 1
#define ZSTD_LOGS  10 /* windowLog, hashLog */
/* A shorter one is sent as it is: compressing took 25 to 30 us, mostly the first use of its pages,
 * to save at most 200 bytes of a buffer that is charged as 768 or more in any case. */
#define ZSTD_FROM 512

/* The listener's credentials: SO_PEERCRED tells those of the one who called listen(). */
static int check_listener(int fd)
{
	struct {
		int32_t pid;
		uint32_t uid, gid;
	} cred;
	uint32_t len = sizeof(cred);
	long ret = sys_5(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);

	if (ret < 0)
		return (int)ret;
	return cred.uid == 0 || cred.uid == (uint32_t)sys_0(SYS_geteuid) ? 0 : -EPERM;
}

static int try_connect(int fd, const char *name, bool abstract)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t n = 0;

	/* The abstract twin: a zero byte, and the path's last part. */
	for (const char *p = name; *p && abstract; p++)
		if (*p == '/')
			name = p + 1;
	for (; name[n] && n < sizeof(addr.sun_path) - 2; n++)
		addr.sun_path[n + abstract] = name[n];
	return (int)sys_3(SYS_connect, fd, &addr,
			  offsetof(struct sockaddr_un, sun_path) + n + (abstract ? 1u : 0u));
}

static uint32_t at_least(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static void set_room(int fd, uint32_t room)
{
	room /= 2; /* the kernel doubles it: socket(7) */
	sys_5(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
}

static int connect_to(const struct sampler_config *config)
{
	int fd = (int)sys_3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ret;

	if (fd < 0)
		return fd;
	set_room(fd, at_least(config->freq * MESSAGE_CHARGE / 40, SNDBUF_UNHEARD));
	ret = try_connect(fd, config->socket, false);
	/* -EAGAIN: it is there, and has more callers than it can take at once. */
	if (ret < 0 && ret != -EAGAIN)
		ret = try_connect(fd, config->socket, true);
	if (ret == 0)
		ret = check_listener(fd);
	if (ret == 0)
		return fd;
	sys_1(SYS_close, fd);
	return ret;
}

/* The hello's body as a zstd frame, by a static context: zstd never allocates. 0: did not work. */
static size_t compress(struct hello_room *room, size_t len)
{
	ZSTD_CCtx *cctx = ZSTD_initStaticCCtx(room->zstd, sizeof(room->zstd));
	size_t n;

	if (!cctx)
		return 0;
	ZSTD_CCtx_setParameter(cctx, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	ZSTD_CCtx_setParameter(cctx, ZSTD_c_windowLog, ZSTD_LOGS);
	ZSTD_CCtx_setParameter(cctx, ZSTD_c_hashLog, ZSTD_LOGS);
	n = ZSTD_compress2(cctx, room->sent + 1, sizeof(room->sent) - 1, room->packed, len);
	return ZSTD_isError(n) ? 0 : n;
}

static size_t slurp(const char *path, char *buf, size_t size)
{
	long n = procfs_slurp(path, buf, size);

	return n > 0 ? (size_t)n : 0;
}

/* What /proc/self/stat begins with is enough: comm, parent, and start time (words 2, 4, 22). */
static void ask_stat(struct hello_room *room, struct wire_hello *hello)
{
	char text[512];
	size_t len = slurp("/proc/self/stat", text, sizeof(text));
	const char *comm = parse_comm(text, len, &hello->comm_len);

	hello->ppid = (uint32_t)parse_word(text, len, 4);
	hello->start_ticks = parse_word(text, len, 22);
	if (hello->comm_len > WIRE_COMM_MAX)
		hello->comm_len = WIRE_COMM_MAX;
	__builtin_memcpy(room->comm, comm, hello->comm_len);
	hello->comm = room->comm;
}

static size_t pack_hello(struct hello_room *room, const struct sampler_config *config)
{
	struct wire_hello hello = {
		.version = WIRE_VERSION,
		.flags = config->hello_flags,
		.pid = (uint32_t)sys_0(SYS_getpid),
		.uid = (uint32_t)sys_0(SYS_geteuid),
		.gid = (uint32_t)sys_0(SYS_getegid),
		.freq = config->freq,
		.exe = room->exe,
		.argv = room->argv,
		.time_ns = sys_clock_ns(CLOCK_MONOTONIC),
	};
	struct bytes_out out = {room->packed, room->packed + sizeof(room->packed), false};
	long n = sys_4(SYS_readlinkat, AT_FDCWD, "/proc/thread-self/exe", room->exe,
		       sizeof(room->exe));

	ask_stat(room, &hello);
	hello.exe_len = n > 0 ? (size_t)n : 0;
	hello.argv_len = slurp("/proc/thread-self/cmdline", room->argv, sizeof(room->argv));
	wire_pack_hello(&out, &hello);
	return out.full ? 0 : (size_t)(out.p - room->packed);
}

static long send_hello(struct link *link, struct hello_room *room,
		       const struct sampler_config *config)
{
	size_t len = pack_hello(room, config);
	size_t small = len >= ZSTD_FROM ? compress(room, len) : 0;

	if (len == 0)
		return -EMSGSIZE;
	if (small > 0 && small < len) {
		room->sent[0] = WIRE_HELLO | WIRE_ZSTD;
		len = small;
	} else {
		room->sent[0] = WIRE_HELLO;
		__builtin_memcpy(room->sent + 1, room->packed, len);
	}
	return sys_6(SYS_sendto, link->fd, room->sent, len + 1, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
}

int link_open(struct link *link, const struct sampler_config *config)
{
	long room;
	long ret;

	link->page = -1;
	link->sent = 0;
	link->dropped = 0;
	link->room = at_least(config->freq / 5 * MESSAGE_CHARGE, SNDBUF_MIN);
	link->fd = connect_to(config);
	if (link->fd < 0)
		return link->fd;
	room = sys_6(SYS_mmap, 0, sizeof(struct hello_room), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room < 0 && room > -4096) {
		sys_1(SYS_close, link->fd);
		/* Not what it says (-EAGAIN under mlockall(2)): that would mean to come again. */
		return -ENOMEM;
	}
	ret = send_hello(link, (struct hello_room *)room, config);
	sys_2(SYS_munmap, room, sizeof(struct hello_room));
	wire_reset(&link->last);
	link->is_fresh = true;
	if (ret < 0)
		sys_1(SYS_close, link->fd);
	return ret < 0 ? (int)ret : 0;
}

bool link_is_gone(int error)
{
	return error == -EPIPE || error == -ECONNRESET;
}

/* Not all at the same time: each has its place in the second half of the pause. */
static void plan_return(struct link *link, uint64_t now_ns)
{
	uint64_t half = link->pause_ns / 2;

	link->retry_ns = now_ns + half + (uint64_t)sys_0(SYS_getpid) * half / 97 % half;
}

static void longer_pause(struct link *link)
{
	link->pause_ns *= 2;
	if (link->pause_ns > PAUSE_MAX_NS)
		link->pause_ns = PAUSE_MAX_NS;
}

void link_leave(struct link *link, uint64_t now_ns)
{
	if (link->fd >= 0)
		sys_1(SYS_close, link->fd);
	/* Who hangs up at once has too many: he is not asked as soon again as one who was there. */
	if (link->page >= 0 || link->pause_ns < PAUSE_MIN_NS || link->pause_ns > PAUSE_MAX_NS)
		link->pause_ns = PAUSE_MIN_NS;
	else
		longer_pause(link);
	if (link->page >= 0)
		sys_1(SYS_close, link->page);
	link->fd = link->page = -1;
	plan_return(link, now_ns);
}

void link_return(struct link *link, const struct sampler_config *config, uint64_t now_ns)
{
	uint64_t dropped = link->dropped;

	if (link->fd >= 0 || now_ns < link->retry_ns)
		return;
	if (link_open(link, config) < 0) {
		link->fd = -1;
		longer_pause(link);
		plan_return(link, now_ns);
	}
	link->dropped = dropped;
}

/* It is there, but has no room now. */
static bool is_full(long error)
{
	return error == -EAGAIN || error == -ENOBUFS || error == -ENOMEM || error == -EINTR;
}

/*
 * send() tells fullness itself: a packet goes whole or not at all, and -EAGAIN came at the very point
 * where SIOCOUTQ had reached SO_SNDBUF, for packets of 20 to 1620 bytes. Asking first would be one more
 * call at each tick (0.26 us), and its answer old when it is used.
 */
int link_send(struct link *link, struct record *now)
{
	struct bytes_out out = {link->message, link->message + sizeof(link->message), false};
	bool full = link->sent % WIRE_FULL_EVERY == 0;
	long n;

	if (full)
		wire_reset(&link->last);
	now->dropped = link->dropped;
	bytes_put_u8(&out, full ? WIRE_FULL : WIRE_SAMPLE);
	wire_pack_sample(&out, now, &link->last);
	if (out.full || link->fd < 0)
		n = -EAGAIN;
	else
		n = sys_6(SYS_sendto, link->fd, link->message, out.p - link->message,
			  MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
	if (n >= 0) {
		wire_advance(&link->last, now);
		link->sent++;
		link->dropped = 0;
		return 0;
	}
	link->dropped++;
	return is_full(n) ? 0 : (int)n;
}

int link_send_raw(struct link *link, const void *message, size_t len)
{
	long n = -EAGAIN;

	if (link->fd >= 0)
		n = sys_6(SYS_sendto, link->fd, message, len, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
	link->others += n >= 0;
	return n >= 0 ? 0 : is_full(n) ? -EAGAIN : (int)n;
}

uint64_t link_unread(const struct link *link)
{
	int32_t n = 0;

	if (link->fd >= 0)
		sys_3(SYS_ioctl, link->fd, SIOCOUTQ, &n);
	return n > 0 ? (uint64_t)n : 0;
}

/* Takes the page's descriptor off the socket when it has come. */
static void take_page(struct link *link)
{
	uint8_t byte;
	struct iovec iov = {&byte, 1};
	union {
		struct cmsghdr head;
		uint8_t space[CMSG_SPACE(sizeof(int))];
	} control = {.space = {0}};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	if (sys_3(SYS_recvmsg, link->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0 ||
	    msg.msg_controllen < CMSG_LEN(sizeof(int)) || control.head.cmsg_level != SOL_SOCKET ||
	    control.head.cmsg_type != SCM_RIGHTS)
		return;
	__builtin_memcpy(&link->page, CMSG_DATA(&control.head), sizeof(int));
	set_room(link->fd, link->room + (sampler_heap ? SNDBUF_HEAP : 0));
}

struct page link_page(struct link *link)
{
	struct page page = {0};

	if (link->page < 0 && link->fd >= 0)
		take_page(link);
	if (link->page >= 0)
		sys_4(SYS_pread64, link->page, &page, sizeof(page), 0);
	return page;
}
