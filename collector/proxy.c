/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "collector/proxy.h"
#include "core/taskstats.h"

void proxy_init(struct proxy *proxy)
{
	*proxy = (struct proxy){.fd = -1};
}

/* The kernel answers before send() returns; the time limit is for what should not happen. */
static ssize_t ask(struct proxy *proxy, uint8_t *buf, size_t len)
{
	ssize_t n;

	if (send(proxy->fd, buf, len, MSG_NOSIGNAL) < 0)
		return -errno;
	/* An answer that came too late for its question is passed over. */
	do
		n = recv(proxy->fd, buf, TASKSTATS_REPLY_MAX, 0);
	while (n >= 0 && taskstats_seq(buf, (size_t)n) != proxy->seq);
	return n < 0 ? -errno : n;
}

static int find_family(struct proxy *proxy, uint8_t *buf)
{
	struct timeval limit = {.tv_usec = 100000};
	ssize_t n;

	proxy->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (proxy->fd < 0)
		return -errno;
	setsockopt(proxy->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	n = ask(proxy, buf, taskstats_pack_family(buf, ++proxy->seq));
	return n < 0 ? (int)n : taskstats_unpack_family(buf, (size_t)n);
}

static int ask_form(struct proxy *proxy, uint8_t *buf, enum source source, pid_t pid,
		    struct record *rec)
{
	size_t len = taskstats_pack_get(buf, (uint16_t)proxy->family, ++proxy->seq, source,
					(uint32_t)pid);
	ssize_t n = ask(proxy, buf, len);

	if (n >= 0)
		n = taskstats_unpack(buf, (size_t)n, source, rec);
	if (n < 0)
		record_drop(rec, source, n == -EPERM ? REASON_DENIED : REASON_FAILED);
	return (int)n;
}

void proxy_ask(struct proxy *proxy, pid_t pid, struct record *rec)
{
	uint8_t buf[TASKSTATS_REPLY_MAX];

	if (proxy->family == 0)
		proxy->family = find_family(proxy, buf);
	if (proxy->family > 0 && ask_form(proxy, buf, SOURCE_COLLECTOR_PID, pid, rec) == -EPERM)
		proxy->family = -EPERM;
	if (proxy->family < 0) {
		enum reason reason = proxy->family == -EPERM ? REASON_DENIED : REASON_ABSENT;

		record_drop(rec, SOURCE_COLLECTOR_PID, reason);
		record_drop(rec, SOURCE_COLLECTOR_TGID, reason);
		return;
	}
	ask_form(proxy, buf, SOURCE_COLLECTOR_TGID, pid, rec);
}

void proxy_done(struct proxy *proxy)
{
	if (proxy->fd >= 0)
		close(proxy->fd);
	proxy->fd = -1;
}
