/* SPDX-License-Identifier: ISC */
/*
 * The kernel's netlink sockets that tell of processes: one for any protocol, and the process connector
 * (linux/cn_proc.h), whose messages come for every fork, exec and exit of the machine.
 */
#ifndef MSTAT_COLLECTOR_CONNECTOR_H
#define MSTAT_COLLECTOR_CONNECTOR_H

#include <linux/cn_proc.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any message of the connector. */
#define CONNECTOR_MESSAGE_MAX 256

/*
 * A netlink socket that never blocks and is not told of ENOBUFS, with receive buffers of so many bytes,
 * or what is permitted. Returns the descriptor, the caller's to close; or -errno. netlink_size() is what
 * it was given, twice of which the kernel counts as its own (socket(7)).
 */
int netlink_open(int protocol, unsigned groups, int size);
int netlink_size(int fd);

/*
 * A socket that gets the connector's messages of these kinds, an or of PROC_EVENT_FORK, PROC_EVENT_EXEC
 * and PROC_EVENT_EXIT. Before Linux 6.6 all others come too. Returns it or -errno: -EPERM, without
 * CAP_NET_ADMIN before 6.6; -ECONNREFUSED in a child network namespace; -EPROTONOSUPPORT.
 */
int connector_open(uint32_t kinds, int size);

/* The event in a message; all zero where there is none. */
struct proc_event connector_unpack(const uint8_t *message, size_t len);

/* Kernels before 6.6 count listeners: one that only closed its socket stays counted. */
void connector_close(int fd);

#endif
