/* SPDX-License-Identifier: ISC */
/* Composes the sections that tell of a run's heap, in memory. */
#ifndef MSTAT_TESTS_HEAP_MAKE_H
#define MSTAT_TESTS_HEAP_MAKE_H

#include <stdlib.h>
#include <string.h>

#include "core/heapwire.h"
#include "core/rows.h"

#define HEAP_INTERVAL 1024
#define HEAP_CODE     0x400000 /* where /bin/tree is mapped by heap_list() */

static inline struct bytes_out heap_message(uint8_t *buf)
{
	return (struct bytes_out){.p = buf, .end = buf + WIRE_MESSAGE_MAX};
}

static inline void heap_section(struct bytes_out *to, uint64_t id, const uint8_t *buf,
				const struct bytes_out *message)
{
	if (message->full)
		abort();
	rows_pack_heap(to, id, (enum wire_kind)buf[0], buf + 1, (size_t)(message->p - buf) - 1);
}

static inline void heap_modules(struct bytes_out *to, uint64_t id, enum wire_kind kind,
				uint64_t flags, const struct heapwire_module *module, size_t n)
{
	uint8_t buf[WIRE_MESSAGE_MAX];
	struct bytes_out out = heap_message(buf);
	struct heapwire_modules head = {.flags = flags, .interval = HEAP_INTERVAL};
	struct heapwire_out message;

	heapwire_begin_modules(&message, &out, kind, &head);
	for (size_t i = 0; i < n; i++)
		if (!heapwire_put_module(&message, &module[i]))
			abort();
	heap_section(to, id, buf, &out);
}

/* The list of a process that has one file mapped. */
static inline void heap_list(struct bytes_out *to, uint64_t id, uint64_t flags)
{
	const struct heapwire_module module = {.start = HEAP_CODE,
					       .end = HEAP_CODE + 0x10000,
					       .offset = 0x1000,
					       .path = "/bin/tree",
					       .path_len = 9,
					       .build_id = (const uint8_t *)"\xde\xad\xbe\xef",
					       .build_id_len = 4};

	heap_modules(to, id, WIRE_MODULES, flags, &module, 1);
}

/* Frames: the innermost first, up to a 0. */
static inline void heap_stack(struct bytes_out *to, uint64_t id, uint64_t number, uint64_t flags,
			      const uint64_t *frame)
{
	uint8_t buf[WIRE_MESSAGE_MAX];
	struct bytes_out out = heap_message(buf);
	struct heapwire_stack stack = {.flags = flags};
	struct heapwire_out message;

	while (frame[stack.count]) {
		stack.frame[stack.count] = frame[stack.count];
		stack.count++;
	}
	heapwire_begin_stacks(&message, &out, number);
	if (!heapwire_put_stack(&message, &stack))
		abort();
	heap_section(to, id, buf, &out);
}

/* So many bytes more are live, in one block; or less. */
static inline void heap_change(struct bytes_out *to, uint64_t id, uint64_t tick, uint64_t stack,
			       int64_t bytes)
{
	uint8_t buf[WIRE_MESSAGE_MAX];
	struct bytes_out out = heap_message(buf);
	struct heapwire_sums change = {.live_bytes = bytes,
				       .live_blocks = bytes > 0 ? HEAPWIRE_BLOCK : -HEAPWIRE_BLOCK};
	struct heapwire_out message;

	change.live_variance = change.live_blocks;
	if (bytes > 0) {
		change.blocks = HEAPWIRE_BLOCK;
		change.bytes = bytes;
	}
	heapwire_begin_heap(&message, &out, tick, 0);
	if (!heapwire_put_sums(&message, stack, &change))
		abort();
	heap_section(to, id, buf, &out);
}

/* comm is "p" and the id. end_ns 0: it goes on. */
static inline void heap_process(struct bytes_out *to, uint64_t id, uint64_t ppid, uint64_t first_ns,
				uint64_t end_ns)
{
	char comm[2] = {'p', (char)('0' + id % 10)};
	struct rows_process process = {.id = id,
				       .pid = 1000 + id,
				       .ppid = ppid,
				       .first_ns = first_ns,
				       .last_ns = end_ns,
				       .ended = end_ns != 0,
				       .comm = comm,
				       .comm_len = 2};

	rows_pack_process(to, &process);
}

static inline void heap_event(struct bytes_out *to, enum event kind, uint64_t id, uint64_t time_ns,
			      int64_t number, const char *text)
{
	struct rows_event event = {.time_ns = time_ns,
				   .kind = kind,
				   .process = id,
				   .number = number,
				   .text = text,
				   .text_len = strlen(text)};

	rows_pack_event(to, &event);
}

#endif
