/* SPDX-License-Identifier: ISC */
#ifndef MSTAT_COLLECTOR_PARENT_H
#define MSTAT_COLLECTOR_PARENT_H

#include <sys/types.h>

/*
 * A process's parent; 0: it has none, or is gone. By /proc/PID/status: stat waits for an exec, which may
 * hang.
 */
pid_t parent_of_pid(pid_t pid);

#endif
