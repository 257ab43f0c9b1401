/* SPDX-License-Identifier: ISC */
/* The examples of core/FORMAT.md: the code writes these bytes, and reads them so. */
#include "tests/unit/unit.h"

#include <zstd.h>

#include "core/heapwire.h"
#include "core/rows.h"
#include "core/wire.h"

static uint8_t buf[65536];

static struct bytes_out out_of_buf(void)
{
	return (struct bytes_out){.p = buf, .end = buf + sizeof(buf)};
}

static void written(const char *name, const struct bytes_out *out)
{
	assert_false(out->full);
	unit_hex_equal(name, buf, (size_t)(out->p - buf));
}

/* The example's bytes as input; *ret_owned is to be freed. */
static struct bytes_in example(const char *name, uint8_t **ret_owned)
{
	size_t len;

	*ret_owned = unit_hex(name, &len);
	return (struct bytes_in){.p = *ret_owned, .end = *ret_owned + len};
}

static void numbers(void **state)
{
	static const uint64_t plain[] = {0, 1, 127, 128, 300, UINT64_MAX};
	static const int64_t with_sign[] = {0, -1, 1, -2, 1000, INT64_MIN};
	struct bytes_out out = out_of_buf();
	struct bytes_in in;
	uint8_t *owned;
	size_t len;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(plain); i++)
		bytes_put_varint(&out, plain[i]);
	written("varint", &out);
	in = example("varint", &owned);
	for (size_t i = 0; i < UNIT_COUNT(plain); i++)
		assert_true(bytes_get_varint(&in) == plain[i]);
	assert_true(!in.bad && !bytes_left(&in));
	free(owned);

	out = out_of_buf();
	for (size_t i = 0; i < UNIT_COUNT(with_sign); i++)
		bytes_put_zigzag(&out, with_sign[i]);
	written("zigzag", &out);
	in = example("zigzag", &owned);
	for (size_t i = 0; i < UNIT_COUNT(with_sign); i++)
		assert_true(bytes_get_zigzag(&in) == with_sign[i]);
	assert_true(!in.bad && !bytes_left(&in));
	free(owned);

	out = out_of_buf();
	bytes_put_blob(&out, "abc", 3);
	written("blob", &out);
	in = example("blob", &owned);
	assert_memory_equal(bytes_get_blob(&in, &len), "abc", 3);
	assert_true(len == 3 && !bytes_left(&in));
	free(owned);

	in = example("padded", &owned);
	assert_true(bytes_get_varint(&in) == 5 && !in.bad && !bytes_left(&in));
	free(owned);
}

static const struct wire_hello a_hello = {
	.version = WIRE_VERSION,
	.flags = WIRE_HELLO_FORK,
	.pid = 4242,
	.ppid = 4241,
	.start_ticks = 133463,
	.uid = 1000,
	.gid = 1000,
	.freq = 59,
	.comm = "sh",
	.exe = "/bin/sh",
	.argv = "sh\0-c\0true\0",
	.comm_len = 2,
	.exe_len = 7,
	.argv_len = 11,
	.time_ns = 1334630500000,
};

static void check_hello(struct bytes_in *in)
{
	struct wire_hello got;

	assert_int_equal(wire_unpack_hello(in, &got), 0);
	assert_int_equal(bytes_left(in), 0);
	assert_true(got.version == 1 && got.flags == WIRE_HELLO_FORK && got.pid == 4242);
	assert_true(got.ppid == 4241 && got.start_ticks == 133463 && got.uid == 1000);
	assert_true(got.gid == 1000 && got.freq == 59 && got.comm_len == 2 && got.exe_len == 7);
	assert_true(got.time_ns == a_hello.time_ns);
	assert_true(got.argv_len == 11 && !memcmp(got.argv, a_hello.argv, 11));
	assert_memory_equal(got.comm, "sh", 2);
	assert_memory_equal(got.exe, "/bin/sh", 7);
}

