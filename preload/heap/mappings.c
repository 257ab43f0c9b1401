/* SPDX-License-Identifier: ISC */
#include <sys/mman.h>

#include "core/heapwire.h"
#include "preload/heap/mappings.h"
#include "preload/heap/pick.h"
#include "preload/heap/ranges.h"
#include "preload/heap/stacks.h"
#include "preload/sys.h"

#define ROOM_FIRST 256u

struct piece {
	uint64_t start, end;
	uint64_t whole; /* bytes of the mapping that was sampled */
	uint32_t stack, epoch;
};

/*
 * By address; they do not overlap. There is room at both ends: the kernel gives mappings from the top of the
 * address space down, so what is new mostly stands first.
 */
static struct {
	struct piece *memory; /* room of them */
	struct piece *piece;  /* the first, within */
	uint32_t count, room;
} all;

bool mappings_any(void)
{
	return __atomic_load_n(&all.count, __ATOMIC_RELAXED) != 0;
}

bool mappings_has(uint64_t at, uint64_t size)
{
	uint32_t i = RANGES_BEHIND(all.piece, all.count, at);

	return i < all.count && all.piece[i].start < at + size;
}

static bool grow(void)
{
	uint32_t room = all.room ? all.room * 2 : ROOM_FIRST;
	long at = sys_6(SYS_mmap, 0, room * sizeof(struct piece), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct piece *memory = (struct piece *)at;
	struct piece *first = memory + (room - all.count) / 2;

	if (at < 0 && at > -4096)
		return false;
	if (all.memory) {
		__builtin_memcpy(first, all.piece, all.count * sizeof(struct piece));
		sys_2(SYS_munmap, all.memory, all.room * sizeof(struct piece));
	}
	all.memory = memory;
	all.piece = first;
	all.room = room;
	return true;
}

/* Part of what the whole stands for. */
static int64_t share(int64_t of, uint64_t size, uint64_t whole)
{
	return (int64_t)((double)of * ((double)size / (double)whole));
}

static struct heapwire_sums weight_of(uint64_t size, uint64_t whole, uint64_t interval)
{
	struct heapwire_sums sums = pick_weight(whole, interval);

	sums.blocks = sums.live_blocks = share(sums.blocks, size, whole);
	sums.bytes = sums.live_bytes = share(sums.bytes, size, whole);
	/* Of a part of a number the variance goes with the square of the part. */
	sums.live_variance = share(share(sums.live_variance, size, whole), size, whole);
	return sums;
}

/* It comes to life or goes: sign 1 or -1. Bytes that were mapped before are not mapped anew. */
static void count(const struct piece *piece, int sign, uint64_t interval, bool is_new)
{
	struct heapwire_sums sums = weight_of(piece->end - piece->start, piece->whole, interval);

	if (!is_new)
		sums.blocks = sums.bytes = 0;
	sums.live_blocks *= sign;
	sums.live_bytes *= sign;
	sums.live_variance *= sign;
	stacks_change(piece->stack, piece->epoch, &sums);
}

static void move(struct piece *to, const struct piece *from, uint32_t n)
{
	__builtin_memmove(to, from, n * sizeof(*to));
}

static bool insert(const struct piece *piece)
{
	uint32_t i, before, behind;

	if (all.count == all.room && !grow())
		return false;
	i = RANGES_BEHIND(all.piece, all.count, piece->start);
	before = (uint32_t)(all.piece - all.memory);
	behind = all.room - before - all.count;
	/* The shorter side makes way, if it can. */
	if (before && (i <= all.count / 2 || !behind)) {
		move(all.piece - 1, all.piece, i);
		all.piece--;
	} else {
		move(all.piece + i + 1, all.piece + i, all.count - i);
	}
	all.piece[i] = *piece;
	__atomic_store_n(&all.count, all.count + 1, __ATOMIC_RELAXED);
	return true;
}

static void remove_at(uint32_t i)
{
	__atomic_store_n(&all.count, all.count - 1, __ATOMIC_RELAXED);
	if (i <= all.count / 2) {
		move(all.piece + 1, all.piece, i);
		all.piece++;
	} else {
		move(all.piece + i, all.piece + i + 1, all.count - i);
	}
}

void mappings_cut(uint64_t at, uint64_t size, uint64_t interval)
{
	uint64_t end = at + size;

	for (uint32_t i = RANGES_BEHIND(all.piece, all.count, at);
	     i < all.count && all.piece[i].start < end;) {
		struct piece whole = all.piece[i];
		struct piece left = whole, right = whole;

		left.end = at;
		right.start = end;
		remove_at(i);
		count(&whole, -1, interval, false);
		if (whole.start < at && insert(&left)) {
			count(&left, 1, interval, false);
			i++;
		}
		if (whole.end > end && insert(&right))
			count(&right, 1, interval, false);
	}
}

void mappings_add(uint64_t at, uint64_t size, uint32_t stack, uint64_t interval)
{
	struct piece piece = {at, at + size, size, stack, stacks_epoch()};

	mappings_cut(at, size, interval);
	if (insert(&piece))
		count(&piece, 1, interval, true);
}

void mappings_move(uint64_t from, uint64_t size, uint64_t to, uint64_t kept, uint64_t interval)
{
	uint64_t end = from + size;

	if (from == to) {
		if (kept < size)
			mappings_cut(from + kept, size - kept, interval);
		return;
	}
	mappings_cut(to, kept, interval);
	/* A piece at a time: they keep their order. */
	for (uint32_t i; (i = RANGES_BEHIND(all.piece, all.count, from)) < all.count &&
			 all.piece[i].start < end;) {
		struct piece piece = all.piece[i];

		piece.start = piece.start > from ? piece.start : from;
		piece.end = piece.end < end ? piece.end : end;
		mappings_cut(piece.start, piece.end - piece.start, interval);
		if (piece.start - from >= kept)
			continue;
		if (piece.end - from > kept)
			piece.end = from + kept;
		piece.start = piece.start - from + to;
		piece.end = piece.end - from + to;
		if (insert(&piece))
			count(&piece, 1, interval, false);
	}
}

size_t mappings_memory(void)
{
	return all.room * sizeof(struct piece);
}
