/* SPDX-License-Identifier: ISC */
/*
 * The run's memory cgroup, on v1, v2 and hybrid hosts: where it may stand, made, entered by the
 * program before its exec, read at every tick, removed. cgroups(7), cgroup-v1/memory.rst,
 * cgroup-v2.rst.
 *
 * Errors are negative errno. Nothing here prints; cgroup_explain() has the words.
 */
#ifndef MSTAT_COLLECTOR_CGROUP_H
#define MSTAT_COLLECTOR_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/record.h"

enum cgroup_mode {
	CGROUP_NONE,   /* no memory controller is to be had: process totals only */
	CGROUP_V1,     /* "legacy (v1)": memory on its own v1 hierarchy, no v2 mount */
	CGROUP_V2,     /* "unified (v2)": memory on the v2 hierarchy */
	CGROUP_HYBRID, /* "hybrid (v1 memory)": memory on v1, and a v2 hierarchy beside it */
};

/*
 * Where this process stands and where a run's cgroup would be made. Directories are absolute, and
 * begin with cgroup_find()'s root.
 */
struct cgroup_place {
	enum cgroup_mode mode;
	char own[4096];	    /* own path in the memory hierarchy, as /proc/self/cgroup has it */
	char memory[4096];  /* v1: own directory in the memory hierarchy; v2: own directory */
	char unified[4096]; /* hybrid: own directory in the v2 hierarchy; else "" */
	char freezer[4096]; /* v1, hybrid: own directory in the freezer hierarchy; else "" */
};

/* The mode's name as -v tells it: "unified (v2)", "legacy (v1)", "hybrid (v1 memory)", "none". */
const char *cgroup_mode_name(enum cgroup_mode mode);

/*
 * Finds the memory controller by /proc/self/cgroup and /proc/self/mountinfo below the directory
 * root ("" on a real system; tests give a captured tree). Always fills *ret; no controller, or one
 * that lies outside this cgroup namespace, is CGROUP_NONE. Returns 0, or the error that made it so:
 * -ENOENT for no controller (or no mount of it), -EXDEV for one outside, or that of reading /proc.
 */
int cgroup_find(const char *root, struct cgroup_place *ret);

/* The same of another process (0: this one), by the mounts that this one sees. */
int cgroup_find_of(const char *root, pid_t pid, struct cgroup_place *ret);

/*
 * v2: whether a process that left the place for one directly below the ancestor, whose path is the first
 * own_len bytes of place->own, would escape a limit: 1, and *ret_file is its file; 0 there is none; -EXDEV
 * where the mounts do not show the ancestor.
 */
int cgroup_find_limit(const struct cgroup_place *place, size_t own_len, const char **ret_file);

struct cgroup; /* one run's cgroup */

/*
 * Makes a fresh child cgroup for a run below the place, named mstat-PID-RANDOM, after removing what
 * mstat processes that no longer live left there (empty ones only; a run that lives holds a
 * shared flock() on its directory). On v2 a cgroup that holds processes cannot have such a child,
 * but for the root: where this process is the only one, it moves itself to mstat-PID-RANDOM.leaf
 * below it, until cgroup_remove(); else the run is made beside it, in the parent.
 * *ret is owned by the caller: cgroup_free(). Returns 0 or an error; then *ret is NULL.
 */
int cgroup_make(const struct cgroup_place *place, struct cgroup **ret);

/*
 * Opens a cgroup that is there already, to be read alone (all that would change it is -EROFS): by its folder, or by its path in the memory
 * hierarchy as /proc/PID/cgroup has it ("/a/b", or the whole line), looked for below the directory root
 * as cgroup_find() does. *ret is owned by the caller: cgroup_free(). Returns 0 or an error; -ENOENT: there
 * is none, -EXDEV: the mounts do not show it, -EMEDIUMTYPE: it is of a hierarchy without memory.
 */
int cgroup_open(const char *root, const char *path, struct cgroup **ret);

/* The one number in a file of the memory directory (UINT64_MAX for "max"), or an error: -ENOENT. */
int cgroup_number(const struct cgroup *cg, const char *file, uint64_t *ret);

