/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "collector/broker.h"
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

static ssize_t ask_raw(struct proxy *proxy, uint8_t *buf, enum source source, pid_t pid)
{
	size_t len = taskstats_pack_get(buf, (uint16_t)proxy->family, ++proxy->seq, source,
					(uint32_t)pid);

	return ask(proxy, buf, len);
}

static int ask_form(struct proxy *proxy, uint8_t *buf, enum source source, pid_t pid,
		    struct record *rec)
{
	ssize_t n = ask_raw(proxy, buf, source, pid);

	if (n >= 0)
		n = taskstats_unpack(buf, (size_t)n, source, rec);
	if (n < 0)
		record_drop(rec, source, n == -EPERM ? REASON_DENIED : REASON_FAILED);
	return (int)n;
}

/* One that does not answer is not asked again. */
static void ask_broker(struct proxy *proxy, pid_t pid, struct record *rec)
{
	static const enum source sources[] = {SOURCE_COLLECTOR_PID, SOURCE_COLLECTOR_TGID};
	uint8_t buf[2 * TASKSTATS_REPLY_MAX];
	const uint8_t *reply = buf;
	size_t len[2] = {0};
	int err = broker_ask(proxy->broker, pid, buf, sizeof(buf), len);

	if (err == -ETIMEDOUT || broker_is_gone(proxy->broker))
		proxy->broker = NULL;
	for (int i = 0; i < 2; i++) {
		int ret = err ? err : taskstats_unpack(reply, len[i], sources[i], rec);

		if (ret < 0)
			record_drop(rec, sources[i], ret == -EPERM ? REASON_DENIED : REASON_FAILED);
		reply += len[i];
	}
}

void proxy_ask(struct proxy *proxy, pid_t pid, struct record *rec)
{
	uint8_t buf[TASKSTATS_REPLY_MAX];

	if (proxy->family == 0)
		proxy->family = find_family(proxy, buf);
	if (proxy->family > 0 && ask_form(proxy, buf, SOURCE_COLLECTOR_PID, pid, rec) == -EPERM)
		proxy->family = -EPERM;
	if (proxy->family == -EPERM && proxy->broker) {
		ask_broker(proxy, pid, rec);
		return;
	}
	if (proxy->family < 0) {
		enum reason reason = proxy->family == -EPERM ? REASON_DENIED : REASON_ABSENT;

		record_drop(rec, SOURCE_COLLECTOR_PID, reason);
		record_drop(rec, SOURCE_COLLECTOR_TGID, reason);
		return;
	}
	ask_form(proxy, buf, SOURCE_COLLECTOR_TGID, pid, rec);
}

int proxy_ask_raw(struct proxy *proxy, pid_t pid, uint8_t *buf, size_t ret_len[2])
{
	static const enum source sources[] = {SOURCE_COLLECTOR_PID, SOURCE_COLLECTOR_TGID};

	if (proxy->family == 0)
		proxy->family = find_family(proxy, buf);
	if (proxy->family < 0)
		return proxy->family;
	for (int i = 0; i < 2; i++) {
		ssize_t n = ask_raw(proxy, buf, sources[i], pid);

		if (n < 0)
			return (int)n;
		ret_len[i] = (size_t)n;
		buf += n;
	}
	return 0;
}

void proxy_done(struct proxy *proxy)
{
	if (proxy->fd >= 0)
		close(proxy->fd);
	proxy->fd = -1;
}
