/* SPDX-License-Identifier: ISC */
/*
 * The lock that tells that a run file is still being written: of the whole file, by the open file
 * description, so it goes with the last copy of the writer's descriptor, however that ends.
 *
 * Not flock(2), which anybody takes to whom the file was opened for reading, and which nobody can ask
 * for without taking it.
 */
#ifndef MSTAT_COLLECTOR_RUNLOCK_H
#define MSTAT_COLLECTOR_RUNLOCK_H

/* fd is open for writing. -EAGAIN: another one has it; other errors: there are no locks here. */
int runlock_take(int fd);

/* Else it is held until the last copy of the descriptor is closed, in whatever process. */
void runlock_release(int fd);

/* Whether a writer has it: 1, 0 or an error, where that cannot be told. fd may be open for reading only. */
int runlock_is_held(int fd);

#endif
