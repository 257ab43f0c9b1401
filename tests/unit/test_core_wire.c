/* SPDX-License-Identifier: ISC */
/* The wire: what the receiver knows is what the sender said, whatever was lost on the way. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "core/wire.h"

#define STEPS 20000

static bool is_process(unsigned source)
{
	return source_table[source].known && source_table[source].scope == SCOPE_PROCESS;
}

/* A walk: most values stay or move a little, some leap, some fields come and go. */
static void walk_source(struct record *now, unsigned source)
{
	for (unsigned f = 0; f < FIELD_MAX; f++) {
		if (!field_table[f].known || field_table[f].source != source)
			continue;
		switch (unit_below(16)) {
		case 0:
			record_unset(now, f);
			break;
		case 1:
			record_set(now, f, unit_value());
			break;
		case 2:
		case 3:
			record_set(now, f, (int64_t)((uint64_t)now->value[f] + unit_below(64)));
			break;
		default:
			break;
		}
	}
}

/* The next record out of the one before: kept says what each source read last. */
static void walk(struct record *now, struct record *kept)
{
	now->tick += 1 + (unit_below(8) ? 0 : unit_below(1000));
	now->late_us = unit_below(20000);
	for (unsigned s = 0; s < SOURCE_MAX; s++) {
		if (!is_process(s))
			continue;
		now->reason[s] =
			unit_below(3) ? REASON_OK : (uint8_t)(1 + unit_below(REASON_MAX - 1));
		if (now->reason[s] == REASON_OK)
			walk_source(kept, s);
	}
	for (unsigned f = 0; f < FIELD_MAX; f++) {
		record_unset(now, f);
		if (record_has(kept, f) && now->reason[field_table[f].source] == REASON_OK)
			record_set(now, f, kept->value[f]);
	}
}

static void same_fields(const struct record *a, const struct record *b)
{
	for (unsigned f = 0; f < FIELD_MAX; f++) {
		assert_int_equal(record_has(a, f), record_has(b, f));
		if (record_has(a, f))
			assert_true(a->value[f] == b->value[f]);
	}
}

static void same_reasons(const struct record *a, const struct record *b)
{
	for (unsigned s = 0; s < SOURCE_MAX; s++)
		assert_int_equal(a->reason[s], b->reason[s]);
}

/* Both ends of one connection. */
struct ends {
	struct record sender, receiver;
	bool need_full;
	unsigned since_full, lost;
};

static void connect(struct ends *ends)
{
	wire_reset(&ends->sender);
	wire_reset(&ends->receiver);
	ends->need_full = true;
	ends->lost = 0;
}

/* Sends now; drops it at times, as a full socket does. Returns the message's length. */
static size_t step(struct ends *ends, struct record *now)
{
	enum wire_kind kind = WIRE_SAMPLE;
	uint8_t buf[WIRE_MESSAGE_MAX];
	struct bytes_out out = {.p = buf, .end = buf + sizeof(buf)};
	struct record empty, got;
	struct bytes_in in;
	uint8_t *copy;
	size_t len;

	if (ends->need_full || ends->since_full >= WIRE_FULL_EVERY)
		kind = WIRE_FULL;
	wire_reset(&empty);
	now->dropped = ends->lost;
	wire_pack_sample(&out, now, kind == WIRE_FULL ? &empty : &ends->sender);
	assert_false(out.full);
	len = (size_t)(out.p - buf);
	if (!unit_below(5)) {
		ends->lost++;
		return len;
	}
	if (kind == WIRE_FULL)
		wire_reset(&ends->sender);
	wire_advance(&ends->sender, now);
	ends->since_full = kind == WIRE_FULL ? 0 : ends->since_full + 1;
	ends->need_full = false;
	ends->lost = 0;

	copy = malloc(len);
	memcpy(copy, buf, len);
	in = (struct bytes_in){.p = copy, .end = copy + len};
	assert_int_equal(wire_unpack_sample(&in, kind, &ends->receiver, &got), 0);
	free(copy);
	assert_true(got.tick == now->tick && got.late_us == now->late_us);
	assert_true(got.dropped == now->dropped);
	same_reasons(&got, now);
	same_fields(&got, now);
	same_fields(&ends->receiver, &ends->sender);
	same_reasons(&ends->receiver, &ends->sender);
	assert_true(ends->receiver.tick == ends->sender.tick);
	return len;
}

