/* SPDX-License-Identifier: ISC */
/* Goroutines of a process that moves while they are read: of this one itself, which has none but in name. */
#include "tests/unit/go_make.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "collector/runtimes/go/goroutines.h"

#define COUNT  200
#define SECOND (GO_TEXT + 100)
#define OTHER  (GO_TEXT + 200)
#define FRAME  0x58
#define GOEXIT (GO_TEXT + 320)

/* Frames that take more than is read of a stack at once. */
#define DEEP 100
#define SLOT ((FRAME + 8) / 8)

struct fake_g {
	_Atomic uint32_t status;
	uint64_t id, low, high, pc, sp, syscall_pc, syscall_sp, go_pc, start_pc;
	uint8_t sequence;
	struct fake_m *m;
};

struct fake_m {
	uint32_t first;
	_Atomic uint32_t tick;
};

struct fake_stack {
	_Atomic uint64_t slots[(DEEP + 1) * SLOT];
};

static const size_t OFFSETS[GO_MEMBERS] = {
	[GO_G_STATUS] = offsetof(struct fake_g, status),
	[GO_G_ID] = offsetof(struct fake_g, id),
	[GO_G_STACK_LO] = offsetof(struct fake_g, low),
	[GO_G_STACK_HI] = offsetof(struct fake_g, high),
	[GO_G_SCHED_PC] = offsetof(struct fake_g, pc),
	[GO_G_SCHED_SP] = offsetof(struct fake_g, sp),
	[GO_G_SYSCALL_PC] = offsetof(struct fake_g, syscall_pc),
	[GO_G_SYSCALL_SP] = offsetof(struct fake_g, syscall_sp),
	[GO_G_GO_PC] = offsetof(struct fake_g, go_pc),
	[GO_G_START_PC] = offsetof(struct fake_g, start_pc),
	[GO_G_TRACKING_SEQ] = offsetof(struct fake_g, sequence),
	[GO_G_M] = offsetof(struct fake_g, m),
	[GO_M_SYSCALL_TICK] = offsetof(struct fake_m, tick),
};

static struct fake_g gs[COUNT];
static struct fake_m m;
static struct fake_stack stacks[2];
static struct fake_g *list[COUNT], *longer[COUNT];
static struct fake_g **all;
static uint64_t all_count;

static struct go_made table;
static struct go_pclntab tab;
static struct go_layout layout;
static struct go_memory memory;
static const struct go_goroutines from = {&layout, &memory, &tab};

