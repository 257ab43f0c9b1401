/* SPDX-License-Identifier: ISC */
/*
 * C++'s operator new and delete, for allocators that have their own (tcmalloc, jemalloc, mimalloc): libstdc++'s
 * call malloc(), which has told of the block by then, as the thread's count shows.
 *
 * The real ones are looked for when they are first called: a program in C has none. They may throw, which
 * passes through: there is nothing here to be undone.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "preload/heap/heap.h"
#include "preload/heap/hooks.h"

#define EXPORT __attribute__((visibility("default")))

/* What one module found where the loader's order has none. */
struct own {
	uintptr_t start, end; /* the module's addresses */
	const char *name;
	void *real;
	unsigned generation;
};
#define OWN_MAX 256u
static struct own own[OWN_MAX];
static unsigned own_count;

/*
 * A library that was loaded with RTLD_LOCAL brings its own, which is not in the loader's order: what it would find
 * without us. Two of them may have different ones, so each is asked.
 */
__attribute__((noinline)) static void *find_own(const char *name, void *caller)
{
	unsigned n = __atomic_load_n(&own_count, __ATOMIC_ACQUIRE);
	uintptr_t at = (uintptr_t)caller;
	struct own *mine;
	void *handle;
	Dl_info info;
	void *real;

	for (unsigned i = 0; i < n && i < OWN_MAX; i++)
		if (own[i].generation == hooks_generation() && own[i].name == name &&
		    at - own[i].start < own[i].end - own[i].start)
			return own[i].real;
	if (!dladdr(caller, &info))
		return NULL;
	handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	real = handle ? dlsym(handle, name) : NULL;
	if (handle)
		dlclose(handle);
	n = __atomic_fetch_add(&own_count, 1, __ATOMIC_RELAXED);
	if (real && n < OWN_MAX) {
		mine = &own[n];
		hooks_extent(info.dli_fbase, &mine->start, &mine->end);
		mine->real = real;
		mine->name = name;
		__atomic_store_n(&mine->generation, hooks_generation(), __ATOMIC_RELEASE);
	}
	return real;
}

/* In no library of the loader's order. */
#define NOWHERE ((void *)-1)

/* *real remembers the next one in the loader's order. NULL: nobody has one, and the allocator itself must do. */
static void *find(const char *name, void **real, void *caller)
{
	void *next = __atomic_load_n(real, __ATOMIC_RELAXED);

	if (!next) {
		next = dlsym(RTLD_NEXT, name);
		if (!next) {
			/* It is not the program's error. */
			dlerror();
			next = NOWHERE;
		}
		__atomic_store_n(real, next, __ATOMIC_RELAXED);
	}
	return next == NOWHERE ? find_own(name, caller) : next;
}

static bool is_known(const void *real)
{
	return real && real != NOWHERE;
}

/* NEW(symbol, parameters, arguments, otherwise): the first of them is the size. */
#define NEW(symbol, parameters, arguments, otherwise)                                   \
	EXPORT void *symbol parameters;                                                 \
	EXPORT void *symbol parameters                                                  \
	{                                                                               \
		static void *real;                                                      \
		void *(*call)parameters = __atomic_load_n(&real, __ATOMIC_RELAXED);     \
		struct heap_thread before = heap_thread;                                \
		void *block;                                                            \
                                                                                        \
		if (__builtin_expect(!is_known(call), 0))                               \
			call = find(#symbol, &real, __builtin_return_address(0));       \
		if (__builtin_expect(!call, 0))                                         \
			return otherwise;                                               \
		block = call arguments;                                                 \
		if (heap_thread.left == before.left && heap_thread.seed == before.seed) \
			heap_took(block, size);                                         \
		return block;                                                           \
	}

#define DELETE(symbol, parameters, arguments)                                      \
	EXPORT void symbol parameters;                                             \
	EXPORT void symbol parameters                                              \
	{                                                                          \
		static void *real;                                                 \
		void(*call) parameters = __atomic_load_n(&real, __ATOMIC_RELAXED); \
                                                                                   \
		if (__builtin_expect(!is_known(call), 0))                          \
			call = find(#symbol, &real, __builtin_return_address(0));  \
		if (__builtin_expect(live_may_have(block), 0))                     \
			heap_drop(block);                                          \
		if (call)                                                          \
			call arguments;                                            \
		else                                                               \
			free(block);                                               \
	}

/* std::nothrow_t is passed by reference, std::align_val_t as its size_t. */
NEW(_Znwm, (size_t size), (size), malloc(size))
NEW(_Znam, (size_t size), (size), malloc(size))
NEW(_ZnwmRKSt9nothrow_t, (size_t size, const void *nothrow), (size, nothrow), malloc(size))
NEW(_ZnamRKSt9nothrow_t, (size_t size, const void *nothrow), (size, nothrow), malloc(size))
NEW(_ZnwmSt11align_val_t, (size_t size, size_t align), (size, align), aligned_alloc(align, size))
NEW(_ZnamSt11align_val_t, (size_t size, size_t align), (size, align), aligned_alloc(align, size))
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *nothrow),
    (size, align, nothrow), aligned_alloc(align, size))
NEW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *nothrow),
    (size, align, nothrow), aligned_alloc(align, size))

DELETE(_ZdlPv, (void *block), (block))
DELETE(_ZdaPv, (void *block), (block))
DELETE(_ZdlPvm, (void *block, size_t size), (block, size))
DELETE(_ZdaPvm, (void *block, size_t size), (block, size))
DELETE(_ZdlPvRKSt9nothrow_t, (void *block, const void *nothrow), (block, nothrow))
DELETE(_ZdaPvRKSt9nothrow_t, (void *block, const void *nothrow), (block, nothrow))
DELETE(_ZdlPvSt11align_val_t, (void *block, size_t align), (block, align))
DELETE(_ZdaPvSt11align_val_t, (void *block, size_t align), (block, align))
DELETE(_ZdlPvmSt11align_val_t, (void *block, size_t size, size_t align), (block, size, align))
DELETE(_ZdaPvmSt11align_val_t, (void *block, size_t size, size_t align), (block, size, align))
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void *block, size_t align, const void *nothrow),
       (block, align, nothrow))
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void *block, size_t align, const void *nothrow),
       (block, align, nothrow))
