/* SPDX-License-Identifier: ISC */
/*
 * The allocator's functions, and those that map memory: each calls the real one, and says what it gave.
 *
 * The real one is the next in the loader's order, which may be jemalloc's or tcmalloc's: never
 * __libc_malloc(). What a libc may be without (free_sized(), reallocarray(), ...) is made of what every one
 * has: dlsym() of a name that is nowhere allocates its error's text, and under jemalloc's first malloc() waits
 * for itself.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/heap/heap.h"
#include "preload/heap/hooks.h"

#define EXPORT __attribute__((visibility("default")))
/* All of the short way in one cache line. */
#define HOT	      __attribute__((visibility("default"), aligned(64)))
#define unlikely(x)   __builtin_expect(!!(x), 0)
#define CALLER()      ((uintptr_t)__builtin_return_address(0))
#define PAGE_OF(size) (((size) + 4095) & ~(size_t)4095)

void free_sized(void *block, size_t size);
void free_aligned_sized(void *block, size_t alignment, size_t size);

/* What every libc and every allocator in front of one has. */
#define REALS(REAL)                                                                            \
	REAL(void *, malloc, (size_t size))                                                    \
	REAL(void *, calloc, (size_t count, size_t size))                                      \
	REAL(void *, realloc, (void *block, size_t size))                                      \
	REAL(void, free, (void *block))                                                        \
	REAL(int, posix_memalign, (void **ret, size_t align, size_t size))                     \
	REAL(void *, aligned_alloc, (size_t align, size_t size))                               \
	REAL(void *, mmap, (void *at, size_t size, int prot, int flags, int fd, off_t offset)) \
	REAL(int, munmap, (void *at, size_t size))                                             \
	REAL(void *, mremap, (void *at, size_t size, size_t to, int flags, ...))               \
	REAL(void *, sbrk, (intptr_t by))                                                      \
	REAL(int, dlclose, (void *handle))
/* Of glibc and musl alike, but not of every allocator that stands in front of them. */
#define RARES(REAL)                                         \
	REAL(void *, memalign, (size_t align, size_t size)) \
	REAL(void *, valloc, (size_t size))                 \
	REAL(void *, pvalloc, (size_t size))

#define DECLARE(type, name, parameters) static type(*real_##name) parameters;
REALS(DECLARE)
RARES(DECLARE)

/*
 * What the four that are called most pass on to: the real ones, or what finds those. With nothing else to look
 * at, and nothing to do afterwards, each is a few instructions and a jump.
 */
static void *first_malloc(size_t size);
static void *first_calloc(size_t count, size_t size);
static void *first_realloc(void *block, size_t size);
static void first_free(void *block);
static struct next {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t count, size_t size);
	void *(*realloc)(void *block, size_t size);
	void (*free)(void *block);
} next = {first_malloc, first_calloc, first_realloc, first_free};

/* Addresses of the allocator's own module: what it maps is its business. */
static uintptr_t allocators_start, allocators_end;

/* Blocks given before the real functions are known: dlsym() itself may ask for one. */
static _Alignas(64) char early[65536];
static size_t early_used;
static bool is_resolving;

static void *early_get(size_t size, size_t align)
{
	size_t at = (early_used + 16 + align - 1) & ~(align - 1);

	if (align > sizeof(early) || size > sizeof(early) || at + size > sizeof(early))
		return NULL;
	/* Its size stands before it, for realloc(). */
	memcpy(early + at - sizeof(size), &size, sizeof(size));
	early_used = at + size;
	live_watch(early + at);
	return early + at;
}

static bool is_early(const void *block)
{
	return (uintptr_t)block - (uintptr_t)early < sizeof(early);
}

static size_t early_size(const void *block)
{
	size_t size;

	memcpy(&size, (const char *)block - sizeof(size), sizeof(size));
	return size;
}

/* The addresses of the module that is loaded at base. */
static void extent_of(const void *base, uintptr_t *ret_start, uintptr_t *ret_end)
{
	const Elf64_Ehdr *head = base;
	const Elf64_Phdr *phdr =
		(const Elf64_Phdr *)(const void *)((const char *)base + head->e_phoff);
	uintptr_t start = (uintptr_t)base;

	*ret_start = *ret_end = start;
	for (unsigned i = 0; i < head->e_phnum; i++)
		if (phdr[i].p_type == PT_LOAD &&
		    start + phdr[i].p_vaddr + phdr[i].p_memsz > *ret_end)
			*ret_end = start + phdr[i].p_vaddr + phdr[i].p_memsz;
}

