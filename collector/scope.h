/* SPDX-License-Identifier: ISC */
/*
 * A scope of the user's own systemd, with its cgroup delegated: where a user who has no writable cgroup
 * gets one. org.freedesktop.systemd1(5), systemd.scope(5).
 */
#ifndef MSTAT_COLLECTOR_SCOPE_H
#define MSTAT_COLLECTOR_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/cgroup.h"

/*
 * Whether a scope would be the answer to that error of making a cgroup at the place: it would for a
 * user in a session of one's own. A service, a container, a batch system's job and another mstat's run
 * have been given their cgroup by somebody, and stay in it.
 */
bool scope_may_help(const struct cgroup_place *place, int err);

/*
 * Moves this process into a new scope, which goes when the last process in it does. Takes 5 s at most.
 * The session, which would else seem to have ended, and the user's systemd (and the run) soon after, is
 * held by a child that sleeps in it until this process ends.
 *
 * Returns 0 or -1; then why says on one line why not.
 */
int scope_enter(const struct cgroup_place *place, char *why, size_t size);

#endif
