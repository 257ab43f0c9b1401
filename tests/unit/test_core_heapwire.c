/* SPDX-License-Identifier: ISC */
/* Modules, stacks and sums: what was packed is unpacked, at every limit; nothing else is believed. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "core/heapwire.h"

static uint8_t buf[WIRE_MESSAGE_MAX];

static struct bytes_out room(size_t size)
{
	return (struct bytes_out){buf, buf + size, false};
}

/* The body of what was packed, in memory of exactly its size. Owned by the caller. */
static struct bytes_in body_of(const struct bytes_out *out, enum wire_kind kind,
			       uint8_t **ret_owned)
{
	size_t len = (size_t)(out->p - buf);

	assert_false(out->full);
	assert_true(len > 0 && buf[0] == kind);
	*ret_owned = malloc(len);
	assert_non_null(*ret_owned);
	memcpy(*ret_owned, buf + 1, len - 1);
	return (struct bytes_in){*ret_owned, *ret_owned + len - 1, false};
}

static struct bytes_in raw(const void *bytes, size_t len)
{
	return (struct bytes_in){bytes, (const uint8_t *)bytes + len, false};
}

#define BODY(text) raw(text, sizeof(text) - 1)

static const struct heapwire_modules head = {.flags = HEAPWIRE_RESTART | HEAPWIRE_BYPASSED,
					     .interval = 512 << 10};

static void same_module(const struct heapwire_module *a, const struct heapwire_module *b)
{
	assert_true(a->start == b->start && a->end == b->end && a->offset == b->offset);
	assert_true(a->path_len == b->path_len && a->build_id_len == b->build_id_len);
	assert_true(a->inode == b->inode);
	assert_memory_equal(a->path, b->path, a->path_len);
	assert_memory_equal(a->build_id, b->build_id, a->build_id_len);
}

static void modules(void **state)
{
	static const char path[HEAPWIRE_PATH_MAX] = "/usr/lib/longest";
	static const uint8_t id[HEAPWIRE_BUILD_ID_MAX] = {1, 2, 3};
	const struct heapwire_module list[] = {
		{0, 1, UINT64_MAX, path, 0, id, 0, UINT64_MAX},
		{1, 4096, 0, path, sizeof(path), id, sizeof(id), 0},
		{8192, UINT64_MAX - 1, 1, path, 7, id, 20, 0},
		{UINT64_MAX - 1, UINT64_MAX, 1, path, 1, id, 1, 1},
	};

	(void)state;
	for (int kind = WIRE_MODULES; kind <= WIRE_MODULES_MORE; kind++) {
		struct bytes_out out = room(sizeof(buf));
		struct heapwire_modules got_head;
		struct heapwire_module got;
		struct heapwire_out to;
		struct heapwire_in from;
		struct bytes_in body;
		uint8_t *owned;

		heapwire_begin_modules(&to, &out, (enum wire_kind)kind, &head);
		for (size_t i = 0; i < UNIT_COUNT(list); i++)
			assert_true(heapwire_put_module(&to, &list[i]));
		body = body_of(&out, (enum wire_kind)kind, &owned);
		assert_true(heapwire_is_sound((enum wire_kind)kind, body));
		assert_int_equal(
			heapwire_open_modules(&from, body, (enum wire_kind)kind, &got_head), 0);
		assert_int_equal(got_head.flags, kind == WIRE_MODULES ? head.flags : 0);
		assert_int_equal(got_head.interval, head.interval);
		for (size_t i = 0; i < UNIT_COUNT(list); i++) {
			assert_int_equal(heapwire_next_module(&from, &got), 1);
			same_module(&got, &list[i]);
		}
		assert_int_equal(heapwire_next_module(&from, &got), 0);
		assert_int_equal(heapwire_next_module(&from, &got), 0);
		free(owned);
	}
}

