/* SPDX-License-Identifier: ISC */
/* Stacks of goroutines: whole ones, in pieces, deep ones, and what is none. */
#include "tests/unit/go_make.h"

#include <errno.h>

#include "collector/runtimes/go/walk.h"

#define LOW	  0xc000010000u
#define SLOTS	  4096
#define HIGH	  (LOW + 8 * SLOTS)
#define SECOND	  (GO_TEXT + 100) /* where main.second has its frame */
#define ENTRY	  (GO_TEXT + 16)  /* where it has none yet */
#define FRAME	  0x58
#define GOEXIT	  (GO_TEXT + 320)
#define PREEMPTED (GO_TEXT + 340)

static uint64_t slots[SLOTS];
static struct go_made table;
static struct go_pclntab tab;
static struct go_walk walk;

static int setup(void **state)
{
	(void)state;
	tab = go_make(&table, GO_PCLNTAB_20);
	memset(slots, 0xaa, sizeof(slots));
	return 0;
}

/* The slot of that address. */
static uint64_t *slot(uint64_t address)
{
	assert_true(address >= LOW && address < HIGH && address % 8 == 0);
	return &slots[(address - LOW) / 8];
}

/* Frames of main.second from sp on, the outermost of which returns into runtime.goexit. */
static uint64_t stack_of(unsigned depth)
{
	uint64_t sp = HIGH - 8 - depth * (FRAME + 8);

	for (unsigned i = 1; i <= depth; i++)
		*slot(sp + i * (FRAME + 8) - 8) = i < depth ? SECOND + i : GOEXIT + 1;
	return sp;
}

static int walk_all(void)
{
	struct go_walk_bytes all = {LOW, slots, sizeof(slots)};
	uint64_t want;

	return go_walk_on(&walk, &tab, &all, &want);
}

static void whole(void **state)
{
	uint64_t sp = stack_of(3);

	(void)state;
	assert_int_equal(go_walk_begin(&walk, SECOND, sp, LOW, HIGH, GOEXIT), 0);
	assert_int_equal(walk_all(), 0);
	assert_int_equal(walk.count, 4);
	assert_int_equal(go_walk_frame(&walk, 0)->pc, SECOND);
	assert_int_equal(go_walk_frame(&walk, 2)->pc, SECOND + 2);
	assert_int_equal(go_walk_frame(&walk, 3)->pc, GOEXIT + 1);
	assert_null(go_walk_frame(&walk, 4));
	/* In the beginning of a function its frame is not there yet. */
	assert_int_equal(go_walk_begin(&walk, ENTRY, sp + FRAME, LOW, HIGH, GOEXIT), 0);
	assert_int_equal(walk_all(), 0);
	assert_int_equal(walk.count, 4);
	assert_int_equal(go_walk_frame(&walk, 0)->pc, ENTRY);
}

static void in_pieces(void **state)
{
	uint64_t sp = stack_of(20), want = sp;
	struct go_walk_bytes piece = {sp, slot(sp), 256};
	unsigned pieces = 1;
	int err;

	(void)state;
	assert_int_equal(go_walk_begin(&walk, SECOND, sp, LOW, HIGH, GOEXIT), 0);
	while ((err = go_walk_on(&walk, &tab, &piece, &want)) == -EAGAIN) {
		assert_true(want + 8 > piece.from + piece.size);
		piece = (struct go_walk_bytes){want, slot(want), 8 + 8 * (pieces++ % 3)};
	}
	assert_int_equal(err, 0);
	assert_int_equal(walk.count, 21);
	assert_true(pieces > 5);
	/* None at all, and one that lies below. */
	assert_int_equal(go_walk_begin(&walk, SECOND, sp, LOW, HIGH, GOEXIT), 0);
	piece = (struct go_walk_bytes){sp, slots, 0};
	assert_int_equal(go_walk_on(&walk, &tab, &piece, &want), -EAGAIN);
	assert_int_equal(want, sp + FRAME);
	piece = (struct go_walk_bytes){want - 64, slot(want - 64), 64};
	assert_int_equal(go_walk_on(&walk, &tab, &piece, &want), -EAGAIN);
	assert_int_equal(want, sp + FRAME);
}

static void deep(void **state)
{
	uint64_t sp = stack_of(200);

	(void)state;
	assert_int_equal(go_walk_begin(&walk, SECOND, sp, LOW, HIGH, GOEXIT), 0);
	assert_int_equal(walk_all(), 0);
	assert_int_equal(walk.count, 201);
	assert_int_equal(go_walk_frame(&walk, 49)->pc, SECOND + 49);
	assert_null(go_walk_frame(&walk, 50));
	assert_null(go_walk_frame(&walk, 150));
	assert_int_equal(go_walk_frame(&walk, 151)->pc, SECOND + 151);
	assert_int_equal(go_walk_frame(&walk, 200)->pc, GOEXIT + 1);
}

static void interrupted(void **state)
{
	uint64_t sp = stack_of(2);

	(void)state;
	*slot(sp - 8) = SECOND;
	assert_int_equal(go_walk_begin(&walk, PREEMPTED, sp - 24, LOW, HIGH, GOEXIT), 0);
	assert_int_equal(walk_all(), 0);
	assert_int_equal(walk.count, 4);
	assert_false(go_walk_frame(&walk, 0)->is_exact);
	assert_true(go_walk_frame(&walk, 1)->is_exact);
	assert_false(go_walk_frame(&walk, 2)->is_exact);
}

static void broken(void **state)
{
	uint64_t sp = stack_of(3), want;
	struct go_walk_bytes all = {LOW, slots, sizeof(slots)};

	(void)state;
	assert_int_equal(go_walk_begin(&walk, SECOND, LOW - 8, LOW, HIGH, GOEXIT), -EBADMSG);
	assert_int_equal(go_walk_begin(&walk, SECOND, HIGH, LOW, HIGH, GOEXIT), -EBADMSG);
	assert_int_equal(go_walk_begin(&walk, SECOND, sp + 4, LOW, HIGH, GOEXIT), -EBADMSG);
	/* Into nothing; into a function without a frame; above its end. */
	*slot(sp + FRAME) = 0x1234;
	assert_int_equal(go_walk_begin(&walk, SECOND, sp, LOW, HIGH, GOEXIT), 0);
	assert_int_equal(walk_all(), -EBADMSG);
	*slot(sp + FRAME) = GO_TEXT + 316;
	assert_int_equal(go_walk_begin(&walk, SECOND, sp, LOW, HIGH, GOEXIT), 0);
	assert_int_equal(walk_all(), -EBADMSG);
	*slot(sp + FRAME) = SECOND;
	assert_int_equal(go_walk_begin(&walk, SECOND, sp, LOW, sp + 2 * FRAME, GOEXIT), 0);
	assert_int_equal(walk_all(), -EBADMSG);
	assert_int_equal(go_walk_begin(&walk, SECOND, UINT64_MAX - 15, 0, UINT64_MAX, GOEXIT), 0);
	assert_int_equal(go_walk_on(&walk, &tab, &all, &want), -EBADMSG);
	assert_int_equal(go_walk_begin(&walk, SECOND, 0, 0, 4, GOEXIT), 0);
	assert_int_equal(go_walk_on(&walk, &tab, &all, &want), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(whole, setup),  cmocka_unit_test_setup(in_pieces, setup),
		cmocka_unit_test_setup(deep, setup),   cmocka_unit_test_setup(interrupted, setup),
		cmocka_unit_test_setup(broken, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
