/* SPDX-License-Identifier: ISC */
/*
 * Allocations on all kinds of stacks.
 *   heap_stacks alternate   in handlers on a stack of their own
 *   heap_stacks overflow    in one, when the stack has overflown; left by siglongjmp()
 *   heap_stacks coroutines  on stacks from malloc() and mmap(), which go away
 *   heap_stacks cramped     on small ones, with data of the program's below, or a guard
 *   heap_stacks deep        10,000 frames deep
 *   heap_stacks tiny        in threads of the smallest stacks there may be
 *   heap_stacks jump        below frames that are left by longjmp()
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "heap_look.h"

#define COROUTINES 40

static sigjmp_buf back;
static ucontext_t scheduler, coroutines[COROUTINES];
static volatile int handled, stays;

HEAP_FRAME static void handler_keeps(int sig)
{
	char on_it;

	(void)sig;
	HEAP_CHECK(heap_use(malloc(2222)) && heap_use(&on_it));
	free(heap_use(realloc(malloc(100), 10000)));
	handled++;
}

static stack_t give_stack(size_t size)
{
	stack_t stack = {.ss_size = size};

	stack.ss_sp = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	HEAP_CHECK(stack.ss_sp != MAP_FAILED);
	HEAP_CHECK(sigaltstack(&stack, NULL) == 0);
	return stack;
}

static void take_stack(stack_t stack)
{
	stack_t none = {.ss_flags = SS_DISABLE};

	HEAP_CHECK(sigaltstack(&none, NULL) == 0);
	munmap(stack.ss_sp, stack.ss_size);
}

static void handle(int sig, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

	HEAP_CHECK(sigaction(sig, &action, NULL) == 0);
}

static void do_alternate(void)
{
	handle(SIGUSR1, handler_keeps);
	for (int i = 0; i < 20; i++) {
		stack_t stack = give_stack((size_t)sysconf(_SC_SIGSTKSZ));

		raise(SIGUSR1);
		take_stack(stack);
		heap_churn((unsigned)i, 50);
	}
	HEAP_CHECK(handled == 20);
}

static void leaves(int sig)
{
	handler_keeps(sig);
	siglongjmp(back, 1);
}

HEAP_FRAME static int overflows(int depth)
{
	volatile char much[4096];

	much[depth % 4096] = 1;
	return depth < 0 ? 0 : overflows(depth + 1) + much[0];
}

static void *in_thread(void *arg)
{
	stack_t stack = give_stack(65536);

	if (sigsetjmp(back, 1) == 0)
		overflows(0);
	take_stack(stack);
	heap_churn(1, 500);
	return arg;
}

static void do_overflow(void)
{
	pthread_t thread;

	handle(SIGSEGV, leaves);
	for (int i = 0; i < 5; i++) {
		HEAP_CHECK(pthread_create(&thread, NULL, in_thread, NULL) == 0);
		pthread_join(thread, NULL);
		in_thread(NULL);
	}
	HEAP_CHECK(handled == 10);
}

HEAP_FRAME static void coroutine_keeps(int i)
{
	char *p = heap_use(malloc(3333));

	HEAP_CHECK(p);
	p[0] = (char)i;
	swapcontext(&coroutines[i], &scheduler);
	HEAP_CHECK(p[0] == (char)i);
	heap_churn((unsigned)i, 100);
	swapcontext(&coroutines[i], &scheduler);
	free(heap_use(calloc(7, 100)));
}

static void *new_stack(int i, size_t size)
{
	void *at;

	if (i % 2)
		return heap_use(malloc(size));
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1,
		  0);
	return at == MAP_FAILED ? NULL : at;
}

static void do_coroutines(void)
{
	enum { SIZE = 32768 };
	void *stacks[COROUTINES];

	for (volatile int i = 0; i < COROUTINES; i = i + 1) {
		stacks[i] = new_stack(i, SIZE);
		HEAP_CHECK(stacks[i] && getcontext(&coroutines[i]) == 0);
		coroutines[i].uc_stack.ss_sp = stacks[i];
		coroutines[i].uc_stack.ss_size = SIZE;
		coroutines[i].uc_link = &scheduler;
		makecontext(&coroutines[i], (void (*)(void))coroutine_keeps, 1, i);
	}
	for (volatile int round = 0; round < 3; round = round + 1)
		for (volatile int i = 0; i < COROUTINES; i = i + 1)
			HEAP_CHECK(swapcontext(&scheduler, &coroutines[i]) == 0);
	for (int i = 0; i < COROUTINES; i++) {
		if (i % 2)
			free(stacks[i]);
		else
			munmap(stacks[i], SIZE);
	}
	heap_churn(1, 1000);
}

#define CRAMPED_SIZE 4096u
#define CRAMPED_LEFT 2000u

static struct {
	unsigned char below[16384];
	unsigned char stack[CRAMPED_SIZE];
} cramped __attribute__((aligned(64)));

HEAP_FRAME static void cramped_keeps(void)
{
	for (volatile int i = 0; i < 40; i = i + 1)
		HEAP_CHECK(heap_use(malloc(1500)));
	free(heap_use(malloc(1500)));
}

HEAP_FRAME static void cramped_runs(void)
{
	char much[CRAMPED_SIZE - CRAMPED_LEFT];

	heap_use(much);
	cramped_keeps();
	heap_use(much);
}

static void run_on(void *stack, size_t size, void (*function)(void))
{
	HEAP_CHECK(getcontext(&coroutines[0]) == 0);
	coroutines[0].uc_stack.ss_sp = stack;
	coroutines[0].uc_stack.ss_size = size;
	coroutines[0].uc_link = &scheduler;
	makecontext(&coroutines[0], function, 0);
	HEAP_CHECK(swapcontext(&scheduler, &coroutines[0]) == 0);
}

HEAP_FRAME static void edge_keeps(void)
{
	HEAP_CHECK(heap_use(malloc(700)));
}

/* What is left above the guard becomes less and less. */
static void on_edge(void)
{
	enum { PAGES = 4, FIRST = 1000, LAST = 5000, STEP = 16 };
	char *at = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);

	HEAP_CHECK(at != MAP_FAILED && mprotect(at, 4096, PROT_NONE) == 0);
	for (size_t size = LAST; size >= FIRST; size -= STEP)
		run_on(at + 4096, size, edge_keeps);
	munmap(at, PAGES * 4096);
}

