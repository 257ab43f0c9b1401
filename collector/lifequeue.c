/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "collector/lifequeue.h"

/* The first room, and what an emptied queue keeps: some hundred processes' worth. */
#define ROOM_MIN  ((size_t)256 << 10)
#define ROOM_KEPT ((size_t)4 << 20)

/* What stands in the queue; behind it, for LIFE_RECORD, the record's head and bytes. */
struct entry {
	uint64_t time_ns;
	uint32_t size; /* with what is behind it; a multiple of 8 */
	uint32_t kind;
	int32_t pid;
	int32_t parent;
	int32_t status;
	uint32_t unused;
};

#define RECORD_HEAD offsetof(struct taskstats_exit, bytes)

static bool make_room(struct lifequeue *queue, size_t size, size_t limit)
{
	size_t want = queue->used + size;
	size_t room = queue->room;
	uint8_t *bytes;

	if (want > limit)
		return false;
	if (want <= room)
		return true;
	while (room < want)
		room = room ? 2 * room : ROOM_MIN;
	bytes = realloc(queue->bytes, room);
	if (!bytes)
		return false;
	queue->bytes = bytes;
	queue->room = room;
	return true;
}

bool lifequeue_push(struct lifequeue *queue, const struct life_event *event, size_t limit)
{
	size_t tail = event->record ? RECORD_HEAD + event->record->len : 0;
	size_t size = (sizeof(struct entry) + tail + 7) & ~(size_t)7;
	struct entry entry = {
		.time_ns = event->time_ns,
		.size = (uint32_t)size,
		.kind = event->kind,
		.pid = event->pid,
		.parent = event->parent,
		.status = event->status,
	};

	if (!make_room(queue, size, limit))
		return false;
	memcpy(queue->bytes + queue->used, &entry, sizeof(entry));
	if (tail)
		memcpy(queue->bytes + queue->used + sizeof(entry), event->record, tail);
	queue->used += size;
	return true;
}

void lifequeue_take(struct lifequeue *queue,
		    void (*on_event)(void *arg, const struct life_event *event), void *arg)
{
	struct taskstats_exit record;
	struct entry entry;

	for (size_t at = 0; at < queue->used; at += entry.size) {
		struct life_event event;
		const uint8_t *tail = queue->bytes + at + sizeof(entry);

		memcpy(&entry, queue->bytes + at, sizeof(entry));
		event = (struct life_event){
			.kind = entry.kind,
			.time_ns = entry.time_ns,
			.pid = entry.pid,
			.parent = entry.parent,
			.status = entry.status,
		};
		if (event.kind == LIFE_RECORD) {
			memcpy(&record, tail, RECORD_HEAD);
			memcpy(record.bytes, tail + RECORD_HEAD, record.len);
			event.record = &record;
		}
		on_event(arg, &event);
	}
	queue->used = 0;
	if (queue->room > ROOM_KEPT)
		lifequeue_done(queue);
}

void lifequeue_done(struct lifequeue *queue)
{
	free(queue->bytes);
	*queue = (struct lifequeue){0};
}
