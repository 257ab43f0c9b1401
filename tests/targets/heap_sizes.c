/* SPDX-License-Identifier: ISC */
/*
 * The allocator's words, taken literally: sizes, alignments, errors, errno.
 *   heap_sizes odd      0, overflows, too much
 *   heap_sizes realloc  keeps contents
 *   heap_sizes align    alignments, good and bad
 *   heap_sizes tools    malloc_usable_size() and its like
 *   heap_sizes limit    memory is out, and comes back
 *   heap_sizes keep     functions that keep so much
 */
#include <dlfcn.h>
#include <malloc.h>
#include <sys/resource.h>

#include "heap_look.h"

/* What the compiler may not know, and so not complain about, nor reckon with. */
static volatile size_t nothing = 0, most = SIZE_MAX, half = SIZE_MAX / 2 + 2;

#define FAILS(call)                                 \
	do {                                        \
		errno = 0;                          \
		HEAP_CHECK(heap_use(call) == NULL); \
		HEAP_CHECK(errno == ENOMEM);        \
	} while (0)

static void do_odd(void)
{
	char *a, *b;

	for (int i = 0; i < 100; i++) {
		a = heap_use(malloc(nothing));
		b = heap_use(malloc(nothing));
		HEAP_CHECK(a && b && a != b);
		free(a);
		free(b);
		free(heap_use(NULL));
		free(heap_use(calloc(nothing, 5)));
		free(heap_use(calloc(5, nothing)));
		free(heap_use(realloc(NULL, nothing)));
		FAILS(malloc(most));
		FAILS(malloc(most - 4096));
		FAILS(malloc(most / 2));
		FAILS(calloc(most, 2));
		FAILS(calloc(half, 2));
		FAILS(calloc(2, half));
		FAILS(calloc(1, most - 100));
		FAILS(reallocarray(NULL, half, 2));
		FAILS(realloc(NULL, most));
		FAILS(aligned_alloc(64, most - 1000));
		FAILS(memalign(64, most - 1000));
		FAILS(valloc(most - 10));
		FAILS(pvalloc(most - 10));
		a = heap_use(malloc(100));
		a[99] = 'a';
		/* Refused: what there was stays. */
		FAILS(realloc(heap_use(a), most));
		FAILS(realloc(heap_use(a), most / 2));
		FAILS(reallocarray(heap_use(a), half, 2));
		HEAP_CHECK(a[99] == 'a');
		errno = EXDEV;
		free(a);
		HEAP_CHECK(errno == EXDEV);
	}
}

static void do_realloc(void)
{
	static const size_t sizes[] = {1,      24,	25,	100, 1000, 33000,
				       200000, 5000000, 130000, 500, 8,	   1};
	enum { COUNT = sizeof(sizes) / sizeof(*sizes) };

	for (int round = 0; round < 50; round++) {
		unsigned char *p = heap_use(realloc(NULL, 1));
		size_t len = 1;

		p[0] = (unsigned char)round;
		for (int i = 0; i < COUNT; i++) {
			size_t least = len < sizes[i] ? len : sizes[i];

			errno = EXDEV;
			p = heap_use(i % 2 ? reallocarray(p, 1, sizes[i]) : realloc(p, sizes[i]));
			HEAP_CHECK(p && errno == EXDEV);
			for (size_t at = 1; at < least; at = at * 2 + 1)
				HEAP_CHECK(p[at] == (unsigned char)(at * 7));
			HEAP_CHECK(p[0] == (unsigned char)round);
			len = sizes[i];
			for (size_t at = 1; at < len; at = at * 2 + 1)
				p[at] = (unsigned char)(at * 7);
		}
		/* glibc frees it. */
		HEAP_CHECK(!heap_use(realloc(p, nothing)));
	}
}

static void is_aligned(void *p, size_t alignment, size_t size)
{
	HEAP_CHECK(p && (uintptr_t)p % alignment == 0);
	memset(p, 1, size);
	errno = EXDEV;
	free(heap_use(p));
	HEAP_CHECK(errno == EXDEV);
}

static void do_align(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p = &page;

	for (size_t alignment = 8; alignment <= 1 << 21; alignment *= 2)
		for (size_t size = 1; size < 100000; size = size * 11 + 1) {
			is_aligned(aligned_alloc(alignment, size), alignment, size);
			is_aligned(memalign(alignment, size), alignment, size);
			HEAP_CHECK(posix_memalign(&p, alignment, size) == 0);
			is_aligned(p, alignment, size);
			p = memalign(alignment, size);
			p = heap_use(realloc(p, size + 100));
			is_aligned(p, 16, size + 100);
		}
	for (size_t size = 1; size < 100000; size = size * 11 + 1) {
		is_aligned(valloc(size), page, size);
		is_aligned(pvalloc(size), page, (size + page - 1) / page * page);
	}
	p = &page;
	errno = EXDEV;
	/* It returns its errors, and leaves errno and the pointer. */
	HEAP_CHECK(posix_memalign(&p, 3, 100) == EINVAL && p == &page);
	HEAP_CHECK(posix_memalign(&p, nothing, 100) == EINVAL && p == &page);
	HEAP_CHECK(posix_memalign(&p, 4, 100) == EINVAL && p == &page);
	HEAP_CHECK(posix_memalign(&p, 64, most - 1000) == ENOMEM && p == &page);
	HEAP_CHECK(posix_memalign(&p, 64, nothing) == 0 && p != &page);
	free(p);
}