/* What the loader does at a function's first call has more room. */
static void do_cramped(void)
{
	free(heap_use(malloc(1500)));
	memset(cramped.below, 0xaa, sizeof(cramped.below));
	run_on(cramped.stack, sizeof(cramped.stack), cramped_runs);
	for (size_t i = 0; i < sizeof(cramped.below); i++)
		HEAP_CHECK(cramped.below[i] == 0xaa);
	on_edge();
}

HEAP_FRAME static void *deep_keeps(void)
{
	return heap_use(malloc(4321));
}

HEAP_FRAME static void *deeper(int depth)
{
	void *p = depth ? deeper(depth - 1) : deep_keeps();

	return heap_use(p);
}

static void do_deep(void)
{
	for (int i = 0; i < 10; i++)
		HEAP_CHECK(deeper(10000));
	for (int i = 0; i < 200; i++)
		free(deeper(i));
}

static void *small(void *arg)
{
	void *p = heap_use(malloc(500));

	HEAP_CHECK(p);
	p = heap_use(realloc(p, 5000));
	HEAP_CHECK(p && heap_use(calloc(1, 50)));
	free(p);
	return arg;
}

static void do_tiny(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	HEAP_CHECK(pthread_attr_setstacksize(&attr, (size_t)sysconf(_SC_THREAD_STACK_MIN)) == 0);
	for (int i = 0; i < 50; i++) {
		HEAP_CHECK(pthread_create(&thread, &attr, small, NULL) == 0);
		pthread_join(thread, NULL);
	}
	pthread_attr_destroy(&attr);
}

HEAP_FRAME static void jump_keeps(int depth)
{
	HEAP_CHECK(heap_use(malloc(10)));
	if (depth)
		jump_keeps(depth - 1);
	if (!stays)
		longjmp(back, 1);
}

static void do_jump(void)
{
	for (volatile int i = 0; i < 100; i = i + 1) {
		if (setjmp(back) == 0)
			jump_keeps(9);
		heap_churn((unsigned)i, 20);
	}
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	if (!strcmp(how, "alternate"))
		do_alternate();
	else if (!strcmp(how, "overflow"))
		do_overflow();
	else if (!strcmp(how, "coroutines"))
		do_coroutines();
	else if (!strcmp(how, "cramped"))
		do_cramped();
	else if (!strcmp(how, "deep"))
		do_deep();
	else if (!strcmp(how, "tiny"))
		do_tiny();
	else if (!strcmp(how, "jump"))
		do_jump();
	else
		return 2;
	heap_settle();
	return heap_ok();
}
