/* SPDX-License-Identifier: ISC */
/*
 * Starting the program as if mstat were not there: its streams, terminal, process group, signal
 * mask and limits are those that mstat was given.
 */
#ifndef MSTAT_TOOLS_LAUNCH_H
#define MSTAT_TOOLS_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "collector/collector.h"

/* What the program must get back. */
struct launch_origin {
	sigset_t signals;
	bool child_ignored;	  /* SIGCHLD: nobody could be waited for */
	bool internal_ignored[2]; /* signals 32 and 33, which our threads take for themselves */
	struct rlimit files;
};

/*
 * Finds the program's file as execvp(3) would in that PATH (NULL: none is set), into ret. Returns 0,
 * or the negative errno that tells why it cannot be executed: -ENOENT, -EACCES, -EISDIR, ...
 */
int launch_find(const char *program, const char *path, char *ret, size_t size);

/*
 * Descriptors 0 to 2 are taken where they were closed (so that no file of ours becomes one of
 * them), the soft limit of descriptors is raised, children can be waited for. *ret remembers how it
 * was. To be called before anything is opened.
 */
void launch_prepare(struct launch_origin *ret);

/*
 * From here on what has to be cleaned up is safe from signals: those of launch_signals and SIGCHLD
 * are blocked, for sd-event to read, those of failing writes, and those that stop a job.
 */
void launch_hold_signals(struct launch_origin *ret);

/* A signal of launch_signals that is held and would have ended this process; 0: none. */
int launch_held(const struct launch_origin *origin);

/* Whether our child is in the same stop still that was waited for. */
bool launch_is_stopped(pid_t pid);

/* The signals that are passed on to the program; ends with 0. */
extern const int launch_signals[];

/*
 * Whether such a signal, sent with that si_code, has reached the program as well: the terminal sends its own to
 * the whole process group. But of a hangup the kernel tells the session's leader alone, which the program would
 * be without us.
 */
bool launch_reached(int sig, int code);

/* Whether our process group is the one that has the terminal. */
bool launch_is_foreground(void);

struct launch_failure {
	int exec_error;	  /* errno of exec: the program does not run */
	int cgroup_error; /* errno: it runs, but outside the cgroup; with limits it does not run */
};

/*
 * Starts the program inside the collector's cgroup, and lets go of what it inherits. Returns its
 * pid, or a negative errno where no process could be made. *ret says what did not work in it; where it
 * does not run, it is reaped already.
 */
pid_t launch_start(const struct collector *collector, const struct launch_origin *origin,
		   const char *program, char **command, char **environment,
		   struct launch_failure *ret);

/*
 * Whether our sampler's system calls may be made under this process's seccomp filters: they are
 * tried in a child. Returns the number of filters, or -1 where a call would be deadly.
 */
int launch_try_filters(void);

#endif
