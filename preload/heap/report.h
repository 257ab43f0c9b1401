/* SPDX-License-Identifier: ISC */
#ifndef MSTAT_PRELOAD_HEAP_REPORT_H
#define MSTAT_PRELOAD_HEAP_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/record.h"
#include "preload/link.h"

/* [init] The program's allocator is not behind our hooks. */
void report_bypassed(void);

/* [guest] Into a record: what the heap holds now. */
void report_fill(struct record *ret);

/*
 * [guest] Looks, a part at a time and as seldom as need be, what the process's memory is for: for the records that
 * follow. live: processes of the tree, which share what that may cost.
 */
void report_look(uint32_t live);

/*
 * [guest] Tells the collector what has changed since it was told last, of a tick: modules, stacks, sums. Returns 0;
 * -EAGAIN where some found no room in the socket, and is for the next time; or a negative errno where the
 * collector is gone.
 */
int report_send(struct link *link, uint64_t tick);

#endif
