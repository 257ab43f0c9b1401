/* SPDX-License-Identifier: ISC */
#include <elf.h>
#include <errno.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>

#include "preload/fp.h"
#include "preload/guest.h"
#include "preload/sys.h"
#include "preload/valgrind.h"

/* Of x86; elsewhere the largest that kernels are built with, for a guard must be a whole one. */
#if defined(__x86_64__)
#define PAGE_MAX 4096u
#else
#define PAGE_MAX 65536u
#endif
#define GUARD_SIZE PAGE_MAX
/* zstd's compressor takes the most of it, once, for the hello: 2 to 11 KiB were seen. */
#define STACK_SIZE 65536u
/* Of the page that the TCB is in; the state begins after it. */
#define TCB_SIZE 1024u
_Static_assert(TCB_SIZE + GUEST_ZEROED <= PAGE_MAX, "the first page of the state");
/* Tenths of a second that guest_stop() waits at most: a debugger may hold our thread alone. */
#define STOP_SLICES 20u
/* rt_sigprocmask's set: 64 signals, 32 and 33 (glibc's own) included. */
#define SIGSET_SIZE 8u
#define SIG_SETMASK 2

static struct {
	uint32_t tid;	  /* futex: the thread's id; the kernel clears it when the thread is gone */
	uint32_t command; /* futex: enum guest_command */
	uint32_t answer;  /* futex: 1 when the last sample was sent, or will not be */
	size_t size;	  /* of memory; set before it */
	uint8_t *memory;  /* owned: guard, stack, TCB, state; kept for the next start */
	int (*main)(void *state);
} guest;

