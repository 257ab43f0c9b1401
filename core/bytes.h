/* SPDX-License-Identifier: ISC */
/*
 * Writing and reading of small integers and strings in a bounded buffer.
 *
 * Both cursors carry a sticky error: a caller makes all its calls and looks once at the end.
 * Nothing here allocates, and no byte outside [p, end) is touched. Layouts are in FORMAT.md.
 */
#ifndef MSTAT_CORE_BYTES_H
#define MSTAT_CORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest varint: 64 bits in groups of 7. */
#define BYTES_VARINT_MAX 10

struct bytes_out {
	uint8_t *p;   /* next byte to write */
	uint8_t *end; /* borrowed buffer's end */
	bool full;    /* something did not fit; what was written so far is not to be used */
};

struct bytes_in {
	const uint8_t *p;   /* next byte to read */
	const uint8_t *end; /* borrowed buffer's end */
	bool bad;	    /* something was cut short or out of range; later reads give 0 */
};

void bytes_put_u8(struct bytes_out *out, uint8_t v);
void bytes_put_u32(struct bytes_out *out, uint32_t v); /* little endian */
void bytes_put_varint(struct bytes_out *out, uint64_t v);
void bytes_put_zigzag(struct bytes_out *out, int64_t v);
void bytes_put_raw(struct bytes_out *out, const void *src, size_t len);
/* A varint length and the bytes. */
void bytes_put_blob(struct bytes_out *out, const void *src, size_t len);

uint8_t bytes_get_u8(struct bytes_in *in);
uint32_t bytes_get_u32(struct bytes_in *in);
uint64_t bytes_get_varint(struct bytes_in *in);
int64_t bytes_get_zigzag(struct bytes_in *in);
/* Takes len bytes from the input; NULL (and bad) where fewer are left. Borrowed from the input. */
const uint8_t *bytes_get_raw(struct bytes_in *in, size_t len);
/* A varint length and the bytes; *ret_len is 0 on failure. Borrowed from the input. */
const uint8_t *bytes_get_blob(struct bytes_in *in, size_t *ret_len);

/* CRC-32 (IEEE 802.3, reflected) of len bytes. */
uint32_t bytes_crc32(const void *src, size_t len);

static inline size_t bytes_left(const struct bytes_in *in)
{
	return (size_t)(in->end - in->p);
}

#endif
