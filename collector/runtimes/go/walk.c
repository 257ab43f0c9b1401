/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "collector/runtimes/go/walk.h"

#define SLOT 8

int go_walk_begin(struct go_walk *walk, uint64_t pc, uint64_t sp, uint64_t low, uint64_t high,
		  uint64_t bottom)
{
	walk->pc = pc;
	walk->sp = sp;
	walk->low = low;
	walk->top = high;
	walk->bottom = bottom;
	walk->is_exact = false;
	walk->count = 0;
	return sp >= low && sp < high && sp % SLOT == 0 ? 0 : -EBADMSG;
}

/* The innermost ones stay; of the others those that came last. */
static size_t place(uint32_t number)
{
	return number < GO_WALK_KEPT ? number
				     : GO_WALK_KEPT + (number - GO_WALK_KEPT) % GO_WALK_KEPT;
}

/* Functions that the program does not call: they are put in where a signal found it. */
static bool is_put_in(const char *name)
{
	return !strcmp(name, "runtime.asyncPreempt") || !strcmp(name, "runtime.sigpanic");
}

static int step(struct go_walk *walk, const struct go_function *function, uint32_t frame,
		const struct go_walk_bytes *bytes, uint64_t *ret_want)
{
	uint64_t at = walk->sp + frame;

	if (walk->count >= GO_WALK_FRAMES_MAX || walk->top < SLOT || at < walk->sp ||
	    at > walk->top - SLOT)
		return -EBADMSG;
	if (at < bytes->from || bytes->size < SLOT || at - bytes->from > bytes->size - SLOT) {
		*ret_want = at;
		return -EAGAIN;
	}
	walk->kept[place(walk->count++)] = (struct go_walk_frame){walk->pc, walk->is_exact};
	walk->is_exact = is_put_in(function->name);
	memcpy(&walk->pc, (const char *)bytes->bytes + (at - bytes->from), SLOT);
	walk->sp = at + SLOT;
	return 0;
}

int go_walk_on(struct go_walk *walk, const struct go_pclntab *tab,
	       const struct go_walk_bytes *bytes, uint64_t *ret_want)
{
	int err = 0;

	while (err == 0) {
		struct go_function function;
		uint32_t frame;

		if (go_pclntab_find(tab, walk->pc, &function) < 0)
			return -EBADMSG;
		if (function.entry == walk->bottom) {
			walk->kept[place(walk->count++)] =
				(struct go_walk_frame){walk->pc, walk->is_exact};
			return 0;
		}
		if (go_pclntab_frame(tab, &function, walk->pc, &frame) < 0)
			return -EBADMSG;
		err = step(walk, &function, frame, bytes, ret_want);
	}
	return err;
}

const struct go_walk_frame *go_walk_frame(const struct go_walk *walk, uint32_t number)
{
	if (number >= walk->count)
		return NULL;
	if (number >= GO_WALK_KEPT && walk->count - number > GO_WALK_KEPT)
		return NULL;
	return &walk->kept[place(number)];
}
