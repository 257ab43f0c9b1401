/* SPDX-License-Identifier: ISC */
/*
 * kernel.task_delayacct, switched on for a run. The switch is the machine's: runs at the same time
 * share it, and the last of them that ends puts it back. /run/mstat.delayacct (root's alone) keeps
 * what it was, and the locks of who needs it. A run that was killed by KILL leaves the switch on; the
 * next one that ends with -delayacct puts it back.
 */
#ifndef MSTAT_TOOLS_DELAYACCT_H
#define MSTAT_TOOLS_DELAYACCT_H

#include <stdbool.h>

/*
 * To be called before the program is started: it concerns tasks that are made later. Returns a
 * descriptor (close-on-exec) for delayacct_off(), or a negative errno; then nothing was changed.
 */
int delayacct_on(void);

/* Closes the descriptor, and puts the switch back where no other run needs it. Accepts -1. */
void delayacct_off(int fd);

/* Whether the kernel counts delays other than those of the CPU (of tasks that were made while it did). */
bool delayacct_is_on(void);

#endif
