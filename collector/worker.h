/* SPDX-License-Identifier: ISC */
/* The process that records the run of one tree for mstatd: recorder.h from the other side. */
#ifndef MSTAT_COLLECTOR_WORKER_H
#define MSTAT_COLLECTOR_WORKER_H

#include <stdbool.h>

/* Its argv[0], and what its descriptors are. */
#define WORKER_NAME  "mstatd-run"
#define WORKER_ASKS  0 /* a broker's socket: collector/broker.h */
#define WORKER_OUT   1 /* the run file */
#define WORKER_GIVEN 3 /* brings connections: CONTROL_GIVEN */

/* Its exit status where not all could be written. */
#define WORKER_NO_ROOM 3

/* Whether this program was executed to be one. */
bool worker_is_asked_for(const char *name);

/* Records until the tree has ended. argv is as recorder_start() has it. Returns main()'s exit code. */
int worker_main(char *const argv[]);

#endif
