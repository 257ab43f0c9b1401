/* SPDX-License-Identifier: ISC */
/*
 * mstatd: serves those who have connected, whoever they are (SO_PEERCRED), and believes nothing they say.
 *
 * To an mstat it gives a cgroup, and tells of the life of that mstat's own tree. What a sampler sends is
 * recorded by a process of its own for each tree (collector/recorder.h), in the folder of the sampler's
 * user (collector/store.h), where that user lists and reads it.
 */
#ifndef MSTAT_COLLECTOR_DAEMON_H
#define MSTAT_COLLECTOR_DAEMON_H

#include <stdint.h>
#include <systemd/sd-event.h>

struct daemon_config {
	int listen_fd;	 /* SOCK_SEQPACKET, listening, does not block; owned from daemon_new() on */
	const char *dir; /* borrowed: of the runs without a launcher */
	uint64_t keep_s, max_bytes; /* of each user's runs; STORE_NO_LIMIT */
};

struct daemon;

/*
 * Serves in the caller's event loop, borrowed, until daemon_free(). SIGCHLD must be blocked. Returns 0, or a
 * negative errno; then *ret_why says in a few words of what.
 */
int daemon_new(const struct daemon_config *config, sd_event *event, struct daemon **ret,
	       const char **ret_why);

/* Why not all is heard of processes: one line, borrowed; NULL: all is. */
const char *daemon_lacks(const struct daemon *d);

/* Hangs up. What is being recorded goes on. NULL is accepted. */
void daemon_free(struct daemon *d);

#endif
