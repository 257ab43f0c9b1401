/* SPDX-License-Identifier: ISC */
/*
 * C++'s operator new and delete, for allocators that have their own (tcmalloc, jemalloc, mimalloc): libstdc++'s
 * call malloc(), which has told of the block by then, as the thread's count shows.
 *
 * The real ones are the next in the loader's order; where there are none, as in a program in C that loads
 * libraries in C++ with RTLD_LOCAL, each library's are the ones it would have without us. They may throw,
 * which passes through: there is nothing here to be undone.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "preload/heap/heap.h"
#include "preload/heap/hooks.h"
#include "preload/heap/operators.h"
#include "preload/heap/symbol.h"

#define EXPORT __attribute__((visibility("default")))

/*
 * (symbol, parameters, arguments, otherwise): the size is the first of new's. std::nothrow_t is passed by
 * reference, std::align_val_t as its size_t.
 */
#define OPERATORS(NEW, DELETE)                                                                    \
	NEW(_Znwm, (size_t size), (size), malloc(size))                                           \
	NEW(_Znam, (size_t size), (size), malloc(size))                                           \
	NEW(_ZnwmRKSt9nothrow_t, (size_t size, const void *nothrow), (size, nothrow),             \
	    malloc(size))                                                                         \
	NEW(_ZnamRKSt9nothrow_t, (size_t size, const void *nothrow), (size, nothrow),             \
	    malloc(size))                                                                         \
	NEW(_ZnwmSt11align_val_t, (size_t size, size_t align), (size, align),                     \
	    aligned_alloc(align, size))                                                           \
	NEW(_ZnamSt11align_val_t, (size_t size, size_t align), (size, align),                     \
	    aligned_alloc(align, size))                                                           \
	NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *nothrow), \
	    (size, align, nothrow), aligned_alloc(align, size))                                   \
	NEW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *nothrow), \
	    (size, align, nothrow), aligned_alloc(align, size))                                   \
	DELETE(_ZdlPv, (void *block), (block))                                                    \
	DELETE(_ZdaPv, (void *block), (block))                                                    \
	DELETE(_ZdlPvm, (void *block, size_t size), (block, size))                                \
	DELETE(_ZdaPvm, (void *block, size_t size), (block, size))                                \
	DELETE(_ZdlPvRKSt9nothrow_t, (void *block, const void *nothrow), (block, nothrow))        \
	DELETE(_ZdaPvRKSt9nothrow_t, (void *block, const void *nothrow), (block, nothrow))        \
	DELETE(_ZdlPvSt11align_val_t, (void *block, size_t align), (block, align))                \
	DELETE(_ZdaPvSt11align_val_t, (void *block, size_t align), (block, align))                \
	DELETE(_ZdlPvmSt11align_val_t, (void *block, size_t size, size_t align),                  \
	       (block, size, align))                                                              \
	DELETE(_ZdaPvmSt11align_val_t, (void *block, size_t size, size_t align),                  \
	       (block, size, align))                                                              \
	DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t,                                               \
	       (void *block, size_t align, const void *nothrow), (block, align, nothrow))         \
	DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t,                                               \
	       (void *block, size_t align, const void *nothrow), (block, align, nothrow))

#define INDEX(symbol, ...) OPERATOR##symbol,
enum which { OPERATORS(INDEX, INDEX) OPERATORS_COUNT };
#define NAME(symbol, ...) #symbol,
static const char *const names[] = {OPERATORS(NAME, NAME)};

/* The next in the loader's order; NULL: none. */
static void *reals[OPERATORS_COUNT];
static bool is_ready;

/*
 * dlsym() is asked here only: it waits for the loader's lock, which another thread may hold while it waits for
 * this one, and undoes dlerror(). A program without C++ does not pay for twenty names that are nowhere.
 */
void operators_init(void)
{
	bool is_missed = false;

	if (__atomic_load_n(&is_ready, __ATOMIC_ACQUIRE))
		return;
	if (symbol_exists(names[OPERATOR_Znwm])) {
		for (unsigned i = 0; i < OPERATORS_COUNT; i++) {
			void *real = dlsym(RTLD_NEXT, names[i]);

			__atomic_store_n(&reals[i], real, __ATOMIC_RELAXED);
			is_missed |= !real;
		}
	}
	/* It is not the program's error. */
	if (is_missed)
		dlerror();
	__atomic_store_n(&is_ready, true, __ATOMIC_RELEASE);
}

/*
 * What was found for modules, where the loader's order has none: whoever comes later may replace it, and a
 * dlclose() makes it void. Readers wait for nobody: an answer whose turn is odd, or has changed meanwhile, is
 * none. A writer that finds another one at work leaves it at that.
 */
struct answer {
	unsigned turn;
	unsigned generation;
	uintptr_t where; /* as symbol_module() says */
	unsigned what;	 /* an operator; or MODULE: it is a page, */
	void *found;	 /* and this its module */
};
#define MODULE	    OPERATORS_COUNT
#define SETS_BITS   8
#define SET_ANSWERS 4
/* A program may have more pages that call than there is room for: they leave the operators in peace. */
static _Alignas(64) struct answer answers[2][1u << SETS_BITS][SET_ANSWERS];

static struct answer *set_of(uintptr_t where, unsigned what)
{
	uint64_t mixed = (where + what * 0x9e3779b9ul) * 0x9e3779b97f4a7c15ul;

