/* SPDX-License-Identifier: ISC */
/* Finding an address among ranges of them. */
#ifndef MSTAT_PRELOAD_HEAP_RANGES_H
#define MSTAT_PRELOAD_HEAP_RANGES_H

#include <stddef.h>
#include <stdint.h>

/* ends: the first of count ends, each a stride of bytes after the one before, ascending. */
static inline uint32_t ranges_behind(const uint64_t *ends, size_t stride, uint32_t count,
				     uint64_t address)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const uint8_t *end = (const uint8_t *)ends + middle * stride;

		if (*(const uint64_t *)(const void *)end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* The index of the first of an array's elements whose member end is behind address; count: none is. */
#define RANGES_BEHIND(array, count, address) \
	((count) ? ranges_behind(&(array)[0].end, sizeof((array)[0]), count, address) : 0)

#endif
