/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/lifequeue.h"
#include "core/wire.h"

/* The first room, and what an emptied queue keeps: some hundred processes' worth. */
#define ROOM_MIN  ((size_t)256 << 10)
#define ROOM_KEPT ((size_t)4 << 20)

/* What stands in the queue; behind it the record's head and bytes, or the name's lengths and texts. */
struct entry {
	uint64_t time_ns;
	uint32_t size; /* with what is behind it; a multiple of 8 */
	uint32_t kind;
	int32_t pid;
	int32_t parent;
	int32_t status;
	uint32_t tail; /* bytes behind it, without those that make it a multiple */
};

struct name_head {
	uint32_t comm_len, exe_len, argv_len;
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

static size_t tail_size(const struct life_event *event)
{
	if (event->record)
		return RECORD_HEAD + event->record->len;
	if (event->name)
		return sizeof(struct name_head) + event->name->comm_len + event->name->exe_len +
		       event->name->argv_len;
	return 0;
}

static void put_name(uint8_t *at, const struct life_name *name)
{
	struct name_head head = {(uint32_t)name->comm_len, (uint32_t)name->exe_len,
				 (uint32_t)name->argv_len};

	memcpy(at, &head, sizeof(head));
	at += sizeof(head);
	memcpy(at, name->comm, name->comm_len);
	memcpy(at + name->comm_len, name->exe, name->exe_len);
	memcpy(at + name->comm_len + name->exe_len, name->argv, name->argv_len);
}

bool lifequeue_push(struct lifequeue *queue, const struct life_event *event, size_t limit)
{
	size_t tail = tail_size(event);
	size_t size = (sizeof(struct entry) + tail + 7) & ~(size_t)7;
	struct entry entry = {
		.time_ns = event->time_ns,
		.size = (uint32_t)size,
		.kind = event->kind,
		.pid = event->pid,
		.parent = event->parent,
		.status = event->status,
		.tail = (uint32_t)tail,
	};

	if (!make_room(queue, size, limit))
		return false;
	memset(queue->bytes + queue->used + size - 8, 0, 8);
	memcpy(queue->bytes + queue->used, &entry, sizeof(entry));
	if (event->record)
		memcpy(queue->bytes + queue->used + sizeof(entry), event->record, tail);
	else if (event->name)
		put_name(queue->bytes + queue->used + sizeof(entry), event->name);
	queue->used += size;
	return true;
}

static bool get_record(const uint8_t *tail, size_t len, struct taskstats_exit *ret)
{
	uint8_t is_group;

	if (len < RECORD_HEAD)
		return false;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, tail, RECORD_HEAD);
	is_group = tail[offsetof(struct taskstats_exit, tells_group)];
	memcpy(&ret->tells_group, &(bool){is_group != 0}, sizeof(bool));
	ret->comm[sizeof(ret->comm) - 1] = '\0';
	if (ret->len > sizeof(ret->bytes) || ret->len != len - RECORD_HEAD)
		return false;
	memcpy(ret->bytes, tail + RECORD_HEAD, ret->len);
	return true;
}

static bool get_name(const uint8_t *tail, size_t len, struct life_name *ret)
{
	struct name_head head;
	const char *text = (const char *)tail + sizeof(head);

	if (len < sizeof(head))
		return false;
	memcpy(&head, tail, sizeof(head));
	if (head.comm_len > WIRE_COMM_MAX || head.exe_len > WIRE_EXE_MAX ||
	    head.argv_len > WIRE_ARGV_MAX ||
	    len != sizeof(head) + head.comm_len + head.exe_len + head.argv_len)
		return false;
	*ret = (struct life_name){
		.comm = text,
		.exe = text + head.comm_len,
		.argv = text + head.comm_len + head.exe_len,
		.comm_len = head.comm_len,
		.exe_len = head.exe_len,
		.argv_len = head.argv_len,
	};
	return true;
}

/* The bytes of the entry that stands there, which are len at most; 0 where it is none. */
static size_t get_entry(const uint8_t *bytes, size_t len, struct entry *ret)
{
	if (len < sizeof(*ret))
		return 0;
	memcpy(ret, bytes, sizeof(*ret));
	if (ret->size > len || ret->size < sizeof(*ret) || ret->size % 8 ||
	    ret->tail > ret->size - sizeof(*ret) || ret->kind > LIFE_RECORD)
		return 0;
	return ret->size;
}

int lifequeue_unpack(const uint8_t *bytes, size_t len,
		     void (*on_event)(void *arg, const struct life_event *event), void *arg)
{
	struct taskstats_exit record;
	struct life_name name;
	struct entry entry;
	size_t size;

	for (size_t at = 0; at < len; at += size) {
		const uint8_t *tail = bytes + at + sizeof(entry);
		struct life_event event;

		size = get_entry(bytes + at, len - at, &entry);
		if (!size)
			return -EBADMSG;
		event = (struct life_event){
			.kind = entry.kind,
			.time_ns = entry.time_ns,
			.pid = entry.pid,
			.parent = entry.parent,
			.status = entry.status,
		};
		if (event.kind == LIFE_RECORD) {
			if (!get_record(tail, entry.tail, &record))
				return -EBADMSG;
			event.record = &record;
		} else if (event.kind == LIFE_EXEC && entry.tail) {
			if (!get_name(tail, entry.tail, &name))
				return -EBADMSG;
			event.name = &name;
		}
		on_event(arg, &event);
	}
	return 0;
}

size_t lifequeue_part(const struct lifequeue *queue, size_t at, size_t max, const uint8_t **ret)
{
	struct entry entry;
	size_t len = 0, size;

	*ret = at < queue->used ? queue->bytes + at : NULL; /* an empty queue has no bytes */
	while (at + len < queue->used) {
		size = get_entry(queue->bytes + at + len, queue->used - at - len, &entry);
		if (!size || len + size > max)
			break;
		len += size;
	}
	return len;
}

void lifequeue_take(struct lifequeue *queue,
		    void (*on_event)(void *arg, const struct life_event *event), void *arg)
{
	lifequeue_unpack(queue->bytes, queue->used, on_event, arg);
	queue->used = 0;
	if (queue->room > ROOM_KEPT)
		lifequeue_done(queue);
}

void lifequeue_done(struct lifequeue *queue)
{
	free(queue->bytes);
	*queue = (struct lifequeue){0};
}
