/* SPDX-License-Identifier: ISC */
/*
 * What the cgroup's files share and nobody else needs: directories of a cgroup file system, and
 * the run's state. Everything works on directory descriptors and plain files, so that a temporary
 * directory can pose as a cgroup.
 */
#ifndef MSTAT_COLLECTOR_CGROUP_INTERNAL_H
#define MSTAT_COLLECTOR_CGROUP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/cgroup.h"
#include "core/field.h"

#define CGROUP_NAME_SIZE 48
#define CGROUP_PATH_SIZE 4096

static inline void cgroup_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void cgroup_free_text(char **text)
{
	free(*text);
	*text = NULL;
}

#define cleanup_fd   __attribute__((cleanup(cgroup_close_fd)))
#define cleanup_text __attribute__((cleanup(cgroup_free_text)))

/* A directory that this run made. fd holds a shared flock() for as long as the run lives. */
struct cgroup_dir {
	int parent; /* owned, or -1 */
	int fd;	    /* owned, or -1: not made */
	char name[CGROUP_NAME_SIZE];
};

/* One file of the cgroup, read at every tick at which it is due. */
struct cgroup_reader {
	int fd; /* owned, or -1 */
	bool opened;
	uint8_t reason;	 /* why there is no fd */
	uint64_t due_ns; /* not to be read before */
};

struct cgroup {
	enum cgroup_mode mode;
	bool is_borrowed; /* others have made it: it is read, and nothing else is done to it */
	struct cgroup_dir memory;
	struct cgroup_dir twin;	   /* hybrid: the directory in the v2 hierarchy */
	struct cgroup_dir leaf;	   /* v2: where we moved ourselves to */
	struct cgroup_dir freezer; /* v1: made where only a freezer can stop forks */
	bool enabled;		   /* v2: we enabled memory in the leaf's parent */
	struct cgroup_reader reader[SOURCE_MAX];
	int phase_fd;	     /* owned, or -1: the peak that cgroup_phase() reads and resets */
	bool phase_lost;     /* it was not reset when the phase began */
	int64_t peak_before; /* v1: the highest peak that was reset */
	char path[CGROUP_PATH_SIZE];
	char name[CGROUP_PATH_SIZE];
};

/* Nothing made or opened; cgroup_free() it. NULL: no memory. */
struct cgroup *cgroup_new(enum cgroup_mode mode);

/* Whether the word stands in a list like "cpu memory" or "rw,memory". */
bool cgroup_has_word(const char *list, size_t len, char separator, const char *word);

/* Whether the text of a /proc/PID/cgroup puts its process into the named cgroup or below it. */
bool cgroup_text_holds(const char *text, enum cgroup_mode mode, const char *name);

/* The directory of the ancestor whose path is the first own_len bytes of place->own. -EXDEV: not shown. */
int cgroup_dir_above(const struct cgroup_place *place, size_t own_len, char *ret, size_t size);

/* Makes the peak of a sample that of the run: on v1 the kernel's is that of the phase. */
void cgroup_raise_peak(const struct cgroup *cg, struct record *rec);

/* Reads a whole file of any length. *ret ends with a zero that is not counted; free() it. */
int cgroup_file_read(int dirfd, const char *name, char **ret, size_t *ret_len);

/* Writes a short text to an existing file in one write. Async-signal-safe. */
int cgroup_file_write(int dirfd, const char *name, const char *text);

/* Whether the file holds that word; a file that cannot be read does not. */
bool cgroup_file_has_word(int dirfd, const char *name, const char *word);

/* Opens a cgroup's directory. Returns the descriptor or an error. */
int cgroup_dir_open(int dirfd, const char *name);

void cgroup_dir_init(struct cgroup_dir *dir);

/* Makes the directory below parent and locks it. On failure *ret is not made. */
int cgroup_dir_make(int parent, const char *name, struct cgroup_dir *ret);

/* Removes it with everything below. -EBUSY when a process is in it. Not made: 0. */
int cgroup_dir_remove(struct cgroup_dir *dir);

/* Closes, and so gives up the lock. */
void cgroup_dir_done(struct cgroup_dir *dir);

/* Counts the processes of the cgroup and below; stores at most max of them. Or an error. */
int cgroup_dir_processes(int fd, pid_t *ret, size_t max);

/* Calls enter in the directory and in each one below it, parents first; an error of it ends that. */
int cgroup_dir_each(int fd, int (*enter)(int fd, void *arg), void *arg);

/* Sleeps; for waits that are counted. */
void cgroup_sleep_ms(long ms);

/* Whether nothing of the cgroup's own can be written to in that directory. */
int cgroup_dir_check_writable(int fd);

/* Removes what runs that no longer live left below the directory, as far as it is empty. */
void cgroup_dir_sweep(int parent);

/* Whether a directory of that name is a run's: mstat-PID-HHHHHHHH. */
bool cgroup_dir_is_run(const char *name);

/* Whether a part of the path is a run's cgroup. */
bool cgroup_path_is_in_run(const char *path);

/* Whether nobody else is in the v2 cgroup than that process, which *ret_in tells of. Else -EBUSY. */
int cgroup_dir_only(int fd, pid_t pid, bool *ret_in);

/* Only the root of the v2 hierarchy may hold processes and controllers. */
bool cgroup_dir_is_v2_root(int fd);

/* Has the v2 cgroup give memory to its children; *ret_enabled: it did not before. */
int cgroup_dir_enable_memory(int fd, bool *ret_enabled);

/* Calls fn with the name of each subdirectory; an error of it ends that. */
int cgroup_dir_children(int parent, int (*fn)(int parent, const char *name, void *arg), void *arg);

/* How many directories of runs (and leaves) stand in it, other than the one named except. Or an error. */
int cgroup_dir_count_runs(int parent, const char *except);

#endif