static void do_tools(void)
{
	typedef void free_sized_fn(void *p, size_t size);
	typedef void free_aligned_sized_fn(void *p, size_t alignment, size_t size);
	/* New in C23; of libcs that have them. */
	free_sized_fn *sized = (free_sized_fn *)dlsym(RTLD_DEFAULT, "free_sized");
	free_aligned_sized_fn *aligned_sized =
		(free_aligned_sized_fn *)dlsym(RTLD_DEFAULT, "free_aligned_sized");
	struct mallinfo2 before = mallinfo2(), during;
	char *p = heap_use(malloc(50000));

	during = mallinfo2();
	HEAP_CHECK(during.uordblks >= before.uordblks + 50000 &&
		   during.uordblks < before.uordblks + 60000);
	for (size_t size = 1; size < 300000; size = size * 3 + 1) {
		size_t usable;

		p = heap_use(realloc(p, size));
		usable = malloc_usable_size(p);
		HEAP_CHECK(usable >= size && usable < size + 8192);
		/* All of it may be used. */
		memset(p, 1, usable);
	}
	free(p);
	HEAP_CHECK(malloc_usable_size(heap_use(NULL)) == 0);
	malloc_trim(0);
	if (sized)
		sized(heap_use(malloc(100)), 100);
	if (aligned_sized)
		aligned_sized(heap_use(aligned_alloc(256, 512)), 256, 512);
	heap_churn(1, 2000);
	malloc_trim(0);
}

static size_t size_of_memory(void)
{
	return (size_t)strtoul(look_file("/proc/self/statm"), NULL, 10) * 4096;
}

static void do_limit(void)
{
	static char *blocks[200000];
	struct rlimit limit;

	getrlimit(RLIMIT_AS, &limit);
	for (int round = 0; round < 3; round++) {
		size_t n = 0;

		limit.rlim_cur = size_of_memory() + (24 << 20);
		HEAP_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
		while (n < 200000 && (blocks[n] = heap_use(malloc(round ? 3000 : 100000))))
			blocks[n++][0] = 1;
		HEAP_CHECK(n > 100 && n < 200000 && errno == ENOMEM);
		FAILS(calloc(1000, 300));
		FAILS(realloc(heap_use(blocks[0]), 8 << 20));
		FAILS(memalign(4096, 8 << 20));
		while (n)
			free(blocks[--n]);
		heap_churn(1, 500);
	}
	limit.rlim_cur = limit.rlim_max;
	HEAP_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

HEAP_FRAME static void malloc_keeps(void)
{
	for (int i = 0; i < 10; i++)
		HEAP_CHECK(heap_use(malloc(1001)));
}

HEAP_FRAME static void calloc_keeps(void)
{
	HEAP_CHECK(heap_use(calloc(7, 301)));
}

HEAP_FRAME static void realloc_keeps(void)
{
	char *p = heap_use(malloc(100));

	p = heap_use(realloc(p, 5000));
	p = heap_use(realloc(p, 3000000));
	/* Refused: as it was. */
	HEAP_CHECK(!heap_use(realloc(heap_use(p), most / 2)));
	p = heap_use(realloc(p, 700));
	HEAP_CHECK(p);
}

HEAP_FRAME static void *reallocarray_keeps(void *p)
{
	p = heap_use(reallocarray(p, 30, 30));
	HEAP_CHECK(p);
	return p;
}

/* What another function has allocated is the other's no more. */
HEAP_FRAME static void *loses(void)
{
	return heap_use(malloc(12345));
}

HEAP_FRAME static void realloc_frees(void)
{
	HEAP_CHECK(!heap_use(realloc(heap_use(malloc(999)), nothing)));
}

HEAP_FRAME static void aligned_keeps(void)
{
	void *p;

	HEAP_CHECK(heap_use(aligned_alloc(64, 640)));
	HEAP_CHECK(heap_use(memalign(4096, 50)));
	HEAP_CHECK(posix_memalign(&p, 32, 77) == 0 && heap_use(p));
	HEAP_CHECK(heap_use(valloc(200)));
}

HEAP_FRAME static void large_keeps(void)
{
	HEAP_CHECK(heap_use(malloc(64 << 20)));
	free(heap_use(malloc(32 << 20)));
}

HEAP_FRAME static void strdup_keeps(void)
{
	HEAP_CHECK(heap_use(strdup("twenty and four letters")));
}

static void do_keep(void)
{
	void *p = loses();

	malloc_keeps();
	calloc_keeps();
	realloc_keeps();
	heap_use(reallocarray_keeps(p));
	realloc_frees();
	aligned_keeps();
	large_keeps();
	strdup_keeps();
	heap_settle();
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	if (!strcmp(how, "odd"))
		do_odd();
	else if (!strcmp(how, "realloc"))
		do_realloc();
	else if (!strcmp(how, "align"))
		do_align();
	else if (!strcmp(how, "tools"))
		do_tools();
	else if (!strcmp(how, "limit"))
		do_limit();
	else if (!strcmp(how, "keep"))
		do_keep();
	else
		return 2;
	return heap_ok();
}
