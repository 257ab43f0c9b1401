/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "core/heapwire.h"

static void begin(struct heapwire_out *to, struct bytes_out *out, enum wire_kind kind)
{
	to->out = out;
	to->at = 0;
	to->last.count = 0;
	bytes_put_u8(out, (uint8_t)kind);
}

/* Takes back what was put since there, if not all of it fitted. */
static bool settle(struct bytes_out *out, uint8_t *before)
{
	if (!out->full)
		return true;
	out->p = before;
	out->full = false;
	return false;
}

void heapwire_begin_modules(struct heapwire_out *to, struct bytes_out *out, enum wire_kind kind,
			    const struct heapwire_modules *head)
{
	begin(to, out, kind);
	if (kind == WIRE_MODULES)
		bytes_put_varint(out, head->flags);
	bytes_put_varint(out, head->interval);
}

bool heapwire_put_module(struct heapwire_out *to, const struct heapwire_module *module)
{
	struct bytes_out *out = to->out;
	uint8_t *before = out->p;

	if (out->full)
		return false;
	bytes_put_varint(out, module->start - to->at);
	bytes_put_varint(out, module->end - module->start);
	bytes_put_varint(out, module->offset);
	bytes_put_blob(out, module->path, module->path_len);
	bytes_put_blob(out, module->build_id, module->build_id_len);
	bytes_put_varint(out, module->inode);
	if (!settle(out, before))
		return false;
	to->at = module->end;
	return true;
}

void heapwire_begin_stacks(struct heapwire_out *to, struct bytes_out *out, uint64_t first)
{
	begin(to, out, WIRE_STACKS);
	bytes_put_varint(out, first);
}

/* How many of the outermost frames are the same. */
static unsigned count_shared(const struct heapwire_stack *a, const struct heapwire_stack *b)
{
	unsigned n = 0;

	while (n < a->count && n < b->count &&
	       a->frame[a->count - 1 - n] == b->frame[b->count - 1 - n])
		n++;
	return n;
}

bool heapwire_put_stack(struct heapwire_out *to, const struct heapwire_stack *stack)
{
	unsigned shared = count_shared(stack, &to->last);
	unsigned own = stack->count - shared;
	struct bytes_out *out = to->out;
	uint8_t *before = out->p;
	uint64_t prev = shared ? stack->frame[own] : 0;

	if (out->full)
		return false;
	bytes_put_varint(out, stack->flags);
	bytes_put_varint(out, shared);
	bytes_put_varint(out, own);
	for (unsigned i = own; i-- > 0; prev = stack->frame[i])
		bytes_put_zigzag(out, (int64_t)(stack->frame[i] - prev));
	if (!settle(out, before))
		return false;
	to->last.count = stack->count;
	__builtin_memcpy(to->last.frame, stack->frame, stack->count * sizeof(*stack->frame));
	return true;
}

void heapwire_begin_heap(struct heapwire_out *to, struct bytes_out *out, uint64_t tick,
			 uint64_t lost)
{
	begin(to, out, WIRE_HEAP);
	bytes_put_varint(out, tick);
	bytes_put_varint(out, lost);
}

bool heapwire_put_sums(struct heapwire_out *to, uint64_t stack, const struct heapwire_sums *change)
{
	struct bytes_out *out = to->out;
	uint8_t *before = out->p;

	if (out->full)
		return false;
	bytes_put_zigzag(out, (int64_t)(stack - to->at));
	bytes_put_zigzag(out, change->blocks);
	bytes_put_zigzag(out, change->bytes);
	bytes_put_zigzag(out, change->live_blocks);
	bytes_put_zigzag(out, change->live_bytes);
	bytes_put_zigzag(out, change->live_variance);
	if (!settle(out, before))
		return false;
	to->at = stack;
	return true;
}

/* ------------------------------------------------------------------------------------------------ */

static void start(struct heapwire_in *from, struct bytes_in body)
{
	from->in = body;
	from->at = 0;
	from->count = 0;
	from->last.count = 0;
}

/* What was read is wrong, and all that would be read next. */
static int refuse(struct heapwire_in *from)
{
	from->in.bad = true;
	return -EBADMSG;
}

/* 1: there is an entry. */
static int more(const struct heapwire_in *from)
{
	if (from->in.bad)
		return -EBADMSG;
	return bytes_left(&from->in) > 0;
}

int heapwire_open_modules(struct heapwire_in *from, struct bytes_in body, enum wire_kind kind,
			  struct heapwire_modules *ret)
{
	start(from, body);
	ret->flags = kind == WIRE_MODULES ? bytes_get_varint(&from->in) : 0;
	ret->interval = bytes_get_varint(&from->in);
	return from->in.bad || ret->interval == 0 ? refuse(from) : 0;
}