static void hello(void **state)
{
	struct bytes_out out = out_of_buf();
	uint8_t body[WIRE_MESSAGE_MAX];
	struct bytes_in in;
	uint8_t *owned;
	size_t len;

	(void)state;
	bytes_put_u8(&out, WIRE_HELLO);
	wire_pack_hello(&out, &a_hello);
	written("hello", &out);
	in = example("hello", &owned);
	assert_int_equal(bytes_get_u8(&in), WIRE_HELLO);
	check_hello(&in);
	free(owned);

	/* What a compressor makes of it is its own affair; how it is read is not. */
	in = example("hello-zstd", &owned);
	assert_int_equal(bytes_get_u8(&in), WIRE_HELLO | WIRE_ZSTD);
	assert_true(ZSTD_getFrameContentSize(in.p, bytes_left(&in)) <= sizeof(body));
	len = ZSTD_decompress(body, sizeof(body), in.p, bytes_left(&in));
	assert_false(ZSTD_isError(len));
	in = (struct bytes_in){.p = body, .end = body + len};
	check_hello(&in);
	free(owned);
}

/* The two samples of the examples. */
static void first_sample(struct record *now)
{
	record_init(now);
	now->tick = 1000;
	now->late_us = 120;
	now->reason[SOURCE_STATUS] = REASON_OK;
	now->reason[SOURCE_ROLLUP] = REASON_NOT_DUE;
	record_set(now, FIELD_RSS, 29820);
	record_set(now, FIELD_HWM, 29820);
	record_set(now, FIELD_THREADS, 2);
}

static void second_sample(struct record *now)
{
	first_sample(now);
	now->tick = 1003;
	now->late_us = 95;
	now->dropped = 2;
	now->reason[SOURCE_ROLLUP] = REASON_OK;
	record_set(now, FIELD_RSS, 29824);
	record_unset(now, FIELD_THREADS);
	record_set(now, FIELD_PSS, 29051);
}

static void same(const struct record *a, const struct record *b)
{
	assert_true(a->tick == b->tick && a->late_us == b->late_us && a->dropped == b->dropped);
	assert_memory_equal(a->reason, b->reason, sizeof(a->reason));
	for (unsigned f = 0; f < FIELD_MAX; f++) {
		assert_int_equal(record_has(a, f), record_has(b, f));
		if (record_has(a, f))
			assert_true(a->value[f] == b->value[f]);
	}
}

static void samples(void **state)
{
	struct record first, second, last, got;
	struct bytes_out out = out_of_buf();
	struct bytes_in in;
	uint8_t *owned;

	(void)state;
	first_sample(&first);
	second_sample(&second);
	wire_reset(&last);
	bytes_put_u8(&out, WIRE_FULL);
	wire_pack_sample(&out, &first, &last);
	written("sample-full", &out);
	wire_advance(&last, &first);
	out = out_of_buf();
	bytes_put_u8(&out, WIRE_SAMPLE);
	wire_pack_sample(&out, &second, &last);
	written("sample-delta", &out);

	/* The full one is read the same by whoever knew something else before. */
	in = example("sample-full", &owned);
	assert_int_equal(bytes_get_u8(&in), WIRE_FULL);
	assert_int_equal(wire_unpack_sample(&in, WIRE_FULL, &last, &got), 0);
	same(&got, &first);
	free(owned);
	in = example("sample-delta", &owned);
	assert_int_equal(bytes_get_u8(&in), WIRE_SAMPLE);
	assert_int_equal(wire_unpack_sample(&in, WIRE_SAMPLE, &last, &got), 0);
	same(&got, &second);
	free(owned);
}

/* The example as a message's body; its kind is checked. */
static struct bytes_in body_of(const char *name, enum wire_kind kind, uint8_t **ret_owned)
{
	struct bytes_in in = example(name, ret_owned);

	assert_int_equal(bytes_get_u8(&in), kind);
	assert_true(heapwire_is_sound(kind, in));
	return in;
}

