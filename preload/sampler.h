/* SPDX-License-Identifier: ISC */
/*
 * What the guest does: it connects, says hello, and on every tick reads and sends.
 */
#ifndef MSTAT_PRELOAD_SAMPLER_H
#define MSTAT_PRELOAD_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* sun_path holds 108 bytes, the terminating zero included: unix(7). */
#define SAMPLER_SOCKET_MAX 108

/* What the environment says; written once by the constructor, before any guest lives. */
struct sampler_config {
	char socket[SAMPLER_SOCKET_MAX]; /* path; its last part also names the abstract twin */
	uint32_t freq;			 /* ticks a second, 1 to 1000 */
	uint32_t hello_flags;		 /* enum wire_hello_flag */
	uint64_t delay_ns;		 /* before it connects */
	uint64_t stall_ns;		 /* no smaps_rollup that is predicted to take longer */
	uint64_t budget_ppm;		 /* of a CPU, for all smaps_rollups of the tree */
	uint32_t filters; /* seccomp filters that the launcher tried our calls under */
	bool debug;	  /* say why there is no sampler */
	bool returns; /* where the collector ends there will be another: a fork's child knows it too */
};

/* The program has set up a seccomp filter: no system call of ours may be made in its threads. */
bool sampler_is_barred(void);

/* [app thread] Whether ptrace(2) had hold of us at the newest tick; true before the guest can tell. */
bool sampler_may_be_traced(void);

/* [app thread] It is about to set up one, or was refused to. */
void sampler_bar(bool barred);

/*
 * [init] [app thread] [fork child] Starts a guest that samples, unless a seccomp filter forbids it.
 * hello_flags are enum wire_hello_flag; it connects after delay_ns. [fork child]: after guest_forget().
 */
void sampler_start(uint32_t hello_flags, uint64_t delay_ns);

/* With MSTAT_DEBUG: says on the program's stderr why there is no sampler. */
void sampler_say(const char *why, long err);

extern struct sampler_config sampler_config;

struct link;
struct record;

/* What libmstat-heap.so adds to the sampler. It is set before entry.c's constructor runs, or NULL. */
struct sampler_heap {
	void (*begin)(void); /* [init] a guest was started, or could not be: guest_is_here() */
	void (*fill)(struct record *ret); /* [guest] into the record of a tick */
	/* [guest] Some times a second, and at the end. live: processes of the tree. */
	void (*look)(uint32_t live);
	/*
	 * [guest] Tells what is behind the record of a tick. 0, -EAGAIN where some of it is for the next
	 * time, or an error where the collector is gone.
	 */
	int (*report)(struct link *link, uint64_t tick);
	size_t (*memory)(void); /* [guest] bytes that it has mapped for itself */
	bool (*has_news)(void); /* [app thread] whether something was sampled in this process */
	void (*before_fork)(void), (*after_fork)(void); /* [app thread] */
	void (*in_child)(void);				/* [fork child] */
};
extern const struct sampler_heap *sampler_heap;

#endif
