/* SPDX-License-Identifier: ISC */
/*
 * The folder of the runs that were recorded without a launcher: DIR/UID/NAME.mstat. All in it is
 * ours and nobody else may enter DIR/UID: others get their runs through descriptors that we open.
 *
 * A run that is still being written is known by the lock on its file. One process works in a DIR
 * at a time, which DIR/lock sees to, and one thread of it.
 */
#ifndef MSTAT_COLLECTOR_STORE_H
#define MSTAT_COLLECTOR_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* The name of a run's file, with its zero byte. */
#define STORE_NAME_SIZE 64
/* For seconds and bytes. */
#define STORE_NO_LIMIT UINT64_MAX

struct store;

struct store_run {
	char name[STORE_NAME_SIZE];
	/* The larger of its length and what it takes on the disk: many small ones fill it, too. */
	uint64_t size_bytes;
	int64_t mtime_s;
	bool is_growing; /* is still being written */
};

/* Another return value than 0 ends the listing. run is borrowed for the call. */
typedef int store_sink(void *arg, const struct store_run *run);

/*
 * Makes DIR (0711 less the umask) if it is missing, but not its parents. A DIR that is a symbolic
 * link is refused, with -EPERM one that is neither root's nor ours, or in which others can write and
 * remove what is ours, and with -EBUSY one that is open already.
 */
int store_open(const char *dir, struct store **ret);

/* NULL is accepted. Does not end the runs that are being written. */
void store_close(struct store *store);

/*
 * Makes an empty file for the run of a program that began at that time, and the uid's folder if it
 * is missing. Its name has the time in UTC, the pid, and what of comm can be in a file's name. The
 * caller owns the descriptor, which is open for writing and locked; the run grows until the last
 * copy of it is closed, in whatever process.
 */
int store_begin(struct store *store, uid_t uid, const char *comm, pid_t pid, time_t at, int *ret_fd,
		char ret_name[STORE_NAME_SIZE]);

/*
 * Opens a run of that uid for reading; the caller owns the descriptor. The name may be anything: one
 * that store_begin() would not make is -EINVAL, one by which no run is known -ENOENT.
 */
int store_read(struct store *store, uid_t uid, const char *name);

/*
 * Tells the uid's runs in the order of their names, which begin with their times. What is no run is
 * passed over. Returns 0, a negative errno, or what ended the listing.
 */
int store_list(struct store *store, uid_t uid, store_sink *each, void *arg);

/* The sum of the sizes of the uid's runs, and how many of them are being written. */
int store_bytes(struct store *store, uid_t uid, uint64_t *ret_bytes, size_t *ret_growing);

/*
 * Removes the uid's runs that were last written more than keep_s before now, then the oldest ones
 * until all of them take max_bytes at most, and are a thousand; then its folder, if it is empty. Runs that are still
 * being written count, and stay. Returns how many were removed, or the first error: one file that
 * cannot be removed does not keep the others.
 */
int store_rotate(struct store *store, uid_t uid, uint64_t keep_s, uint64_t max_bytes, time_t now);

/* The same for each uid that has a folder; a folder that cannot be read does not keep the others. */
int store_rotate_all(struct store *store, uint64_t keep_s, uint64_t max_bytes, time_t now);

#endif
