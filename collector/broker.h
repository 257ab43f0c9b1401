/* SPDX-License-Identifier: ISC */
/*
 * mstatd, asked by a collector that may not do all itself: for a cgroup, for what the kernel tells of
 * a tree of processes, and for their taskstats.
 *
 * It is believed where it is root's or our own user's. It is never waited for longer than is said here;
 * where it is gone what it would have told is missing, and broker_is_gone() says so.
 */
#ifndef MSTAT_COLLECTOR_BROKER_H
#define MSTAT_COLLECTOR_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/lifecycle.h"

struct broker;

/*
 * Connects to that path; where it is NULL to $MSTAT_SOCKET, or where no mstatd answers there to
 * CONTROL_SOCKET. Returns 0, or a negative
 * errno; then why is one line that says why, and what to do. At most 2 s.
 */
int broker_open(const char *path, struct broker **ret, char *why, size_t size);

/* The same by a connected socket, which it takes: it is closed where this fails. */
int broker_adopt(int fd, struct broker **ret, char *why, size_t size);

/* Whether it can do that: it is root's. */
bool broker_may_place(const struct broker *broker);

/* Has the calling process put into a cgroup that is its user's. As broker_open(). At most 10 s. */
int broker_place(struct broker *broker, char *why, size_t size);

/* From now on it tells of the calling process's children, and of all that comes from them. At most 1 s. */
int broker_follow(struct broker *broker);

/*
 * Asks the kernel for the statistics of a process of the tree. Into buf, of size bytes; ret_len[0] of them
 * are its reply to TASKSTATS_CMD_ATTR_PID, ret_len[1] after those the one to TGID. Returns 0 or a
 * negative errno. At most 100 ms.
 */
int broker_ask(struct broker *broker, pid_t pid, uint8_t *buf, size_t size, size_t ret_len[2]);

/* What it tells of the tree; ends with the broker: lifecycle_free() does nothing. */
struct lifecycle *broker_lives(struct broker *broker);

/*
 * Tells of the runs that mstatd keeps of our user, a line for each: name, bytes, the time it was last written
 * in seconds, "growing" or "finished", with tabs between them. Oldest first. Returns 0 or an error.
 */
int broker_list(struct broker *broker, void (*on_text)(void *arg, const char *text, size_t len),
		void *arg);

/* Opens the run of that name for reading: the caller's descriptor, or an error (-ENOENT: there is none). */
int broker_read(struct broker *broker, const char *name);

/* For a recorder: a new file for the run, or an error. */
int broker_more(struct broker *broker);

bool broker_is_gone(const struct broker *broker);

/* NULL is accepted. */
void broker_free(struct broker *broker);

#endif
