/* SPDX-License-Identifier: ISC */
/* The unwinder of the heap's sampler: what it tells of all kinds of stacks, and that it never faults. */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "preload/heap/unwind.h"

#define MAX 64u

/* One thread walks at a time, but where it does not matter. */
static __thread struct unwind_state state;

static __thread uint64_t frames[512];
static __thread unsigned count;
static __thread unsigned max = MAX;
static __thread void (*innermost)(void);

/* Each function is a section of its own, for its limits. */
#define SECTION(name)                                              \
	extern const char __start_at_##name[], __stop_at_##name[]; \
	__attribute__((noinline, section("at_" #name), used)) static void name(void)

#define IN(name, frame)                                       \
	((uintptr_t)(frame) > (uintptr_t)__start_at_##name && \
	 (uintptr_t)(frame) <= (uintptr_t)__stop_at_##name)

/* No call is the last thing that a function does. */
#define AFTER __asm__ volatile("" ::: "memory")

SECTION(chain_look)
{
	if (innermost)
		innermost();
	else
		count = unwind_stack(frames, max, &state);
	AFTER;
}

SECTION(chain_three)
{
	volatile char page[5000];

	page[0] = page[4999] = 1;
	chain_look();
	AFTER;
}

SECTION(chain_two)
{
	chain_three();
	AFTER;
}

SECTION(chain_one)
{
	chain_two();
	AFTER;
}

/* The chain is there, whole and in order, from the frame FIRST. */
static bool has_chain(unsigned first)
{
	return count >= first + 4 && IN(chain_look, frames[first]) &&
	       IN(chain_three, frames[first + 1]) && IN(chain_two, frames[first + 2]) &&
	       IN(chain_one, frames[first + 3]);
}

__attribute__((noinline)) static bool walk(void)
{
	memset(frames, 0, sizeof(frames));
	count = 0;
	chain_one();
	return has_chain(0);
}

static unsigned descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void test_order(void **unused)
{
	unsigned before = descriptors();
	unsigned first;

	(void)unused;
	errno = 77;
	assert_true(walk());
	assert_int_equal(errno, 77);
	first = count;
	/* Up to _start, which has no caller. */
	assert_true(count > 8);
	for (unsigned i = 0; i < 100; i++) {
		assert_true(walk());
		assert_int_equal(count, first);
	}
	unwind_forget_all();
	assert_true(walk());
	assert_int_equal(count, first);
	assert_int_equal(descriptors(), before);
}

/* Frames of the code that is left out are so only where they are the innermost. */
static void test_leave_out(void **unused)
{
	(void)unused;
	unwind_leave_out((uintptr_t)__start_at_chain_look,
			 (uintptr_t)(__stop_at_chain_look - __start_at_chain_look));
	walk();
	assert_true(IN(chain_three, frames[0]));
	unwind_leave_out((uintptr_t)__start_at_chain_two,
			 (uintptr_t)(__stop_at_chain_two - __start_at_chain_two));
	assert_true(walk());
	unwind_leave_out(0, 0);
}

SECTION(chain_deep)
{
	static unsigned depth;

	if (++depth < 200)
		chain_deep();
	else
		chain_look();
	depth--;
	AFTER;
}

static void test_depth(void **unused)
{
	static const unsigned cuts[] = {0, 1, 2, 63, 64, 500};

	(void)unused;
	for (size_t i = 0; i < UNIT_COUNT(cuts); i++) {
		memset(frames, 0, sizeof(frames));
		max = cuts[i];
		chain_deep();
		if (max < 200)
			assert_int_equal(count, max);
		else
			assert_in_range(count, 202, 300);
		assert_int_equal(frames[count], 0);
		for (unsigned k = 1; k < count && k < 201; k++)
			assert_true(IN(chain_deep, frames[k]));
	}
	max = MAX;
}

static void *in_thread(void *ret)
{
	bool ok = true;

	for (unsigned i = 0; i < 20000 && ok; i++)
		ok = walk();
	*(bool *)ret = ok && count < 12;
	return NULL;
}

/* While others forget what they learned. */
static void test_threads(void **unused)
{
	pthread_t thread[6];
	bool ok[6] = {false};

	(void)unused;
	for (size_t i = 0; i < 6; i++)
		pthread_create(&thread[i], NULL, in_thread, &ok[i]);
	for (unsigned i = 0; i < 500; i++) {
		unwind_forget_all();
		usleep(100);
	}
	for (size_t i = 0; i < 6; i++) {
		pthread_join(thread[i], NULL);
		assert_true(ok[i]);
	}
}

static volatile bool handled;

static void handler(int signal)
{
	(void)signal;
	count = unwind_stack(frames, max, &state);
	handled = true;
}

static void interrupt(void)
{
	raise(SIGUSR1);
	AFTER;
}

/* The handler, the kernel's frame, raise() and its helpers, then the chain. */
static bool has_interrupted(void)
{
	for (unsigned i = 0; i < 10; i++)
		if (has_chain(i))
			return handled && i > 2;
	return false;
}

static void test_signals(void **unused)
{
	uint8_t *memory = mmap(NULL, 3 * 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t stack = {.ss_sp = memory + 65536, .ss_size = 65536};
	struct sigaction action = {.sa_handler = handler};

	(void)unused;
	mprotect(memory + 65536, 65536, PROT_READ | PROT_WRITE);
	innermost = interrupt;
	sigaction(SIGUSR1, &action, NULL);
	handled = false;
	walk();
	assert_true(has_interrupted());

	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR1, &action, NULL);
	sigaltstack(&stack, NULL);
	for (unsigned i = 0; i < 10; i++) {
		handled = false;
		walk();
		assert_true(has_interrupted());
	}
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
	munmap(memory, 3 * 65536);
	innermost = NULL;
}

static ucontext_t outside, inside;

static void coroutine(void)
{
	chain_one();
	swapcontext(&inside, &outside);
}

static void run_on(void *stack, size_t size)
{
	memset(frames, 0, sizeof(frames));
	count = 0;
	getcontext(&inside);
	inside.uc_stack.ss_sp = stack;
	inside.uc_stack.ss_size = size;
	inside.uc_link = NULL;
	makecontext(&inside, coroutine, 0);
	swapcontext(&outside, &inside);
}

/* Stacks between pages that cannot be read, each gone when the next comes to the same place. */
static void *coroutines(void *unused)
{
	static const size_t sizes[] = {32, 4, 2, 16, 5, 8, 64, 4};
	uint8_t *place = mmap(NULL, 128 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	walk();
	for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
		size_t size = sizes[i] * 4096;

		mmap(place + 8192, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		run_on(place + 8192, size);
		assert_true(has_chain(0));
		assert_in_range(count, 4, 10);
		mmap(place + 8192, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
	munmap(place, 128 * 4096);
	place = malloc(32768);
	run_on(place, 32768);
	assert_true(has_chain(0));
	free(place);
	assert_true(walk());
	return unused;
}

static void test_coroutines(void **unused)
{
	pthread_t thread;

	(void)unused;
	coroutines(NULL);
	pthread_create(&thread, NULL, coroutines, NULL);
	pthread_join(thread, NULL);
}

#if defined(__x86_64__)
/* Calls its argument. Its frame is told by a register that the fast way knows nothing of. */
void call_oddly(void (*function)(void));
__asm__(".type call_oddly, @function\n"
	"call_oddly:\n"
	".cfi_startproc\n"
	"	push %rbx\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset rbx, -16\n"
	"	mov %rsp, %rbx\n"
	".cfi_def_cfa_register rbx\n"
	"	sub $64, %rsp\n"
	"	call *%rdi\n"
	"	mov %rbx, %rsp\n"
	".cfi_def_cfa_register rsp\n"
	"	pop %rbx\n"
	".cfi_def_cfa_offset 8\n"
	"	ret\n"
	".cfi_endproc\n"
	".size call_oddly, . - call_oddly\n");
#else
static void call_oddly(void (*function)(void))
{
	function();
	AFTER;
}
#endif

static void look(void)
{
	count = unwind_stack(frames, max, &state);
	AFTER;
}

SECTION(looks_oddly)
{
	call_oddly(look);
	AFTER;
}

/* Little room, also for what is met for the first time, and for the slow way. */
static void just_look(void)
{
	looks_oddly();
	swapcontext(&inside, &outside);
}

static void test_small_stacks(void **unused)
{
	uint8_t *place = mmap(NULL, 16 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	mprotect(place + 4096, 4 * 4096, PROT_READ | PROT_WRITE);
	for (volatile size_t size = 1536; size < 4 * 4096; size += 128) {
		if (size % 256)
			unwind_forget_all();
		getcontext(&inside);
		inside.uc_stack.ss_sp = place + 4096;
		inside.uc_stack.ss_size = size;
		inside.uc_link = NULL;
		makecontext(&inside, just_look, 0);
		count = 999;
		swapcontext(&outside, &inside);
		assert_in_range(count, 4, 10);
		assert_true(IN(looks_oddly, frames[1]) || IN(looks_oddly, frames[2]));
	}
	munmap(place, 16 * 4096);
}

static uint64_t garbage[] = {
	0,
	1,
	0x1234567,
	0x7fffffffffff,
	0x800000000000,
	0xffffffffff600000,
	UINT64_MAX,
	UINT64_MAX - 7,
	0,
	0,
	0,
	0,
};

__attribute__((noinline)) static void smashed(uint64_t value)
{
	uint64_t *slot = (uint64_t *)__builtin_dwarf_cfa() - 1;
	uint64_t kept = *slot;

	*(volatile uint64_t *)slot = value;
	count = unwind_stack(frames, max, &state);
	*(volatile uint64_t *)slot = kept;
}

static void test_smashed(void **unused)
{
	uint8_t *hole =
		mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	munmap(hole + 4096, 4096);
	garbage[8] = (uint64_t)hole + 4096 - 4;
	garbage[9] = (uint64_t)&hole;
	garbage[10] = (uint64_t)hole + 8192;
	garbage[11] = (uint64_t)garbage;
	for (size_t i = 0; i < UNIT_COUNT(garbage); i++) {
		uint64_t value = garbage[i];

		smashed(value);
		assert_true(count >= 1 && count <= MAX);
#if defined(__x86_64__)
		/* Another frame pointer, and a stack pointer that the unwind info does not know of. */
		__asm__ volatile("push %%rbp\n\t"
				 "mov %%rsp, %%r12\n\t"
				 "sub $1024, %%rsp\n\t"
				 "and $-16, %%rsp\n\t"
				 "mov %%rax, %%rbp\n\t"
				 "call *%%rbx\n\t"
				 "mov %%r12, %%rsp\n\t"
				 "pop %%rbp"
				 : "+a"(value)
				 : "b"(chain_look)
				 : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
				   "memory", "cc");
		assert_true(count >= 1 && count <= MAX);
#endif
	}
	munmap(hole, 4096);
	munmap(hole + 8192, 4096);
	assert_true(walk());
}

#if defined(__x86_64__)
/* push %rbp; mov %rsp, %rbp; call *%rdi; pop %rbp; ret: compiled at run time, without unwind info. */
static const uint8_t machine_code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
static void (*compiled)(void (*function)(void));

static void from_compiled(void)
{
	count = unwind_stack(frames, max, &state);
	AFTER;
}

static void call_compiled(void)
{
	compiled(from_compiled);
	AFTER;
}

static void test_compiled(void **unused)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	memcpy(page, machine_code, sizeof(machine_code));
	memcpy(&compiled, &(void *){page}, sizeof(compiled));
	innermost = call_compiled;
	for (unsigned i = 0; i < 3; i++) {
		walk();
		assert_int_equal(frames[1], (uint64_t)page + 6);
		assert_true(has_chain(3));
	}
	innermost = NULL;
	munmap(page, 4096);
}
#endif

/* Warm, and on a stack of its own, a thread makes no system call: any would be its end. */
static void *strict(void *unused)
{
	bool ok = true;

	/* The same place calls each time: nothing is new. */
	for (volatile int i = 0; i < 3; i++) {
		if (i == 2)
			prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
		ok = walk() && ok;
	}
	syscall(SYS_exit, ok ? 0 : 1);
	return unused;
}

static void test_calls(void **unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		int status = -1;

		if (pid == 0) {
			pthread_t thread;

			unwind_child();
			if (i == 0)
				strict(NULL);
			pthread_create(&thread, NULL, strict, NULL);
			pthread_join(thread, NULL);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		assert_int_equal(status, 0);
	}
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void *have_lock(void *stop)
{
	unwind_lock();
	__atomic_store_n((int *)stop, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n((int *)stop, __ATOMIC_ACQUIRE) != 2)
		usleep(1000);
	unwind_unlock();
	return NULL;
}

/* Who does not get the lock lives without; what is known needs none. */
static void test_lock(void **unused)
{
	pthread_t thread;
	double start;
	int stop = 0;

	(void)unused;
	for (volatile int i = 0; i < 2; i++) {
		assert_true(walk());
		if (i == 0)
			pthread_create(&thread, NULL, have_lock, &stop);
		while (__atomic_load_n(&stop, __ATOMIC_ACQUIRE) == 0)
			usleep(1000);
	}
	innermost = interrupt;
	start = seconds();
	walk();
	assert_true(seconds() - start < 5);
	start = seconds();
	for (int i = 0; i < 100; i++)
		walk();
	assert_true(seconds() - start < 0.5);
	innermost = NULL;
	__atomic_store_n(&stop, 2, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	unwind_forget_all();
	assert_true(walk());

	unwind_lock();
	unwind_forget_all();
	start = seconds();
	walk();
	assert_true(seconds() - start < 1.5);
	unwind_unlock();
	assert_true(walk());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_leave_out),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_coroutines),
		cmocka_unit_test(test_small_stacks),
		cmocka_unit_test(test_smashed),
#if defined(__x86_64__)
		cmocka_unit_test(test_compiled),
#endif
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_lock),
	};

	unwind_init();
	unwind_leave_out(0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