static void check_modules(const char *name, enum wire_kind kind,
			  const struct heapwire_modules *head, const struct heapwire_module *module)
{
	struct bytes_out out = out_of_buf();
	struct heapwire_modules got_head;
	struct heapwire_module got;
	struct heapwire_out to;
	struct heapwire_in from;
	uint8_t *owned;

	heapwire_begin_modules(&to, &out, kind, head);
	assert_true(heapwire_put_module(&to, module));
	written(name, &out);
	assert_int_equal(heapwire_open_modules(&from, body_of(name, kind, &owned), kind, &got_head),
			 0);
	assert_true(got_head.interval == head->interval && got_head.flags == head->flags);
	assert_int_equal(heapwire_next_module(&from, &got), 1);
	assert_true(got.start == module->start && got.end == module->end);
	assert_true(got.offset == module->offset && got.path_len == module->path_len);
	assert_memory_equal(got.path, module->path, got.path_len);
	assert_int_equal(got.build_id_len, module->build_id_len);
	assert_memory_equal(got.build_id, "\xde\xad\xbe\xef", got.build_id_len);
	assert_true(got.inode == module->inode);
	assert_int_equal(heapwire_next_module(&from, &got), 0);
	free(owned);
}

static void modules(void **state)
{
	static const struct heapwire_modules head = {HEAPWIRE_RESTART, 524288}, more = {0, 524288};
	static const struct heapwire_module tree = {
		.start = 0x555555400000,
		.end = 0x555555412000,
		.offset = 32768,
		.path = "/bin/tree",
		.path_len = 9,
		.build_id = (const uint8_t *)"\xde\xad\xbe\xef",
		.build_id_len = 4,
	};
	static const struct heapwire_module vdso = {.start = 0x7ffff7fc0000,
						    .end = 0x7ffff7fc1000,
						    .path = "[vdso]",
						    .path_len = 6,
						    .inode = 135};

	(void)state;
	check_modules("modules", WIRE_MODULES, &head, &tree);
	check_modules("modules-more", WIRE_MODULES_MORE, &more, &vdso);
}

static void stacks(void **state)
{
	static const struct heapwire_stack two[] = {
		{0, 3, {0x7ffff7c28e40, 0x555555401130, 0x555555401000}},
		{HEAPWIRE_MAPPING, 3, {0x555555401180, 0x555555401130, 0x555555401000}},
	};
	struct bytes_out out = out_of_buf();
	const struct heapwire_stack *got;
	struct heapwire_out to;
	struct heapwire_in from;
	uint64_t first;
	uint8_t *owned;

	(void)state;
	heapwire_begin_stacks(&to, &out, 5);
	for (size_t i = 0; i < 2; i++)
		assert_true(heapwire_put_stack(&to, &two[i]));
	written("stacks", &out);
	assert_int_equal(
		heapwire_open_stacks(&from, body_of("stacks", WIRE_STACKS, &owned), &first), 0);
	assert_int_equal(first, 5);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(heapwire_next_stack(&from, &got), 1);
		assert_true(got->flags == two[i].flags && got->count == 3);
		assert_memory_equal(got->frame, two[i].frame, 3 * sizeof(*got->frame));
	}
	assert_int_equal(heapwire_next_stack(&from, &got), 0);
	free(owned);
}

/* A block that is sampled, then freed; the stack before it has the one that it was moved to. */
static const struct {
	uint64_t stack;
	struct heapwire_sums change;
} a_heap[] = {
	{5, {256, 524288, 256, 524288, 100}},
	{4, {0, 0, -256, -524288, -100}},
};

static void put_heap(struct bytes_out *out, size_t n)
{
	struct heapwire_out to;

	heapwire_begin_heap(&to, out, 1000, 0);
	for (size_t i = 0; i < n; i++)
		assert_true(heapwire_put_sums(&to, a_heap[i].stack, &a_heap[i].change));
}

static void check_heap(struct bytes_in in, size_t n)
{
	struct heapwire_sums got;
	struct heapwire_in from;
	uint64_t tick, stack;

	assert_int_equal(heapwire_open_heap(&from, in, &tick, NULL), 0);
	assert_int_equal(tick, 1000);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(heapwire_next_sums(&from, &stack, &got), 1);
		assert_int_equal(stack, a_heap[i].stack);
		assert_memory_equal(&got, &a_heap[i].change, sizeof(got));
	}
	assert_int_equal(heapwire_next_sums(&from, &stack, &got), 0);
}

static void heap(void **state)
{
	struct bytes_out out = out_of_buf();
	uint8_t *owned;

	(void)state;
	put_heap(&out, 2);
	written("heap", &out);
	check_heap(body_of("heap", WIRE_HEAP, &owned), 2);
	free(owned);
}

