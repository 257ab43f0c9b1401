/* SPDX-License-Identifier: ISC */
/*
 * Numbers in bytes that were read of a process, which stand anywhere.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_WORDS_H
#define MSTAT_COLLECTOR_RUNTIMES_WORDS_H

#include <stdint.h>
#include <string.h>

static inline uint64_t words_64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static inline uint32_t words_32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

#endif
