/* SPDX-License-Identifier: ISC */
/* A sampler's first message, whole: for those who must know whose it is before they record it. */
#ifndef MSTAT_COLLECTOR_HELLO_H
#define MSTAT_COLLECTOR_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "core/wire.h"

/*
 * Unpacks it; what *ret borrows stands in message, or in room where it was compressed. Returns 0 or a negative
 * errno, -EBADMSG for all that no sampler says.
 */
int hello_open(const uint8_t *message, size_t len, uint8_t room[WIRE_MESSAGE_MAX],
	       struct wire_hello *ret);

#endif