/* The section holds the message's body. */
static void put_section_heap(struct bytes_out *out)
{
	uint8_t message[64];
	struct bytes_out body = {message, message + sizeof(message), false};

	put_heap(&body, 1);
	rows_pack_heap(out, 1, (enum wire_kind)message[0], message + 1,
		       (size_t)(body.p - message) - 1);
}

static const struct rows_process a_process = {
	.id = 1,
	.pid = 4242,
	.ppid = 4241,
	.start_ticks = 133463,
	.uid = 1000,
	.gid = 1000,
	.first_ns = 1500,
	.last_ns = 300000000,
	.ended = 1,
	.samples = 3,
	.dropped = 2,
	.comm = "sh",
	.exe = "/bin/sh",
	.argv = "sh\0-c\0true\0",
	.how = "inside",
	.comm_len = 2,
	.exe_len = 7,
	.argv_len = 11,
	.how_len = 6,
};

static const struct rows_event an_event = {
	.time_ns = 1500, .kind = EVENT_START, .process = 1, .text = "inside", .text_len = 6};

static const struct rows_phase a_phase = {.number = 2,
					  .start_ns = 1500000000,
					  .end_ns = 3200000000,
					  .known = ROWS_PHASE_EXACT | ROWS_PHASE_SAMPLED,
					  .peak_exact = 50 << 20,
					  .peak_sampled = 51904512,
					  .peak_ns = 2114000000,
					  .name = "link",
					  .name_len = 4};

static void put_rows(struct bytes_out *out)
{
	const struct record *rows[3];
	struct record rec[3];

	first_sample(&rec[0]);
	first_sample(&rec[1]);
	rec[1].tick = 1001;
	rec[1].late_us = 130;
	record_set(&rec[1], FIELD_RSS, 29812);
	second_sample(&rec[2]);
	for (size_t i = 0; i < 3; i++)
		rows[i] = &rec[i];
	rows_pack(out, SECTION_ROWS, 1, rows, 3);
}

static void put_summary(struct bytes_out *out)
{
	const struct record *rows[1];
	struct record rec;

	record_init(&rec);
	rec.tick = 1003;
	rec.reason[SOURCE_RUN] = REASON_OK;
	record_set(&rec, FIELD_DURATION, 300000000);
	record_set(&rec, FIELD_EXIT_STATUS, 0);
	record_set(&rec, FIELD_RUN_SAMPLES, 3);
	rows[0] = &rec;
	rows_pack(out, SECTION_SUMMARY, 0, rows, 1);
}

static const struct rows_holder a_holder = {
	.id = 1,
	.pid = 4242,
	.comm = "sh",
	.comm_len = 2,
	.rss_anon = 1000,
	.rss_shmem = 4,
	.has_pss = true,
	.pss = 1018,
	.pss_age_ns = 1500,
};

static struct bytes_in content_of(struct bytes_in *in, uint64_t kind)
{
	struct bytes_in content;
	uint64_t got;

	assert_true(rows_next_section(in, &got, &content));
	assert_int_equal(got, kind);
	return content;
}

static void check_process(struct bytes_in *in)
{
	struct bytes_in content = content_of(in, SECTION_PROCESS);
	struct rows_process got;

	assert_int_equal(rows_unpack_process(&content, &got), 0);
	assert_int_equal(bytes_left(&content), 0);
	assert_true(got.id == 1 && got.pid == 4242 && got.ppid == 4241 && got.uid == 1000);
	assert_true(got.start_ticks == 133463 && got.gid == 1000 && got.first_ns == 1500);
	assert_true(got.last_ns == 300000000 && got.ended == 1 && got.samples == 3);
	assert_true(got.dropped == 2 && got.comm_len == 2 && got.exe_len == 7);
	assert_true(got.argv_len == 11 && got.how_len == 6 && !memcmp(got.how, "inside", 6));
}

static void check_event(struct bytes_in *in)
{
	struct bytes_in content = content_of(in, SECTION_EVENT);
	struct rows_event got;

	assert_int_equal(rows_unpack_event(&content, &got), 0);
	assert_int_equal(bytes_left(&content), 0);
	assert_true(got.time_ns == 1500 && got.kind == EVENT_START && got.process == 1);
	assert_true(got.number == 0 && got.text_len == 6 && !memcmp(got.text, "inside", 6));
}