/* A stack like the one before, or like no other. */
static void make_stack(struct heapwire_stack *stack)
{
	unsigned keep = (unsigned)unit_below(stack->count + 1);
	unsigned own = (unsigned)unit_below(4) == 0
			       ? HEAPWIRE_FRAMES_MAX - keep
			       : (unsigned)unit_below(HEAPWIRE_FRAMES_MAX + 1 - keep);

	memmove(stack->frame + own, stack->frame + stack->count - keep, keep * 8);
	for (unsigned i = 0; i < own; i++)
		stack->frame[i] = unit_below(4) ? 0x7f0000000000 + unit_below(1 << 20)
						: (uint64_t)unit_value();
	stack->count = keep + own;
	stack->flags = unit_below(16) ? unit_below(8) : (uint64_t)unit_value();
}

static void same_stack(const struct heapwire_stack *a, const struct heapwire_stack *b)
{
	assert_true(a->flags == b->flags && a->count == b->count);
	assert_memory_equal(a->frame, b->frame, a->count * sizeof(*a->frame));
}

/* As many messages as it takes, of any size that one stack fits into. */
static void stacks(void **state)
{
	enum { MANY = 3000 };
	static struct heapwire_stack list[MANY];
	size_t told = 0;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		list[i] = list[i ? i - 1 : 0];
		make_stack(&list[i]);
	}
	while (told < MANY) {
		struct bytes_out out = room(1400 + unit_below(sizeof(buf) - 1400 + 1));
		const struct heapwire_stack *got;
		size_t first = told, got_count = 0;
		struct heapwire_out to;
		struct heapwire_in from;
		struct bytes_in body;
		uint64_t got_first;
		uint8_t *owned;

		heapwire_begin_stacks(&to, &out, first);
		while (told < MANY && heapwire_put_stack(&to, &list[told]))
			told++;
		assert_true(told > first);
		body = body_of(&out, WIRE_STACKS, &owned);
		assert_true(heapwire_is_sound(WIRE_STACKS, body));
		assert_int_equal(heapwire_open_stacks(&from, body, &got_first), 0);
		assert_int_equal(got_first, first);
		while (heapwire_next_stack(&from, &got) == 1)
			same_stack(got, &list[first + got_count++]);
		assert_int_equal(first + got_count, told);
		assert_int_equal(heapwire_next_stack(&from, &got), 0);
		free(owned);
	}
}

/* What many stacks have in common is told once. */
static void shared(void **state)
{
	struct bytes_out out = room(sizeof(buf));
	struct heapwire_stack stack = {.count = HEAPWIRE_FRAMES_MAX};
	struct heapwire_out to;
	const uint8_t *before;

	(void)state;
	for (unsigned i = 0; i < stack.count; i++)
		stack.frame[i] = 0x7f0000000000 + unit_below(1 << 24);
	heapwire_begin_stacks(&to, &out, 0);
	assert_true(heapwire_put_stack(&to, &stack));
	before = out.p;
	stack.frame[0]++;
	assert_true(heapwire_put_stack(&to, &stack));
	assert_true(out.p - before < 16);
	/* All of it; and a part of it. */
	before = out.p;
	assert_true(heapwire_put_stack(&to, &stack));
	assert_true(out.p - before == 4);
	memmove(stack.frame, stack.frame + 100, 28 * sizeof(*stack.frame));
	stack.count = 28;
	before = out.p;
	assert_true(heapwire_put_stack(&to, &stack));
	assert_true(out.p - before == 3);
	stack.count = 0;
	before = out.p;
	assert_true(heapwire_put_stack(&to, &stack));
	assert_true(out.p - before == 3);
}

static void make_sums(struct heapwire_sums *sums)
{
	*sums = (struct heapwire_sums){unit_value(), unit_value(), unit_value(), unit_value(),
				       unit_value()};
}

