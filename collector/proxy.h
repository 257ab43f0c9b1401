/* SPDX-License-Identifier: ISC */
/*
 * Taskstats on behalf of targets that may not ask themselves (CAP_NET_ADMIN in the initial user
 * namespace), by a generic netlink socket of the collector's.
 */
#ifndef MSTAT_COLLECTOR_PROXY_H
#define MSTAT_COLLECTOR_PROXY_H

#include <stdint.h>
#include <sys/types.h>

#include "core/record.h"

struct proxy {
	int fd;	    /* owned; -1: not opened yet */
	int family; /* id of TASKSTATS; negative: the collector may not ask, either */
	uint32_t seq;
};

void proxy_init(struct proxy *proxy);

/* Fills the collector's taskstats sources of a process's record, or why there is nothing. */
void proxy_ask(struct proxy *proxy, pid_t pid, struct record *rec);

void proxy_done(struct proxy *proxy);

#endif
