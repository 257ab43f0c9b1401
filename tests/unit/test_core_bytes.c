/* SPDX-License-Identifier: ISC */
#include "tests/unit/unit.h"

#include "core/bytes.h"

static const uint64_t edges[] = {
	0,
	1,
	0x7f,
	0x80,
	0x3fff,
	0x4000,
	0x1fffff,
	0x200000,
	0xffffffff,
	0x100000000,
	INT64_MAX,
	(uint64_t)1 << 63,
	UINT64_MAX,
	UINT64_MAX - 1,
	UINT64_MAX / 2 + 2,
	0xaaaaaaaaaaaa,
	42,
	255,
};

/* In memory of exactly the size, so that a sanitizer sees a read past the end. */
static struct bytes_in cut_of(const uint8_t *bytes, size_t len, uint8_t **ret_owned)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	*ret_owned = copy;
	return (struct bytes_in){.p = copy, .end = copy + len};
}

static uint64_t get_from(const uint8_t *bytes, size_t len, bool *ret_bad, size_t *ret_left)
{
	uint8_t *owned;
	struct bytes_in in = cut_of(bytes, len, &owned);
	uint64_t v = bytes_get_varint(&in);

	*ret_bad = in.bad;
	*ret_left = bytes_left(&in);
	free(owned);
	return v;
}

static void varint_edges(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(edges) + 64; i++) {
		uint64_t v = i < 64 ? (uint64_t)1 << i : edges[i - 64];
		uint8_t buf[BYTES_VARINT_MAX];
		struct bytes_out out = {.p = buf, .end = buf + sizeof(buf)};
		size_t len, left;
		bool bad;

		bytes_put_varint(&out, v);
		assert_false(out.full);
		len = (size_t)(out.p - buf);
		assert_true(get_from(buf, len, &bad, &left) == v && !bad && left == 0);
		for (size_t cut = 0; cut < len; cut++)
			assert_true(get_from(buf, cut, &bad, &left) == 0 && bad);
		for (size_t room = 0; room < len; room++) {
			out = (struct bytes_out){.p = buf, .end = buf + room};
			bytes_put_varint(&out, v);
			assert_true(out.full && out.p <= out.end);
		}
	}
}

static void varint_padded_and_overlong(void **state)
{
	static const uint8_t padded[] = {0x85, 0x80, 0x80, 0x00};
	static const uint8_t eleven[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
					 0x80, 0x80, 0x80, 0x80, 0x00};
	static const uint8_t bit64[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02};
	static const uint8_t bit63[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01};
	size_t left;
	bool bad;

	(void)state;
	assert_true(get_from(padded, sizeof(padded), &bad, &left) == 5 && !bad);
	assert_true(get_from(bit63, sizeof(bit63), &bad, &left) == (uint64_t)1 << 63 && !bad);
	assert_true(get_from(eleven, sizeof(eleven), &bad, &left) == 0 && bad);
	assert_true(get_from(bit64, sizeof(bit64), &bad, &left) == 0 && bad);
}

static void zigzag_edges(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * UNIT_COUNT(edges); i++) {
		int64_t v = (int64_t)(i % 2 ? edges[i / 2] : 0 - edges[i / 2]);
		uint8_t buf[BYTES_VARINT_MAX];
		struct bytes_out out = {.p = buf, .end = buf + sizeof(buf)};
		struct bytes_in in = {.p = buf};

		bytes_put_zigzag(&out, v);
		in.end = out.p;
		assert_true(bytes_get_zigzag(&in) == v && !in.bad && !bytes_left(&in));
		if (v >= -64 && v < 64)
			assert_int_equal(out.p - buf, 1);
	}
}

static void blobs(void **state)
{
	uint8_t buf[16];
	struct bytes_out out = {.p = buf, .end = buf + sizeof(buf)};
	struct bytes_in in;
	uint8_t *owned;
	size_t len;

	(void)state;
	bytes_put_blob(&out, "abc", 3);
	bytes_put_blob(&out, NULL, 0);
	assert_false(out.full);
	in = cut_of(buf, (size_t)(out.p - buf), &owned);
	assert_memory_equal(bytes_get_blob(&in, &len), "abc", 3);
	assert_int_equal(len, 3);
	assert_non_null(bytes_get_blob(&in, &len));
	assert_true(len == 0 && !in.bad && !bytes_left(&in));
	free(owned);
	/* More than there is, by one and by nearly 2^64. */
	in = cut_of((const uint8_t *)"\x03"
				     "ab",
		    3, &owned);
	assert_null(bytes_get_blob(&in, &len));
	assert_true(in.bad && len == 0);
	free(owned);
	in = cut_of((const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x", 11, &owned);
	assert_null(bytes_get_blob(&in, &len));
	assert_true(in.bad && len == 0);
	/* The error stays. */
	assert_int_equal(bytes_get_u8(&in), 0);
	assert_true(in.bad);
	free(owned);
}

static void full_is_sticky(void **state)
{
	uint8_t buf[8] = {0};
	struct bytes_out out = {.p = buf, .end = buf + 4};

	(void)state;
	bytes_put_blob(&out, "abcdef", 6);
	assert_true(out.full);
	bytes_put_u8(&out, 1);
	bytes_put_u32(&out, UINT32_MAX);
	bytes_put_raw(&out, "x", 1);
	assert_true(out.full && out.p <= out.end);
	for (size_t i = 4; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0);
}

static void fixed_widths(void **state)
{
	uint8_t buf[5];
	struct bytes_out out = {.p = buf, .end = buf + sizeof(buf)};
	struct bytes_in in = {.p = buf, .end = buf + sizeof(buf)};

	(void)state;
	bytes_put_u32(&out, 0x184d2a56);
	bytes_put_u8(&out, 0xfe);
	assert_memory_equal(buf, "\x56\x2a\x4d\x18\xfe", 5);
	assert_true(bytes_get_u32(&in) == 0x184d2a56 && bytes_get_u8(&in) == 0xfe && !in.bad);
	assert_int_equal(bytes_get_u32(&in), 0);
	assert_true(in.bad);
}

static void crc32_check_value(void **state)
{
	(void)state;
	assert_int_equal(bytes_crc32("123456789", 9), 0xcbf43926);
	assert_int_equal(bytes_crc32("", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varint_edges),	     cmocka_unit_test(varint_padded_and_overlong),
		cmocka_unit_test(zigzag_edges),	     cmocka_unit_test(blobs),
		cmocka_unit_test(full_is_sticky),    cmocka_unit_test(fixed_widths),
		cmocka_unit_test(crc32_check_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