static void find_allocator(void)
{
	Dl_info info;

	if (dladdr((void *)(uintptr_t)real_malloc, &info) && info.dli_fbase)
		extent_of(info.dli_fbase, &allocators_start, &allocators_end);
}

void hooks_init(void)
{
	if (real_malloc || is_resolving)
		return;
	is_resolving = true;
#define FIND(type, name, parameters) real_##name = dlsym(RTLD_NEXT, #name);
	REALS(FIND)
	if (real_malloc && real_calloc && real_realloc && real_free)
		next = (struct next){real_malloc, real_calloc, real_realloc, real_free};
	is_resolving = false;
}

/*
 * musl has no pvalloc(), and an allocator in front of a libc may be without any of these. Not when they are first
 * called: the loader's lock may be held by who waits for this thread, and dlerror() is the program's.
 */
void hooks_init_rares(void)
{
#define FIND_RARE(type, name, parameters) real_##name = dlsym(RTLD_NEXT, #name);
	RARES(FIND_RARE)
	if (!real_memalign || !real_valloc || !real_pvalloc)
		dlerror();
}

/* The name itself may mean another one: what everybody else finds by it. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wmissing-attributes"
#define FIRSTS(NAME) NAME(malloc) NAME(calloc) NAME(realloc) NAME(aligned_alloc)
#define OWN(name) \
	extern __typeof__(name) own_##name __attribute__((alias(#name), visibility("hidden")));
FIRSTS(OWN)
#pragma GCC diagnostic pop

/* glibc's alone. */
extern int dladdr1(const void *at, Dl_info *info, void **ret, int which) __attribute__((weak));

/*
 * A program at a fixed address that takes a function's address has a symbol for it that is undefined and yet
 * has a value: its own jump to whoever comes first.
 */
static bool is_jump(const void *at)
{
	const Elf64_Sym *symbol = NULL;
	Dl_info info;

	return dladdr1 && dladdr1(at, &info, (void **)&symbol, RTLD_DL_SYMENT) && symbol &&
	       symbol->st_shndx == SHN_UNDEF;
}

/* Who stands before us does so with all of them: the first that is no jump decides. */
bool hooks_are_first(void)
{
#define PAIR(name) {#name, (const void *)(uintptr_t)own_##name},
	static const struct {
		const char *name;
		const void *own;
	} firsts[] = {FIRSTS(PAIR)};

	find_allocator();
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		const void *first = dlsym(RTLD_DEFAULT, firsts[i].name);

		if (first == firsts[i].own)
			return true;
		if (!first || !is_jump(first))
			return false;
	}
	return true;
}

void hooks_allocator(uintptr_t *ret_start, uintptr_t *ret_end)
{
	*ret_start = allocators_start;
	*ret_end = allocators_end;
}

static bool is_allocators(uintptr_t caller)
{
	return caller - allocators_start < allocators_end - allocators_start;
}

/* Of every hook the way in that is taken until the real function is known. */
#define READY(name) (real_##name || (hooks_init(), real_##name))

static void *first_malloc(size_t size)
{
	return READY(malloc) ? real_malloc(size) : early_get(size, 16);
}

/* The early ones are zero: none is given twice. */
static void *first_calloc(size_t count, size_t size)
{
	return READY(calloc) ? real_calloc(count, size) : early_get(count * size, 16);
}

/* An early block does not come here. */
static void *first_realloc(void *block, size_t size)
{
	if (READY(realloc))
		return real_realloc(block, size);
	return block ? NULL : early_get(size, 16);
}

static void first_free(void *block)
{
	if (READY(free))
		real_free(block);
}

__attribute__((noinline)) static void *malloc_counted(size_t size)
{
	void *block = next.malloc(size);

	heap_sample(block, size);
	return block;
}

HOT void *malloc(size_t size)
{
	return heap_passes(size) ? next.malloc(size) : malloc_counted(size);
}

__attribute__((noinline)) static void *calloc_counted(size_t count, size_t size)
{
	void *block = next.calloc(count, size);

	heap_sample(block, count * size);
	return block;
}