static void random_records(void **state)
{
	struct record now, kept;
	struct ends ends;
	size_t bytes = 0;

	(void)state;
	unit_random_init();
	record_init(&now);
	record_init(&kept);
	memset(now.value, 0, sizeof(now.value));
	memset(kept.value, 0, sizeof(kept.value));
	connect(&ends);
	for (unsigned i = 0; i < STEPS; i++) {
		if (!unit_below(500))
			connect(&ends);
		walk(&now, &kept);
		bytes += step(&ends, &now);
	}
	print_message("%zu bytes a message\n", bytes / STEPS);
}

/* The largest sample that there can be is one message. */
static void largest_sample(void **state)
{
	uint8_t buf[WIRE_MESSAGE_MAX - 1];
	struct bytes_out out = {.p = buf, .end = buf + sizeof(buf)};
	struct record now, empty;

	(void)state;
	record_init(&now);
	wire_reset(&empty);
	now.tick = now.late_us = now.dropped = UINT64_MAX;
	for (unsigned s = 0; s < SOURCE_MAX; s++)
		if (is_process(s))
			now.reason[s] = REASON_OK;
	for (unsigned f = 0; f < FIELD_MAX; f++)
		if (field_table[f].known && is_process(field_table[f].source))
			record_set(&now, f, f % 2 ? INT64_MIN : INT64_MAX);
	wire_pack_sample(&out, &now, &empty);
	assert_false(out.full);
	print_message("%zu bytes\n", (size_t)(out.p - buf));
}

/* A sample in which nothing changed costs a head and two bytes for each source that was read. */
static void quiet_sample(void **state)
{
	uint8_t buf[64];
	struct bytes_out out = {.p = buf, .end = buf + sizeof(buf)};
	struct record now, last;

	(void)state;
	record_init(&now);
	wire_reset(&last);
	now.tick = 77;
	now.reason[SOURCE_STATUS] = REASON_OK;
	now.reason[SOURCE_ROLLUP] = REASON_NOT_DUE;
	record_set(&now, FIELD_RSS, 1);
	wire_advance(&last, &now);
	now.tick = 78;
	wire_pack_sample(&out, &now, &last);
	assert_int_equal(out.p - buf, 3 + 2);
}

static int unpack_bytes(const uint8_t *bytes, size_t len, enum wire_kind kind, struct record *last,
			struct record *ret)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct bytes_in in = {.p = copy, .end = copy + len};
	int err;

	memcpy(copy, bytes, len);
	err = wire_unpack_sample(&in, kind, last, ret);
	free(copy);
	return err;
}

#define UNPACK(last, ret, ...)                                                               \
	unpack_bytes((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), \
		     WIRE_SAMPLE, last, ret)
#define HEAD(source, reason) ((source) << 4 | (reason))

static void unknown_is_passed_over(void **state)
{
	struct record last, got;

	(void)state;
	wire_reset(&last);
	/* A source of the future with two fields, one removed; one that was not read; a field of
	 * the future in a source of today; a reason of the future; then what is known. */
	assert_int_equal(UNPACK(&last, &got, 5, 0, 0, 0xc0, 0x0c, 0x04, 0x02, 0x03, 0, 0xc3, 0x0c,
				HEAD(SOURCE_STATUS, 0), 6, 2, 0xfa, 0x07, 4, 0,
				HEAD(SOURCE_ROLLUP, 15)),
			 0);
	assert_int_equal(got.tick, 5);
	assert_int_equal(got.reason[SOURCE_STATUS], REASON_OK);
	assert_int_equal(got.reason[SOURCE_ROLLUP], REASON_UNKNOWN);
	assert_true(record_has(&got, FIELD_RSS) && got.value[FIELD_RSS] == 1);
	record_unset(&got, FIELD_RSS);
	for (unsigned i = 0; i < FIELD_MAX / 64; i++)
		assert_true(got.present[i] == 0);
	/* A field of another source than the block's. */
	assert_int_equal(UNPACK(&last, &got, 1, 0, 0, HEAD(SOURCE_ROLLUP, 0), 6, 8, 0), 0);
	assert_false(record_has(&got, FIELD_RSS));
	assert_true(last.value[FIELD_RSS] == 1);
}

