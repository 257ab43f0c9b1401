/* SPDX-License-Identifier: ISC */
/* A scope of a systemd, the user's or the system's. org.freedesktop.systemd1(5), systemd.scope(5). */
#ifndef MSTAT_COLLECTOR_TRANSIENT_H
#define MSTAT_COLLECTOR_TRANSIENT_H

#include <stddef.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

struct transient {
	const char *manager; /* borrowed: what why calls it */
	const char *unit;    /* borrowed: the scope's name */
	const char *slice;   /* borrowed; NULL: the manager's own choice */
	const char *part_of; /* borrowed: the unit with which it is to be stopped; NULL: none */
	pid_t pid;	     /* who is put into it; 0: who asks */
};

/*
 * Has the systemd on that bus make the scope, with its cgroup delegated, and put the process into it; it
 * goes when the last process in it does. Takes 5 s at most; the scope may still come after a timeout.
 * Returns 0 or an error; then why says on one line why not.
 */
int transient_start(sd_bus *bus, const struct transient *scope, char *why, size_t size);

#endif