static void sums(void **state)
{
	enum { MANY = 2000 };
	static struct heapwire_sums list[MANY];
	static uint64_t number[MANY];
	size_t told = 0;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		number[i] = i % 7 ? unit_below(HEAPWIRE_STACKS_MAX) : HEAPWIRE_STACKS_MAX - 1;
		make_sums(&list[i]);
	}
	while (told < MANY) {
		struct bytes_out out = room(100 + unit_below(sizeof(buf) - 100 + 1));
		uint64_t tick = (uint64_t)unit_value(), got_tick, stack;
		struct heapwire_out to;
		struct heapwire_in from;
		struct heapwire_sums got;
		size_t first = told;
		struct bytes_in body;
		uint8_t *owned;

		heapwire_begin_heap(&to, &out, tick, 0);
		while (told < MANY && heapwire_put_sums(&to, number[told], &list[told]))
			told++;
		assert_true(told > first);
		body = body_of(&out, WIRE_HEAP, &owned);
		assert_true(heapwire_is_sound(WIRE_HEAP, body));
		assert_int_equal(heapwire_open_heap(&from, body, &got_tick, NULL), 0);
		assert_true(got_tick == tick);
		for (; first < told; first++) {
			assert_int_equal(heapwire_next_sums(&from, &stack, &got), 1);
			assert_true(stack == number[first]);
			assert_memory_equal(&got, &list[first], sizeof(got));
		}
		assert_int_equal(heapwire_next_sums(&from, &stack, &got), 0);
		free(owned);
	}
}

/* What does not fit leaves no trace, wherever the end is. */
static void full(void **state)
{
	static const struct heapwire_module module = {
		4096, 8192, 300, "/lib/x.so", 9, (const uint8_t *)"12345", 5, 0};
	static const struct heapwire_sums change = {1, -300, 70000, 4, 5};
	static const struct heapwire_stack stack = {0, 3, {7000000, 300, UINT64_MAX}};
	size_t one[3] = {0};

	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		for (size_t size = 4; size < 120; size++) {
			struct bytes_out out = room(size);
			struct heapwire_out to;
			uint8_t *before = NULL;
			unsigned n = 0;
			bool fits;

			memset(buf, 0xee, sizeof(buf));
			if (kind == 0)
				heapwire_begin_modules(&to, &out, WIRE_MODULES_MORE,
						       &(struct heapwire_modules){0, 1});
			else if (kind == 1)
				heapwire_begin_stacks(&to, &out, 3);
			else
				heapwire_begin_heap(&to, &out, 3, 0);
			do {
				struct heapwire_module next = module;

				before = out.p;
				next.start += n * 8192;
				next.end += n * 8192;
				if (kind == 0)
					fits = heapwire_put_module(&to, &next);
				else if (kind == 1)
					fits = heapwire_put_stack(&to, &stack);
				else
					fits = heapwire_put_sums(&to, n, &change);
				n += fits;
			} while (fits && n < 100);
			assert_true(out.p == before || fits);
			assert_false(out.full);
			assert_true(buf[size] == 0xee);
			if (n && !one[kind])
				one[kind] = size;
			assert_int_equal(n > 0, one[kind] > 0);
			assert_true(
				heapwire_is_sound(buf[0], raw(buf + 1, (size_t)(out.p - buf) - 1)));
		}
	}
	/* Not even the head: that stays to be seen. */
	{
		struct bytes_out out = room(2);
		struct heapwire_out to;

		heapwire_begin_heap(&to, &out, 1000, 0);
		assert_true(out.full);
		assert_false(heapwire_put_sums(&to, 1, &change));
		assert_true(out.full);
	}
}

/* A good message of each kind, cut at every byte: sound only where an entry ends. */
static void cut(void **state)
{
	static const struct heapwire_module module = {
		4096, 8192, 300, "/lib/x.so", 9, (const uint8_t *)"12345", 5, 0};
	static const struct heapwire_sums change = {1, -300, 70000, 4, 5};

	(void)state;
	for (int kind = WIRE_MODULES; kind <= WIRE_HEAP; kind++) {
		struct bytes_out out = room(sizeof(buf));
		struct heapwire_stack stack = {.count = 0};
		size_t end[21], ends = 0, sound = 0, len;
		struct heapwire_out to;

		if (kind == WIRE_STACKS)
			heapwire_begin_stacks(&to, &out, 0);
		else if (kind == WIRE_HEAP)
			heapwire_begin_heap(&to, &out, UINT64_MAX, 0);
		else
			heapwire_begin_modules(&to, &out, (enum wire_kind)kind, &head);
		end[ends++] = (size_t)(out.p - buf);
		while (ends < UNIT_COUNT(end)) {
			struct heapwire_module next = module;

			next.start += ends * 16384;
			next.end += ends * 16384;
			make_stack(&stack);
			if (stack.count > 20)
				stack.count = 20;
			if (kind == WIRE_STACKS)
				assert_true(heapwire_put_stack(&to, &stack));
			else if (kind == WIRE_HEAP)
				assert_true(heapwire_put_sums(&to, ends * 1000, &change));
			else
				assert_true(heapwire_put_module(&to, &next));
			end[ends++] = (size_t)(out.p - buf);
		}
		len = (size_t)(out.p - buf);
		for (size_t n = 1; n <= len; n++) {
			uint8_t *exact = malloc(n);
			bool is_end = sound < ends && end[sound] == n;

			memcpy(exact, buf + 1, n - 1);
			if (heapwire_is_sound((enum wire_kind)kind, raw(exact, n - 1)) != is_end)
				fail_msg("kind %d of %zu bytes", kind, n);
			sound += is_end;
			free(exact);
		}
		assert_int_equal(sound, ends);
	}
}

