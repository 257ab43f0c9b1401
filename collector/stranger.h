/* SPDX-License-Identifier: ISC */
/*
 * Sockets of strangers are read and closed with care: a message may carry descriptors (unix(7), SCM_RIGHTS), whose
 * last use ends with it, unless it is taken. The close of a TCP socket that lingers (socket(7)) takes as long as its
 * owner has said; nor can such a descriptor be taken and closed: a file system may keep whoever closes waiting. From
 * Linux 6.16 on nothing of the kind comes through (SO_PASSRIGHTS). Before, what may have such messages
 * unread is closed by a process of no other use that exits, for it does not linger (net/ipv4/af_inet.c,
 * inet_release()).
 */
#ifndef MSTAT_COLLECTOR_STRANGER_H
#define MSTAT_COLLECTOR_STRANGER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* As many are closed at once; while there are more, no more strangers should be let in. */
#define STRANGER_GRAVE_FULL  256
#define STRANGER_CLOSERS_MAX 64

/* Sockets that are to be closed so. Zeroed: none. */
struct stranger_grave {
	int *fds; /* owned, and what they are */
	size_t count, room;
	pid_t closers[STRANGER_CLOSERS_MAX]; /* 0: none */
};

/* Of a listening socket, for those who connect from then on; does nothing before Linux 6.16. */
void stranger_guard(int listen_fd);

/* Whether that holds for a connection. */
bool stranger_is_guarded(int fd);

/* recv(2) with MSG_DONTWAIT | MSG_TRUNC of a seqpacket socket; -1 with EPERM where descriptors come along. */
ssize_t stranger_receive(int fd, bool is_guarded, void *buf, size_t size);

/* Closes a connection, sooner or later; the stranger sees its end at once. */
void stranger_close(struct stranger_grave *grave, int fd, bool is_guarded);

/* Likewise, where somebody else has it, too, who goes on with it. */
void stranger_let_go(struct stranger_grave *grave, int fd, bool is_guarded);

/* To be called now and then. Of the process that it starts no SIGCHLD comes, and waitpid(-1) does not tell of it. */
void stranger_tend(struct stranger_grave *grave);

/* The last time. What nobody could be found to close is left to our own exit. */
void stranger_done(struct stranger_grave *grave);

#endif
