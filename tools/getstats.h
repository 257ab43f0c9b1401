/* SPDX-License-Identifier: ISC */
/* All that the kernel's taskstats tell of a process. linux/taskstats.h. */
#ifndef MSTAT_TOOLS_GETSTATS_H
#define MSTAT_TOOLS_GETSTATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct proxy;

/* Room for the kernel's struct: version 17 has 688 bytes. */
#define GETSTATS_MAX 1024

/* Of the two forms: of the thread with that id (PID), of the whole process (TGID). */
struct getstats {
	pid_t pid;
	size_t len[2]; /* what the kernel has told, as far as there is room */
	uint8_t bytes[2][GETSTATS_MAX];
};

/*
 * Asks the kernel. Returns 0; -EPERM without CAP_NET_ADMIN in the initial user namespace, -ESRCH where
 * there is no such process, -ENOENT where the kernel has no taskstats, -EOPNOTSUPP for the one version
 * whose members are elsewhere (15), and so on.
 */
int getstats_read(pid_t pid, struct getstats *ret);

/* The same by a socket that is kept: collector/proxy.h. */
int getstats_ask(struct proxy *proxy, pid_t pid, struct getstats *ret);

/* Fills it from two structs as the kernel gives them. The same errors. */
int getstats_take(const uint8_t *pid_form, size_t pid_len, const uint8_t *tgid_form,
		  size_t tgid_len, struct getstats *ret);

/* A line for each field: its name, its value in both forms ("-": not told in that one), its unit. */
void getstats_print(FILE *to, const struct getstats *stats);

/* How long a process's threads have waited, all together, since it was started. */
#define GETSTATS_DELAYS 8
struct getstats_delays {
	bool is_known;
	uint64_t ns[GETSTATS_DELAYS];
};

void getstats_take_delays(const struct getstats *stats, struct getstats_delays *ret);

/*
 * Those of a millisecond and more, in one word: cpu=1.204s,swapin=0.010s; 0: none is, "-": it is not known.
 * Returns buf.
 */
#define GETSTATS_DELAYS_ROOM 256
const char *getstats_delays_text(const struct getstats_delays *delays, char *buf, size_t size);

/* What went wrong, for people. */
const char *getstats_explain(int err);

#endif
