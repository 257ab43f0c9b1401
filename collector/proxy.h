/* SPDX-License-Identifier: ISC */
/*
 * Taskstats on behalf of targets that may not ask themselves (CAP_NET_ADMIN in the initial user
 * namespace), by a generic netlink socket of the collector's, or by mstatd.
 */
#ifndef MSTAT_COLLECTOR_PROXY_H
#define MSTAT_COLLECTOR_PROXY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/record.h"

struct broker;

struct proxy {
	struct broker
		*broker; /* borrowed: asked where we may not ask ourselves. NULL: there is none */
	int fd;		 /* owned; -1: not opened yet */
	int family;	 /* id of TASKSTATS; negative: the collector may not ask, either */
	uint32_t seq;
};

void proxy_init(struct proxy *proxy);

/* Fills the collector's taskstats sources of a process's record, or why there is nothing. */
void proxy_ask(struct proxy *proxy, pid_t pid, struct record *rec);

/*
 * The kernel's replies themselves, for broker_ask()'s answer: ret_len[0] bytes to the PID form, and behind
 * them ret_len[1] to the TGID form. buf has 2 * TASKSTATS_REPLY_MAX bytes. Returns 0 or a negative errno.
 */
int proxy_ask_raw(struct proxy *proxy, pid_t pid, uint8_t *buf, size_t ret_len[2]);

void proxy_done(struct proxy *proxy);

#endif