static void only_of_the_process(void **state)
{
	struct record last, got;

	(void)state;
	wire_reset(&last);
	/* Field 96 is the tree's usage, of source 16. */
	assert_int_equal(UNPACK(&last, &got, 1, 0, 0, 0x80, 0x02, 0xc2, 0x01, 8, 0), 0);
	for (unsigned i = 0; i < FIELD_MAX / 64; i++)
		assert_true(got.present[i] == 0 && last.present[i] == 0);
}

static void malformed(void **state)
{
	struct record last, got;

	(void)state;
	wire_reset(&last);
	assert_int_equal(UNPACK(&last, &got, 1), -EBADMSG);
	assert_int_equal(UNPACK(&last, &got, 1, 0), -EBADMSG);
	assert_int_equal(UNPACK(&last, &got, 1, 0, 0), 0);
	assert_int_equal(UNPACK(&last, &got, 1, 0, 0, 0x80), -EBADMSG);
	/* A block without its end, without a value, with a step of none, past all ids. */
	assert_int_equal(UNPACK(&last, &got, 1, 0, 0, 0x10), -EBADMSG);
	assert_int_equal(UNPACK(&last, &got, 1, 0, 0, 0x10, 6), -EBADMSG);
	assert_int_equal(UNPACK(&last, &got, 1, 0, 0, 0x10, 6, 2), -EBADMSG);
	assert_int_equal(UNPACK(&last, &got, 1, 0, 0, 0x10, 1, 0), -EBADMSG);
	assert_int_equal(UNPACK(&last, &got, 1, 0, 0, 0x10, 0xff, 0xff, 0x7f, 0), -EBADMSG);
	assert_int_equal(UNPACK(&last, &got, 1, 0, 0, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				0xff, 0xff, 0xff, 0x01, 0),
			 -EBADMSG);
}

/* Sums that a hostile peer drives over the edge wrap; nothing else happens. */
static void overflow(void **state)
{
	static const uint8_t most[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				       0x01, 0,	   0,	 0x10, 6,    0xfe, 0xff, 0xff, 0xff,
				       0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0};
	struct record last, got;

	(void)state;
	wire_reset(&last);
	for (int i = 0; i < 3; i++)
		assert_int_equal(unpack_bytes(most, sizeof(most), WIRE_SAMPLE, &last, &got), 0);
	assert_true(got.tick == (uint64_t)-3);
	assert_true(got.value[FIELD_RSS] == (int64_t)(3 * (uint64_t)INT64_MAX));
	(void)record_scaled(&got, FIELD_RSS);
}

/* A message cut anywhere is refused or, between two blocks, a shorter message. */
static void cuts(void **state)
{
	uint8_t buf[WIRE_MESSAGE_MAX];
	struct bytes_out out = {.p = buf, .end = buf + sizeof(buf)};
	struct record now, kept, empty;
	unsigned whole = 0;

	(void)state;
	record_init(&now);
	record_init(&kept);
	memset(kept.value, 0, sizeof(kept.value));
	wire_reset(&empty);
	for (int i = 0; i < 50; i++)
		walk(&now, &kept);
	wire_pack_sample(&out, &now, &empty);
	for (size_t cut = 0; cut <= (size_t)(out.p - buf); cut++) {
		struct record last, got;
		int err;

		wire_reset(&last);
		err = unpack_bytes(buf, cut, WIRE_FULL, &last, &got);
		assert_true(err == 0 || err == -EBADMSG);
		whole += !err;
	}
	assert_in_range(whole, 1, SOURCE_MAX + 1);
}

static const struct wire_hello a_hello = {
	.version = WIRE_VERSION,
	.flags = WIRE_HELLO_RESTART,
	.pid = UINT32_MAX,
	.ppid = 1,
	.start_ticks = UINT64_MAX,
	.uid = UINT32_MAX,
	.gid = 65534,
	.freq = 1000,
	.comm = "a) b (c",
	.exe = "/bin/sh",
	.argv = "sh\0-c\0",
	.comm_len = 7,
	.exe_len = 7,
	.argv_len = 6,
	.time_ns = UINT64_MAX,
};

