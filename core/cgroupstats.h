/* SPDX-License-Identifier: ISC */
/*
 * The messages that ask how many tasks of a v1 cgroup are in which state: a command of taskstats'
 * generic netlink family, linux/cgroupstats.h. Bytes in and out.
 *
 * What the kernel answers is not all: since Linux 6.1 it passes over sleeping tasks that may be
 * frozen (nanosleep, futex, pipes: TASK_FREEZABLE), for it compares states exactly.
 */
#ifndef MSTAT_CORE_CGROUPSTATS_H
#define MSTAT_CORE_CGROUPSTATS_H

#include <stddef.h>
#include <stdint.h>

/* Room for the request, and for an answer and its acknowledgement together. */
#define CGROUPSTATS_REQUEST_MAX 32
#define CGROUPSTATS_REPLY_MAX	512

/* struct cgroupstats, in its order. */
enum cgroupstats_state {
	CGROUPSTATS_SLEEPING,
	CGROUPSTATS_RUNNING,
	CGROUPSTATS_STOPPED,
	CGROUPSTATS_UNINTERRUPTIBLE,
	CGROUPSTATS_IOWAIT,
};
#define CGROUPSTATS_COUNT 5

/*
 * Asks for the states in the cgroup whose directory is open as fd (v1 only: EINVAL for v2).
 * Any user may. With NLM_F_ACK: for a descriptor that is none there is no answer but that. Returns
 * the message's length.
 */
size_t cgroupstats_pack_get(uint8_t *buf, uint16_t family, uint32_t seq, uint32_t fd);

/*
 * Reads one message of the answer. Returns 1 with *ret filled (CGROUPSTATS_COUNT numbers), 0 for the
 * acknowledgement, which comes last, -EBADMSG where it is neither, or the kernel's own error.
 */
int cgroupstats_unpack(const uint8_t *buf, size_t len, uint64_t *ret);

#endif