static void check_holders(struct bytes_in *in)
{
	struct bytes_in content = content_of(in, SECTION_HOLDERS);
	struct rows_holder got[ROWS_HOLDERS_MAX];

	assert_int_equal(rows_unpack_holders(&content, got), 1);
	assert_int_equal(bytes_left(&content), 0);
	assert_true(got[0].id == 1 && got[0].pid == 4242 && got[0].has_pss);
	assert_true(got[0].comm_len == 2 && !memcmp(got[0].comm, "sh", 2));
	assert_true(got[0].rss_anon == 1000 && got[0].rss_shmem == 4);
	assert_true(got[0].pss == 1018 && got[0].pss_age_ns == 1500);
}

static void check_section_heap(struct bytes_in *in)
{
	struct bytes_in content = content_of(in, SECTION_HEAP);
	uint8_t kind;
	uint64_t id;

	assert_int_equal(rows_unpack_heap(&content, &id, &kind), 0);
	assert_true(id == 1 && kind == WIRE_HEAP);
	assert_true(heapwire_is_sound(kind, content));
	check_heap(content, 1);
}

static void check_phase(struct bytes_in *in)
{
	struct bytes_in content = content_of(in, SECTION_PHASE);
	struct rows_phase got;

	assert_int_equal(rows_unpack_phase(&content, &got), 0);
	assert_int_equal(bytes_left(&content), 0);
	assert_true(got.number == 2 && got.start_ns == 1500000000 && got.end_ns == 3200000000);
	assert_true(got.known == (ROWS_PHASE_EXACT | ROWS_PHASE_SAMPLED));
	assert_true(got.peak_exact == 50 << 20 && got.peak_sampled == 51904512);
	assert_true(got.peak_ns == 2114000000 && got.name_len == 4);
	assert_memory_equal(got.name, "link", 4);
}

static void check_source(struct bytes_in *in, unsigned source, size_t n, const char *reasons)
{
	uint8_t reason[8];
	uint64_t id;

	assert_int_equal(rows_next_source(in, n, &id, reason), 1);
	assert_int_equal(id, source);
	assert_memory_equal(reason, reasons, n);
}

/* values: n numbers, INT64_MIN where there is none. */
static void check_field(struct bytes_in *in, unsigned field, size_t n, const int64_t *values)
{
	uint8_t present[8];
	int64_t value[8];
	uint64_t id;

	assert_int_equal(rows_next_field(in, n, &id, present, value), 1);
	assert_int_equal(id, field);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(present[i], values[i] != INT64_MIN);
		if (present[i])
			assert_true(value[i] == values[i]);
	}
}

static void check_rows(struct bytes_in *in)
{
	struct bytes_in content = content_of(in, SECTION_ROWS);
	uint64_t subject, tick[3], late[3], dropped[3], id;
	uint8_t flags[3];
	int64_t values[3];
	size_t n;

	assert_int_equal(rows_open(&content, &subject, &n), 0);
	assert_true(subject == 1 && n == 3);
	assert_int_equal(rows_get_heads(&content, n, tick, late, dropped), 0);
	assert_true(tick[0] == 1000 && tick[1] == 1001 && tick[2] == 1003);
	assert_true(late[0] == 120 && late[1] == 130 && late[2] == 95);
	assert_true(dropped[0] == 0 && dropped[1] == 0 && dropped[2] == 2);
	check_source(&content, SOURCE_STATUS, n, "\0\0\0");
	check_source(&content, SOURCE_ROLLUP, n, "\1\1\0");
	assert_int_equal(rows_next_source(&content, n, &id, flags), 0);
	check_field(&content, FIELD_RSS, n, (const int64_t[]){29820, 29812, 29824});
	check_field(&content, FIELD_HWM, n, (const int64_t[]){29820, 29820, 29820});
	check_field(&content, FIELD_THREADS, n, (const int64_t[]){2, 2, INT64_MIN});
	check_field(&content, FIELD_PSS, n, (const int64_t[]){INT64_MIN, INT64_MIN, 29051});
	assert_int_equal(rows_next_field(&content, n, &id, flags, values), 0);
	assert_int_equal(bytes_left(&content), 0);
}

