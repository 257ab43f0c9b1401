/* SPDX-License-Identifier: ISC */
/*
 * What a hostile peer tells of a heap: one message, its kind and its body. What was understood is packed
 * again and must be understood the same.
 */
#include <stdlib.h>
#include <string.h>

#include "core/heapwire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No number that is packed again takes more bytes than it did. */
static uint8_t buf[WIRE_MESSAGE_MAX];
static struct bytes_out out;

static void must(bool is_so)
{
	if (!is_so)
		__builtin_trap();
}

/* What was packed, in memory of its own; the caller's, to free(). */
static struct bytes_in again(enum wire_kind kind, uint8_t **ret_owned)
{
	size_t len = (size_t)(out.p - buf) - 1;

	must(!out.full && buf[0] == kind);
	*ret_owned = malloc(len ? len : 1);
	if (!*ret_owned)
		abort();
	memcpy(*ret_owned, buf + 1, len);
	return (struct bytes_in){*ret_owned, *ret_owned + len, false};
}

static int tell_modules(struct bytes_in body, enum wire_kind kind)
{
	struct heapwire_modules head, same_head;
	struct heapwire_module module, same;
	struct heapwire_in from, check;
	struct heapwire_out to;
	uint8_t *owned;
	int ret = heapwire_open_modules(&from, body, kind, &head);

	if (ret < 0)
		return ret;
	heapwire_begin_modules(&to, &out, kind, &head);
	while ((ret = heapwire_next_module(&from, &module)) > 0)
		must(heapwire_put_module(&to, &module));
	if (ret < 0)
		return ret;
	must(heapwire_open_modules(&check, again(kind, &owned), kind, &same_head) == 0);
	must(head.interval == same_head.interval && head.flags == same_head.flags);
	heapwire_open_modules(&from, body, kind, &head);
	while (heapwire_next_module(&from, &module) > 0) {
		must(heapwire_next_module(&check, &same) == 1);
		must(module.start < module.end && module.start == same.start);
		must(module.end == same.end && module.offset == same.offset);
		must(module.path_len == same.path_len && module.path_len <= HEAPWIRE_PATH_MAX);
		must(!memcmp(module.path, same.path, same.path_len));
		must(module.build_id_len == same.build_id_len);
		must(module.build_id_len <= HEAPWIRE_BUILD_ID_MAX);
		must(!memcmp(module.build_id, same.build_id, same.build_id_len));
	}
	must(heapwire_next_module(&check, &same) == 0);
	free(owned);
	return 0;
}

static int tell_stacks(struct bytes_in body)
{
	const struct heapwire_stack *stack, *same;
	struct heapwire_in from, check;
	struct heapwire_out to;
	uint64_t first, same_first;
	uint8_t *owned;
	int ret = heapwire_open_stacks(&from, body, &first);

	if (ret < 0)
		return ret;
	heapwire_begin_stacks(&to, &out, first);
	/* A sender that did not see what is shared may have needed more; none that did needs more than that. */
	while ((ret = heapwire_next_stack(&from, &stack)) > 0)
		must(stack->count <= HEAPWIRE_FRAMES_MAX && heapwire_put_stack(&to, stack));
	if (ret < 0)
		return ret;
	must(first + from.count <= HEAPWIRE_STACKS_MAX);
	must(heapwire_open_stacks(&check, again(WIRE_STACKS, &owned), &same_first) == 0);
	must(first == same_first);
	heapwire_open_stacks(&from, body, &first);
	while (heapwire_next_stack(&from, &stack) > 0) {
		must(heapwire_next_stack(&check, &same) == 1);
		must(stack->flags == same->flags && stack->count == same->count);
		must(!memcmp(stack->frame, same->frame, same->count * sizeof(*same->frame)));
	}
	must(heapwire_next_stack(&check, &same) == 0);
	free(owned);
	return 0;
}

static int tell_heap(struct bytes_in body)
{
	struct heapwire_sums sums, same;
	struct heapwire_in from, check;
	struct heapwire_out to;
	uint64_t tick, same_tick, stack, same_stack;
	uint8_t *owned;
	int ret = heapwire_open_heap(&from, body, &tick, NULL);

	if (ret < 0)
		return ret;
	heapwire_begin_heap(&to, &out, tick, 0);
	while ((ret = heapwire_next_sums(&from, &stack, &sums)) > 0)
		must(stack < HEAPWIRE_STACKS_MAX && heapwire_put_sums(&to, stack, &sums));
	if (ret < 0)
		return ret;
	must(heapwire_open_heap(&check, again(WIRE_HEAP, &owned), &same_tick, NULL) == 0);
	must(tick == same_tick);
	heapwire_open_heap(&from, body, &tick, NULL);
	while (heapwire_next_sums(&from, &stack, &sums) > 0) {
		must(heapwire_next_sums(&check, &same_stack, &same) == 1);
		must(stack == same_stack && !memcmp(&sums, &same, sizeof(same)));
	}
	must(heapwire_next_sums(&check, &same_stack, &same) == 0);
	free(owned);
	return 0;
}

static int tell(struct bytes_in body, enum wire_kind kind)
{
	out = (struct bytes_out){buf, buf + sizeof(buf), false};
	switch (kind) {
	case WIRE_STACKS:
		return tell_stacks(body);
	case WIRE_HEAP:
		return tell_heap(body);
	default:
		return tell_modules(body, kind);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum wire_kind kind = (enum wire_kind)(WIRE_MODULES + (size ? *data : 0) % 4);
	struct bytes_in body;
	uint8_t *copy;
	bool is_sound;

	if (size == 0 || size > WIRE_MESSAGE_MAX)
		return 0;
	/* Of exactly the size, so that the sanitizer sees the message's end. */
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	body = (struct bytes_in){copy, copy + size - 1, false};
	is_sound = heapwire_is_sound(kind, body);
	must((tell(body, kind) == 0) == is_sound);
	free(copy);
	return 0;
}
