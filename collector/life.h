/* SPDX-License-Identifier: ISC */
/*
 * What is known of a process's whole life (SCOPE_LIFE): by the kernel's exit records, and, where
 * there are none, by the last sample of it.
 */
#ifndef MSTAT_COLLECTOR_LIFE_H
#define MSTAT_COLLECTOR_LIFE_H

#include "core/record.h"
#include "core/taskstats.h"

/* Takes over what a sample tells in columns that a life has, too. */
void life_note_sample(struct record *life, const struct record *sample);

/*
 * Adds the exit record of a thread. The peaks of a process that has forked but not executed are its
 * parent's (vfork) or begin with those (fork): they are left out.
 */
void life_note_exit(struct record *life, const struct taskstats_exit *record);

/* How it ended: as in wait(2). */
void life_note_status(struct record *life, int status);

#endif
