/* SPDX-License-Identifier: ISC */
#include "core/bytes.h"

void bytes_put_u8(struct bytes_out *out, uint8_t v)
{
	if (out->full || out->p == out->end) {
		out->full = true;
		return;
	}
	*out->p++ = v;
}

void bytes_put_u32(struct bytes_out *out, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		bytes_put_u8(out, (uint8_t)(v >> (8 * i)));
}

void bytes_put_varint(struct bytes_out *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		bytes_put_u8(out, (uint8_t)(v | 0x80));
	bytes_put_u8(out, (uint8_t)v);
}

void bytes_put_zigzag(struct bytes_out *out, int64_t v)
{
	bytes_put_varint(out, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

void bytes_put_raw(struct bytes_out *out, const void *src, size_t len)
{
	const uint8_t *s = src;

	if (out->full || (size_t)(out->end - out->p) < len) {
		out->full = true;
		return;
	}
	for (size_t i = 0; i < len; i++)
		*out->p++ = s[i];
}

void bytes_put_blob(struct bytes_out *out, const void *src, size_t len)
{
	bytes_put_varint(out, len);
	bytes_put_raw(out, src, len);
}

uint8_t bytes_get_u8(struct bytes_in *in)
{
	if (in->bad || in->p == in->end) {
		in->bad = true;
		return 0;
	}
	return *in->p++;
}

uint32_t bytes_get_u32(struct bytes_in *in)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v |= (uint32_t)bytes_get_u8(in) << (8 * i);
	return v;
}

uint64_t bytes_get_varint(struct bytes_in *in)
{
	uint64_t v = 0;

	/* Most are. */
	if (!in->bad && in->p < in->end && *in->p < 0x80)
		return *in->p++;
	for (int shift = 0; shift < 7 * BYTES_VARINT_MAX; shift += 7) {
		uint8_t b = bytes_get_u8(in);

		/* The tenth byte holds the 64th bit alone. */
		if (shift == 63 && b > 1)
			break;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return in->bad ? 0 : v;
	}
	in->bad = true;
	return 0;
}

int64_t bytes_get_zigzag(struct bytes_in *in)
{
	uint64_t v = bytes_get_varint(in);

	return (int64_t)((v >> 1) ^ (0 - (v & 1)));
}

const uint8_t *bytes_get_raw(struct bytes_in *in, size_t len)
{
	const uint8_t *p = in->p;

	if (in->bad || bytes_left(in) < len) {
		in->bad = true;
		return NULL;
	}
	in->p += len;
	return p;
}

const uint8_t *bytes_get_blob(struct bytes_in *in, size_t *ret_len)
{
	uint64_t len = bytes_get_varint(in);
	const uint8_t *p = NULL;

	if (len > bytes_left(in))
		in->bad = true;
	else
		p = bytes_get_raw(in, (size_t)len);
	*ret_len = p ? (size_t)len : 0;
	return p;
}

uint32_t bytes_crc32(const void *src, size_t len)
{
	const uint8_t *s = src;
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < len; i++) {
		crc ^= s[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (0xedb88320 & (0 - (crc & 1)));
	}
	return ~crc;
}
