/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "collector/control.h"
#include "collector/teller.h"

/* What one who does not read may have us keep. */
#define QUEUE_MAX ((size_t)2 << 20)
/* A message's bytes: room for its head. */
#define PART_MAX (CONTROL_MAX - 64)

bool teller_may_know(const struct teller *teller, pid_t pid)
{
	char path[32];
	struct stat st;

	if (teller->uid == 0)
		return true;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return stat(path, &st) == 0 && st.st_uid == teller->uid;
}

/* Its end, and nothing of what it took. */
static void push_bare(struct teller *teller, const struct life_event *event)
{
	struct taskstats_exit record = *event->record;
	struct life_event bare = *event;

	record.len = 0;
	bare.record = &record;
	if (!lifequeue_push(&teller->queue, &bare, QUEUE_MAX))
		teller->lost++;
}

void teller_tell(struct teller *teller, const struct life_event *event)
{
	struct life_event told = *event;

	if (event->kind == LIFE_RECORD && teller->uid != 0 && event->record->uid != teller->uid) {
		push_bare(teller, event);
		return;
	}
	if (event->kind == LIFE_EXEC && event->name && !teller_may_know(teller, event->pid))
		told.name = NULL;
	if (!lifequeue_push(&teller->queue, &told, QUEUE_MAX))
		teller->lost++;
}

static int answer(struct teller *teller, const struct lifecycle_losses *losses)
{
	struct lifecycle_losses all = *losses;
	struct control_message message = {CONTROL_SETTLED, teller->question, (const uint8_t *)&all,
					  sizeof(all)};
	int err;

	all.queue += teller->lost;
	all.events += teller->group.missed;
	err = control_send(teller->fd, &message, -1);
	if (err == 0)
		teller->question = 0;
	return err;
}

static int send_part(struct teller *teller)
{
	struct control_message message = {.kind = CONTROL_LIVES};
	int err;

	message.len = lifequeue_part(&teller->queue, teller->sent, PART_MAX, &message.bytes);
	if (message.len == 0)
		return -EMSGSIZE;
	err = control_send(teller->fd, &message, -1);
	if (err == 0)
		teller->sent += message.len;
	return err;
}

int teller_send(struct teller *teller, const struct lifecycle_losses *losses)
{
	int err = 0;

	while (err == 0 && teller->sent < teller->queue.used)
		err = send_part(teller);
	if (err == 0) {
		lifequeue_done(&teller->queue);
		teller->sent = 0;
	}
	if (err == 0 && teller->question)
		err = answer(teller, losses);
	return err == -EAGAIN ? 1 : err;
}

void teller_done(struct teller *teller)
{
	lifequeue_done(&teller->queue);
}