/*
 * Limits what the run may take, in bytes; UINT64_MAX: no limit. A tighter limit that the cgroup has
 * already stays. v1 limits memory and swap together, and so cannot limit swap alone: -EOPNOTSUPP.
 * *ret_file is the file that the error is about. To be called before a process is in the cgroup.
 */
int cgroup_limit(struct cgroup *cg, uint64_t memory_max, uint64_t swap_max, const char **ret_file);

/*
 * Makes sure that cgroup_kill() will outrun a program that forks as fast as it can: where neither
 * cgroup.kill (5.14) nor cgroup.freeze (v2) is to be had, the program also enters a freezer cgroup,
 * which costs it 8 to 12 ms at its start. To be called before the program enters.
 */
void cgroup_prepare_kill(struct cgroup *cg, const struct cgroup_place *place);

/*
 * Kills every process in the cgroup and below, and waits until none is left but zombies. Takes at
 * most 5 s: then -EBUSY.
 */
int cgroup_kill(struct cgroup *cg);

/* Calls fn with the memory directory and each one below it; an error of it ends the walk. */
int cgroup_each(const struct cgroup *cg, int (*fn)(int dirfd, void *arg), void *arg);

/* Whether the memory directory is of a v1 hierarchy. */
bool cgroup_is_v1(const struct cgroup *cg);

/*
 * The descriptor of the v2 directory for clone3(CLONE_INTO_CGROUP), borrowed; -1 where the memory
 * controller is on v1 or none (hybrid: the v2 twin's descriptor, which has no memory controller).
 */
int cgroup_clone_fd(const struct cgroup *cg);

/*
 * Puts the calling process into the cgroup, in every hierarchy that clone3 did not reach. For the
 * program's process between fork and exec: async-signal-safe. joined_v2: it was cloned into
 * cgroup_clone_fd(). Returns 0 or an error.
 */
int cgroup_enter(const struct cgroup *cg, bool joined_v2);

/* The memory directory's absolute path, borrowed. */
const char *cgroup_path(const struct cgroup *cg);

/* The path as it stands in /proc/PID/cgroup of a member ("/a/mstat-1-ab"), borrowed. */
const char *cgroup_name(const struct cgroup *cg);

/* Whether /proc/PID/cgroup of that process names this cgroup or one below it. */
bool cgroup_holds(const struct cgroup *cg, pid_t pid);

/*
 * Reads the cgroup's files into the fields of the tree's sources that this mode has. Files that
 * the kernel does not have make their source REASON_ABSENT. A file (memory.stat) is not read
 * again before 100 times its last cost: REASON_NOT_DUE; single numbers (usage, peak) are read
 * every time. now_ns is CLOCK_MONOTONIC; UINT64_MAX reads all, for the last sample before
 * cgroup_remove(). To be called by one thread at a time.
 */
void cgroup_sample(struct cgroup *cg, uint64_t now_ns, struct record *rec);

/*
 * Ends a phase: reads the kernel's own peak of the time since the last call (or since the cgroup was
 * made), and resets it. What cgroup_sample() gives as the peak stays that of the whole run. Returns
 * 0, or an error where this kernel cannot do it; then *ret_peak is untouched.
 */
int cgroup_phase(struct cgroup *cg, int64_t *ret_peak);

/*
 * Process ids in the cgroup and below. Returns how many there are (at most max are stored; ret may
 * be NULL for max 0), or an error. 0 stands for a process of another pid namespace. Cheap without
 * nested cgroups; with them it costs some 30 us for each.
 */
int cgroup_processes(const struct cgroup *cg, pid_t *ret, size_t max);

/*
 * Removes the cgroup in all hierarchies, with what the program made below it. Processes that are
 * still in it keep it: -EBUSY, and the next run below the same place sweeps it; or this may be
 * called again. Waits at most 100 ms for processes that are dead but still counted.
 */
int cgroup_remove(struct cgroup *cg);

/* Closes and frees, ends the lock; does not remove. NULL is accepted. */
void cgroup_free(struct cgroup *cg);

/* What a user can do about an error of cgroup_find/make/enter, one line without newline. */
const char *cgroup_explain(const struct cgroup_place *place, int err);

#endif
