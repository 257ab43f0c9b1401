/* SPDX-License-Identifier: ISC */
/*
 * The socket that samplers connect to, twice: as a path (works after set*id and in new network
 * namespaces) and as an abstract name (works after chroot). unix(7).
 */
#ifndef MSTAT_COLLECTOR_LISTENER_H
#define MSTAT_COLLECTOR_LISTENER_H

struct listener {
	int path_fd, abstract_fd; /* owned, listening; -1 where it could not be had */
	int folder_fd;		  /* owned: holds a shared flock() for as long as the run lives */
	char folder[64];	  /* 0711: entered by all, listed by none */
	char path[108];		  /* in it, a 128-bit random name; what MSTAT_SOCKET says */
};

/* Closed: listener_close() accepts it. */
void listener_init(struct listener *listener);

/*
 * Returns 0 when at least one of the two listens, else a negative errno. Removes the folders of our
 * own user that killed mstat processes left behind: nobody holds a lock on them any more.
 */
int listener_open(struct listener *ret);

/* Closes both, removes the path and its folder. */
void listener_close(struct listener *listener);

#endif
