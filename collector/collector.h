/* SPDX-License-Identifier: ISC */
/*
 * The collector: makes the run's cgroup, listens to the samplers of its processes, samples the
 * cgroup on every tick, merges both into the tree's row, and writes the run file.
 *
 * It lives in its caller's sd-event loop and never blocks. Errors are negative errno; it prints
 * nothing. One thread.
 */
#ifndef MSTAT_COLLECTOR_COLLECTOR_H
#define MSTAT_COLLECTOR_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/record.h"

struct collector_config {
	uint32_t freq;	   /* ticks a second, 1 to 1000 */
	int out_fd;	   /* the run file, borrowed, written from where it stands; -1: none */
	char *const *argv; /* the command, for the run file's header; borrowed during the calls */
	/*
	 * Called with the tree's row of every tick, in order, at most a few drain periods late;
	 * time_ns is the tick's instant since the run's start. May be NULL.
	 */
	void (*on_tick)(void *arg, const struct record *row, int64_t time_ns);
	void *arg;
};

struct collector;

/*
 * Finds and makes the cgroup, and opens the socket. The loop is borrowed until collector_free().
 * No cgroup is no error: see collector_cgroup(). Returns 0 or an error of the socket or of memory.
 */
int collector_new(const struct collector_config *config, sd_event *event, struct collector **ret);

/* How the host's cgroups are set up, for people: "unified (v2)", "hybrid (v1 memory)", ... */
const char *collector_mode(const struct collector *c);

/* The run's cgroup directory, or NULL; then *ret_why is one line that says why and what to do. */
const char *collector_cgroup(const struct collector *c, const char **ret_why);

/* What MSTAT_SOCKET must be for the program. Borrowed. */
const char *collector_socket(const struct collector *c);

/*
 * For the launcher: the directory to clone3(CLONE_INTO_CGROUP) into, or -1; and, in the child
 * between fork and exec (async-signal-safe), the way into what clone3 did not reach.
 */
int collector_clone_fd(const struct collector *c);
int collector_enter(const struct collector *c, bool cloned_into);

/* Begins the run: time counts from here, ticks are sampled from here. Call just before the exec. */
int collector_start(struct collector *c);

/* The program runs: the run file is begun. Nothing was written to it before. */
void collector_record(struct collector *c);

/* The host's CLOCK_MONOTONIC at the run's start, ns. */
uint64_t collector_start_ns(const struct collector *c);

/* The program could not enter the cgroup after all: the run goes on without one. */
void collector_drop_cgroup(struct collector *c, int err);

/*
 * The program has ended with this status (as in wait(2)): takes in what is still in the sockets,
 * samples a last time, finishes the run file and removes the cgroup. *ret_summary holds the fields
 * of SCOPE_RUN. *ret_left (may be NULL) is the number of processes that are still in the cgroup.
 */
void collector_finish(struct collector *c, int status, struct record *ret_summary, int *ret_left);

/* The first error of writing the run file (negative errno), or 0; the run goes on without it. */
int collector_output_error(const struct collector *c);

/* Closes and frees everything; removes the socket, not the cgroup. NULL is accepted. */
void collector_free(struct collector *c);

#endif
