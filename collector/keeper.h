/* SPDX-License-Identifier: ISC */
/*
 * Who stays in a session whose last process may be moved into another cgroup: a session without processes
 * ends, and with a user's last one his systemd.
 */
#ifndef MSTAT_COLLECTOR_KEEPER_H
#define MSTAT_COLLECTOR_KEEPER_H

#include <sys/types.h>

/* A child that stays where we are. It has no file, hears no signal, and dies with us. -1: errno says why. */
pid_t keeper_start(void);

/* Nobody was moved. Accepts 0 and -1. */
void keeper_end(pid_t pid);

#endif
