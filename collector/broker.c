/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "collector/broker.h"
#include "collector/control.h"
#include "collector/lifequeue.h"
#include "core/bytes.h"

#define ANSWER_MS 1000
/* The first answer: its socket may have just begun to start it, on a busy machine. */
#define HELLO_MS 10000
/* It may be put off to the next second. */
#define LIST_MS	 5000
#define PLACE_MS 10000
#define ASK_MS	 100
#define WHY_MAX	 200
/* What is told between two takes: as much as the kernel's own queue may hold. */
#define QUEUE_MAX LIFECYCLE_QUEUE_MAX

struct broker {
	struct lifecycle lifecycle; /* first */
	int fd;			    /* owned; -1: it is gone */
	uint64_t flags;		    /* enum control_flag */
	uint64_t asked, answered;   /* numbers of settle()'s questions */
	char why[WHY_MAX];	    /* not all is told: why */
	struct lifequeue queue;
	struct lifecycle_losses losses; /* as it said when it answered */
	uint64_t queue_lost;
	uint8_t buf[CONTROL_MAX];
};

static void lose(struct broker *b)
{
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

static int send_number(struct broker *b, enum control_kind kind, uint64_t number)
{
	struct control_message message = {.kind = (uint8_t)kind, .number = number};
	int err = b->fd < 0 ? -ECONNRESET : control_send(b->fd, &message, -1);

	if (err < 0)
		lose(b);
	return err;
}

static void push(void *arg, const struct life_event *event)
{
	struct broker *b = arg;

	if (!lifequeue_push(&b->queue, event, QUEUE_MAX))
		b->queue_lost++;
}

/* What may come at any time. Returns false where it is an answer. */
static bool take_news(struct broker *b, const struct control_message *message)
{
	if (message->kind == CONTROL_LIVES) {
		if (lifequeue_unpack(message->bytes, message->len, push, b) < 0)
			lose(b);
		return true;
	}
	if (message->kind != CONTROL_SETTLED)
		return false;
	b->answered = message->number;
	if (message->len == sizeof(b->losses))
		memcpy(&b->losses, message->bytes, sizeof(b->losses));
	return true;
}

static int now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int)(ts.tv_sec % 1000000) * 1000 + (int)(ts.tv_nsec / 1000000);
}

/* The next message, when it is there within the time. One that cannot be read is the last. */
static int receive(struct broker *b, int timeout_ms, struct control_message *ret)
{
	int err = b->fd < 0 ? -ECONNRESET : control_receive(b->fd, b->buf, timeout_ms, ret, NULL);

	if (err < 0 && err != -EAGAIN && err != -ETIMEDOUT)
		lose(b);
	return err;
}

/* The answer of that kind; what comes before it is taken in. */
static int wait_for(struct broker *b, enum control_kind kind, int timeout_ms,
		    struct control_message *ret)
{
	int end_ms = now_ms() + timeout_ms;

	for (;;) {
		int left_ms = end_ms - now_ms();
		int err = receive(b, left_ms > 0 ? left_ms : 0, ret);

		if (err < 0)
			return err;
		/* An answer that came too late for its question is passed over. */
		if (!take_news(b, ret) && ret->kind == kind)
			return 0;
	}
}

/* ---- as a source of life events ---------------------------------------------------------------- */

static bool has(const struct broker *b, enum control_flag flag, const char **ret_why)
{
	if (ret_why)
		*ret_why = b->fd < 0 ? "mstatd is gone" : b->why;
	return b->fd >= 0 && b->flags & flag;
}

static bool has_events(const struct lifecycle *l, const char **ret_why)
{
	return has((const struct broker *)l, CONTROL_HAS_EVENTS, ret_why);
}

static bool has_records(const struct lifecycle *l, const char **ret_why)
{
	return has((const struct broker *)l, CONTROL_HAS_RECORDS, ret_why);
}

static bool marks_last(const struct lifecycle *l)
{
	return ((const struct broker *)l)->flags & CONTROL_MARKS_LAST;
}

