/* SPDX-License-Identifier: ISC */
/*
 * What a hostile peer may send: messages, each after its length in two bytes, on one connection.
 * What was understood is packed again and must be understood the same.
 */
#include <stdlib.h>
#include <string.h>

#include "core/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A sender that is where the receiver was tells got; the receiver must get got again. */
static void tell_again(const struct record *before, const struct record *got)
{
	static uint8_t buf[WIRE_MESSAGE_MAX];
	struct bytes_out out = {.p = buf, .end = buf + sizeof(buf)};
	struct record state = *before;
	struct record again;
	struct bytes_in in;

	wire_pack_sample(&out, got, before);
	if (out.full)
		__builtin_trap();
	in = (struct bytes_in){.p = buf, .end = out.p};
	if (wire_unpack_sample(&in, WIRE_SAMPLE, &state, &again))
		__builtin_trap();
	if (again.tick != got->tick || again.late_us != got->late_us ||
	    again.dropped != got->dropped ||
	    memcmp(again.reason, got->reason, sizeof(got->reason)) ||
	    memcmp(again.present, got->present, sizeof(got->present)))
		__builtin_trap();
	for (unsigned f = 0; f < FIELD_MAX; f++)
		if (record_has(got, f) && again.value[f] != got->value[f])
			__builtin_trap();
}

static void read_sample(const uint8_t *data, size_t size, enum wire_kind kind, struct record *last)
{
	struct bytes_in in = {.p = data, .end = data + size};
	struct record before;
	struct record got;

	if (kind == WIRE_FULL)
		wire_reset(last);
	before = *last;
	if (wire_unpack_sample(&in, kind, last, &got)) {
		wire_reset(last);
		return;
	}
	for (unsigned s = 0; s < SOURCE_MAX; s++)
		if (got.reason[s] >= REASON_MAX)
			__builtin_trap();
	for (unsigned f = 0; f < FIELD_MAX; f++)
		if (record_has(&got, f) &&
		    (!field_table[f].known || got.reason[field_table[f].source] != REASON_OK))
			__builtin_trap();
	tell_again(&before, &got);
}

static void read_hello(const uint8_t *data, size_t size)
{
	struct bytes_in in = {.p = data, .end = data + size};
	struct wire_hello hello;
	unsigned sum = 0;

	if (wire_unpack_hello(&in, &hello))
		return;
	for (size_t i = 0; i < hello.comm_len; i++)
		sum += (unsigned char)hello.comm[i];
	for (size_t i = 0; i < hello.exe_len; i++)
		sum += (unsigned char)hello.exe[i];
	for (size_t i = 0; i < hello.argv_len; i++)
		sum += (unsigned char)hello.argv[i];
	__asm__ volatile("" : : "r"(sum));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record last;

	memset(&last, 0, sizeof(last));
	wire_reset(&last);
	while (size > 3) {
		size_t len = (size_t)data[0] | (size_t)data[1] << 8;
		uint8_t kind = data[2];
		uint8_t *copy;

		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		/* Of exactly the size, so that the sanitizer sees the message's end. */
		copy = malloc(len ? len : 1);
		if (!copy)
			return 0;
		memcpy(copy, data, len);
		if (kind % 4 == WIRE_HELLO)
			read_hello(copy, len);
		else
			read_sample(copy, len, kind % 4 == WIRE_FULL ? WIRE_FULL : WIRE_SAMPLE,
				    &last);
		free(copy);
		data += len;
		size -= len;
	}
	return 0;
}