int heapwire_next_module(struct heapwire_in *from, struct heapwire_module *ret)
{
	struct bytes_in *in = &from->in;
	uint64_t size;
	int left = more(from);

	if (left <= 0)
		return left;
	ret->start = from->at + bytes_get_varint(in);
	size = bytes_get_varint(in);
	ret->end = ret->start + size;
	ret->offset = bytes_get_varint(in);
	ret->path = (const char *)bytes_get_blob(in, &ret->path_len);
	ret->build_id = bytes_get_blob(in, &ret->build_id_len);
	ret->inode = bytes_get_varint(in);
	if (in->bad || ret->start < from->at || ret->end <= ret->start ||
	    ret->path_len > HEAPWIRE_PATH_MAX || ret->build_id_len > HEAPWIRE_BUILD_ID_MAX ||
	    from->count >= HEAPWIRE_MODULES_MAX)
		return refuse(from);
	from->at = ret->end;
	from->count++;
	return 1;
}

int heapwire_open_stacks(struct heapwire_in *from, struct bytes_in body, uint64_t *ret_first)
{
	start(from, body);
	*ret_first = from->at = bytes_get_varint(&from->in);
	return from->in.bad || from->at >= HEAPWIRE_STACKS_MAX ? refuse(from) : 0;
}

int heapwire_next_stack(struct heapwire_in *from, const struct heapwire_stack **ret)
{
	struct heapwire_stack *stack = &from->last;
	struct bytes_in *in = &from->in;
	uint64_t shared, own, prev;
	int left = more(from);

	if (left <= 0)
		return left;
	stack->flags = bytes_get_varint(in);
	shared = bytes_get_varint(in);
	own = bytes_get_varint(in);
	if (in->bad || shared > stack->count || own > HEAPWIRE_FRAMES_MAX - shared ||
	    from->at + from->count >= HEAPWIRE_STACKS_MAX)
		return refuse(from);
	__builtin_memmove(stack->frame + own, stack->frame + (stack->count - shared),
			  shared * sizeof(*stack->frame));
	prev = shared ? stack->frame[own] : 0;
	stack->count = (unsigned)(shared + own);
	while (own-- > 0)
		stack->frame[own] = prev += (uint64_t)bytes_get_zigzag(in);
	if (in->bad)
		return refuse(from);
	from->count++;
	*ret = stack;
	return 1;
}

int heapwire_open_heap(struct heapwire_in *from, struct bytes_in body, uint64_t *ret_tick,
		       uint64_t *ret_lost)
{
	uint64_t lost;

	start(from, body);
	*ret_tick = bytes_get_varint(&from->in);
	lost = bytes_get_varint(&from->in);
	if (ret_lost)
		*ret_lost = lost;
	return from->in.bad ? refuse(from) : 0;
}

int heapwire_next_sums(struct heapwire_in *from, uint64_t *ret_stack, struct heapwire_sums *ret)
{
	struct bytes_in *in = &from->in;
	int left = more(from);

	if (left <= 0)
		return left;
	*ret_stack = from->at + (uint64_t)bytes_get_zigzag(in);
	ret->blocks = bytes_get_zigzag(in);
	ret->bytes = bytes_get_zigzag(in);
	ret->live_blocks = bytes_get_zigzag(in);
	ret->live_bytes = bytes_get_zigzag(in);
	ret->live_variance = bytes_get_zigzag(in);
	if (in->bad || *ret_stack >= HEAPWIRE_STACKS_MAX)
		return refuse(from);
	from->at = *ret_stack;
	from->count++;
	return 1;
}

static int read_modules(struct heapwire_in *from, struct bytes_in body, enum wire_kind kind)
{
	struct heapwire_modules head;
	struct heapwire_module module;
	int ret = heapwire_open_modules(from, body, kind, &head);

	if (ret < 0)
		return ret;
	do
		ret = heapwire_next_module(from, &module);
	while (ret > 0);
	return ret;
}

static int read_stacks(struct heapwire_in *from, struct bytes_in body)
{
	const struct heapwire_stack *stack;
	uint64_t first;
	int ret = heapwire_open_stacks(from, body, &first);

	if (ret < 0)
		return ret;
	do
		ret = heapwire_next_stack(from, &stack);
	while (ret > 0);
	return ret;
}

static int read_heap(struct heapwire_in *from, struct bytes_in body)
{
	struct heapwire_sums change;
	uint64_t tick, stack;
	int ret = heapwire_open_heap(from, body, &tick, NULL);

	if (ret < 0)
		return ret;
	do
		ret = heapwire_next_sums(from, &stack, &change);
	while (ret > 0);
	return ret;
}

bool heapwire_is_sound(enum wire_kind kind, struct bytes_in body)
{
	struct heapwire_in from;

	/* With the kind before it. */
	if (bytes_left(&body) >= WIRE_MESSAGE_MAX)
		return false;
	switch (kind) {
	case WIRE_MODULES:
	case WIRE_MODULES_MORE:
		return read_modules(&from, body, kind) == 0;
	case WIRE_STACKS:
		return read_stacks(&from, body) == 0;
	case WIRE_HEAP:
		return read_heap(&from, body) == 0;
	default:
		return false;
	}
}
