/* SPDX-License-Identifier: ISC */
#ifndef MSTAT_TOOLS_PRIVILEGES_H
#define MSTAT_TOOLS_PRIVILEGES_H

/*
 * Drops, for good, what this program's file gave to whoever runs it: the ids of set-user-ID and
 * set-group-ID, and file capabilities. To be called before anything else. Returns 1 where there was
 * something, 0 where there was nothing, or a negative errno: it could not be dropped.
 */
int privileges_drop(void);

#endif
