/* SPDX-License-Identifier: ISC */
/*
 * [guest] What the kernel tells a process of itself: files of /proc held open, and taskstats.
 */
#ifndef MSTAT_PRELOAD_PROCFS_H
#define MSTAT_PRELOAD_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

struct procfs {
	int status;	/* owned descriptors; -errno of the open where there is none */
	int own_status; /* of our thread: what the main thread's ids are compared with */
	int rollup;
	int stat;
	int io;
	int schedstat;
	int netlink; /* generic netlink socket; opened at the first request */
	int family;  /* id of TASKSTATS; 0: not asked yet; negative: refused */
	uint32_t seq;
	uint32_t pid;
	uint64_t credentials; /* hash of what our thread was started with */
	uint64_t filters;     /* likewise, of the number of seccomp filters */
	bool traced;	      /* at the last reading: by ptrace(2) */
	uint32_t caps_at; /* a little before where capabilities stood in the text the last time */
	/* A status with a thousand groups; only what the kernel writes is ever there. */
	char text[16384];
};

/*
 * Opens the files. They stay readable after chroot, setns and the main thread's end. Returns 0, or
 * the error that status cannot be read with: without it nobody would notice a change of ids.
 */
int procfs_open(struct procfs *proc);

/*
 * Reads status into rec. Returns 0; -EOWNERDEAD where no thread but ours is left; -EPERM where the
 * main thread's ids, groups or capabilities are not ours any more; -EACCES where it has put itself
 * under a seccomp filter, which we are not under.
 */
int procfs_read_status(struct procfs *proc, struct record *rec);

/* Reads another source's file (rollup, stat, io, schedstat) into rec, or its reason. */
void procfs_read(struct procfs *proc, enum source source, struct record *rec);

/* Asks taskstats for this process, both forms, into rec; REASON_DENIED without the privilege. */
void procfs_read_taskstats(struct procfs *proc, struct record *rec);

/*
 * The main thread's exit status, once it has ended. Since Linux 6.0 the process's is that of its last
 * thread: where that is ours, it must not be seen.
 */
int procfs_exit_status(struct procfs *proc);

/* Reads a whole small file into buf; returns its length or a negative errno. */
long procfs_slurp(const char *path, void *buf, size_t size);

#endif
