/* SPDX-License-Identifier: ISC */
/*
 * What libunwind asks of its surroundings (libunwind.patch), and the way into it.
 *
 * Nothing is read that may not be. Of the thread's stack the pages from the stack pointer up are looked
 * at one by one, as the walk reaches them, by a system call that fails where reading would fault. What
 * was found to be the thread's own stack, or the initial one, is remembered: it lasts as long as the
 * thread does. Other stacks (coroutines, signal handlers) may be unmapped between two samples, and
 * another be there: they are looked at again each time.
 */
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stddef.h>

#include "preload/heap/lock.h"
#include "preload/heap/unwind.h"
#include "preload/sys.h"

/* The smallest there is: a larger page is looked at several times. */
#define PAGE 4096u
/* What the hook takes of the thread's stack from here on. */
#define ROOM 1024u
/* What the fast way takes. */
#define BELOW 512u
/*
 * The stack for all but the fast way: 3.8 KiB were seen on x86-64, and nothing there recurs. Of what is not used
 * there is no page.
 */
#define ASIDE_SIZE 65536u
/*
 * How far is looked for the next page that is needed. Between a thread's outermost frame and its thread
 * block are its thread-local variables.
 */
#define REACH (16 * PAGE)
/* Pages of environment and arguments above the initial stack's first frame. */
#define INITIAL_PAGES 64u
/* Pages that were looked at and are not on the stack: of unwind tables, eight for a frame. */
#define PAGES_SEEN 8u
#define NO_PAGE	   1u
/* rt_sigprocmask's set: 64 signals. */
#define SIGSET_SIZE 8u

/* Libunwind's side: its include/mstat.h has the contracts. */
struct unwind_window {
	uintptr_t low;
	uintptr_t span;
	uintptr_t start;
	uintptr_t state;
	uintptr_t state_size;
};
int unw_backtrace(void **buffer, int size);
void unwind_forget(void);
struct unwind_window *unwind_window(void);
int unwind_may_read(uintptr_t addr, size_t size);
int unwind_aside(uintptr_t ip, void (*fn)(void *), void *arg);
int unwind_find_object(uintptr_t ip, uintptr_t *ret_start, uintptr_t *ret_end,
		       uintptr_t *ret_eh_frame_hdr);
extern uintptr_t unwind_own_start, unwind_own_size;

/* glibc's, since 2.35: it takes no lock. Only what we need of the struct, and all of its size. */
struct found {
	unsigned long long flags;
	void *map_start;
	void *map_end;
	void *link_map;
	void *eh_frame_hdr;
	unsigned long long reserved[8];
};
extern int loader_find(void *address, struct found *ret) __asm__("_dl_find_object")
	__attribute__((weak));
extern int dl_iterate_phdr(int (*callback)(struct dl_phdr_info *info, size_t size, void *data),
			   void *data) __attribute__((weak));

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

struct range {
	uintptr_t low, high;
};

uintptr_t unwind_own_start;
uintptr_t unwind_own_size;

/* Of a thread: a walk's state, and what outlives it. */
static _Thread_local struct {
	struct unwind_window window;
	uintptr_t left_at;	    /* of its stack: where it went aside */
	struct range own;	    /* of its stack: pages that can be read */
	uintptr_t seen[PAGES_SEEN]; /* of this walk */
	unsigned seen_turn;
} mine;

static struct {
	struct lock lock;
	bool is_forking;       /* it is held over a fork, whose other handlers may wait for us */
	uintptr_t locker;      /* thread pointer of whom unwind_lock() took the lock for */
	uintptr_t main_thread; /* its thread pointer */
	struct range initial;  /* the initial stack; low is atomic */
	struct found object;   /* under the lock; map_end is NULL where there is none */
} unwind;

/* Used by whom unwind_aside() lets in. */
static _Alignas(64) uint8_t aside[ASIDE_SIZE];

