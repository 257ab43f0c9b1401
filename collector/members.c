/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/members.h"
#include "collector/smallfile.h"
#include "core/parse.h"

/* Word 9 of /proc/PID/stat: include/linux/sched.h. */
#define PF_EXITING 4

#ifndef SO_PEERPIDFD /* Linux 6.5; include/uapi/asm-generic/socket.h */
#define SO_PEERPIDFD 77
#endif

/* What /proc/PID/stat says of a process; all zero where there is none. */
struct stat_words {
	uint64_t flags, start_ticks;
};

struct stat_job {
	struct patience_job job; /* first */
	pid_t pid;
	struct stat_words words;
};

static void read_stat(struct patience_job *job)
{
	struct stat_job *stat = (struct stat_job *)job;
	char path[32];
	char text[512];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)stat->pid);
	len = smallfile_read(path, text, sizeof(text));
	if (len > 0)
		stat->words =
			(struct stat_words){parse_word(text, len, 9), parse_word(text, len, 22)};
}

static void discard_stat(struct patience_job *job)
{
	free(job);
}

/* Newer kernels have stat wait for an exec, which may hang: outside_ask.c. Returns 0, or -errno where
 * there is no answer. */
static int ask_stat(struct members *members, pid_t pid, struct stat_words *ret)
{
	struct stat_job *stat = calloc(1, sizeof(*stat));
	int err;

	if (!stat)
		return -ENOMEM;
	stat->job = (struct patience_job){.work = read_stat, .discard = discard_stat};
	stat->pid = pid;
	err = patience_run(members->patience, &stat->job, 0);
	if (err == 0)
		*ret = stat->words;
	patience_drop(members->patience, &stat->job);
	return err;
}

static bool uid_is_known(const struct members *members, uid_t uid)
{
	for (size_t i = 0; i < members->count; i++)
		if (members->uids[i] == uid)
			return true;
	return false;
}

static void uid_note(struct members *members, uid_t uid)
{
	if (!uid_is_known(members, uid) && members->count < MEMBERS_UIDS_MAX)
		members->uids[members->count++] = uid;
}

void members_init(struct members *members, struct patience *patience)
{
	members->uids[0] = geteuid();
	members->count = 1;
	members->patience = patience;
}

/*
 * A descriptor of the process that connected; -1 where it is dead. Older kernels know none but that
 * of whoever has its pid now: then *ret_exact is false.
 */
static int open_peer(int fd, pid_t pid, bool *ret_exact)
{
	int pidfd = -1;
	socklen_t len = sizeof(pidfd);

	*ret_exact = true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) == 0)
		return pidfd;
	if (errno != ENOPROTOOPT)
		return -1;
	*ret_exact = false;
	return pidfd_open(pid, 0);
}

/* Zombies too. */
static bool has_ended(int pidfd)
{
	struct pollfd gone = {.fd = pidfd, .events = POLLIN};

	return poll(&gone, 1, 0) > 0;
}

bool members_admit(struct members *members, const struct cgroup *cg, struct peer *peer,
		   const char **ret_why)
{
	bool exact, member, dead;
	struct stat_words words = {0};
	bool told;
	int pidfd;

	*ret_why = "not of this run";
	if (!cg) {
		*ret_why = "another user";
		return peer->uid == geteuid() || geteuid() == 0;
	}
	pidfd = open_peer(peer->fd, peer->pid, &exact);
	if (pidfd < 0)
		return uid_is_known(members, peer->uid);
	member = cgroup_holds(cg, peer->pid);
	told = ask_stat(members, peer->pid, &words) == 0;
	/* On v1 a process has left its cgroup when it exits, before its pidfd says that it is gone. */
	dead = has_ended(pidfd) || (told && words.start_ticks == 0) ||
	       (!member && words.flags & PF_EXITING);
	close(pidfd);
	if (dead)
		return uid_is_known(members, peer->uid);
	if (member && exact)
		uid_note(members, peer->uid);
	peer->start_ticks = words.start_ticks;
	peer->is_guess = !exact;
	return member;
}

bool members_confirm(struct members *members, const struct peer *peer, uint64_t start_ticks)
{
	/* The one whom we looked at has got the pid of one who is dead. */
	if (peer->is_guess && peer->start_ticks != start_ticks)
		return uid_is_known(members, peer->uid);
	uid_note(members, peer->uid);
	return true;
}