/* A product that is too large is the allocator's to refuse. */
HOT void *calloc(size_t count, size_t size)
{
	return heap_passes(count * size) ? next.calloc(count, size) : calloc_counted(count, size);
}

__attribute__((noinline)) static void free_known(void *block)
{
	if (is_early(block))
		return;
	heap_drop(block);
	next.free(block);
}

HOT void free(void *block)
{
	if (unlikely(live_may_have(block)))
		free_known(block);
	else
		next.free(block);
}

/* C23: what they say of the block beside its address is for the allocator to check. */
EXPORT void free_sized(void *block, size_t size)
{
	(void)size;
	free(block);
}

EXPORT void free_aligned_sized(void *block, size_t alignment, size_t size)
{
	(void)alignment;
	(void)size;
	free(block);
}

static void *move_early(void *block, size_t size)
{
	size_t had = early_size(block);
	void *moved = malloc(size);

	if (moved)
		memcpy(moved, block, had < size ? had : size);
	return moved;
}

__attribute__((noinline)) static void *resize_known(void *block, size_t size)
{
	struct live_block was;
	bool known;
	void *moved;

	if (is_early(block))
		return move_early(block, size);
	/* Before it is freed, for then another thread may get its address. */
	known = heap_lift(block, &was);
	moved = next.realloc(block, size);
	if (known && !moved && size)
		heap_put_back(&was);
	else
		heap_took(moved, size);
	return moved;
}

__attribute__((noinline)) static void *realloc_counted(void *block, size_t size)
{
	void *moved = next.realloc(block, size);

	heap_sample(moved, size);
	return moved;
}

HOT void *realloc(void *block, size_t size)
{
	if (unlikely(live_may_have(block)))
		return resize_known(block, size);
	return heap_passes(size) ? next.realloc(block, size) : realloc_counted(block, size);
}

EXPORT void *reallocarray(void *block, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(block, bytes);
}

EXPORT int posix_memalign(void **ret, size_t align, size_t size)
{
	int err;

	if (unlikely(!real_posix_memalign) && !READY(posix_memalign))
		return ENOMEM;
	err = real_posix_memalign(ret, align, size);
	if (err == 0)
		heap_took(*ret, size);
	return err;
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
	void *block;

	if (unlikely(!real_aligned_alloc) && !READY(aligned_alloc))
		return early_get(size, align);
	block = real_aligned_alloc(align, size);
	heap_took(block, size);
	return block;
}

EXPORT void *memalign(size_t align, size_t size)
{
	void *block;

	if (unlikely(!real_memalign))
		return aligned_alloc(align, size);
	block = real_memalign(align, size);
	heap_took(block, size);
	return block;
}

EXPORT void *valloc(size_t size)
{
	void *block;

	if (unlikely(!real_valloc))
		return memalign((size_t)getpagesize(), size);
	block = real_valloc(size);
	heap_took(block, size);
	return block;
}

EXPORT void *pvalloc(size_t size)
{
	void *block;

	if (unlikely(!real_pvalloc))
		return valloc(PAGE_OF(size));
	block = real_pvalloc(size);
	heap_took(block, size);
	return block;
}

/* Reservations that nothing can be written to are addresses, not memory; files are the page cache's. */
static bool is_memory(int prot, int flags)
{
	return flags & MAP_ANONYMOUS && prot & PROT_WRITE;
}

/*
 * Where mappings begin that are not memory, for one may grow by mremap(2), which does not say what it is. By hash: of
 * two in one place the older is forgotten, and would grow as memory.
 */
#define OTHERS 1024u
static uintptr_t others[OTHERS];

static uintptr_t *other_of(const void *at)
{
	return &others[((uintptr_t)at >> 12 ^ (uintptr_t)at >> 22) % OTHERS];
}

static bool is_other(const void *at)
{
	return __atomic_load_n(other_of(at), __ATOMIC_RELAXED) == (uintptr_t)at;
}

static void note_mapping(const void *at, bool is_other_now)
{
	if (is_other_now)
		__atomic_store_n(other_of(at), (uintptr_t)at, __ATOMIC_RELAXED);
	else if (is_other(at))
		__atomic_store_n(other_of(at), 0, __ATOMIC_RELAXED);
}

