/* SPDX-License-Identifier: ISC */
/*
 * Life events as mstatd hands them over: any bytes. What was understood goes through a queue of our
 * own, and must come out of its bytes the same.
 */
#include <stdlib.h>
#include <string.h>

#include "collector/lifequeue.h"
#include "core/parse.h"
#include "core/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NO_LIMIT ((size_t)1 << 30)

/* The events of one pass: their number, and a sum of all that is in them. */
struct pass {
	struct lifequeue *queue; /* where they are pushed to; NULL: nowhere */
	uint64_t count, sum;
};

static void add(struct pass *pass, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		pass->sum = (pass->sum ^ p[i]) * 0x100000001b3;
}

static void add_number(struct pass *pass, uint64_t number)
{
	add(pass, &number, sizeof(number));
}

/* Member by member: what is between them is nobody's. */
static void add_record(struct pass *pass, const struct taskstats_exit *record)
{
	uint8_t tells_group;
	struct record rec;

	memcpy(&tells_group, &record->tells_group, sizeof(tells_group));
	if (tells_group > 1 || record->len > sizeof(record->bytes) ||
	    record->comm[sizeof(record->comm) - 1])
		__builtin_trap();
	add_number(pass, record->pid);
	add_number(pass, record->tgid);
	add_number(pass, record->ppid);
	add_number(pass, record->uid);
	add_number(pass, record->gid);
	add_number(pass, record->status);
	add_number(pass, record->flags);
	add_number(pass, record->tells_group);
	add_number(pass, record->begin_s);
	add_number(pass, record->elapsed_us);
	add(pass, record->comm, sizeof(record->comm));
	add(pass, record->bytes, record->len);
	record_init(&rec);
	parse_source(SOURCE_EXIT, record->bytes, record->len, &rec);
}

static void add_name(struct pass *pass, const struct life_name *name)
{
	if (name->comm_len > WIRE_COMM_MAX || name->exe_len > WIRE_EXE_MAX ||
	    name->argv_len > WIRE_ARGV_MAX)
		__builtin_trap();
	add_number(pass, name->comm_len);
	add(pass, name->comm, name->comm_len);
	add_number(pass, name->exe_len);
	add(pass, name->exe, name->exe_len);
	add_number(pass, name->argv_len);
	add(pass, name->argv, name->argv_len);
}

static void on_event(void *arg, const struct life_event *event)
{
	struct pass *pass = arg;

	if (event->kind > LIFE_RECORD || (event->kind == LIFE_RECORD) != (event->record != NULL) ||
	    (event->name && event->kind != LIFE_EXEC))
		__builtin_trap();
	pass->count++;
	add_number(pass, event->kind);
	add_number(pass, event->time_ns);
	add_number(pass, (uint64_t)event->pid);
	add_number(pass, (uint64_t)event->parent);
	add_number(pass, (uint64_t)event->status);
	if (event->record)
		add_record(pass, event->record);
	if (event->name)
		add_name(pass, event->name);
	if (pass->queue && !lifequeue_push(pass->queue, event, NO_LIMIT))
		__builtin_trap();
}

/* The queue's bytes in parts, as they are sent. */
static struct pass unpack_parts(const struct lifequeue *queue, size_t max)
{
	struct pass pass = {0};
	const uint8_t *part;
	size_t len, at = 0;

	while ((len = lifequeue_part(queue, at, max, &part)) > 0) {
		if (len > max || lifequeue_unpack(part, len, on_event, &pass))
			__builtin_trap();
		at += len;
	}
	if (at != queue->used)
		__builtin_trap();
	return pass;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct lifequeue queue; /* emptied after each */
	struct pass pass = {.queue = &queue};
	struct pass again;

	lifequeue_unpack(data, size, on_event, &pass);
	/* No event is longer than this. */
	again = unpack_parts(&queue, 8192);
	if (again.count != pass.count || again.sum != pass.sum)
		__builtin_trap();
	again = (struct pass){0};
	lifequeue_take(&queue, on_event, &again);
	if (again.count != pass.count || again.sum != pass.sum || queue.used)
		__builtin_trap();
	return 0;
}
