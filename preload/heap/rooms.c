/* SPDX-License-Identifier: ISC */
#include <sys/mman.h>

#include "preload/heap/rooms.h"
#include "preload/sys.h"

#define IN_CHUNK 64u
#define CHUNKS	 16u

static struct {
	uint64_t taken[CHUNKS]; /* a bit for each room */
	struct room *chunk[CHUNKS];
	uint32_t most; /* rooms that were taken once are below */
} all;

static struct room *get_chunk(unsigned i)
{
	struct room *chunk = __atomic_load_n(&all.chunk[i], __ATOMIC_ACQUIRE);
	size_t size = IN_CHUNK * sizeof(struct room);
	long at;

	if (chunk)
		return chunk;
	at = sys_6(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at < 0 && at > -4096)
		return NULL;
	if (__atomic_compare_exchange_n(&all.chunk[i], &chunk, (struct room *)at, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return (struct room *)at;
	sys_2(SYS_munmap, at, size);
	return chunk;
}

static void note(uint32_t count)
{
	if (count > __atomic_load_n(&all.most, __ATOMIC_RELAXED))
		__atomic_store_n(&all.most, count, __ATOMIC_RELAXED);
}

struct room *rooms_take(unsigned *ret_id)
{
	for (unsigned i = 0; i < CHUNKS; i++) {
		struct room *chunk = get_chunk(i);
		uint64_t taken = __atomic_load_n(&all.taken[i], __ATOMIC_RELAXED);

		while (chunk && taken != UINT64_MAX) {
			unsigned bit = (unsigned)__builtin_ctzll(~taken);

			if (!__atomic_compare_exchange_n(&all.taken[i], &taken,
							 taken | UINT64_C(1) << bit, false,
							 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
				continue;
			*ret_id = i * IN_CHUNK + bit;
			note(*ret_id + 1);
			return &chunk[bit];
		}
	}
	return NULL;
}

void rooms_give(unsigned id)
{
	__atomic_fetch_and(&all.taken[id / IN_CHUNK], ~(UINT64_C(1) << id % IN_CHUNK),
			   __ATOMIC_RELEASE);
}

void rooms_in_child(void)
{
	for (unsigned i = 0; i < CHUNKS; i++)
		all.taken[i] = 0;
}

size_t rooms_memory(void)
{
	return __atomic_load_n(&all.most, __ATOMIC_RELAXED) * sizeof(struct room);
}
