/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>

#include "collector/runtimes/glibc/arena.h"
#include "collector/runtimes/words.h"

/*
 * struct malloc_state: flags, fastbins, top, last_remainder, bins[254], binmap[4], next, next_free,
 * attached_threads, system_mem, max_system_mem. What stands before the bins has changed (2.26, 2.27, and
 * whenever the fastbins go), what is behind them has not. An empty bin's two words point to where a chunk
 * would be whose links they are: 16 bytes before themselves.
 */
#define BINS	       127u
#define BIN	       16u
#define BINS_EMPTY_MIN 40u
#define NEXT_AT	       (BINS * BIN + 16u) /* from the first bin on */
#define HELD_AT	       (NEXT_AT + 24u)
#define HELD_MAX_AT    (NEXT_AT + 32u)
#define STATE_END      (NEXT_AT + 40u)
/* The bins are so far behind the arena's start at most. */
#define HEAD_MAX 256u

/* struct malloc_par, since 2.35 and before: bytes from its start. */
static const struct par {
	uint32_t maps, maps_limit, mapped, mapped_max, size;
} pars[] = {{60, 64, 80, 88, 104}, {40, 44, 56, 64, 80}};
#define MAPS_LIMIT 65536u /* DEFAULT_MMAP_MAX; where mallopt() has changed it, mp_ is not found */
#define ARENA_TEST \
	24u /* of both: arena_test, 8 (2 on machines of 32 bits), and arena_max behind it */

static bool is_empty_bin(const uint8_t *at, uint64_t address)
{
	return words_64(at) == address - BIN && words_64(at + 8) == address - BIN;
}

static bool are_bins(const uint8_t *at, uint64_t address)
{
	unsigned empty = 0;

	/* The last ones are for chunks of a megabyte and more: hardly ever all in use. */
	for (unsigned i = BINS - 4; i < BINS; i++)
		empty += is_empty_bin(at + i * BIN, address + i * BIN);
	if (empty == 0)
		return false;
	for (unsigned i = 0; i < BINS - 4; i++)
		empty += is_empty_bin(at + i * BIN, address + i * BIN);
	return empty >= BINS_EMPTY_MIN;
}

/* The main arena is the one that begins in the library: the ring of arenas comes back to it, or goes on elsewhere. */
static bool take_state(const uint8_t *bins, uint64_t address, uint64_t next,
		       struct arena_found *ret)
{
	uint64_t held = words_64(bins + HELD_AT), held_max = words_64(bins + HELD_MAX_AT);
	uint32_t head =
		next < address && address - next <= HEAD_MAX ? (uint32_t)(address - next) : 112;

	if (held > held_max || held % 4096 || held_max % 4096 || next % 8 || next == 0)
		return false;
	*ret = (struct arena_found){
		.main_arena = address - head,
		.layout = {head + NEXT_AT, head + HELD_AT},
	};
	return true;
}

static bool is_par(const uint8_t *at, const struct par *par)
{
	uint64_t test = words_64(at + ARENA_TEST);

	return words_32(at + par->maps_limit) == MAPS_LIMIT && test >= 1 && test <= 65536 &&
	       words_32(at + par->maps) <= MAPS_LIMIT && words_64(at + par->mapped) % 4096 == 0 &&
	       words_64(at + par->mapped) <= words_64(at + par->mapped_max) &&
	       words_64(at + par->mapped_max) % 4096 == 0;
}

static uint64_t find_par(const uint8_t *data, size_t size, uint64_t address)
{
	uint64_t found = 0;

	for (size_t i = 0; i < sizeof(pars) / sizeof(pars[0]); i++)
		for (size_t at = 0; at + pars[i].size <= size; at += 8) {
			if (!is_par(data + at, &pars[i]))
				continue;
			/* Two are none. */
			if (found)
				return 0;
			found = address + at + pars[i].mapped;
		}
	return found;
}

int arena_find(const uint8_t *data, size_t size, uint64_t address, struct arena_found *ret)
{
	for (size_t at = 0; at + STATE_END <= size; at += 8) {
		uint64_t next = words_64(data + at + NEXT_AT);

		if (!are_bins(data + at, address + at) ||
		    !take_state(data + at, address + at, next, ret))
			continue;
		ret->mapped = find_par(data, size, address);
		return 0;
	}
	return -EAGAIN;
}
