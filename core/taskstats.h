/* SPDX-License-Identifier: ISC */
/*
 * The messages of the kernel's taskstats interface: generic netlink, Documentation/accounting/
 * taskstats.rst and linux/taskstats.h. Bytes in and out; who owns a socket sends and receives them.
 */
#ifndef MSTAT_CORE_TASKSTATS_H
#define MSTAT_CORE_TASKSTATS_H

#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

/* Room for every request, and for a reply (v16: 560 bytes of struct, less than 700 in all). */
#define TASKSTATS_REQUEST_MAX 64
#define TASKSTATS_REPLY_MAX   2048

/* Asks for the id of the generic netlink family TASKSTATS. Returns the message's length. */
size_t taskstats_pack_family(uint8_t *buf, uint32_t seq);

/* The family id out of the reply; -EBADMSG, or the kernel's own (negative) error. */
int taskstats_unpack_family(const uint8_t *buf, size_t len);

/*
 * Asks for the statistics of a thread (SOURCE_TASKSTATS_PID) or of a thread group
 * (SOURCE_TASKSTATS_TGID); the collector's sources of the same kind do as well. Without NLM_F_ACK:
 * the kernel answers before send() returns, with the struct or an error, and an acknowledgement
 * would be one more message to read. Returns the message's length; several may be sent in one.
 */
size_t taskstats_pack_get(uint8_t *buf, uint16_t family, uint32_t seq, enum source source,
			  uint32_t id);

/*
 * Reads the reply into the source's fields. Returns 0, -EBADMSG where there is no struct in it,
 * -EOPNOTSUPP for a version of it that cannot be read (15: its members are elsewhere), or the
 * kernel's own error (-EPERM without CAP_NET_ADMIN in the initial user namespace, -ESRCH).
 */
int taskstats_unpack(const uint8_t *buf, size_t len, enum source source, struct record *rec);

/* The number of the request that the message answers; 0 where it is none. */
uint32_t taskstats_seq(const uint8_t *buf, size_t len);

#endif
