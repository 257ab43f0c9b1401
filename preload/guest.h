/* SPDX-License-Identifier: ISC */
/*
 * The guest: the thread of ours inside somebody else's process, its kind and its life.
 *
 * It is a raw clone() thread that glibc does not know, so that a program without threads keeps
 * glibc's single-thread mode. Who starts and ends it need not know more than this page.
 *
 * [app thread] and [fork child] functions run in the program's threads, [guest] ones in ours. None
 * of them touches libc.
 */
#ifndef MSTAT_PRELOAD_GUEST_H
#define MSTAT_PRELOAD_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum guest_command {
	GUEST_RUN = 0,	/* go on */
	GUEST_STOP = 1, /* end the thread now */
	GUEST_LAST = 2, /* take a last sample, then answer */
};

/* The bytes of the state that are zero whenever a guest starts. */
#define GUEST_ZEROED 3072u

/*
 * [app thread] [fork child] Starts the guest: main(state) runs in it, on a stack of its own, with
 * all signals blocked; state is memory of state_size bytes, and is never freed. What comes after the
 * first GUEST_ZEROED is zero, too, or as the guest before left it in locked memory. What main returns
 * is the thread's exit status: the process's, too, where it is the last one. In a fork's child call
 * guest_forget() first. Returns 0, or a negative errno: the program goes on without; -EBUSY where the
 * one before has not ended yet.
 */
int guest_start(int (*main)(void *state), size_t state_size);

/*
 * [app thread] Ends the guest and returns when the kernel has let go of it, at the latest after two
 * seconds: a thread that a debugger holds ends later. One at a time.
 */
void guest_stop(void);

/* [app thread] Asks for a last sample and waits for the answer, at most that long. */
void guest_last(uint64_t wait_ns);

/* [fork child] The thread did not come along: forgets it, keeps its memory. */
void guest_forget(void);

/* [app thread] Whether a guest was started in this very process (a vfork child is not). */
bool guest_is_here(void);

/*
 * [app thread] Whether no guest was started by whoever has this memory: it is a child's own copy, or
 * none could be. No system call is made.
 */
bool guest_is_copy(void);

/*
 * [guest] Sleeps until that instant of CLOCK_MONOTONIC, or until a command other than GUEST_RUN
 * comes. Returns the command; GUEST_LAST is returned once.
 */
enum guest_command guest_wait(uint64_t deadline_ns);

/* [guest] Whether guest_stop() waits for it: what it has begun need not be ended. */
bool guest_is_stopping(void);

/* [guest] Answers guest_last(). */
void guest_answer(void);

/*
 * What the kernel holds for the guest, and charges to the program's cgroup: the task and its stack,
 * its file table, open files of /proc, the socket. An estimate: 200 sleepers on 6.18 hold that much
 * more each than without a sampler, less the guest's own memory (make bench).
 */
#define GUEST_KERNEL_BYTES 69632u

/* [guest] Bytes of the guest's own memory that are there now: stack, state, our library's data. */
size_t guest_memory(void);

#endif
