/* SPDX-License-Identifier: ISC */
#include <poll.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "collector/members.h"
#include "collector/smallfile.h"
#include "core/parse.h"

/* Word 9 of /proc/PID/stat: include/linux/sched.h. */
#define PF_EXITING 4

/* On v1 a process has left its cgroup when it exits, before its pidfd says that it is gone. */
static bool is_exiting(pid_t pid)
{
	char path[32];
	char text[512];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	len = smallfile_read(path, text, sizeof(text));
	return len == 0 || parse_word(text, len, 9) & PF_EXITING;
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

void members_init(struct members *members)
{
	members->uids[0] = geteuid();
	members->count = 1;
}

/*
 * The pid cannot be another's while the pidfd says that it lives;
 * one that is dead already cannot be looked up any more: it is believed, where it was of a user
 * whose processes the run has.
 */
bool members_admit(struct members *members, const struct cgroup *cg, pid_t pid, uid_t uid,
		   const char **ret_why)
{
	struct pollfd gone = {.events = POLLIN}; /* readable: it has ended, zombies too */
	bool member, dead;

	*ret_why = "not of this run";
	if (!cg) {
		*ret_why = "another user";
		return uid == geteuid() || geteuid() == 0;
	}
	gone.fd = pidfd_open(pid, 0);
	if (gone.fd < 0)
		return uid_is_known(members, uid);
	member = cgroup_holds(cg, pid);
	dead = poll(&gone, 1, 0) > 0 || (!member && is_exiting(pid));
	close(gone.fd);
	if (member && !dead)
		uid_note(members, uid);
	return dead ? uid_is_known(members, uid) : member;
}
