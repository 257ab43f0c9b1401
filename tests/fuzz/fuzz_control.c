/* SPDX-License-Identifier: ISC */
/*
 * What mstatd is asked, and what it answers: any bytes. What was understood is packed again and must
 * be understood the same.
 */
#include <string.h>

#include "collector/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[CONTROL_MAX];
	struct control_message got, again;
	size_t len;

	if (size > CONTROL_MAX || control_unpack(data, size, &got))
		return 0;
	if (got.len > size || got.bytes + got.len != data + size)
		__builtin_trap();
	if (control_is_request(got.kind) != control_is_request(data[0]))
		__builtin_trap();
	len = control_pack(buf, &got);
	/* A number may have come in more bytes than it takes. */
	if (len == 0 || len > size)
		__builtin_trap();
	if (control_unpack(buf, len, &again) || again.kind != got.kind ||
	    again.number != got.number || again.len != got.len ||
	    memcmp(again.bytes, got.bytes, got.len))
		__builtin_trap();
	return 0;
}