static uint32_t load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static void wake(uint32_t *word)
{
	sys_3(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
}

/* [guest] What runs first on the new stack; it does not return. */
__attribute__((noreturn, used)) static void guest_main(void *state)
{
	struct fp programs;
	int status;

	fp_enter(&programs);
	status = guest.main(state);
	/* It may have ended before it took the last sample that guest_last() waits for. */
	guest_answer();
	for (;;)
		sys_1(SYS_exit, status);
}

/*
 * clone(2) with the child on a new stack, where nothing of the caller's frame may be used any more:
 * the child's first instruction calls guest_main(state). Returns the thread's id or an error.
 */
#if defined(__x86_64__)
static long clone_thread(unsigned long flags, void *stack, void *tls, void *state)
{
	long ret;
	register void *ctid __asm__("r10") = &guest.tid;
	register void *tls_reg __asm__("r8") = tls;
	register void *arg __asm__("r9") = state;

	__asm__ volatile("syscall\n\t"
			 "test %%eax, %%eax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r9, %%rdi\n\t"
			 "call guest_main\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(ret)
			 : "a"(SYS_clone), "D"(flags), "S"(stack), "d"(&guest.tid), "r"(ctid),
			   "r"(tls_reg), "r"(arg)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
static long clone_thread(unsigned long flags, void *stack, void *tls, void *state)
{
	register long x8 __asm__("x8") = SYS_clone;
	register long x0 __asm__("x0") = (long)flags;
	register void *x1 __asm__("x1") = stack;
	register void *x2 __asm__("x2") = &guest.tid;
	register void *x3 __asm__("x3") = tls;
	register void *x4 __asm__("x4") = &guest.tid;
	register void *x5 __asm__("x5") = state;

	__asm__ volatile("svc 0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t"
			 "mov x30, xzr\n\t"
			 "mov x0, x5\n\t"
			 "bl guest_main\n\t"
			 "brk 0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#endif

/* Copies the calling thread's canary and pointer guard, should compiled-in code look at them. */
static void make_tcb(uint8_t *tcb)
{
#if defined(__x86_64__)
	unsigned long *word = (unsigned long *)(void *)tcb;
	unsigned long canary, pointer_guard;

	__asm__("mov %%fs:0x28, %0" : "=r"(canary));
	__asm__("mov %%fs:0x30, %0" : "=r"(pointer_guard));
	word[0] = (unsigned long)tcb; /* %fs:0 and %fs:0x10 point to the TCB itself */
	word[2] = (unsigned long)tcb;
	word[5] = canary;
	word[6] = pointer_guard;
#else
	(void)tcb;
#endif
}

static uint8_t *tcb_of(uint8_t *memory)
{
	return memory + GUARD_SIZE + STACK_SIZE;
}

/*
 * The process that the guest was started in. It stands at the end of the TCB: the kernel wipes it in
 * every child that has a copy of the memory, by whatever call that was made, and however the pids
 * turn round.
 */
static int32_t *owner_of(uint8_t *memory)
{
	return (int32_t *)(void *)(tcb_of(memory) + TCB_SIZE - sizeof(int32_t));
}

/* The memory is wiped in a fork's child, and so costs it no copies. */
static int get_memory(size_t state_size)
{
	size_t size = GUARD_SIZE + STACK_SIZE + TCB_SIZE + state_size;
	long at;

	size = (size + PAGE_MAX - 1) & ~((size_t)PAGE_MAX - 1);
	at = sys_6(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at < 0 && at > -4096)
		return (int)at;
	sys_3(SYS_mprotect, at, GUARD_SIZE, PROT_NONE);
	sys_3(SYS_madvise, at, size, MADV_WIPEONFORK);
	/* Another thread may be forking just now: its child sees all of it or nothing. */
	guest.size = size;
	__atomic_store_n(&guest.memory, (uint8_t *)at, __ATOMIC_RELEASE);
	return 0;
}

/*
 * For the next guest; the owner stays, for guest_is_here() is asked meanwhile. The kernel takes nothing
 * back where the program locked its memory.
 */
static void clean_memory(void)
{
	uint8_t *tcb = tcb_of(guest.memory);

	sys_3(SYS_madvise, guest.memory + GUARD_SIZE, STACK_SIZE, MADV_DONTNEED);
	__builtin_memset(tcb + TCB_SIZE, 0, GUEST_ZEROED);
	sys_3(SYS_madvise, tcb + PAGE_MAX, guest.size - GUARD_SIZE - STACK_SIZE - PAGE_MAX,
	      MADV_DONTNEED);
}

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

/* Our library's next writable segment, from i on; NULL after the last. */
static const uint8_t *next_segment(unsigned *i, size_t *ret_size)
{
	const uint8_t *base = (const uint8_t *)&__ehdr_start;
	const Elf64_Phdr *phdr = (const Elf64_Phdr *)(const void *)(base + __ehdr_start.e_phoff);

	for (; *i < __ehdr_start.e_phnum; (*i)++)
		if (phdr[*i].p_type == PT_LOAD && phdr[*i].p_flags & PF_W) {
			unsigned long start = phdr[*i].p_vaddr & ~4095ul;

			*ret_size =
				((phdr[*i].p_vaddr + phdr[*i].p_memsz + 4095) & ~4095ul) - start;
			return base + start;
		}
	return NULL;
}

/* Bytes of our library's writable segments; all of them were written by the loader or by us. */
static size_t library_data(void)
{
	size_t sum = 0, size = 0;

	for (unsigned i = 0; next_segment(&i, &size); i++)
		sum += size;
	return sum;
}

/*
 * A stack that a thread has left is out of bounds for memcheck; and what is shared by atomic accesses
 * and raw futexes is a race for helgrind and drd.
 */
static void tell_valgrind(void)
{
	const uint8_t *at;
	size_t size = 0;

	valgrind_tell(VALGRIND_UNDEFINED, guest.memory + GUARD_SIZE, STACK_SIZE);
	valgrind_tell(VALGRIND_UNTRACKED, guest.memory, guest.size);
	valgrind_tell(VALGRIND_DRD_SUPPRESSED, guest.memory, guest.size);
	for (unsigned i = 0; (at = next_segment(&i, &size)); i++) {
		valgrind_tell(VALGRIND_UNTRACKED, at, size);
		valgrind_tell(VALGRIND_DRD_SUPPRESSED, at, size);
	}
}

int guest_start(int (*main)(void *state), size_t state_size)
{
	static const unsigned long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
					   CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
					   CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	uint64_t all = ~(uint64_t)0;
	uint64_t old;
	uint8_t *tcb;
	long ret = 0;

	if (load(&guest.tid) != 0)
		return -EBUSY; /* it could not be ended: guest_stop() */
	if (guest.memory)
		clean_memory();
	else
		ret = get_memory(state_size);
	if (ret < 0)
		return (int)ret;
	tell_valgrind();
	tcb = tcb_of(guest.memory);
	make_tcb(tcb);
	store(&guest.command, GUEST_RUN);
	store(&guest.answer, 0);
	guest.main = main;
	*owner_of(guest.memory) = (int32_t)sys_0(SYS_getpid);
	/* The thread inherits the mask: with all signals blocked none is ever delivered to it. */
	sys_4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, SIGSET_SIZE);
	ret = clone_thread(flags, tcb, tcb, tcb + TCB_SIZE);
	sys_4(SYS_rt_sigprocmask, SIG_SETMASK, &old, 0, SIGSET_SIZE);
	if (ret < 0)
		store(&guest.tid, 0);
	return ret < 0 ? (int)ret : 0;
}

/* A real-time thread would wait for ours, which is not one, as long as others of its kind run. */
static void hurry(uint32_t tid)
{
	int32_t priority = 0;
	long policy = sys_1(SYS_sched_getscheduler, 0);

	if (policy != SCHED_FIFO && policy != SCHED_RR)
		return;
	sys_2(SYS_sched_getparam, 0, &priority);
	sys_3(SYS_sched_setscheduler, tid, policy, &priority);
}

void guest_stop(void)
{
	static const int64_t moment[2] = {0, 20000};
	static const int64_t slice[2] = {0, 100000000};
	uint32_t tid = load(&guest.tid);

	if (!guest_is_here() || tid == 0)
		return;
	store(&guest.command, GUEST_STOP);
	wake(&guest.command);
	hurry(tid);
	/* The kernel wakes one waiter of CLONE_CHILD_CLEARTID, without FUTEX_PRIVATE_FLAG. */
	for (unsigned i = 0; i < STOP_SLICES && load(&guest.tid) == tid; i++)
		sys_4(SYS_futex, &guest.tid, FUTEX_WAIT, tid, slice);
	/* It has left our memory; /proc shows it, with its ids, until it is reaped just after. */
	while (load(&guest.tid) != tid && sys_3(SYS_tgkill, sys_0(SYS_getpid), tid, 0) == 0)
		sys_2(SYS_nanosleep, moment, 0);
}

void guest_last(uint64_t wait_ns)
{
	int64_t wait[2] = {(int64_t)(wait_ns / 1000000000u), (int64_t)(wait_ns % 1000000000u)};
	uint32_t run = GUEST_RUN;

	if (!guest_is_here() || load(&guest.tid) == 0)
		return;
	/* Another thread may be in guest_stop(): its command is not overwritten, it waits for ever. */
	if (!__atomic_compare_exchange_n(&guest.command, &run, GUEST_LAST, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		return;
	wake(&guest.command);
	if (load(&guest.answer) == 0)
		sys_4(SYS_futex, &guest.answer, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, wait);
}

void guest_forget(void)
{
	store(&guest.tid, 0);
	if (guest.memory)
		*owner_of(guest.memory) = 0; /* wiped already, but under valgrind */
}

bool guest_is_copy(void)
{
	return !guest.memory || *owner_of(guest.memory) == 0;
}

bool guest_is_here(void)
{
	/* A vfork child shares the memory, and is told by its pid. */
	return guest.memory && *owner_of(guest.memory) == (int32_t)sys_0(SYS_getpid);
}

enum guest_command guest_wait(uint64_t deadline_ns)
{
	int64_t at[2] = {(int64_t)(deadline_ns / 1000000000u),
			 (int64_t)(deadline_ns % 1000000000u)};
	uint32_t command = load(&guest.command);

	while (command == GUEST_RUN) {
		long ret = sys_6(SYS_futex, &guest.command, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
				 GUEST_RUN, at, 0, FUTEX_BITSET_MATCH_ANY);

		command = load(&guest.command);
		/* A filter that came over us refuses: never loop on a call that does not sleep. */
		if (ret < 0 && ret != -ETIMEDOUT && ret != -EAGAIN && ret != -EINTR)
			return GUEST_STOP;
		if (ret == -ETIMEDOUT)
			break;
	}
	if (command == GUEST_LAST)
		__atomic_compare_exchange_n(&guest.command, &(uint32_t){GUEST_LAST}, GUEST_RUN,
					    false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	return (enum guest_command)command;
}

bool guest_is_stopping(void)
{
	return load(&guest.command) == GUEST_STOP;
}

void guest_answer(void)
{
	store(&guest.answer, 1);
	wake(&guest.answer);
}

size_t guest_memory(void)
{
	uint8_t there[64] = {0};
	size_t pages = guest.size / 4096;
	size_t sum = library_data();

	if (pages > sizeof(there) || sys_3(SYS_mincore, guest.memory, guest.size, there) < 0)
		return sum;
	for (size_t i = 0; i < pages; i++)
		sum += there[i] & 1 ? 4096u : 0;
	return sum;
}
