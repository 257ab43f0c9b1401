/* SPDX-License-Identifier: ISC */
/*
 * What the program leaves behind: this process is its subreaper (prctl(2)), so that processes whose
 * parent has died become its children, and not init's.
 */
#ifndef MSTAT_TOOLS_REST_H
#define MSTAT_TOOLS_REST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rest_foreign {
	pid_t pid;
	uint64_t start_ticks; /* word 22 of /proc/PID/stat */
};

struct rest {
	struct rest_foreign *foreign; /* owned: descendants from before this process became mstat */
	size_t foreign_count;
};

/* From here on orphans are ours. The program inherits nothing of it. */
void rest_adopt(struct rest *ret);
void rest_done(struct rest *rest);

/*
 * Reaps children that are dead, whoever they are: all, or so many that it sends itself another SIGCHLD
 * for the others. Returns whether there was news of pid; then
 * *ret_status is as of wait(2), of its end or of its stop. Children with an exit signal other than
 * SIGCHLD are left alone.
 */
bool rest_reap(pid_t pid, int *ret_status);

/* Reaps all that are dead: a container's first process may not. For a second at most, for others may
 * die as fast. */
void rest_bury(void);

/* How many descendants live, those of before not counted; or a negative errno. */
int rest_count(const struct rest *rest);

/* Kills and reaps them until none is left. At most 5 s: -EBUSY. */
int rest_kill(struct rest *rest);

#endif