static void check_summary(struct bytes_in *in)
{
	struct bytes_in content = content_of(in, SECTION_SUMMARY);
	uint64_t subject, tick, late, dropped, id;
	uint8_t flag;
	int64_t value;
	size_t n;

	assert_int_equal(rows_open(&content, &subject, &n), 0);
	assert_true(subject == 0 && n == 1);
	assert_int_equal(rows_get_heads(&content, n, &tick, &late, &dropped), 0);
	assert_true(tick == 1003 && late == 0 && dropped == 0);
	check_source(&content, SOURCE_RUN, n, "\0");
	assert_int_equal(rows_next_source(&content, n, &id, &flag), 0);
	check_field(&content, FIELD_DURATION, n, (const int64_t[]){300000000});
	check_field(&content, FIELD_EXIT_STATUS, n, (const int64_t[]){0});
	check_field(&content, FIELD_RUN_SAMPLES, n, (const int64_t[]){3});
	assert_int_equal(rows_next_field(&content, n, &id, &flag, &value), 0);
	assert_int_equal(bytes_left(&content), 0);
}

static void sections(void **state)
{
	static const struct {
		const char *name;
		void (*check)(struct bytes_in *in);
	} all[] = {
		{"section-process", check_process},   {"section-event", check_event},
		{"section-holders", check_holders},   {"section-rows", check_rows},
		{"section-phase", check_phase},	      {"section-summary", check_summary},
		{"section-heap", check_section_heap},
	};
	struct bytes_out out = out_of_buf();

	(void)state;
	rows_pack_process(&out, &a_process);
	written("section-process", &out);
	out = out_of_buf();
	rows_pack_event(&out, &an_event);
	written("section-event", &out);
	out = out_of_buf();
	rows_pack_holders(&out, &a_holder, 1);
	written("section-holders", &out);
	out = out_of_buf();
	rows_pack_phase(&out, &a_phase);
	written("section-phase", &out);
	out = out_of_buf();
	put_rows(&out);
	written("section-rows", &out);
	out = out_of_buf();
	put_summary(&out);
	written("section-summary", &out);
	out = out_of_buf();
	put_section_heap(&out);
	written("section-heap", &out);
	for (size_t i = 0; i < UNIT_COUNT(all); i++) {
		uint8_t *owned;
		struct bytes_in in = example(all[i].name, &owned);

		all[i].check(&in);
		assert_int_equal(bytes_left(&in), 0);
		free(owned);
	}
}

static void put_text(struct bytes_out *out, const char *text)
{
	bytes_put_blob(out, text, strlen(text));
}

/* A header of two items, and of tables cut to one line each. */
static void put_header(struct bytes_out *out)
{
	static const char *const info[][2] = {{"version", "0.1.0"}, {"freq", "10"}};
	uint8_t *at;

	bytes_put_raw(out, ROWS_HEADER_MAGIC, ROWS_HEADER_MAGIC_LEN);
	bytes_put_varint(out, ROWS_FORMAT_VERSION);
	for (size_t i = 0; i < UNIT_COUNT(info); i++) {
		at = rows_begin(out, SECTION_INFO);
		put_text(out, info[i][0]);
		put_text(out, info[i][1]);
		rows_end(out, at);
	}
	at = rows_begin(out, SECTION_SOURCES);
	bytes_put_varint(out, SOURCE_RUN);
	bytes_put_varint(out, SCOPE_RUN);
	put_text(out, "run");
	rows_end(out, at);
	at = rows_begin(out, SECTION_FIELDS);
	bytes_put_varint(out, FIELD_DURATION);
	bytes_put_varint(out, SOURCE_RUN);
	bytes_put_varint(out, 1);
	put_text(out, "");
	put_text(out, "duration_ns");
	rows_end(out, at);
	at = rows_begin(out, SECTION_REASONS);
	put_text(out, "ok");
	rows_end(out, at);
}

/* A skippable frame of what put writes, closed by its CRC-32. */
static void put_skippable(struct bytes_out *out, void (*put)(struct bytes_out *out))
{
	struct bytes_out size = {.p = out->p + 4, .end = out->p + 8};
	const uint8_t *content = out->p + 8;

	bytes_put_u32(out, ROWS_SKIPPABLE_MAGIC);
	bytes_put_u32(out, 0);
	put(out);
	bytes_put_u32(out, bytes_crc32(content, (size_t)(out->p - content)));
	bytes_put_u32(&size, (uint32_t)(out->p - content));
}

