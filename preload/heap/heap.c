/* SPDX-License-Identifier: ISC */
#include <signal.h>

#include "core/heapwire.h"
#include "preload/aside.h"
#include "preload/fp.h"
#include "preload/heap/account.h"
#include "preload/heap/heap.h"
#include "preload/heap/mappings.h"
#include "preload/heap/pick.h"
#include "preload/heap/rooms.h"
#include "preload/heap/stacks.h"
#include "preload/heap/unwind.h"
#include "preload/sys.h"

/* Bytes that a thread allocates before it asks again whether somebody counts. */
#define UNCOUNTED 524288u

__thread struct heap_thread heap_thread;

static struct {
	uint64_t interval; /* 0: nothing is sampled */
	struct lock lock;  /* of all that is kept */
	bool is_forking;   /* its holder waits for handlers of the program's, who may wait for us */
	uint64_t lost;	   /* allocations and frees that could not be kept */
} heap;

void heap_start(uint64_t interval)
{
	unwind_init();
	heap.interval = interval;
	/* Constructors before ours have allocated, and were told that nobody counts. */
	heap_thread.left = 0;
}

uint64_t heap_interval(void)
{
	return heap.interval;
}

uint64_t heap_lost(void)
{
	return __atomic_load_n(&heap.lost, __ATOMIC_RELAXED);
}

static void negate(struct heapwire_sums *sums)
{
	/* Ever allocated stays so. */
	sums->blocks = sums->bytes = 0;
	sums->live_blocks = -sums->live_blocks;
	sums->live_bytes = -sums->live_bytes;
	sums->live_variance = -sums->live_variance;
}

/* Of a block that is not live any more. */
static void forget(const struct live_block *block)
{
	struct heapwire_sums sums = pick_weight(block->size, heap.interval);

	negate(&sums);
	stacks_change(block->stack, block->epoch, &sums);
}

/* With the lock: counts what was freed without it. */
static void settle(void)
{
	struct live_block gone;

	for (unsigned i = 0; i < LIVE_RETIRED_MAX; i++)
		if (live_take_retired(i, &gone))
			forget(&gone);
}

bool heap_lock(void)
{
	if (!lock_take(&heap.lock, &heap.is_forking))
		return false;
	settle();
	return true;
}

void heap_unlock(void)
{
	lock_give(&heap.lock);
}

void heap_settle(void)
{
	if (!lock_try(&heap.lock, LOCK_TAKEN))
		return;
	settle();
	heap_unlock();
}

static void lose(void)
{
	__atomic_add_fetch(&heap.lost, 1, __ATOMIC_RELAXED);
}

/* What the thread had before it entered. */
struct outside {
	uint64_t signals;
	struct fp fp;
};

/*
 * Whether the thread may work here now. All signals are blocked meanwhile: a handler may wait for another
 * thread that waits for our lock (collectors stop the world so), or leave by a jump.
 */
static bool enter(struct outside *ret)
{
	uint64_t all = ~(uint64_t)0;

	if (heap_thread.is_inside || !heap.interval || aside_is_barred())
		return false;
	sys_4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &ret->signals, sizeof(all));
	heap_thread.is_inside = true;
	fp_enter(&ret->fp);
	return true;
}

static void leave(const struct outside *outside)
{
	fp_leave(&outside->fp);
	heap_thread.is_inside = false;
	/* A handler may run within this call, and not return to it. */
	sys_4(SYS_rt_sigprocmask, SIG_SETMASK, &outside->signals, 0, sizeof(outside->signals));
}

/* The lock is held: from this stack. False: there is no memory. */
static bool add(void *at, size_t size, const uint64_t *frame, unsigned count)
{
	struct heapwire_sums sums = pick_weight(size, heap.interval);
	struct live_block block = {.address = (uintptr_t)at, .size = size};
	struct live_block stale;

	/* Freed by somebody whom no hook saw. */
	if (live_take(at, &stale))
		forget(&stale);
	block.stack = stacks_find(frame, count, 0);
	block.epoch = stacks_epoch();
	if (!block.stack || !live_add(&block))
		return false;
	stacks_change(block.stack, block.epoch, &sums);
	return true;
}

