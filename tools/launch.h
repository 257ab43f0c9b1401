/* SPDX-License-Identifier: ISC */
/*
 * Starting the program as if mstat were not there: its streams, terminal, process group, signal
 * mask and limits are those that mstat was given.
 */
#ifndef MSTAT_TOOLS_LAUNCH_H
#define MSTAT_TOOLS_LAUNCH_H

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "collector/collector.h"

/* What the program must get back. */
struct launch_origin {
	sigset_t signals;
	struct rlimit files;
};

/*
 * Makes this process fit for waiting: the signals of launch_signals and SIGCHLD and SIGPIPE are
 * blocked, the soft limit of descriptors is raised, descriptors 0 to 2 are taken where they were
 * closed (so that no file of ours becomes one of them). *ret remembers how it was.
 */
void launch_prepare(struct launch_origin *ret);

/* The signals that are passed on to the program; ends with 0. */
extern const int launch_signals[];

struct launch_failure {
	int exec_error;	  /* errno of exec: the program does not run */
	int cgroup_error; /* errno: it runs, but outside the cgroup */
};

/*
 * Starts the program inside the collector's cgroup. Returns its pid, or a negative errno where no
 * process could be made. *ret says what did not work in it; with exec_error it is reaped already.
 */
pid_t launch_start(const struct collector *collector, const struct launch_origin *origin,
		   char **command, char **environment, struct launch_failure *ret);

/*
 * Whether our sampler's system calls may be made under this process's seccomp filters: they are
 * tried in a child. Returns the number of filters, or -1 where a call would be deadly.
 */
int launch_try_filters(void);

#endif
