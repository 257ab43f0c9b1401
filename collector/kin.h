/* SPDX-License-Identifier: ISC */
/*
 * Whose a process is: groups of processes that come from one, kept by what the kernel tells of forks and
 * ends. A process may be in several groups.
 */
#ifndef MSTAT_COLLECTOR_KIN_H
#define MSTAT_COLLECTOR_KIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Part of whoever wants to know. */
struct kin_group {
	size_t count; /* processes */
	size_t max;   /* more are not taken in */
	size_t missed;
};

struct kin;

int kin_new(struct kin **ret);

/* Puts a process into a group; one that is in it stays. Returns 0, -ENOSPC or -ENOMEM. */
int kin_add(struct kin *kin, pid_t pid, struct kin_group *group);

/*
 * The groups of a process, one after the other: NULL before gives the first. A group must not be
 * dropped in between, nor a process be added.
 */
struct kin_group *kin_next(const struct kin *kin, pid_t pid, const struct kin_group *before);

/* A child was forked: it is where its parent is, and nowhere else, whoever had that pid before. */
void kin_fork(struct kin *kin, pid_t parent, pid_t child);

/* Its main thread has ended; what else is told of it is told soon. */
void kin_exit(struct kin *kin, pid_t pid, uint64_t now_ns);

/* Forgets those that ended some time before, and are not there any more; where ends are not told, all that
 * are not there. */
void kin_sweep(struct kin *kin, uint64_t now_ns, bool ends_are_told);

/* The group is not any more. */
void kin_drop(struct kin *kin, struct kin_group *group);

/* NULL is accepted. */
void kin_free(struct kin *kin);

#endif
