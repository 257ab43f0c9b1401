/* SPDX-License-Identifier: ISC */
/*
 * Who records the run of a tree that nobody has launched: a process for each, which reads what hostile
 * samplers send without a privilege of its own. mstatd's side of it: starting it, and passing
 * connections on. It ends when the tree has, or with mstatd.
 */
#ifndef MSTAT_COLLECTOR_RECORDER_H
#define MSTAT_COLLECTOR_RECORDER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct recorder {
	pid_t pid; /* a child of ours */
	/* Owned, and a stranger's (stranger.h). When they are closed it ends. */
	int asks_fd; /* there it asks as an mstat does */
	int to_fd;   /* there it is given connections */
	pid_t root;  /* of the tree */
};

/*
 * Starts one for the tree of that process, as its user, that writes the file out_fd, borrowed, up to file_max bytes (0: all),
 * and then asks for another one (CONTROL_MORE). Returns 0 or a negative errno. The program's own file
 * is executed anew: main() calls worker_main() where worker_is_asked_for() (collector/worker.h).
 */
int recorder_start(int out_fd, uint64_t file_max, const struct ucred *root, struct recorder *ret);

/*
 * Gives it a connection, borrowed, and the message that was read from it. Returns 0; -EAGAIN where it has
 * more to take in than there is room for, until to_fd can be written; or another negative errno.
 */
int recorder_give(const struct recorder *recorder, int fd, const uint8_t *message, size_t len);

#endif
