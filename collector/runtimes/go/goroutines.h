/* SPDX-License-Identifier: ISC */
/*
 * The goroutines of a live Go program, from outside: how many there are in each state, and their stacks.
 * The program runs meanwhile: what has moved while it was read is read again, and marked where it moves on.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_GOROUTINES_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_GOROUTINES_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/runtimes/go/layout.h"
#include "collector/runtimes/go/memory.h"
#include "collector/runtimes/go/pclntab.h"
#include "collector/runtimes/go/walk.h"

/* More are not believed: each takes 2 KiB at least. */
#define GO_GOROUTINES_MAX (1u << 26)

/* The longest of Go's reasons for waiting, with its zero byte, is half of that. */
#define GO_REASON_SIZE 64

/* X(NAME, number in the runtime, as Go prints it): not in use are IDLE, DEAD, and DEAD_EXTRA. */
#define GO_STATE_LIST(X)                           \
	X(IDLE, 0, "idle")                         \
	X(RUNNABLE, 1, "runnable")                 \
	X(RUNNING, 2, "running")                   \
	X(SYSCALL, 3, "syscall")                   \
	X(WAITING, 4, "waiting")                   \
	X(DEAD, 6, "dead")                         \
	X(COPYSTACK, 8, "copystack")               \
	X(PREEMPTED, 9, "preempted")               \
	X(LEAKED, 10, "waiting")  /* since 1.26 */ \
	X(DEAD_EXTRA, 11, "dead") /* since 1.26 */

#define GO_STATE_ENUM(name, number, text) GO_STATE_##name = (number),
enum go_state { GO_STATE_LIST(GO_STATE_ENUM) GO_STATES };

/* What is known of a goroutine's stack. */
enum go_stack {
	GO_STACK_WHOLE,	  /* all of it, as it was at one instant */
	GO_STACK_RUNNING, /* it runs: where it stands is in registers */
	GO_STACK_TORN,	  /* it moved whenever it was read */
	GO_STACK_BROKEN, /* it stood still, and is not understood: code in C, or a thread's own stack */
};

struct go_goroutine {
	uint64_t id;
	enum go_state state;
	uint8_t wait_reason; /* for go_goroutines_reason() */
	int64_t wait_since_ns; /* by its monotonic clock; 0: not known, only the collector of garbage tells it */
	bool is_locked;	   /* to a thread */
	bool is_scanned;   /* by the collector of garbage, now */
	uint64_t go_pc;	   /* in whom it was started, 0: by nobody; the address behind the call */
	uint64_t start_pc; /* of its function */
	uint64_t parent;   /* who started it; 0: not known */
	enum go_stack stack;
	const struct go_walk *walk; /* of GO_STACK_WHOLE alone; borrowed for the call */
};

/* What reading needs; all is borrowed, and the same for all calls. */
struct go_goroutines {
	const struct go_layout *layout;
	const struct go_memory *memory;
	const struct go_pclntab *tab; /* with live addresses */
};

/* As Go prints it. "???" where there is no such state. */
const char *go_state_text(enum go_state state);

/* A goroutine that is in use. What is not 0 ends the reading. */
typedef int go_goroutines_sink(void *arg, const struct go_goroutine *goroutine);

/*
 * Tells of each, in the order of their making. Returns what the sink did, 0, -EAGAIN (not up yet, or it moves
 * too fast), -EOPNOTSUPP where the layout does not have what is needed, -ENOMEM, or what reading said.
 */
int go_goroutines_read(const struct go_goroutines *from, go_goroutines_sink *sink, void *arg);

/* Whether it is the runtime's own, which Go's NumGoroutine() does not count and a dump does not show. */
bool go_goroutines_is_own(const struct go_goroutines *from, const struct go_goroutine *goroutine);

/* What it waits for, in Go's words; where these are not known, or there is none, go_state_text(). */
void go_goroutines_reason(const struct go_goroutines *from, const struct go_goroutine *goroutine,
			  char ret[GO_REASON_SIZE]);

#endif