#if defined(__x86_64__)
__asm__(".pushsection .text.unwind_call_on, \"ax\", @progbits\n"
	".hidden unwind_call_on\n"
	".globl unwind_call_on\n"
	".type unwind_call_on, @function\n"
	"unwind_call_on:\n"
	".cfi_startproc\n"
	"	push %rbp\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset rbp, -16\n"
	"	mov %rsp, %rbp\n"
	".cfi_def_cfa_register rbp\n"
	"	mov %rdi, %rsp\n"
	"	mov %rdx, %rdi\n"
	"	call *%rsi\n"
	"	mov %rbp, %rsp\n"
	"	pop %rbp\n"
	".cfi_def_cfa rsp, 8\n"
	"	ret\n"
	".cfi_endproc\n"
	".size unwind_call_on, . - unwind_call_on\n"
	".popsection\n");
#else
__asm__(".pushsection .text.unwind_call_on, \"ax\", %progbits\n"
	".hidden unwind_call_on\n"
	".globl unwind_call_on\n"
	".type unwind_call_on, %function\n"
	"unwind_call_on:\n"
	".cfi_startproc\n"
	"	stp x29, x30, [sp, #-16]!\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset x29, -16\n"
	".cfi_offset x30, -8\n"
	"	mov x29, sp\n"
	".cfi_def_cfa_register x29\n"
	"	mov sp, x0\n"
	"	mov x0, x2\n"
	"	blr x1\n"
	"	mov sp, x29\n"
	".cfi_def_cfa_register sp\n"
	"	ldp x29, x30, [sp], #16\n"
	".cfi_def_cfa_offset 0\n"
	".cfi_restore x29\n"
	".cfi_restore x30\n"
	"	ret\n"
	".cfi_endproc\n"
	".size unwind_call_on, . - unwind_call_on\n"
	".popsection\n");
#endif

static uintptr_t page_of(uintptr_t addr)
{
	return addr & ~(uintptr_t)(PAGE - 1);
}

static uintptr_t thread_pointer(void)
{
#if defined(__x86_64__)
	uintptr_t ret;

	__asm__("mov %%fs:0, %0" : "=r"(ret));
	return ret;
#else
	return (uintptr_t)__builtin_thread_pointer();
#endif
}

/* The kernel copies the set before it looks at what to do with it, which is nothing it knows. */
static bool probe(uintptr_t page)
{
	return sys_4(SYS_rt_sigprocmask, -1, page, 0, SIGSET_SIZE) == -EINVAL;
}

static bool probe_once(uintptr_t page)
{
	for (unsigned i = 0; i < PAGES_SEEN; i++)
		if (mine.seen[i] == page)
			return true;
	if (!probe(page))
		return false;
	mine.seen[mine.seen_turn++ % PAGES_SEEN] = page;
	return true;
}

static void forget_seen(void)
{
	for (unsigned i = 0; i < PAGES_SEEN; i++)
		mine.seen[i] = NO_PAGE;
}

static struct range initial_stack(void)
{
	return (struct range){__atomic_load_n(&unwind.initial.low, __ATOMIC_RELAXED),
			      unwind.initial.high};
}

static bool has(struct range range, uintptr_t first, uintptr_t last)
{
	return first >= range.low && last < range.high;
}

/* [app thread] The first address above the window. */
static uintptr_t window_end(void)
{
	return mine.window.low + mine.window.span + sizeof(uintptr_t);
}

static void set_window_end(uintptr_t end)
{
	mine.window.span = end - sizeof(uintptr_t) - mine.window.low;
}

struct unwind_window *unwind_window(void)
{
	return &mine.window;
}

static bool is_aside(uintptr_t addr)
{
	return addr - (uintptr_t)aside < sizeof(aside);
}

int unwind_may_read(uintptr_t addr, size_t size)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uintptr_t last = addr + size - 1;
	uintptr_t end = window_end();

	if (last < addr)
		return 0;
	/* Registers that libunwind has in memory of its own. */
	if (addr - mine.window.state < mine.window.state_size)
		return 1;
	if (is_aside(here)) {
		if (is_aside(addr) && is_aside(last))
			return 1;
		here = mine.left_at;
	}
	/* What is below the window, down to here, are the frames that unwind. */
	if (addr >= here && last < end)
		return 1;
	if (has(mine.own, addr, last) || has(initial_stack(), addr, last))
		return 1;
	/* The stack goes on above. */
	if (addr >= mine.window.low && last >= end && last < end + REACH) {
		for (; end <= last; end += PAGE) {
			if (!probe(end))
				return 0;
			set_window_end(end + PAGE);
		}
		return 1;
	}
	return probe_once(page_of(addr)) &&
	       (page_of(last) == page_of(addr) || probe_once(page_of(last)));
}