static int hello_again(const struct wire_hello *hello, size_t cut, uint8_t *buf, size_t size,
		       struct wire_hello *ret)
{
	struct bytes_out out = {.p = buf, .end = buf + size};
	struct bytes_in in = {.p = buf};

	wire_pack_hello(&out, hello);
	assert_false(out.full);
	in.end = out.p - cut;
	return wire_unpack_hello(&in, ret);
}

static void hello_round_trip(void **state)
{
	uint8_t buf[WIRE_MESSAGE_MAX - 1];
	static char long_text[WIRE_ARGV_MAX + 1];
	struct wire_hello hello = a_hello, got;

	(void)state;
	assert_int_equal(hello_again(&hello, 0, buf, sizeof(buf), &got), 0);
	assert_true(got.version == 1 && got.flags == hello.flags && got.pid == hello.pid);
	assert_true(got.ppid == 1 && got.start_ticks == UINT64_MAX && got.uid == UINT32_MAX);
	assert_true(got.gid == 65534 && got.freq == 1000);
	assert_int_equal(got.comm_len, 7);
	assert_memory_equal(got.comm, hello.comm, 7);
	assert_int_equal(got.exe_len, 7);
	assert_memory_equal(got.exe, hello.exe, 7);
	assert_int_equal(got.argv_len, 6);
	assert_memory_equal(got.argv, hello.argv, 6);
	assert_true(got.time_ns == UINT64_MAX);
	assert_int_equal(hello_again(&hello, BYTES_VARINT_MAX, buf, sizeof(buf), &got), 0);
	assert_int_equal(got.time_ns, 0); /* an older one */
	for (size_t cut = 1; cut < 50; cut++)
		if (cut != BYTES_VARINT_MAX)
			assert_int_equal(hello_again(&hello, cut, buf, sizeof(buf), &got),
					 -EBADMSG);

	/* The longest one is a message; a byte more in any text is refused. */
	memset(long_text, 'x', sizeof(long_text));
	hello.comm = hello.exe = hello.argv = long_text;
	hello.comm_len = WIRE_COMM_MAX;
	hello.exe_len = WIRE_EXE_MAX;
	hello.argv_len = WIRE_ARGV_MAX;
	assert_int_equal(hello_again(&hello, 0, buf, sizeof(buf), &got), 0);
	hello.argv_len++;
	assert_int_equal(hello_again(&hello, 0, buf, sizeof(buf), &got), -EBADMSG);
	hello.argv_len--;
	hello.exe_len++;
	assert_int_equal(hello_again(&hello, 0, buf, sizeof(buf), &got), -EBADMSG);
	hello.exe_len--;
	hello.comm_len++;
	assert_int_equal(hello_again(&hello, 0, buf, sizeof(buf), &got), -EBADMSG);
}

static void hello_refused(void **state)
{
	uint8_t buf[256];
	struct bytes_out out = {.p = buf, .end = buf + sizeof(buf)};
	struct bytes_in in = {.p = buf, .end = buf + sizeof(buf)};
	struct wire_hello hello = a_hello, got;

	(void)state;
	hello.version = WIRE_VERSION + 1;
	assert_int_equal(hello_again(&hello, 0, buf, sizeof(buf), &got), -EOPNOTSUPP);
	/* A number that is 1 in its low 32 bits is not version 1, nor process 1. */
	memset(buf, 0, sizeof(buf));
	bytes_put_varint(&out, 0x100000001);
	assert_int_not_equal(wire_unpack_hello(&in, &got), 0);
	memset(buf, 0, sizeof(buf));
	out.p = buf;
	in = (struct bytes_in){.p = buf, .end = buf + sizeof(buf)};
	bytes_put_varint(&out, 1);
	bytes_put_varint(&out, 0);
	bytes_put_varint(&out, 0x100000001);
	assert_int_equal(wire_unpack_hello(&in, &got), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_records),
		cmocka_unit_test(largest_sample),
		cmocka_unit_test(quiet_sample),
		cmocka_unit_test(unknown_is_passed_over),
		cmocka_unit_test(only_of_the_process),
		cmocka_unit_test(malformed),
		cmocka_unit_test(overflow),
		cmocka_unit_test(cuts),
		cmocka_unit_test(hello_round_trip),
		cmocka_unit_test(hello_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