EXPORT void *mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	bool is_its = is_allocators(CALLER());
	uint64_t under = 0;
	void *ret;

	if (unlikely(!real_mmap) && !READY(mmap)) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if (flags & MAP_FIXED && !is_its)
		under = heap_lift_range(at, PAGE_OF(size));
	ret = real_mmap(at, size, prot, flags, fd, offset);
	heap_put_range(under, PAGE_OF(size), at, ret == MAP_FAILED ? PAGE_OF(size) : 0);
	if (ret == MAP_FAILED || is_its)
		return ret;
	note_mapping(ret, !is_memory(prot, flags));
	if (is_memory(prot, flags))
		heap_mapped(ret, PAGE_OF(size));
	return ret;
}

#if defined(__LP64__)
EXPORT void *mmap64(void *at, size_t size, int prot, int flags, int fd, off_t offset)
	__attribute__((alias("mmap")));
#endif

EXPORT int munmap(void *at, size_t size)
{
	uintptr_t caller = CALLER();
	uint64_t gone = 0;
	int ret;

	if (unlikely(!real_munmap) && !READY(munmap))
		return 0;
	if (!is_allocators(caller))
		gone = heap_lift_range(at, PAGE_OF(size));
	ret = real_munmap(at, size);
	heap_put_range(gone, PAGE_OF(size), at, ret == 0 ? 0 : PAGE_OF(size));
	return ret;
}

/* The program's own. What is added is a mapping of its own: sampled by itself, and told from where it was added. */
static void *remap(void *at, size_t size, size_t to, int flags, void *where)
{
	size_t had = PAGE_OF(size), has = PAGE_OF(to);
	uint64_t moved = heap_lift_range(at, had);
	bool other = is_other(at);
	void *ret = real_mremap(at, size, to, flags, where);

	if (ret == MAP_FAILED) {
		heap_put_range(moved, had, at, had);
		return ret;
	}
	note_mapping(ret, other);
	if (ret != at)
		heap_unmapped(ret, has);
	heap_put_range(moved, had, ret, had < has ? had : has);
	if (!other && has > had)
		heap_mapped((char *)ret + had, has - had);
	return ret;
}

EXPORT void *mremap(void *at, size_t size, size_t to, int flags, ...)
{
	uintptr_t caller = CALLER();
	void *where;
	va_list args;

	va_start(args, flags);
	where = va_arg(args, void *);
	va_end(args);
	if (unlikely(!real_mremap) && !READY(mremap)) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return is_allocators(caller) ? real_mremap(at, size, to, flags, where)
				     : remap(at, size, to, flags, where);
}

EXPORT void *sbrk(intptr_t by)
{
	uintptr_t caller = CALLER();
	void *ret;

	if (unlikely(!real_sbrk) && !READY(sbrk)) {
		errno = ENOMEM;
		return (void *)-1;
	}
	ret = real_sbrk(by);
	if (ret == (void *)-1 || by == 0 || is_allocators(caller))
		return ret;
	if (by > 0)
		heap_mapped(ret, (size_t)by);
	else
		heap_unmapped((char *)ret + by, (size_t)-by);
	return ret;
}

static int count_unloads(struct dl_phdr_info *info, size_t size, void *ret)
{
	(void)size;
	*(unsigned long long *)ret = info->dlpi_subs;
	return 1;
}

/* How many libraries were unloaded so far: dl_iterate_phdr(3). */
static unsigned long long unloads(void)
{
	unsigned long long ret = 0;

	dl_iterate_phdr(count_unloads, &ret);
	return ret;
}

static unsigned generation = 1;
static unsigned closing;

unsigned hooks_generation(void)
{
	unsigned now = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&closing, __ATOMIC_ACQUIRE) ? 0 : now;
}

void hooks_in_child(void)
{
	closing = 0;
}

EXPORT int dlclose(void *handle)
{
	unsigned long long before = unloads();
	int ret;

	if (unlikely(!real_dlclose) && !READY(dlclose))
		return -1;
	__atomic_add_fetch(&closing, 1, __ATOMIC_SEQ_CST);
	ret = real_dlclose(handle);
	if (unloads() != before) {
		__atomic_add_fetch(&generation, 1, __ATOMIC_SEQ_CST);
		heap_unloaded();
	}
	__atomic_sub_fetch(&closing, 1, __ATOMIC_SEQ_CST);
	return ret;
}
