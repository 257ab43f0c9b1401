/* SPDX-License-Identifier: ISC */
/*
 * All that one who says that he is mstatd may answer: messages, each after its length in two bytes,
 * which lie in the socket before anything is asked; then he hangs up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/broker.h"
#include "collector/control.h"
#include "core/taskstats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sum(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	unsigned all = 0;

	for (size_t i = 0; i < len; i++)
		all += p[i];
	__asm__ volatile("" : : "r"(all));
}

static void on_event(void *arg, const struct life_event *event)
{
	(void)arg;
	if (event->kind > LIFE_RECORD)
		__builtin_trap();
	if (event->record)
		sum(event->record->bytes, event->record->len);
	if (event->name)
		sum(event->name->argv, event->name->argv_len);
}

static void on_text(void *arg, const char *text, size_t len)
{
	(void)arg;
	sum(text, len);
}

static void ask(struct broker *broker)
{
	uint8_t replies[2 * TASKSTATS_REPLY_MAX];
	size_t len[2];
	int err = broker_ask(broker, 1, replies, sizeof(replies), len);

	if (err > 0)
		__builtin_trap();
	if (err == 0)
		sum(replies, len[0] + len[1]);
}

static void use(struct broker *broker)
{
	struct lifecycle *lives = broker_lives(broker);
	struct lifecycle_losses losses;
	const char *why;
	char text[64];

	if (broker_follow(broker) > 0 || broker_place(broker, text, sizeof(text)) > 0)
		__builtin_trap();
	if (lifecycle_has_events(lives, &why) && lifecycle_has_records(lives, &why))
		sum(why, strlen(why));
	ask(broker);
	broker_list(broker, on_text, NULL);
	/* No descriptor came along. */
	if (broker_read(broker, "name") >= 0)
		__builtin_trap();
	lifecycle_settle(lives, 1);
	lifecycle_take(lives, on_event, NULL);
	lifecycle_losses(lives, &losses);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct broker *broker;
	char why[64];
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		abort();
	while (size > 2) {
		size_t len = (size_t)data[0] | (size_t)data[1] << 8;

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		if (send(ends[0], data, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
		data += len;
		size -= len;
	}
	/* He takes all questions, and answers no more. */
	shutdown(ends[0], SHUT_WR);
	if (broker_adopt(ends[1], &broker, why, sizeof(why)) == 0)
		use(broker);
	broker_free(broker);
	close(ends[0]);
	return 0;
}
