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

#include "collector/ladder.h"
#include "core/record.h"
#include "core/rows.h"

struct broker;
struct cgroup;

struct collector_config {
	uint32_t freq; /* ticks a second, 1 to 1000 */
	int out_fd;    /* the run file, borrowed, written from where it stands; -1: none */
	/* What smaps_rollup may take: the longest walk, and the tree's share of a CPU. */
	uint64_t stall_ns;
	uint32_t budget_ppm;
	bool reads_runtimes; /* of Go, Java and so on: what they think of their memory */
	char *const *argv;   /* the command, for the run file's header; borrowed during the calls */
	/*
	 * Called with the tree's row of every tick, in order, at most a few drain periods late;
	 * time_ns is the tick's instant since the run's start. May be NULL.
	 */
	void (*on_tick)(void *arg, const struct record *row, int64_t time_ns);
	/* Called with each note (EVENT_NOTE) as it is recorded; pid: of whom it tells, 0: of nobody. May be NULL. */
	void (*on_note)(void *arg, pid_t pid, const char *text);
	void *arg;
	/* Limits of the run's cgroup, bytes; UINT64_MAX: none. See collector_limit_error(). */
	uint64_t memory_max, swap_max;
	bool kill_rest; /* collector_kill_rest() will be called: v1 has to be prepared for it */
	/*
	 * Nobody is launched: no cgroup, no socket, and those only are sampled who are given to
	 * collector_adopt(). It is asked what the kernel tells; owned from the call on. NULL: else.
	 */
	struct broker *adopts_for;
	/*
	 * Nobody is launched: processes that run already are read from outside, those that
	 * collector_watch() names, those in a cgroup that cgroup_open() gave (owned from the call on, never
	 * changed; NULL: none), and, if watches_forks, whom they fork. No cgroup is made, and no socket.
	 */
	bool watches, watches_forks;
	struct cgroup *watched;
	/*
	 * Where the run file has grown to that, it ends, and another one is begun in the descriptor that
	 * next_file() gives, from then on the collector's; negative: there is none. 0: it may grow.
	 */
	uint64_t file_max;
	int (*next_file)(void *arg);
	uint64_t
		start_ns; /* the host's CLOCK_MONOTONIC when the run began; 0: at collector_start() */
};

struct collector;

/*
 * Finds and makes the cgroup, and opens the socket. The loop is borrowed until collector_free().
 * No cgroup is no error: see collector_cgroup(). Returns 0 or an error of the socket or of memory.
 */
int collector_new(const struct collector_config *config, sd_event *event, struct collector **ret);

/* How the host's cgroups are set up, for people: "unified (v2)", "hybrid (v1 memory)", ... */
const char *collector_mode(const struct collector *c);

/* What was tried for the run's cgroup, one after the other, until one was had. Borrowed. */
size_t collector_steps(const struct collector *c, const struct ladder_step **ret);

/* The run's cgroup directory, or NULL; then *ret_why is one line that says why and what to do. */
const char *collector_cgroup(const struct collector *c, const char **ret_why);

/*
 * Why a limit that was asked for does not hold: one line, borrowed; NULL: all hold. A run for which
 * it is not NULL cannot be started, nor go on without its cgroup.
 */
const char *collector_limit_error(const struct collector *c);

/* Whether a limit was asked for: the program must not run outside the cgroup then. */
bool collector_is_limited(const struct collector *c);

/* What MSTAT_SOCKET must be for the program. Borrowed. */
const char *collector_socket(const struct collector *c);

/* What MSTAT_MARK must be for the program: a file to append lines to, at least /dev/null. Borrowed. */
const char *collector_marks(const struct collector *c);

/*
 * For the launcher: the directory to clone3(CLONE_INTO_CGROUP) into, or -1; and, in the child
 * between fork and exec (async-signal-safe), the way into what clone3 did not reach.
 */
int collector_clone_fd(const struct collector *c);
int collector_enter(const struct collector *c, bool cloned_into);

/*
 * Begins the run: time counts from here, ticks are sampled from here. Call just before the exec.
 * -EPERM where a limit does not hold.
 */
int collector_start(struct collector *c);

/* The program runs, as that process (0: nobody was launched): the run file is begun. Nothing was written to
 * it before. */
void collector_record(struct collector *c, pid_t pid);

/* That process is of the run, from now on; again and again is no harm. Only where config.watches is set. */
void collector_watch(struct collector *c, pid_t pid);

/* The host's CLOCK_MONOTONIC at the run's start, ns. */
uint64_t collector_start_ns(const struct collector *c);

/* The program could not enter the cgroup after all: the run goes on without one. */
void collector_drop_cgroup(struct collector *c, int err);

/* How many processes are in the run's cgroup; -ENODEV where there is none, or another error. */
int collector_left(const struct collector *c);

/*
 * Kills what is in the run's cgroup, and waits until it is dead (zombies are the caller's). At most
 * 5 s: -EBUSY. -ENODEV without a cgroup.
 */
int collector_kill_rest(struct collector *c);

/*
 * A sampler whose connection was accepted by somebody else, which is taken; message is the first that was
 * read from it. fd is -1 where there was no descriptor left for it: that is recorded. Only where config.adopts_for is set.
 */
void collector_adopt(struct collector *c, int fd, const uint8_t *message, size_t len);

/*
 * Whether all processes of a run without a launcher have ended, and none is in a cgroup that is watched; then *ret_status is that of the first
 * one, as in wait(2), 0 where it is not known.
 */
bool collector_is_over(const struct collector *c, int *ret_status);

/*
 * The program has ended with this status (as in wait(2)): takes in what is still in the sockets,
 * samples a last time, finishes the run file and removes the cgroup, if it made one. *ret_summary holds
 * the fields of SCOPE_RUN; where config.watches is set there is no status. *ret_left (may be NULL) is the number of processes that are still in the cgroup.
 */
void collector_finish(struct collector *c, int status, struct record *ret_summary, int *ret_left);

/* After collector_finish(): the largest processes at the sampled peak. Returns how many; borrowed. */
size_t collector_holders(const struct collector *c, const struct rows_holder **ret);

/* A process that was killed when memory ran out. */
struct collector_victim {
	pid_t pid;
	char comm[17];
	int64_t time_ns;   /* of its end, since the run's start */
	int64_t rss_bytes; /* as last sampled; -1: it never was */
};

/* After collector_finish(): whom the kernel's OOM killer has (by all signs) killed. How many. */
size_t collector_victims(const struct collector *c, struct collector_victim *ret, size_t max);

/*
 * Whether the kernel tells of every process, so that none is missed however short its life; where it
 * does not, *ret_why is one line that says why, and what to do.
 */
bool collector_hears_all(const struct collector *c, const char **ret_why);
/* After collector_finish(): the phases between the program's marks. */
struct collector_phases {
	const struct rows_phase *phase; /* the first ones, borrowed */
	size_t count;			/* of those */
	uint64_t all;			/* phases; 1: there were no marks */
	uint64_t untold;		/* marks that began none, for there were too many */
};
void collector_phases(const struct collector *c, struct collector_phases *ret);

/* The first error of writing the run file (negative errno), or 0; the run goes on without it. */
int collector_output_error(const struct collector *c);

/* Closes and frees everything; removes the socket, not the cgroup. NULL is accepted. */
void collector_free(struct collector *c);

#endif