#define MAX	 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" /* 2^64 - 1 */
#define INTERVAL "\x80\x20"

static void refused(void **state)
{
	static uint8_t much[WIRE_MESSAGE_MAX];
	struct heapwire_in from;
	const struct heapwire_stack *stack;
	uint64_t first;

	(void)state;
	/* Another kind; no head; no interval. */
	assert_false(heapwire_is_sound(WIRE_HELLO, BODY("")));
	assert_false(heapwire_is_sound((enum wire_kind)8, BODY("\1\1")));
	for (int kind = WIRE_MODULES; kind <= WIRE_HEAP; kind++)
		assert_false(heapwire_is_sound((enum wire_kind)kind, BODY("")));
	assert_false(heapwire_is_sound(WIRE_MODULES, BODY("\1\0")));
	assert_false(heapwire_is_sound(WIRE_MODULES_MORE, BODY("\0")));
	/* Unknown flags are for a later time. */
	assert_true(heapwire_is_sound(WIRE_MODULES, BODY("\x7f" INTERVAL)));
	/* Of no size; beyond the last address; the second one. */
	assert_true(heapwire_is_sound(WIRE_MODULES_MORE, BODY("\1\0\1\0\0\0\0")));
	assert_false(heapwire_is_sound(WIRE_MODULES_MORE, BODY("\1\0\0\0\0\0\0")));
	assert_true(heapwire_is_sound(WIRE_MODULES_MORE, BODY("\1\0" MAX "\0\0\0\0")));
	assert_false(heapwire_is_sound(WIRE_MODULES_MORE, BODY("\1\1" MAX "\0\0\0\0")));
	assert_false(heapwire_is_sound(WIRE_MODULES_MORE, BODY("\1" MAX "\1\0\0\0\0")));
	assert_false(heapwire_is_sound(WIRE_MODULES_MORE, BODY("\1\1\1\0\0\0\0" MAX "\1\0\0\0\0")));
	/* A path of 1025 bytes, a build id of 65. */
	memcpy(much, "\1\0\1\0\x81\x08", 6);
	assert_false(heapwire_is_sound(WIRE_MODULES_MORE, raw(much, 6 + 1025 + 2)));
	much[4] = 0x80;
	assert_true(heapwire_is_sound(WIRE_MODULES_MORE, raw(much, 6 + 1024 + 2)));
	memcpy(much, "\1\0\1\0\0\x41", 6);
	assert_false(heapwire_is_sound(WIRE_MODULES_MORE, raw(much, 6 + 65 + 1)));
	much[5] = 0x40;
	assert_true(heapwire_is_sound(WIRE_MODULES_MORE, raw(much, 6 + 64 + 1)));
	/* Longer than any message. */
	memset(much, 0, sizeof(much));
	assert_true(heapwire_is_sound(WIRE_STACKS, raw(much, 1 + 3 * 2000)));
	assert_true(heapwire_is_sound(WIRE_STACKS, raw(much, 8191)) == (8190 % 3 == 0));
	assert_false(heapwire_is_sound(WIRE_STACKS, raw(much, 8192)));
	/* More shared than there was; too many frames, of both kinds. */
	assert_false(heapwire_is_sound(WIRE_STACKS, BODY("\0\0\1\0")));
	assert_true(heapwire_is_sound(WIRE_STACKS, BODY("\0\0\0\1\2\0\1\0")));
	assert_false(heapwire_is_sound(WIRE_STACKS, BODY("\0\0\0\1\2\0\2\0")));
	memset(much, 0, sizeof(much));
	memcpy(much, "\0\0\0\x80\1", 5);
	assert_true(heapwire_is_sound(WIRE_STACKS, raw(much, 5 + 128)));
	memcpy(much + 5 + 128, "\0\x80\1\0", 4);
	assert_true(heapwire_is_sound(WIRE_STACKS, raw(much, 5 + 128 + 4)));
	memcpy(much + 5 + 128, "\0\x80\1\1\0", 5);
	assert_false(heapwire_is_sound(WIRE_STACKS, raw(much, 5 + 128 + 5)));
	memcpy(much, "\0\0\0\x81\1", 5);
	assert_false(heapwire_is_sound(WIRE_STACKS, raw(much, 5 + 129)));
	assert_false(heapwire_is_sound(WIRE_STACKS, BODY("\0\0\0" MAX "\0\0")));
	/* The last number that there is, and the one after it. */
	assert_true(heapwire_is_sound(WIRE_STACKS, BODY("\xff\xff\xff\x07\0\0\0")));
	assert_false(heapwire_is_sound(WIRE_STACKS, BODY("\xff\xff\xff\x07\0\0\0\0\0\0")));
	assert_false(heapwire_is_sound(WIRE_STACKS, BODY("\x80\x80\x80\x08")));
	assert_true(heapwire_is_sound(WIRE_HEAP, BODY("\1\0\xfe\xff\xff\x0f\0\0\0\0\0")));
	assert_false(heapwire_is_sound(WIRE_HEAP, BODY("\1\0\x80\x80\x80\x10\0\0\0\0\0")));
	assert_false(heapwire_is_sound(WIRE_HEAP, BODY("\1\0\1\0\0\0\0\0")));
	/* Once refused, for ever. */
	assert_int_equal(heapwire_open_stacks(&from, BODY("\0\0\1\0\0\0\0"), &first), 0);
	assert_int_equal(heapwire_next_stack(&from, &stack), -EBADMSG);
	assert_int_equal(heapwire_next_stack(&from, &stack), -EBADMSG);
}