/* The stack that this thread was started on: its thread block is at the upper end of it. */
static void meet_thread(uintptr_t thread)
{
	mine.own.low = page_of(thread);
	mine.own.high = mine.own.low + PAGE;
}

/*
 * Whether what was walked was the thread's own stack, or the initial one, is seen at the end: all is
 * readable from the stack pointer to where that was known to be.
 */
static void remember_stack(uintptr_t low)
{
	struct range initial = initial_stack();
	uintptr_t goal = low < initial.low ? initial.low : 0;
	uintptr_t end = window_end();

	low = page_of(low);
	if (goal == 0 || end + REACH < goal)
		goal = low < mine.own.low ? mine.own.low : 0;
	if (goal == 0 || end + REACH < goal)
		return;
	for (; end < goal; end += PAGE)
		if (!probe(end))
			return;
	if (goal == mine.own.low)
		mine.own.low = low;
	else
		__atomic_store_n(&unwind.initial.low, low, __ATOMIC_RELAXED);
}

/* What of unwinding is done here is left out by its stack pointer. */
__attribute__((noinline)) unsigned unwind_stack(uint64_t *ret_frame, unsigned max,
						struct unwind_state *state)
{
	uintptr_t sp = (uintptr_t)__builtin_frame_address(0);
	struct range initial = initial_stack();
	uintptr_t thread = thread_pointer();
	uintptr_t end;
	int n;

	_Static_assert(sizeof(void *) == sizeof(*ret_frame), "libunwind writes pointers");
	if (mine.own.high == 0 && thread != unwind.main_thread)
		meet_thread(thread);
	/* Below are the frames of libunwind; of the same page all can be read. */
	mine.window.low = page_of(sp) == page_of(sp - BELOW) ? sp - BELOW : page_of(sp);
	mine.window.start = (uintptr_t)__builtin_dwarf_cfa();
	mine.window.state = (uintptr_t)state;
	mine.window.state_size = sizeof(*state);
	end = has(mine.own, sp, sp)  ? mine.own.high
	      : has(initial, sp, sp) ? initial.high
				     : page_of(sp) + PAGE;
	set_window_end(end);
	forget_seen();
	n = unw_backtrace((void **)ret_frame, (int)max);
	if (!has(mine.own, sp, sp) && !has(initial, sp, sp))
		remember_stack(sp);
	return n < 0 ? 0 : (unsigned)n;
}

/* [app thread] Of dl_iterate_phdr(): the object that has the code. */
static int look_at(struct dl_phdr_info *info, size_t size, void *data)
{
	struct found *found = data;
	uintptr_t ip = (uintptr_t)found->link_map;
	uintptr_t low = UINTPTR_MAX, high = 0, eh_frame_hdr = 0;
	bool is_it = false;

	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *phdr = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + phdr->p_vaddr;

		if (phdr->p_type == PT_GNU_EH_FRAME)
			eh_frame_hdr = start;
		if (phdr->p_type != PT_LOAD)
			continue;
		is_it = is_it || ip - start < phdr->p_memsz;
		low = start < low ? start : low;
		high = start + phdr->p_memsz > high ? start + phdr->p_memsz : high;
	}
	if (!is_it)
		return 0;
	found->map_start = (void *)low;
	found->map_end = (void *)high;
	found->eh_frame_hdr = (void *)eh_frame_hdr;
	return 1;
}

/* Where libc has but dl_iterate_phdr() it takes the loader's lock: so never under ours. */
static struct found find(uintptr_t ip)
{
	struct found found = {0};