static size_t header_size;

static void put_index(struct bytes_out *out)
{
	uint8_t *at = rows_begin(out, SECTION_INDEX);

	bytes_put_varint(out, header_size);
	bytes_put_varint(out, 1003);
	rows_end(out, at);
}

static void run_file(void **state)
{
	static uint8_t block[4096];
	struct bytes_out out = out_of_buf();
	struct bytes_in in;
	uint8_t *owned;
	size_t frame, len;

	(void)state;
	put_skippable(&out, put_header);
	written("run-header", &out);
	header_size = (size_t)(out.p - buf);

	/* The one block: a zstd frame with its size and its checksum, of a summary. */
	in = example("run-block", &owned);
	frame = bytes_left(&in);
	assert_int_equal(ZSTD_findFrameCompressedSize(in.p, frame), frame);
	assert_true(ZSTD_getFrameContentSize(in.p, frame) <= ROWS_BLOCK_MAX);
	assert_int_equal(in.p[4] & 4, 4); /* RFC 8878, 3.1.1.1.1: Content_Checksum_flag */
	len = ZSTD_decompress(block, sizeof(block), in.p, frame);
	assert_false(ZSTD_isError(len));
	bytes_put_raw(&out, in.p, frame);
	free(owned);
	in = (struct bytes_in){.p = block, .end = block + len};
	check_summary(&in);
	assert_int_equal(bytes_left(&in), 0);

	len = (size_t)(out.p - buf);
	put_skippable(&out, put_index);
	unit_hex_equal("run-index", buf + len, (size_t)(out.p - buf) - len);
	/* The three, one after the other, are a whole run file, and a valid zstd file. */
	assert_int_equal(ZSTD_findFrameCompressedSize(buf, sizeof(buf)), header_size);
	assert_int_equal(ZSTD_decompress(block, sizeof(block), buf, (size_t)(out.p - buf)),
			 in.end - block);
}

/* The version and the numbers that the text names are the code's. */
static void constants(void **state)
{
	static const char *const names[] = {"varint",	       "zigzag",	  "blob",
					    "padded",	       "hello",		  "hello-zstd",
					    "sample-full",     "sample-delta",	  "section-process",
					    "section-event",   "section-holders", "section-rows",
					    "section-summary", "run-header",	  "run-block",
					    "run-index",       "section-phase",	  "modules",
					    "modules-more",    "stacks",	  "heap",
					    "section-heap"};
	size_t len;
	char *text = (char *)unit_load("core/FORMAT.md", &len);
	size_t examples = 0;
	char line[64];

	(void)state;
	text = realloc(text, len + 1);
	text[len] = '\0';
	/* No example is there that no test reads. */
	for (const char *p = text; (p = strstr(p, "\n```hex ")); p++)
		examples++;
	assert_int_equal(examples, UNIT_COUNT(names));
	snprintf(line, sizeof(line), "Wire version: %d.", WIRE_VERSION);
	assert_non_null(strstr(text, line));
	snprintf(line, sizeof(line), "Run file version: %d.", ROWS_FORMAT_VERSION);
	assert_non_null(strstr(text, line));
	/* Every reason and every kind of event is told. */
	for (unsigned i = 0; i < REASON_MAX; i++) {
		snprintf(line, sizeof(line), "| %u | `%s` |", i, reason_table[i]);
		if (!strstr(text, line))
			fail_msg("FORMAT.md does not tell %s", line);
	}
	for (unsigned i = 1; i < EVENT_MAX; i++) {
		snprintf(line, sizeof(line), "| %u | `%s` |", i, event_table[i]);
		if (!strstr(text, line))
			fail_msg("FORMAT.md does not tell %s", line);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),  cmocka_unit_test(hello),	cmocka_unit_test(samples),
		cmocka_unit_test(modules),  cmocka_unit_test(stacks),	cmocka_unit_test(heap),
		cmocka_unit_test(sections), cmocka_unit_test(run_file), cmocka_unit_test(constants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
