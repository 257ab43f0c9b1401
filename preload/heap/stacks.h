/* SPDX-License-Identifier: ISC */
/*
 * Stacks, each held once, and what was allocated from them. All under the caller's lock. Memory comes from
 * mmap(2) and is never given back.
 *
 * After a fork the child's sums begin at nothing: what is live then counts for a twin of the stack, which
 * is flagged HEAPWIRE_INHERITED. That is done stack by stack when one is looked at: a child that executes
 * another program at once touches none of them.
 */
#ifndef MSTAT_PRELOAD_HEAP_STACKS_H
#define MSTAT_PRELOAD_HEAP_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/heapwire.h"

struct stack {
	uint64_t hash;
	uint32_t next;	     /* with the same place in the index; 0: none */
	uint32_t next_dirty; /* of those to be told; 0: the last */
	uint32_t twin;	     /* the inherited one; 0: there is none */
	uint32_t epoch;	     /* that now is of */
	uint32_t connection; /* that number and told are of */
	uint32_t number;     /* by which it was told, plus one; 0: it was not */
	uint32_t generation; /* of the program's modules */
	uint32_t born;	     /* in that report, or after it */
	uint16_t count;
	uint8_t flags; /* enum heapwire_stack_flag */
	bool is_dirty;
	struct heapwire_sums now, told;
	uint64_t frame[];
};

/* Sums over all stacks of this process. What was inherited: bytes that are live. */
struct stacks_totals {
	struct heapwire_sums heap, mapping; /* since the last fork */
	int64_t inherited_heap, inherited_mapping;
};
extern struct stacks_totals stacks_totals;

/* [fork child] All that is live was inherited. */
void stacks_fork(void);
/* Forks that this process came from. */
uint32_t stacks_epoch(void);

/* dlclose(): addresses may mean something else from now on. */
void stacks_new_generation(void);
uint32_t stacks_generation(void);

/* The stack's id, new or old; 0 where there is no memory. */
uint32_t stacks_find(const uint64_t *frame, unsigned count, unsigned flags);

/* What was allocated in that epoch has changed by so much. */
void stacks_change(uint32_t id, uint32_t epoch, const struct heapwire_sums *by);

/* [guest] A connection begins: nothing was told in it. */
void stacks_begin(void);

/* [guest] Looks at so many more that a connection's beginning has left to be told; false: none is left. */
bool stacks_sweep(unsigned count);

/* [guest] The next one that has changed; NULL: none. stacks_put_back() where it could not be told. */
struct stack *stacks_take(uint32_t *ret_id);
void stacks_put_back(uint32_t id);
struct stack *stacks_get(uint32_t id);

/* [guest] A stack that was taken waits, aside of the others, until all that do are put back. */
void stacks_hold(uint32_t id);
void stacks_release(void);

/* [guest] A report begins: its number, from 1 on. Stacks that are found from now on were born in it. */
uint32_t stacks_report(void);

/* Bytes mapped. */
size_t stacks_memory(void);

#endif