static uint64_t address_of(const volatile void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* It stands in main.second, which was called by itself so often, and at last by runtime.goexit. */
static void give_stack(struct fake_g *g, struct fake_stack *stack, unsigned depth)
{
	size_t at = (DEEP - depth) * SLOT;

	g->low = address_of(stack);
	g->high = address_of(stack + 1);
	g->pc = g->syscall_pc = SECOND;
	g->sp = g->syscall_sp = address_of(&stack->slots[at]);
	for (unsigned i = 1; i <= depth; i++)
		stack->slots[at + i * SLOT - 1] = i < depth ? SECOND : GOEXIT + 1;
}

static int setup(void **state)
{
	(void)state;
	tab = go_make(&table, GO_PCLNTAB_20);
	memory.pid = getpid();
	memset(&layout, 0, sizeof(layout));
	for (unsigned i = 0; i < GO_MEMBERS; i++) {
		layout.member[i] = (uint32_t)OFFSETS[i];
		layout.has[i] = OFFSETS[i] || i == GO_G_STATUS;
	}
	layout.global[GO_GLOBAL_ALLGPTR] = address_of(&all);
	layout.global[GO_GLOBAL_ALLGLEN] = address_of(&all_count);
	memset(gs, 0, sizeof(gs));
	for (unsigned i = 0; i < COUNT; i++) {
		gs[i].status = GO_STATE_WAITING;
		gs[i].id = i + 1;
		gs[i].start_pc = SECOND;
		gs[i].m = &m;
		give_stack(&gs[i], &stacks[0], 2);
		list[i] = &gs[i];
	}
	all = list;
	all_count = COUNT;
	return 0;
}

static int expect_next(void *arg, const struct go_goroutine *g)
{
	uint64_t *last = arg;

	assert_int_equal(g->id, ++*last);
	assert_int_equal(g->stack, GO_STACK_WHOLE);
	assert_int_equal(g->walk->count, 3);
	/* The list is moved, and what it was becomes something else. */
	if (g->id == 1) {
		memcpy(longer, list, sizeof(list));
		all = longer;
		for (unsigned i = 0; i < COUNT; i++)
			list[i] = &gs[0];
	}
	return 0;
}

static void list_moves(void **state)
{
	uint64_t last = 0;

	(void)state;
	assert_int_equal(go_goroutines_read(&from, expect_next, &last), 0);
	assert_int_equal(last, COUNT);
}

static int take_stack(void *arg, const struct go_goroutine *g)
{
	enum go_stack *got = arg;

	got[g->id] = g->stack;
	assert_true((g->walk != NULL) == (g->stack == GO_STACK_WHOLE));
	return 0;
}

static void marked(void **state)
{
	enum go_stack got[COUNT + 1];

	(void)state;
	memset(got, 0xff, sizeof(got));
	all_count = 5;
	gs[0].status = GO_STATE_RUNNING;
	gs[1].status = GO_STATE_COPYSTACK;
	gs[2].status = GO_STATE_DEAD;
	gs[3].pc = 12345;
	gs[4].sp = gs[4].high;
	assert_int_equal(go_goroutines_read(&from, take_stack, got), 0);
	assert_int_equal(got[1], GO_STACK_RUNNING);
	assert_int_equal(got[2], GO_STACK_TORN);
	assert_int_equal((int)got[3], -1);
	assert_int_equal(got[4], GO_STACK_BROKEN);
	assert_int_equal(got[5], GO_STACK_TORN);
	assert_int_equal((int)got[6], -1);
}

static atomic_bool is_over;

static void spin(void)
{
	for (volatile int i = 0; i < 300; i++)
		;
}

/*
 * Both make system calls, in between of which they were called from elsewhere: a stack that has both was never
 * there.
 */
static void *call_system(void *arg)
{
	(void)arg;
	while (!is_over) {
		m.tick++;
		gs[0].status = gs[1].status = GO_STATE_SYSCALL;
		spin();
		gs[0].status = gs[1].status = GO_STATE_RUNNING;
		for (unsigned i = 0; i < 2; i++)
			stacks[i].slots[(DEEP - 1) * SLOT - 1] = OTHER;
		spin();
		for (unsigned i = 0; i < 2; i++)
			stacks[i].slots[(DEEP - 1) * SLOT - 1] = SECOND;
	}
	return NULL;
}

static int expect_no_other(void *arg, const struct go_goroutine *g)
{
	(void)arg;
	for (uint32_t i = 0; g->walk && i < g->walk->count; i++)
		if (go_walk_frame(g->walk, i))
			assert_int_not_equal(go_walk_frame(g->walk, i)->pc, OTHER);
	return 0;
}

static void read_calls(enum go_stack want)
{
	enum go_stack got[COUNT + 1];
	pthread_t thread;

	is_over = false;
	all_count = 2;
	give_stack(&gs[0], &stacks[0], 3);
	give_stack(&gs[1], &stacks[1], DEEP);
	assert_int_equal(pthread_create(&thread, NULL, call_system, NULL), 0);
	for (int i = 0; i < 20000; i++)
		assert_int_equal(go_goroutines_read(&from, expect_no_other, NULL), 0);
	is_over = true;
	pthread_join(thread, NULL);
	gs[0].status = gs[1].status = GO_STATE_SYSCALL;
	assert_int_equal(go_goroutines_read(&from, take_stack, got), 0);
	assert_int_equal(got[1], want);
	assert_int_equal(got[2], want);
}

static void system_calls(void **state)
{
	(void)state;
	read_calls(GO_STACK_WHOLE);
}

/* Without the number of a call it is never known whether all is of the same one. */
static void system_calls_uncounted(void **state)
{
	(void)state;
	layout.has[GO_M_SYSCALL_TICK] = false;
	read_calls(GO_STACK_TORN);
}

static void own(void **state)
{
	const struct go_goroutine user = {.start_pc = SECOND}, runtime = {.start_pc = GOEXIT},
				  none = {.start_pc = 1};
	char *name = (char *)table.bytes + GO_PARTS[0] + 35;

	(void)state;
	assert_false(go_goroutines_is_own(&from, &user));
	assert_false(go_goroutines_is_own(&from, &none));
	assert_true(go_goroutines_is_own(&from, &runtime));
	/* A coroutine (iter.Pull) is the program's. */
	strcpy(name, "runtime.main");
	assert_false(go_goroutines_is_own(&from, &runtime));
	strcpy(name, "runtime.corostart");
	assert_false(go_goroutines_is_own(&from, &runtime));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(list_moves, setup),
		cmocka_unit_test_setup(marked, setup),
		cmocka_unit_test_setup(system_calls, setup),
		cmocka_unit_test_setup(system_calls_uncounted, setup),
		cmocka_unit_test_setup(own, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
