/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <time.h>

#include "core/heapwire.h"
#include "preload/guest.h"
#include "preload/heap/account.h"
#include "preload/heap/unwind.h"
#include "preload/sys.h"

/* Asking takes one CPU in so many: of the program's own time, for its threads ask. */
#define ASK_EVERY 1000u
/* mallctl() of jemalloc takes 4 KiB, most of it when the loader binds what it calls. */
#define STACK_SIZE 32768u

/* Who may go on from there: the guest, any thread (one of them gets it), that thread, the guest. */
enum stage { STAGE_KNOWN, STAGE_WANTED, STAGE_ASKING, STAGE_LEARNT };

static struct {
	void (*ask)(struct account *ret); /* NULL: nobody can be asked */
	uintptr_t start, size;		  /* of the allocator's code */
	uint32_t stage;			  /* enum stage */
	struct account last;		  /* written while asking */
	uint64_t cost_ns;		  /* what that took */
	uint64_t learnt_ns;		  /* [guest] when it was learnt, by our CLOCK_MONOTONIC */
} account;

static _Alignas(64) uint8_t stack[STACK_SIZE];

void account_start(void (*ask)(struct account *ret), uintptr_t start, uintptr_t end)
{
	account.start = start;
	account.size = end - start;
	account.ask = ask;
}

static bool is_at_work(const uint64_t *frame, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (frame[i] - account.start < account.size)
			return true;
	return false;
}

static bool move(enum stage from, enum stage to)
{
	uint32_t was = from;

	return __atomic_compare_exchange_n(&account.stage, &was, to, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static void ask(void *arg)
{
	(void)arg;
	account.ask(&account.last);
}

/*
 * A stack that is longer than what is walked may have the allocator in its outer part: then it is another
 * thread's turn. A child of vfork() or of a raw clone() may find a lock that nobody will ever give back.
 */
void account_offer(const uint64_t *frame, unsigned count)
{
	uint64_t cost_ns;

	if (__atomic_load_n(&account.stage, __ATOMIC_RELAXED) != STAGE_WANTED)
		return;
	if (count == 0 || count == HEAPWIRE_FRAMES_MAX || is_at_work(frame, count) ||
	    !guest_is_here() || !move(STAGE_WANTED, STAGE_ASKING))
		return;
	cost_ns = sys_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	unwind_call_on(stack + sizeof(stack), ask, NULL);
	account.cost_ns = sys_clock_ns(CLOCK_THREAD_CPUTIME_ID) - cost_ns;
	__atomic_store_n(&account.stage, STAGE_LEARNT, __ATOMIC_RELEASE);
}

void account_want(void)
{
	if (!account.ask || __atomic_load_n(&account.stage, __ATOMIC_ACQUIRE) != STAGE_KNOWN ||
	    sys_clock_ns(CLOCK_MONOTONIC) - account.learnt_ns < account.cost_ns * ASK_EVERY)
		return;
	__atomic_store_n(&account.stage, STAGE_WANTED, __ATOMIC_RELEASE);
}

static void set(struct record *ret, enum field field, int64_t bytes)
{
	if (bytes >= 0)
		record_set(ret, field, bytes);
}

void account_fill(struct record *ret)
{
	if (!account.ask)
		return;
	if (__atomic_load_n(&account.stage, __ATOMIC_ACQUIRE) != STAGE_LEARNT) {
		ret->reason[SOURCE_ALLOCATOR] = REASON_NOT_DUE;
		return;
	}
	ret->reason[SOURCE_ALLOCATOR] = REASON_OK;
	set(ret, FIELD_ALLOCATOR_ALLOCATED, account.last.allocated);
	set(ret, FIELD_ALLOCATOR_ACTIVE, account.last.active);
	set(ret, FIELD_ALLOCATOR_RESIDENT, account.last.resident);
	account.learnt_ns = sys_clock_ns(CLOCK_MONOTONIC);
	__atomic_store_n(&account.stage, STAGE_KNOWN, __ATOMIC_RELEASE);
}

void account_in_child(void)
{
	__atomic_store_n(&account.stage, STAGE_KNOWN, __ATOMIC_RELAXED);
}
