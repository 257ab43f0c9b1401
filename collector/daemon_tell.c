/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "collector/daemon_internal.h"
#include "core/bytes.h"
#include "core/taskstats.h"

/* Questions that come within this time are answered by one look at the kernel's sockets. */
#define SOON_USEC 1000
#define SETTLE_MS 20
#define TELL_USEC 100000
/* The kernel is listened to for so long after the last one has gone. */
#define IDLE_S 10

void daemon_flush(struct link *link)
{
	struct lifecycle_losses losses = {0};
	int ret;

	if (link->daemon->lives)
		lifecycle_losses(link->daemon->lives, &losses);
	ret = teller_send(&link->teller, &losses);
	if (ret < 0)
		daemon_end_link(link);
	else
		sd_event_source_set_io_events(link->io,
					      ret > 0 ? EPOLLIN | EPOLLOUT : (uint32_t)EPOLLIN);
}

static void on_life(void *arg, const struct life_event *event)
{
	struct daemon *d = arg;
	struct kin_group *group = NULL;

	if (event->kind == LIFE_FORK)
		kin_fork(d->kin, event->parent, event->pid);
	if (event->kind == LIFE_EXIT)
		kin_exit(d->kin, event->pid, daemon_now_ns());
	/* A group is the first member of a teller. */
	while ((group = kin_next(d->kin, event->pid, group)))
		teller_tell((struct teller *)group, event);
}

/* While somebody is there: of every fork of the machine a word costs some microseconds. */
void daemon_listen(struct daemon *d)
{
	const char *why = NULL;
	int err;

	if (d->lives)
		return;
	err = lifecycle_new(0, &d->lives);
	if (err < 0)
		why = lifecycle_why(err);
	else if (lifecycle_has_events(d->lives, &why) && lifecycle_has_records(d->lives, &why))
		why = NULL;
	snprintf(d->lacks, sizeof(d->lacks), "%s", why ? why : "");
}

void daemon_stop_listening(struct daemon *d)
{
	d->idle = d->link_count ? 0 : d->idle + 1;
	if (d->idle < IDLE_S)
		return;
	lifecycle_free(d->lives);
	d->lives = NULL;
}

/* All that has happened up to now. */
void daemon_hear(struct daemon *d)
{
	if (!d->lives)
		return;
	lifecycle_settle(d->lives, SETTLE_MS);
	lifecycle_take(d->lives, on_life, d);
}

/* Asks the kernel first whether there is more, if somebody waits for that. */
static void tell_all(struct daemon *d, bool settle)
{
	if (settle)
		daemon_hear(d);
	else if (d->lives)
		lifecycle_take(d->lives, on_life, d);
	for (struct link *link = d->links, *next; link; link = next) {
		next = link->next;
		if (settle && link->asked)
			link->teller.question = link->asked;
		if (settle)
			link->asked = 0;
		if (link->teller.queue.used || link->teller.question)
			daemon_flush(link);
	}
}

static int on_soon(sd_event_source *source, uint64_t usec, void *arg)
{
	struct daemon *d = arg;

	(void)source;
	(void)usec;
	d->is_soon = false;
	tell_all(d, true);
	return 0;
}

static int again(sd_event_source *source, uint64_t usec)
{
	sd_event_source_set_time_relative(source, usec);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_tell(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)usec;
	tell_all(arg, false);
	return again(source, TELL_USEC);
}

/* Those who ask after the first one do not put it off. */
int daemon_settle(struct link *link, uint64_t question)
{
	struct daemon *d = link->daemon;

	link->asked = question;
	if (d->is_soon)
		return 0;
	d->is_soon = true;
	return again(d->soon, SOON_USEC);
}

int daemon_start_telling(struct daemon *d)
{
	int err = sd_event_add_time_relative(d->event, &d->tell, CLOCK_MONOTONIC, TELL_USEC, 0,
					     on_tell, d);

	if (err >= 0)
		err = sd_event_add_time_relative(d->event, &d->soon, CLOCK_MONOTONIC, SOON_USEC, 1,
						 on_soon, d);
	return err;
}

/* ---- what is asked of processes ------------------------------------------------------------------- */

/* What is told are pids of our pid namespace. */
static bool is_in_our_pids(pid_t pid)
{
	char path[64];
	struct stat own, its;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	return stat("/proc/self/ns/pid", &own) == 0 && stat(path, &its) == 0 &&
	       own.st_ino == its.st_ino && own.st_dev == its.st_dev;
}

/* The word of its own fork may be waiting still: after that it would be nobody's. */
int daemon_follow(struct link *link)
{
	int err;

	if (link->teller.group.count || link->recorder)
		return -EBADMSG;
	if (!is_in_our_pids(link->pid))
		return daemon_answer(link, CONTROL_FOLLOWED, EXDEV, NULL);
	daemon_hear(link->daemon);
	err = kin_add(link->daemon->kin, link->pid, &link->teller.group);
	if (!daemon_is_there(link)) {
		kin_drop(link->daemon->kin, &link->teller.group);
		err = -ESRCH;
	}
	return daemon_answer(link, CONTROL_FOLLOWED, (uint64_t)-err, NULL);
}

static bool is_in_group(const struct link *link, pid_t pid)
{
	struct kin_group *group = NULL;

	while ((group = kin_next(link->daemon->kin, pid, group)))
		if (group == &link->teller.group)
			return true;
	return false;
}

int daemon_ask(struct link *link, uint64_t number)
{
	struct control_message message = {.kind = CONTROL_ASKED};
	uint8_t replies[2 * TASKSTATS_REPLY_MAX + 2 * BYTES_VARINT_MAX];
	struct bytes_out out = {replies, replies + sizeof(replies), false};
	uint8_t raw[2 * TASKSTATS_REPLY_MAX];
	size_t len[2] = {0};
	pid_t pid = number <= INT32_MAX ? (pid_t)number : 0;
	int err = -ESRCH;

	if (is_in_group(link, pid))
		err = teller_may_know(&link->teller, pid)
			      ? proxy_ask_raw(&link->daemon->proxy, pid, raw, len)
			      : -EPERM;
	message.number = (uint64_t)-err;
	if (err == 0) {
		bytes_put_blob(&out, raw, len[0]);
		bytes_put_blob(&out, raw + len[0], len[1]);
		message.bytes = replies;
		message.len = (size_t)(out.p - replies);
	}
	return control_send(link->teller.fd, &message, -1);
}