static void keep_block(void *at, size_t size, const uint64_t *frame, unsigned count)
{
	bool kept = heap_lock();

	if (kept) {
		kept = add(at, size, frame, count);
		heap_unlock();
	}
	if (!kept)
		lose();
}

static void keep_mapping(void *at, size_t size, const uint64_t *frame, unsigned count)
{
	uint32_t stack = 0;

	if (heap_lock()) {
		stack = stacks_find(frame, count, HEAPWIRE_MAPPING);
		if (stack)
			mappings_add((uintptr_t)at, size, stack, heap.interval);
		heap_unlock();
	}
	if (!stack)
		lose();
}

typedef void keeper(void *at, size_t size, const uint64_t *frame, unsigned count);

/* On a stack that has no room for a walk, as a coroutine's may be, the block counts without one. */
static void sample(keeper *keep, void *at, size_t size)
{
	unsigned id, count;
	struct room *room = unwind_has_room() ? rooms_take(&id) : NULL;

	if (!room) {
		keep(at, size, NULL, 0);
		return;
	}
	/* The lock is taken when the stack has been walked. */
	count = unwind_stack(room->frame, HEAPWIRE_FRAMES_MAX, &room->state);
	keep(at, size, room->frame, count);
	account_offer(room->frame, count);
	rooms_give(id);
}

static uint64_t draw(struct heap_thread *thread)
{
	return (uint64_t)pick_gap(&thread->seed, heap.interval) + 1;
}

/* Whether one of the next size bytes, which do not pass, is picked; then the next one is drawn. */
static bool is_picked(size_t size)
{
	struct heap_thread *thread = &heap_thread;

	if (thread->seed == 0) {
		thread->seed = pick_seed(thread);
		thread->left = draw(thread);
		if (heap_passes(size))
			return false;
	}
	thread->left = draw(thread);
	return true;
}

/*
 * Where the picked byte is one that must not be looked at: the next block would have it, if the count stayed as it is.
 * While nobody counts at all it is not asked again for every block.
 */
static void pass_over(void)
{
	heap_thread.seed = 0;
	heap_thread.left = heap.interval ? 0 : UNCOUNTED;
}

void heap_sample(void *block, size_t size)
{
	struct outside outside;

	if (!enter(&outside)) {
		pass_over();
		return;
	}
	if (is_picked(size) && block)
		sample(keep_block, block, size);
	leave(&outside);
}

static bool lift(void *block, struct live_block *ret)
{
	bool found = false;
	struct outside outside;

	if (!enter(&outside))
		return false;
	if (heap_lock()) {
		found = live_take(block, ret);
		if (found)
			forget(ret);
		heap_unlock();
	} else {
		lose();
	}
	leave(&outside);
	return found;
}

/*
 * Mostly without the lock, and so without the two system calls that keep signals away from it: a fifth of what a
 * sample costs.
 */
void heap_drop(void *block)
{
	struct live_block gone;

	if (!live_has(block) || live_retire(block))
		return;
	/* Under a filter of the thread's own no system call is made. */
	if (aside_is_barred())
		lose();
	else
		lift(block, &gone);
}

bool heap_lift(void *block, struct live_block *ret)
{
	if (!live_has(block))
		return false;
	if (!aside_is_barred())
		return lift(block, ret);
	heap_drop(block);
	return false;
}

void heap_put_back(const struct live_block *block)
{
	struct heapwire_sums sums;
	struct outside outside;

	if (!enter(&outside))
		return;
	sums = pick_weight(block->size, heap.interval);
	sums.blocks = sums.bytes = 0;
	if (heap_lock()) {
		if (live_add(block))
			stacks_change(block->stack, block->epoch, &sums);
		heap_unlock();
	} else {
		lose();
	}
	leave(&outside);
}

void heap_mapped(void *at, size_t size)
{
	struct outside outside;

	if (heap_passes(size))
		return;
	if (!enter(&outside)) {
		pass_over();
		return;
	}
	if (is_picked(size))
		sample(keep_mapping, at, size);
	leave(&outside);
}