	if (ip == 0)
		return found;
	if (loader_find) {
		if (loader_find((void *)ip, &found) != 0)
			found.map_end = NULL;
	} else if (dl_iterate_phdr) {
		found.link_map = (void *)ip;
		if (dl_iterate_phdr(look_at, &found) == 0)
			found.map_end = NULL;
	}
	return found;
}

/*
 * Of a stack that is not known only the next page is asked for: that may be a guard. Of a thread's own what was
 * found below what is known of it stays.
 */
bool unwind_has_room(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uintptr_t low = page_of(here - ROOM);

	if (low == page_of(here) || has(mine.own, low, here) || has(initial_stack(), low, here))
		return true;
	if (!probe(low))
		return false;
	if (has(mine.own, here, here))
		mine.own.low = low;
	else if (has(initial_stack(), here, here))
		__atomic_store_n(&unwind.initial.low, low, __ATOMIC_RELAXED);
	return true;
}

/*
 * On a stack of ours, whose one user has the lock: the thread's may be a coroutine's of a few KiB, and what lies
 * below it the program's data.
 */
int unwind_aside(uintptr_t ip, void (*fn)(void *), void *arg)
{
	struct found found;

	/* Another's fork handler may call malloc(). */
	if (unwind.locker == thread_pointer())
		return 0;
	found = find(ip);
	if (!lock_take(&unwind.lock, &unwind.is_forking))
		return 0;
	unwind.object = found;
	/* What was seen may be gone: another thread may have closed a library. */
	forget_seen();
	mine.left_at = (uintptr_t)__builtin_frame_address(0);
	unwind_call_on(aside + sizeof(aside), fn, arg);
	lock_give(&unwind.lock);
	return 1;
}

int unwind_find_object(uintptr_t ip, uintptr_t *ret_start, uintptr_t *ret_end,
		       uintptr_t *ret_eh_frame_hdr)
{
	const struct found *found = &unwind.object;

	if (!found->map_end || !found->eh_frame_hdr || ip < (uintptr_t)found->map_start ||
	    ip >= (uintptr_t)found->map_end)
		return 0;
	*ret_start = (uintptr_t)found->map_start;
	*ret_end = (uintptr_t)found->map_end;
	*ret_eh_frame_hdr = (uintptr_t)found->eh_frame_hdr;
	return 1;
}

void unwind_forget_all(void)
{
	bool has_it = lock_take(&unwind.lock, &unwind.is_forking);

	/* Who has the lock for so long does not learn anything any more. */
	unwind_forget();
	if (has_it)
		lock_give(&unwind.lock);
}

void unwind_leave_out(uintptr_t start, uintptr_t size)
{
	unwind_own_start = start;
	unwind_own_size = size;
}

void unwind_init(void)
{
	const uint8_t *base = (const uint8_t *)&__ehdr_start;
	const Elf64_Phdr *phdr = (const Elf64_Phdr *)(const void *)(base + __ehdr_start.e_phoff);
	uintptr_t sp = (uintptr_t)__builtin_frame_address(0);
	uintptr_t high = page_of(sp) + PAGE;

	for (unsigned i = 0; i < __ehdr_start.e_phnum; i++)
		if (phdr[i].p_type == PT_LOAD &&
		    phdr[i].p_vaddr + phdr[i].p_memsz > unwind_own_size)
			unwind_own_size = phdr[i].p_vaddr + phdr[i].p_memsz;
	unwind_own_start = (uintptr_t)base;
	unwind.main_thread = thread_pointer();
	for (unsigned i = 0; i < INITIAL_PAGES && probe(high); i++)
		high += PAGE;
	unwind.initial = (struct range){page_of(sp), high};
}

bool unwind_lock(void)
{
	if (!lock_take(&unwind.lock, NULL))
		return false;
	__atomic_store_n(&unwind.is_forking, true, __ATOMIC_RELAXED);
	unwind.locker = thread_pointer();
	return true;
}

void unwind_unlock(void)
{
	unwind.locker = 0;
	__atomic_store_n(&unwind.is_forking, false, __ATOMIC_RELAXED);
	lock_give(&unwind.lock);
}

void unwind_child(void)
{
	unwind.locker = 0;
	unwind.is_forking = false;
	lock_reset(&unwind.lock);
}
