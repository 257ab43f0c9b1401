/* SPDX-License-Identifier: ISC */
/*
 * One process that runs already: who it is, and its memory now. All is read below a descriptor of its
 * folder in /proc, so what the next owner of its pid has is never taken for it.
 *
 * collector/outside.h reads the same files for a run: at the run's rates, and by a thread that may be
 * kept waiting. Handing over to that costs as much as reading; here a person waits, and can stop it.
 */
#ifndef MSTAT_TOOLS_GETPROC_H
#define MSTAT_TOOLS_GETPROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum getproc_column {
	GETPROC_PSS,
	GETPROC_RSS,
	GETPROC_SWAP,
	GETPROC_ANON,
	GETPROC_FILE,
	GETPROC_SHMEM,
	GETPROC_PEAK,
};
#define GETPROC_COLUMNS 7
#define GETPROC_UNKNOWN (-1)

/* Names of kernel workers are the longest. */
#define GETPROC_COMM_MAX 64

struct getproc_id {
	pid_t pid, ppid;
	uint64_t start_ticks; /* clock ticks since boot */
	char state;	      /* the letter of proc_pid_stat(5) */
	bool is_kernel;	      /* a kernel thread: it has no memory of its own */
	size_t comm_len;
	char comm[GETPROC_COMM_MAX]; /* any bytes, no terminating zero */
};

struct getproc_memory {
	int64_t bytes[GETPROC_COLUMNS]; /* or GETPROC_UNKNOWN */
	int pss_error;			/* why PSS is unknown, a negative errno */
	pid_t leader;			/* another pid than asked for: that is one of its threads */
};

/*
 * The folder of that process below proc (a descriptor of /proc). Returns a descriptor (O_PATH), the
 * caller's; -ESRCH where there is none, -EMFILE, and so on.
 */
int getproc_open(int proc, pid_t pid);

/* Reads who it is. Returns 0; -ESRCH when it is gone; another error: it could not be read. */
int getproc_identify(int dir, struct getproc_id *ret);

/*
 * Reads its memory. Returns 0; -ESRCH when it has ended, waited for or not (or is a kernel thread);
 * another error: nothing could be read. PSS alone may be unknown.
 */
int getproc_measure(int dir, struct getproc_memory *ret);

/* The same but for PSS, which the process has to wait for: it is unknown, and no error. */
int getproc_measure_rss(int dir, struct getproc_memory *ret);

/*
 * The sum over a text of /proc/PID/smaps, or of whole lines of it, of PSS in KiB; *ret_found: whether
 * there was any.
 */
int64_t getproc_sum_smaps(const char *text, size_t len, bool *ret_found);

#endif