static void take(struct lifecycle *l, void (*on_event)(void *arg, const struct life_event *event),
		 void *arg)
{
	struct broker *b = (struct broker *)l;
	struct control_message message;

	while (receive(b, 0, &message) == 0)
		take_news(b, &message);
	lifequeue_take(&b->queue, on_event, arg);
}

static bool settle(struct lifecycle *l, unsigned timeout_ms)
{
	struct broker *b = (struct broker *)l;
	struct control_message message;
	int end_ms = now_ms() + (int)timeout_ms;
	uint64_t question = ++b->asked;
	int left_ms = (int)timeout_ms;

	if (send_number(b, CONTROL_SETTLE, question) < 0)
		return false;
	while (b->answered < question && left_ms >= 0 && receive(b, left_ms, &message) == 0) {
		take_news(b, &message);
		left_ms = end_ms - now_ms();
	}
	return b->answered >= question;
}

static void losses(struct lifecycle *l, struct lifecycle_losses *ret)
{
	const struct broker *b = (const struct broker *)l;

	*ret = b->losses;
	ret->queue += b->queue_lost;
}

/* It ends with the broker. */
static void end(struct lifecycle *l)
{
	(void)l;
}

static const struct lifecycle_source from_broker = {
	has_events, has_records, marks_last, take, settle, losses, end,
};

struct lifecycle *broker_lives(struct broker *broker)
{
	return &broker->lifecycle;
}

/* ---- connecting -------------------------------------------------------------------------------- */

/* Whoever listens could tell us lies, and learns what we run. */
static bool is_trusted(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	       (cred.uid == 0 || cred.uid == geteuid());
}

static int connect_to(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = 1};
	int fd, err;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Of connecting, too: unix(7) does not say so, but a full backlog is waited for as long. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	err = connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
	if (err == 0 && is_trusted(fd))
		return fd;
	close(fd);
	return err < 0 ? err : -EPERM;
}

static int say_hello(struct broker *b, char *why, size_t size)
{
	struct control_message answer;
	int err = send_number(b, CONTROL_OPEN, CONTROL_VERSION);

	if (err == 0)
		err = wait_for(b, CONTROL_OPENED, HELLO_MS, &answer);
	if (err < 0) {
		snprintf(why, size, "mstatd does not answer: %s", strerror(-err));
		return err;
	}
	b->flags = answer.number;
	snprintf(b->why, sizeof(b->why), "%.*s", (int)(answer.len < WHY_MAX ? answer.len : WHY_MAX),
		 (const char *)answer.bytes);
	if (b->flags & CONTROL_IS_OPEN)
		return 0;
	snprintf(why, size, "mstatd refuses: %s", b->why);
	return -EACCES;
}

int broker_adopt(int fd, struct broker **ret, char *why, size_t size)
{
	struct broker *b = calloc(1, sizeof(*b));
	int err;

	*ret = NULL;
	if (!b) {
		close(fd);
		snprintf(why, size, "out of memory");
		return -ENOMEM;
	}
	b->lifecycle.source = &from_broker;
	b->fd = fd;
	err = say_hello(b, why, size);
	if (err < 0)
		broker_free(b);
	else
		*ret = b;
	return err;
}

static int try_path(const char *path, struct broker **ret, char *why, size_t size)
{
	int fd = connect_to(path);

	if (fd >= 0)
		return broker_adopt(fd, ret, why, size);
	snprintf(why, size, "no mstatd at %s: %s", path,
		 fd == -EPERM ? "who listens is another user" : strerror(-fd));
	return fd;
}

int broker_open(const char *path, struct broker **ret, char *why, size_t size)
{
	char other[WHY_MAX];
	int err;

	*ret = NULL;
	if (path)
		return try_path(path, ret, why, size);
	path = getenv("MSTAT_SOCKET");
	if (!path || !*path)
		return try_path(CONTROL_SOCKET, ret, why, size);
	/* In a run of mstat it is that one's socket, where no such question is answered. */
	err = try_path(path, ret, why, size);
	return err == 0 ? 0 : try_path(CONTROL_SOCKET, ret, other, sizeof(other));
}