/* What the kernel would refuse is not unmapped: munmap(2). */
static bool is_range(const void *at, size_t size)
{
	return (uintptr_t)at % 4096 == 0 && size > 0 && size < (size_t)1 << 47;
}

void heap_unmapped(const void *at, size_t size)
{
	struct outside outside;

	if (!mappings_any() || !is_range(at, size) || !enter(&outside))
		return;
	if (heap_lock()) {
		mappings_cut((uintptr_t)at, size, heap.interval);
		heap_unlock();
	} else {
		lose();
	}
	leave(&outside);
}

/* Where it is put aside, in the list: addresses that no program has, and each time others. */
#define ASIDE	   ((uint64_t)1 << 63)
#define ASIDE_SIZE ((uint64_t)1 << 62)

/* The lock is held. */
static uint64_t put_aside(uint64_t at, uint64_t size)
{
	static uint64_t used;
	uint64_t ret = ASIDE + used % ASIDE_SIZE;

	if (!mappings_has(at, size))
		return 0;
	used += size;
	mappings_move(at, size, ret, size, heap.interval);
	return ret;
}

uint64_t heap_lift_range(const void *at, size_t size)
{
	struct outside outside;
	uint64_t ret = 0;

	if (!mappings_any() || !is_range(at, size) || !enter(&outside))
		return 0;
	if (heap_lock()) {
		ret = put_aside((uintptr_t)at, size);
		heap_unlock();
	} else {
		lose();
	}
	leave(&outside);
	return ret;
}

void heap_put_range(uint64_t aside, size_t size, const void *to, size_t kept)
{
	struct outside outside;

	if (!aside || !enter(&outside))
		return;
	if (heap_lock()) {
		if (kept)
			mappings_move(aside, size, (uintptr_t)to, kept, heap.interval);
		else
			mappings_cut(aside, size, heap.interval);
		heap_unlock();
	} else {
		lose();
	}
	leave(&outside);
}

void heap_unloaded(void)
{
	struct outside outside;

	if (!enter(&outside))
		return;
	if (heap_lock()) {
		stacks_new_generation();
		heap_unlock();
	}
	unwind_forget_all();
	leave(&outside);
}

/*
 * The locks are held over the fork, so that the child has whole tables. Handlers of the program's own may allocate
 * between the two: those blocks pass by.
 */
void heap_before_fork(void)
{
	if (heap_thread.is_inside || !heap.interval || aside_is_barred())
		return;
	heap_thread.is_inside = true;
	heap_thread.has_tables = false;
	if (!unwind_lock())
		return;
	/* Another thread's fork may take as long as it does: it does not wait for us. */
	if (!lock_take(&heap.lock, NULL)) {
		unwind_unlock();
		return;
	}
	__atomic_store_n(&heap.is_forking, true, __ATOMIC_RELAXED);
	heap_thread.has_tables = true;
}

void heap_after_fork(void)
{
	if (!heap_thread.is_inside)
		return;
	if (heap_thread.has_tables) {
		__atomic_store_n(&heap.is_forking, false, __ATOMIC_RELAXED);
		heap_unlock();
		unwind_unlock();
	}
	heap_thread.is_inside = false;
}

/* Without whole tables it has none: nothing of it is sampled or told. */
void heap_in_child(void)
{
	if (!heap_thread.is_inside)
		return;
	if (!heap_thread.has_tables)
		heap.interval = 0;
	heap.is_forking = false;
	heap.lost = 0;
	lock_reset(&heap.lock);
	unwind_child();
	rooms_in_child();
	account_in_child();
	if (heap.interval)
		stacks_fork();
	heap_thread.is_inside = false;
}

bool heap_has_news(void)
{
	return stacks_totals.heap.bytes != 0 || stacks_totals.mapping.bytes != 0;
}

size_t heap_memory(void)
{
	return live_memory() + stacks_memory() + mappings_memory() + rooms_memory();
}
