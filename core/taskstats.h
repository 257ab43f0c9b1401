/* SPDX-License-Identifier: ISC */
/*
 * The messages of the kernel's taskstats interface: generic netlink, Documentation/accounting/
 * taskstats.rst and linux/taskstats.h. Bytes in and out; who owns a socket sends and receives them.
 */
#ifndef MSTAT_CORE_TASKSTATS_H
#define MSTAT_CORE_TASKSTATS_H

#include <stdbool.h>
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

/*
 * The struct in the reply to either form, borrowed from buf, of the kernel's own length. NULL: there is
 * none, and *ret_err is -EBADMSG or the kernel's own error.
 */
const uint8_t *taskstats_struct(const uint8_t *buf, size_t len, size_t *ret_len, int *ret_err);

/*
 * Asks for the exit records of these CPUs ("0-3,8": a list as in /sys/devices/system/cpu/possible),
 * or no longer. With NLM_F_ACK, so that a refusal is told: taskstats_error() reads the answer.
 * The buffer holds TASKSTATS_REQUEST_MAX and the text. Returns the message's length.
 */
size_t taskstats_pack_register(uint8_t *buf, uint16_t family, uint32_t seq, const char *cpus,
			       bool on);

/*
 * What an acknowledgement says: 0 or the kernel's error (-EPERM without CAP_NET_ADMIN in the initial
 * user namespace, -EINVAL outside of the initial pid namespace); -EBADMSG where it is none.
 */
int taskstats_error(const uint8_t *buf, size_t len);

/* Room for the kernel's struct; the longest known is 560 bytes, and it grows at its end. */
#define TASKSTATS_STRUCT_MAX 640

/* struct acct's flags, in ac_flag. */
#define TASKSTATS_FORKED 0x01 /* AFORK: forked and did not exec */
#define TASKSTATS_CORE	 0x08 /* ACORE: dumped core */
#define TASKSTATS_KILLED 0x10 /* AXSIG: killed by a signal */
#define TASKSTATS_GROUP	 0x20 /* AGROUP: no other thread of its group lives */

/* An exit record: what the kernel says of one thread when it ends. Ids are the initial namespaces'. */
struct taskstats_exit {
	uint32_t pid;	   /* the thread */
	uint32_t tgid;	   /* its group; = pid where the kernel does not tell */
	uint32_t ppid;	   /* thread group of its real parent */
	uint32_t uid, gid; /* real */
	uint32_t status;  /* the thread's own, as wait(2) has it; older: 0 for all but the leader */
	uint8_t flags;	  /* TASKSTATS_FORKED and so on */
	bool tells_group; /* version 12 or newer: tgid and TASKSTATS_GROUP are known */
	uint64_t begin_s; /* wall clock */
	uint64_t elapsed_us; /* of this thread */
	char comm[32];	     /* always terminated */
	size_t len;
	uint8_t bytes[TASKSTATS_STRUCT_MAX]; /* the struct, for parse_source(SOURCE_EXIT, ...) */
};

/*
 * Reads the exit record of a thread out of a message. Where the last of several threads ends, the
 * message also has the sums of its group: they are passed over (most members of it are 0). Returns 0,
 * -ENOMSG for a message with sums only, -EOPNOTSUPP for version 15 as taskstats_unpack() does,
 * -EBADMSG for all else, or the kernel's own error.
 */
int taskstats_unpack_exit(const uint8_t *buf, size_t len, struct taskstats_exit *ret);

/* The number of the request that the message answers; 0 where it is none. */
uint32_t taskstats_seq(const uint8_t *buf, size_t len);

#endif
