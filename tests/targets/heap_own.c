/* SPDX-License-Identifier: ISC */
/* A program with an allocator of its own, which is libc's, too: blocks of one size in a static arena. */
#include "heap_look.h"

/* No header before a block, and nothing of libc's would do to free it. */
#define BLOCK  65536
#define BLOCKS 1024

static char arena[BLOCKS][BLOCK] __attribute__((aligned(BLOCK)));
static unsigned char used[BLOCKS];
static unsigned from, calls;

static int is_own(const void *p)
{
	return (const char *)p >= arena[0] && (const char *)p < arena[BLOCKS];
}

HEAP_FRAME void *malloc(size_t size)
{
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < BLOCKS && size <= BLOCK; i++) {
		unsigned at = __atomic_fetch_add(&from, 1, __ATOMIC_RELAXED) % BLOCKS;

		if (!__atomic_exchange_n(&used[at], 1, __ATOMIC_ACQUIRE))
			return arena[at];
	}
	errno = ENOMEM;
	return NULL;
}

void free(void *p)
{
	unsigned at = (unsigned)(((char *)p - arena[0]) / BLOCK);

	if (!p)
		return;
	HEAP_CHECK(is_own(p) && (uintptr_t)p % BLOCK == 0 && used[at]);
	__atomic_store_n(&used[at], 0, __ATOMIC_RELEASE);
}

void *calloc(size_t count, size_t size)
{
	void *p = malloc(count * size);

	return p ? memset(p, 0, count * size) : NULL;
}

void *realloc(void *p, size_t size)
{
	if (!p)
		return malloc(size);
	return size <= BLOCK ? p : NULL;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return alignment <= BLOCK ? malloc(size) : NULL;
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size)
{
	return aligned_alloc(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
	*ret = aligned_alloc(alignment, size);
	return *ret ? 0 : ENOMEM;
}

HEAP_FRAME static void own_keeps(void)
{
	for (int i = 0; i < 100; i++) {
		char *p = heap_use(malloc(5000));

		HEAP_CHECK(is_own(p));
		memset(p, 1, 5000);
		HEAP_CHECK(is_own(heap_use(strdup("libc's are its own, too"))));
	}
}

int main(void)
{
	void *p;

	HEAP_CHECK(posix_memalign(&p, 64, 100) == 0 && is_own(p));
	free(p);
	own_keeps();
	heap_settle();
	return heap_ok();
}