/* Any bytes, and good messages with a byte or two of another: nothing is read that is not there. */
static void garbage(void **state)
{
	unsigned sound = 0;

	(void)state;
	for (int round = 0; round < 100000; round++) {
		size_t len = unit_below(64);
		uint8_t *bytes = malloc(len ? len : 1);

		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)(unit_below(2) ? unit_below(4) : unit_random());
		for (int kind = WIRE_MODULES; kind <= WIRE_HEAP; kind++)
			sound += heapwire_is_sound((enum wire_kind)kind, raw(bytes, len));
		free(bytes);
	}
	assert_true(sound > 0);
	for (int round = 0; round < 20000; round++) {
		struct bytes_out out = room(sizeof(buf));
		struct heapwire_stack stack = {.count = 0};
		struct heapwire_out to;
		struct bytes_in body;
		uint8_t *owned;

		heapwire_begin_stacks(&to, &out, unit_below(HEAPWIRE_STACKS_MAX));
		for (uint64_t n = unit_below(5); n > 0; n--) {
			make_stack(&stack);
			assert_true(heapwire_put_stack(&to, &stack));
		}
		body = body_of(&out, WIRE_STACKS, &owned);
		for (uint64_t n = 1 + unit_below(3); n > 0; n--)
			owned[unit_below(bytes_left(&body))] = (uint8_t)unit_random();
		heapwire_is_sound(WIRE_STACKS, body);
		free(owned);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modules), cmocka_unit_test(stacks),  cmocka_unit_test(shared),
		cmocka_unit_test(sums),	   cmocka_unit_test(full),    cmocka_unit_test(cut),
		cmocka_unit_test(refused), cmocka_unit_test(garbage),
	};

	unit_random_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