	return answers[what == MODULE][mixed >> (64 - SETS_BITS)];
}

static bool recall_one(const struct answer *answer, uintptr_t where, unsigned what,
		       unsigned generation, void **ret)
{
	unsigned turn = __atomic_load_n(&answer->turn, __ATOMIC_ACQUIRE);

	if (turn & 1 || __atomic_load_n(&answer->where, __ATOMIC_RELAXED) != where ||
	    __atomic_load_n(&answer->what, __ATOMIC_RELAXED) != what ||
	    __atomic_load_n(&answer->generation, __ATOMIC_RELAXED) != generation)
		return false;
	*ret = __atomic_load_n(&answer->found, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&answer->turn, __ATOMIC_RELAXED) == turn;
}

static bool recall(uintptr_t where, unsigned what, unsigned generation, void **ret)
{
	const struct answer *set = set_of(where, what);

	for (unsigned i = 0; i < SET_ANSWERS && generation; i++)
		if (recall_one(&set[i], where, what, generation, ret))
			return true;
	return false;
}

/* One that is void, or else each in its turn. NULL: others are at work on all. */
static struct answer *replaced(struct answer *set, unsigned generation)
{
	struct answer *oldest = NULL;
	unsigned least = 0;

	for (unsigned i = 0; i < SET_ANSWERS; i++) {
		unsigned turn = __atomic_load_n(&set[i].turn, __ATOMIC_RELAXED);

		if (turn & 1)
			continue;
		if (__atomic_load_n(&set[i].generation, __ATOMIC_RELAXED) != generation)
			return &set[i];
		if (!oldest || turn < least) {
			oldest = &set[i];
			least = turn;
		}
	}
	return oldest;
}

static void remember(uintptr_t where, unsigned what, unsigned generation, void *found)
{
	struct answer *answer = replaced(set_of(where, what), generation);
	unsigned turn;

	if (!answer || !generation)
		return;
	turn = __atomic_load_n(&answer->turn, __ATOMIC_RELAXED);
	if (turn & 1 || !__atomic_compare_exchange_n(&answer->turn, &turn, turn + 1, false,
						     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&answer->where, where, __ATOMIC_RELAXED);
	__atomic_store_n(&answer->what, what, __ATOMIC_RELAXED);
	__atomic_store_n(&answer->generation, generation, __ATOMIC_RELAXED);
	__atomic_store_n(&answer->found, found, __ATOMIC_RELAXED);
	__atomic_store_n(&answer->turn, turn + 2, __ATOMIC_RELEASE);
}

/* Even where the loader says it without a lock, that takes longer than all the rest. */
static uintptr_t module_of(const void *caller, unsigned generation)
{
	uintptr_t page = (uintptr_t)caller & ~(uintptr_t)4095;
	void *module;

	if (!recall(page, MODULE, generation, &module)) {
		module = (void *)symbol_module(caller);
		remember(page, MODULE, generation, module);
	}
	return (uintptr_t)module;
}

/*
 * What this thread was last given to call. libstdc++'s new[] is a jump to new, so it seems to be us who call that:
 * then it is the library that has new[].
 */
static __thread const void *called;

/* Constructors of libraries run before ours, and may be the first to ask. NULL: nobody has one. */
__attribute__((noinline)) static void *find(enum which what, const void *caller)
{
	unsigned generation = hooks_generation();
	uintptr_t module;
	void *found;

	operators_init();
	found = __atomic_load_n(&reals[what], __ATOMIC_RELAXED);
	if (found)
		return found;
	if (symbol_is_ours(caller))
		caller = called;
	module = module_of(caller, generation);
	if (!recall(module, what, generation, &found)) {
		found = symbol_find(names[what], caller);
		remember(module, what, generation, found);
	}
	called = found;
	return found;
}

#define REAL(symbol) __atomic_load_n(&reals[OPERATOR##symbol], __ATOMIC_RELAXED)

#define NEW(symbol, parameters, arguments, otherwise)                                   \
	EXPORT void *symbol parameters;                                                 \
	EXPORT void *symbol parameters                                                  \
	{                                                                               \
		void *(*call)parameters = REAL(symbol);                                 \
		struct heap_thread before = heap_thread;                                \
		void *block;                                                            \
                                                                                        \
		if (__builtin_expect(!call, 0))                                         \
			call = find(OPERATOR##symbol, __builtin_return_address(0));     \
		if (__builtin_expect(!call, 0))                                         \
			return otherwise;                                               \
		block = call arguments;                                                 \
		if (heap_thread.left == before.left && heap_thread.seed == before.seed) \
			heap_took(block, size);                                         \
		return block;                                                           \
	}

/* One that was looked for is not left by a jump: who is called next must see that it is us. */
#define DELETE(symbol, parameters, arguments)                               \
	EXPORT void symbol parameters;                                      \
	EXPORT void symbol parameters                                       \
	{                                                                   \
		void(*call) parameters = REAL(symbol);                      \
                                                                            \
		if (__builtin_expect(live_may_have(block), 0))              \
			heap_drop(block);                                   \
		if (__builtin_expect(call != NULL, 1)) {                    \
			call arguments;                                     \
			return;                                             \
		}                                                           \
		call = find(OPERATOR##symbol, __builtin_return_address(0)); \
		if (call)                                                   \
			call arguments;                                     \
		else                                                        \
			free(block);                                        \
		__asm__ volatile("");                                       \
	}

OPERATORS(NEW, DELETE)
