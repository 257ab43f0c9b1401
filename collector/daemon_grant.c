/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/daemon_internal.h"
#include "collector/grant.h"

/* Of one user. */
#define USERS_GRANTING_MAX 2
#define GRANTING_NS	   20000000000u
#define DIR_MAX		   4096

/* What the child that makes a cgroup tells. */
struct grant_answer {
	int err;
	char dir[DIR_MAX];
	char why[DAEMON_WHY_MAX];
};

/* The child goes on; what it makes for nobody it removes itself. */
void daemon_end_granting(struct link *link)
{
	if (!link->granting)
		return;
	sd_event_source_disable_unref(link->grant_io);
	link->grant_io = NULL;
	close(link->grant_fd);
	link->granting = 0;
}

static void remember_grant(struct daemon *d, const char *dir)
{
	if (dir[0] && d->left_count < DAEMON_GRANTS_MAX &&
	    (d->left[d->left_count].dir = strdup(dir)) != NULL)
		d->left_count++;
}

static bool read_answer(int fd, struct grant_answer *ret)
{
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(*ret) && (n = read(fd, (char *)ret + len, sizeof(*ret) - len)) != 0) {
		if (n < 0 && errno != EINTR)
			return false;
		len += n > 0 ? (size_t)n : 0;
	}
	return len == sizeof(*ret);
}

static int on_granted(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct link *link = arg;
	static struct grant_answer told;

	(void)source;
	(void)revents;
	if (!read_answer(fd, &told))
		told = (struct grant_answer){.err = -EIO, .why = "mstatd could not make a cgroup"};
	daemon_end_granting(link);
	remember_grant(link->daemon, told.err ? "" : told.dir);
	if (daemon_answer(link, CONTROL_PLACED, (uint64_t)-told.err, told.why) < 0)
		daemon_end_link(link);
	return 0;
}

/*
 * Talks to systemd, and walks through directories of others: not where all would wait. It has none of
 * our descriptors: who waits for the end of one must not wait for this.
 */
__attribute__((noreturn)) static void grant(const struct grant_peer *peer, int fd)
{
	static struct grant_answer told;
	struct grant_peer own = *peer;
	int kept[] = {fcntl(peer->pidfd, F_DUPFD, 10), fcntl(fd, F_DUPFD, 10)};

	own.pidfd = dup2(kept[0], 3);
	fd = dup2(kept[1], 4);
	close_range(5, ~0u, 0);
	told.err = grant_enter(&own, told.dir, sizeof(told.dir), told.why, sizeof(told.why));
	if (write(fd, &told, sizeof(told)) != (ssize_t)sizeof(told) && told.err == 0 && told.dir[0])
		grant_remove(told.dir);
	_exit(0);
}

static struct granting *find_granting(struct daemon *d, pid_t pid)
{
	for (size_t i = 0; i < DAEMON_GRANTING_MAX; i++)
		if (d->granting[i].pid == pid)
			return &d->granting[i];
	return NULL;
}

static bool may_grant(const struct daemon *d, uid_t uid)
{
	size_t n = 0;

	for (size_t i = 0; i < DAEMON_GRANTING_MAX; i++)
		n += d->granting[i].pid != 0 && d->granting[i].uid == uid;
	return n < USERS_GRANTING_MAX;
}

int daemon_place(struct link *link)
{
	struct daemon *d = link->daemon;
	struct grant_peer peer = {link->pid, link->teller.uid, link->gid, link->pidfd};
	struct granting *granting = find_granting(d, 0);
	int ends[2];

	if (link->granting || link->recorder)
		return -EBADMSG;
	if (link->pidfd < 0 || !granting || !may_grant(d, link->teller.uid) ||
	    pipe2(ends, O_CLOEXEC) < 0)
		return daemon_answer(link, CONTROL_PLACED, EAGAIN,
				     "mstatd has too much to do just now");
	link->granting = fork();
	if (link->granting == 0)
		grant(&peer, ends[1]);
	close(ends[1]);
	if (link->granting < 0 ||
	    sd_event_add_io(d->event, &link->grant_io, ends[0], EPOLLIN, on_granted, link) < 0) {
		link->granting = 0;
		close(ends[0]);
		return daemon_answer(link, CONTROL_PLACED, EAGAIN,
				     "mstatd could not start a process");
	}
	*granting = (struct granting){link->granting, link->teller.uid, daemon_now_ns()};
	link->grant_fd = ends[0];
	return 0;
}

bool daemon_grant_ended(struct daemon *d, pid_t pid)
{
	struct granting *granting = find_granting(d, pid);

	if (pid == d->remover)
		d->remover = 0;
	else if (granting)
		granting->pid = 0;
	else
		return false;
	return true;
}

/* What is not there any more was removed. */
static void forget_removed(struct daemon *d)
{
	for (size_t i = 0; i < d->left_count;) {
		if (access(d->left[i].dir, F_OK) == 0) {
			i++;
			continue;
		}
		free(d->left[i].dir);
		d->left[i] = d->left[--d->left_count];
	}
}

/* Trees that users have made below may be large: not where all would wait. */
static void remove_empty(struct daemon *d)
{
	forget_removed(d);
	if (d->left_count == 0 || d->remover > 0)
		return;
	d->remover = fork();
	if (d->remover != 0)
		return;
	close_range(3, ~0u, 0);
	for (size_t i = 0; i < d->left_count; i++)
		grant_remove(d->left[i].dir);
	_exit(0);
}

void daemon_tend_grants(struct daemon *d, uint64_t now_ns)
{
	for (size_t i = 0; i < DAEMON_GRANTING_MAX; i++)
		if (d->granting[i].pid && now_ns - d->granting[i].since_ns >= GRANTING_NS)
			kill(d->granting[i].pid, SIGKILL);
	remove_empty(d);
}

void daemon_free_grants(struct daemon *d)
{
	for (size_t i = 0; i < d->left_count; i++) {
		grant_remove(d->left[i].dir);
		free(d->left[i].dir);
	}
	d->left_count = 0;
}
