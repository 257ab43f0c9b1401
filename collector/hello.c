/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <zstd.h>

#include "collector/hello.h"
#include "core/tick.h"

int hello_open(const uint8_t *message, size_t len, uint8_t room[WIRE_MESSAGE_MAX],
	       struct wire_hello *ret)
{
	struct bytes_in in;
	size_t n;
	int err;

	if (len == 0 || len > WIRE_MESSAGE_MAX || (message[0] & ~WIRE_ZSTD) != WIRE_HELLO)
		return -EBADMSG;
	in = (struct bytes_in){message + 1, message + len, false};
	if (message[0] & WIRE_ZSTD) {
		n = ZSTD_decompress(room, WIRE_MESSAGE_MAX, message + 1, len - 1);
		if (ZSTD_isError(n))
			return -EBADMSG;
		in = (struct bytes_in){room, room + n, false};
	}
	err = wire_unpack_hello(&in, ret);
	if (err == 0 && (ret->freq < TICK_FREQ_MIN || ret->freq > TICK_FREQ_MAX))
		err = -EBADMSG;
	return err;
}