/* ---- what is asked ----------------------------------------------------------------------------- */

bool broker_may_place(const struct broker *broker)
{
	return broker->flags & CONTROL_MAY_PLACE;
}

int broker_place(struct broker *broker, char *why, size_t size)
{
	struct control_message answer;
	int err = send_number(broker, CONTROL_PLACE, 0);

	if (err == 0)
		err = wait_for(broker, CONTROL_PLACED, PLACE_MS, &answer);
	if (err < 0)
		snprintf(why, size, "mstatd does not answer: %s", strerror(-err));
	else if (answer.number)
		snprintf(why, size, "%.*s", (int)(answer.len < size ? answer.len : size),
			 (const char *)answer.bytes);
	return err < 0 ? err : answer.number ? -EACCES : 0;
}

int broker_follow(struct broker *broker)
{
	struct control_message answer;
	int err = send_number(broker, CONTROL_FOLLOW, 0);

	if (err == 0)
		err = wait_for(broker, CONTROL_FOLLOWED, ANSWER_MS, &answer);
	return err < 0 ? err : answer.number > 4095 ? -EBADMSG : -(int)answer.number;
}

int broker_ask(struct broker *broker, pid_t pid, uint8_t *buf, size_t size, size_t ret_len[2])
{
	struct control_message answer;
	struct bytes_in in;
	int err = send_number(broker, CONTROL_ASK, (uint64_t)pid);

	if (err == 0)
		err = wait_for(broker, CONTROL_ASKED, ASK_MS, &answer);
	if (err < 0 || answer.number)
		return err < 0 ? err : answer.number > 4095 ? -EBADMSG : -(int)answer.number;
	in = (struct bytes_in){answer.bytes, answer.bytes + answer.len, false};
	for (int i = 0; i < 2; i++) {
		const uint8_t *reply = bytes_get_blob(&in, &ret_len[i]);

		if (in.bad || ret_len[i] > size)
			return -EBADMSG;
		memcpy(buf, reply, ret_len[i]);
		buf += ret_len[i];
		size -= ret_len[i];
	}
	return 0;
}

int broker_list(struct broker *broker, void (*on_text)(void *arg, const char *text, size_t len),
		void *arg)
{
	struct control_message answer;
	int err = send_number(broker, CONTROL_LIST, 0);

	do {
		if (err == 0)
			err = wait_for(broker, CONTROL_LISTED, LIST_MS, &answer);
		if (err == 0)
			on_text(arg, (const char *)answer.bytes, answer.len);
	} while (err == 0 && answer.number);
	return err;
}

/* The descriptor that the answer brings; what else comes before it is taken in. */
static int ask_for_file(struct broker *broker, const struct control_message *question)
{
	struct control_message answer = {0};
	int err = broker->fd < 0 ? -ECONNRESET : control_send(broker->fd, question, -1);
	int fd = -1;

	do {
		/* What was not to be understood has ended the connection. */
		if (err == 0)
			err = broker->fd < 0 ? -ECONNRESET
					     : control_receive(broker->fd, broker->buf, ANSWER_MS,
							       &answer, &fd);
	} while (err == 0 && take_news(broker, &answer));
	if (err == 0 && (answer.kind != CONTROL_READING || answer.number > 4095 ||
			 (answer.number == 0) != (fd >= 0)))
		err = -EBADMSG;
	if (err == 0)
		return answer.number ? -(int)answer.number : fd;
	if (fd >= 0)
		close(fd);
	return err;
}

int broker_read(struct broker *broker, const char *name)
{
	return ask_for_file(broker, &(struct control_message){CONTROL_READ, 0,
							      (const uint8_t *)name, strlen(name)});
}

int broker_more(struct broker *broker)
{
	return ask_for_file(broker, &(struct control_message){.kind = CONTROL_MORE});
}

bool broker_is_gone(const struct broker *broker)
{
	return broker->fd < 0;
}

void broker_free(struct broker *broker)
{
	if (!broker)
		return;
	lose(broker);
	lifequeue_done(&broker->queue);
	free(broker);
}
