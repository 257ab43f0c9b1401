/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/daemon_internal.h"
#include "collector/worker.h"
#include "core/wire.h"

/* What one user may have at a time; root may have more of all. */
#define LINKS_MAX     64
#define SILENT_MAX    256
#define PROCESSES_MAX 20000
#define ROOTS_TIMES   64
/* Connections that said nothing yet are ended then. */
#define SILENT_NS 10000000000u
/* What one connection may ask in a second: an honest mstat asks of each process ten times. */
#define ASKS_MAX 5000
/* Connections that are accepted before others have their turn. */
#define ACCEPT_TURN 64
#define SECOND_USEC 1000000
#define SECOND_NS   1000000000u
#define ROTATE_S    600
/* A recorder that takes nothing for so long has come to an end. */
#define STUCK_NS 30000000000u
/* So long it may take to write what it has. */
#define LEAVE_NS 10000000000u
/* What takes so long to happen again is said again. */
#define SAY_NS 60000000000u

uint64_t daemon_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

/* ---- who is there ------------------------------------------------------------------------------ */

size_t daemon_at_most(uid_t uid, size_t max)
{
	return uid == 0 ? max * ROOTS_TIMES : max;
}

size_t daemon_links_left(const struct daemon *d)
{
	return d->link_max > d->link_count ? d->link_max - d->link_count : 0;
}

size_t daemon_share(uid_t uid, size_t max, size_t left)
{
	size_t share = left / 8 ? left / 8 : 1;

	if (uid == 0)
		return daemon_at_most(uid, max);
	return share < max ? share : max;
}

void daemon_say(struct daemon *d, uid_t uid, const char *why)
{
	uint64_t now = daemon_now_ns();
	struct said *oldest = d->said;

	for (struct said *said = d->said; said < d->said + DAEMON_SAID_MAX; said++) {
		if (said->uid == uid && said->why == why && now - said->at_ns < SAY_NS)
			return;
		if (said->at_ns < oldest->at_ns)
			oldest = said;
	}
	/* Of many users, too, no more than that. */
	if (oldest->why && now - oldest->at_ns < SAY_NS)
		return;
	*oldest = (struct said){uid, why, now};
	fprintf(stderr, "mstatd: uid %u: not recorded: %s\n", (unsigned)uid, why);
}

size_t daemon_count_links(const struct daemon *d, uid_t uid, bool is_open, bool is_recorder)
{
	size_t n = 0;

	for (struct link *link = d->links; link; link = link->next)
		n += link->teller.uid == uid && link->is_open == is_open && !link->taker &&
		     (link->recorder != 0) == is_recorder;
	return n;
}

static void close_link(struct link *link)
{
	struct stranger_grave *grave = &link->daemon->grave;

	if (link->recorder)
		stranger_close(grave, link->given.to_fd, false);
	if (link->is_given)
		stranger_let_go(grave, link->teller.fd, link->is_guarded);
	else
		stranger_close(grave, link->teller.fd, link->is_guarded);
	if (link->pidfd >= 0)
		close(link->pidfd);
}

/* Nothing is left of it but its process. */
static void leave(struct link *link)
{
	kin_drop(link->daemon->kin, &link->teller.group);
	daemon_end_granting(link);
	daemon_leave_queue(link);
	sd_event_source_disable_unref(link->io);
	link->io = NULL;
	close_link(link);
	teller_done(&link->teller);
	link->asked = link->teller.question = link->stuck_ns = 0;
	link->is_leaving = true;
	link->since_ns = daemon_now_ns();
}

void daemon_end_link(struct link *link)
{
	struct daemon *d = link->daemon;

	if (!link->is_leaving)
		leave(link);
	/* It counts as long as it is there. */
	if (link->recorder && !link->is_reaped)
		return;
	d->link_count--;
	d->run_count -= link->recorder != 0 && link->teller.uid != 0;
	free(link->up);
	if (link->prev)
		link->prev->next = link->next;
	else
		d->links = link->next;
	if (link->next)
		link->next->prev = link->prev;
	free(link);
}

static int on_link(sd_event_source *source, int fd, uint32_t revents, void *arg);

/* fd and pidfd are the link's, or closed. */
struct link *daemon_add_link(struct daemon *d, int fd, int pidfd, const struct ucred *cred)
{
	struct link *link = calloc(1, sizeof(*link));

	if (link && sd_event_add_io(d->event, &link->io, fd, EPOLLIN, on_link, link) >= 0) {
		link->teller.fd = fd;
		link->is_guarded = stranger_is_guarded(fd);
		link->teller.uid = cred->uid;
		link->teller.group.max = daemon_at_most(cred->uid, PROCESSES_MAX);
		link->daemon = d;
		link->pid = cred->pid;
		link->gid = cred->gid;
		link->pidfd = pidfd;
		link->since_ns = daemon_now_ns();
		link->next = d->links;
		if (link->next)
			link->next->prev = link;
		d->links = link;
		d->link_count++;
		return link;
	}
	free(link);
	stranger_close(&d->grave, fd, false);
	if (pidfd >= 0)
		close(pidfd);
	return NULL;
}

bool daemon_is_there(const struct link *link)
{
	struct pollfd gone = {.fd = link->pidfd, .events = POLLIN};

	return link->pidfd >= 0 && poll(&gone, 1, 0) == 0;
}

struct spender *daemon_spender(struct daemon *d, uid_t uid)
{
	struct spender *spender = d->spenders;

	while (spender && spender->uid != uid)
		spender = spender->next;
	if (!spender) {
		spender = calloc(1, sizeof(*spender));
		if (!spender)
			return NULL;
		spender->uid = uid;
		spender->next = d->spenders;
		d->spenders = spender;
	}
	return spender;
}

bool daemon_may_spend(struct daemon *d, uid_t uid, enum daemon_cost cost)
{
	/* A look at a process takes some 20 us. */
	static const unsigned most[DAEMON_COSTS] = {
		[DAEMON_RUN] = 32, [DAEMON_HEAR] = 256, [DAEMON_LOOK] = 4096, [DAEMON_LIST] = 4};
	struct spender *spender = daemon_spender(d, uid);

	return spender && spender->spent[cost]++ < daemon_at_most(uid, most[cost]);
}

static void forget_spenders(struct daemon *d)
{
	while (d->spenders) {
		struct spender *first = d->spenders;

		d->spenders = first->next;
		free(first);
	}
}

/* ---- requests ---------------------------------------------------------------------------------- */

int daemon_answer(struct link *link, enum control_kind kind, uint64_t number, const char *text)
{
	struct control_message message = {(uint8_t)kind, number, (const uint8_t *)text,
					  text ? strlen(text) : 0};

	return control_send(link->teller.fd, &message, -1);
}

static int refuse(struct link *link, const char *why)
{
	daemon_answer(link, CONTROL_OPENED, 0, why);
	return -ECONNREFUSED;
}

static int open_link(struct link *link, const struct control_message *message)
{
	struct daemon *d = link->daemon;
	uint64_t flags = CONTROL_IS_OPEN;

	if (message->number != CONTROL_VERSION)
		return refuse(link, "it is of another version: restart it");
	if (daemon_count_links(d, link->teller.uid, true, false) >=
	    daemon_share(link->teller.uid, LINKS_MAX, daemon_links_left(d)))
		return refuse(link, "this user has too many runs at a time");
	link->is_open = true;
	daemon_listen(d);
	if (d->lives && lifecycle_has_events(d->lives, NULL))
		flags |= CONTROL_HAS_EVENTS;
	if (d->lives && lifecycle_has_records(d->lives, NULL))
		flags |= CONTROL_HAS_RECORDS;
	if (d->lives && lifecycle_marks_last(d->lives))
		flags |= CONTROL_MARKS_LAST;
	if (geteuid() == 0)
		flags |= CONTROL_MAY_PLACE;
	return daemon_answer(link, CONTROL_OPENED, flags, d->lacks);
}

/* ---- messages ---------------------------------------------------------------------------------- */

static int take_request(struct link *link, const struct control_message *message)
{
	if (!link->is_open)
		return message->kind == CONTROL_OPEN ? open_link(link, message) : -EBADMSG;
	switch ((enum control_kind)message->kind) {
	case CONTROL_PLACE:
		return daemon_place(link);
	case CONTROL_FOLLOW:
		return daemon_follow(link);
	case CONTROL_SETTLE:
		return daemon_settle(link, message->number);
	case CONTROL_ASK:
		return daemon_ask(link, message->number);
	case CONTROL_LIST:
		return daemon_list(link);
	case CONTROL_READ:
		return daemon_read(link, message);
	case CONTROL_MORE:
		return daemon_more(link);
	default:
		return -EBADMSG;
	}
}

static int take_message(struct link *link)
{
	static uint8_t buf[CONTROL_MAX];
	struct control_message message;
	ssize_t n = stranger_receive(link->teller.fd, link->is_guarded, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0 || n > (ssize_t)sizeof(buf))
		return -ECONNRESET;
	if (!control_is_request(buf[0]))
		return link->is_open ? -EBADMSG : daemon_hand_over(link, buf, (size_t)n);
	if (control_unpack(buf, (size_t)n, &message) < 0)
		return -EBADMSG;
	/* The rest of what it has to say is left to the next second. */
	if (++link->asks >= ASKS_MAX)
		sd_event_source_set_enabled(link->io, SD_EVENT_OFF);
	return take_request(link, &message);
}

static int on_link(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct link *link = arg;
	int err = 0;

	(void)source;
	(void)fd;
	if (revents & EPOLLIN || revents & EPOLLHUP)
		err = take_message(link);
	/* Who does not read his answers is not answered. */
	if (err < 0)
		daemon_end_link(link);
	else if (revents & EPOLLOUT)
		daemon_flush(link);
	return 0;
}

/* ---- connections ------------------------------------------------------------------------------- */

#ifndef SO_PEERPIDFD /* Linux 6.5; include/uapi/asm-generic/socket.h */
#define SO_PEERPIDFD 77
#endif

/* Of the process that connected; before 6.5 of whoever has its pid now, which is looked at again. */
static int open_pidfd(int fd, pid_t pid)
{
	int pidfd = -1;
	socklen_t len = sizeof(pidfd);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) == 0)
		return pidfd;
	return errno == ENOPROTOOPT && pid > 0 ? pidfd_open(pid, 0) : -1;
}

/* The one that has said nothing for the longest time, so that a new one may; of all users' where uid is NULL. */
static void end_oldest(struct daemon *d, const uid_t *uid)
{
	struct link *oldest = NULL;

	for (struct link *link = d->links; link; link = link->next)
		if ((!uid || link->teller.uid == *uid) && !link->is_open && !link->recorder &&
		    !link->taker)
			oldest = link;
	if (oldest)
		daemon_end_link(oldest);
}

static void take_connection(struct daemon *d, int fd)
{
	struct ucred cred = {0};
	socklen_t len = sizeof(cred);
	struct link *link;

	/* Without root's privileges there is nothing that we could do for others. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 ||
	    (geteuid() != 0 && cred.uid != geteuid())) {
		stranger_close(&d->grave, fd, false);
		return;
	}
	if (daemon_count_links(d, cred.uid, false, false) >= daemon_at_most(cred.uid, SILENT_MAX))
		end_oldest(d, &cred.uid);
	if (d->link_count >= d->link_max)
		end_oldest(d, NULL);
	if (d->link_count >= d->link_max) {
		stranger_close(&d->grave, fd, false);
		return;
	}
	link = daemon_add_link(d, fd, open_pidfd(fd, cred.pid), &cred);
	/* Mostly it has spoken already. */
	if (link && take_message(link) < 0)
		daemon_end_link(link);
}

static int on_connect(sd_event_source *source, int listen_fd, uint32_t revents, void *arg)
{
	struct daemon *d = arg;

	(void)source;
	(void)revents;
	for (int i = 0; i < ACCEPT_TURN && !d->is_full; i++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && errno == EMFILE && d->grave.count) {
			stranger_tend(&d->grave);
			fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		}
		if (fd >= 0) {
			take_connection(d, fd);
			d->is_full = d->grave.count >= STRANGER_GRAVE_FULL;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			/* No descriptors: they wait until there are. */
			d->is_full = errno != EAGAIN;
			break;
		}
	}
	if (d->is_full)
		sd_event_source_set_enabled(d->listen, SD_EVENT_OFF);
	return 0;
}

static int on_second(sd_event_source *source, uint64_t usec, void *arg)
{
	struct daemon *d = arg;
	uint64_t now = daemon_now_ns();

	(void)usec;
	forget_spenders(d);
	for (struct link *link = d->links, *next; link; link = next) {
		next = link->next;
		if (link->is_leaving) {
			if (now - link->since_ns >= LEAVE_NS)
				kill(link->recorder, SIGKILL);
			continue;
		}
		if (link->asks >= ASKS_MAX)
			sd_event_source_set_enabled(link->io, SD_EVENT_ON);
		link->asks = 0;
		if (daemon_list_late(link) < 0) {
			daemon_end_link(link);
			continue;
		}
		/* One that hangs keeps its samplers waiting: they will find another. */
		if (link->stuck_ns && now - link->stuck_ns >= STUCK_NS) {
			daemon_say(d, link->teller.uid, "a recorder took nothing for 30 seconds");
			kill(link->recorder, SIGKILL);
			daemon_end_link(link);
			continue;
		}
		if (!link->is_open && !link->taker && now - link->since_ns >= SILENT_NS)
			daemon_end_link(link);
	}
	kin_sweep(d->kin, now, d->lives != NULL);
	daemon_tend_grants(d, now);
	daemon_stop_listening(d);
	stranger_tend(&d->grave);
	if (d->is_full)
		sd_event_source_set_enabled(d->listen, SD_EVENT_ON);
	d->is_full = false;
	if (d->seconds++ % ROTATE_S == 0)
		store_rotate_all(d->store, d->config.keep_s, d->config.max_bytes, time(NULL));
	sd_event_source_set_time_relative(source, SECOND_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void end_recorder(struct daemon *d, pid_t pid, int status)
{
	struct link *link = d->links;

	while (link && link->recorder != pid)
		link = link->next;
	if (!link)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_NO_ROOM)
		daemon_say(d, link->teller.uid, "a file could not be written to its end");
	link->is_reaped = true;
	daemon_end_link(link);
}

static int on_child(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	struct daemon *d = arg;
	pid_t pid;
	int status;

	(void)source;
	(void)info;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!daemon_grant_ended(d, pid))
			end_recorder(d, pid, status);
	return 0;
}

/* ---- start and end ----------------------------------------------------------------------------- */

static int open_loop(struct daemon *d)
{
	int err =
		sd_event_add_io(d->event, &d->listen, d->config.listen_fd, EPOLLIN, on_connect, d);

	if (err >= 0)
		err = daemon_start_telling(d);
	if (err >= 0)
		err = sd_event_add_time_relative(d->event, &d->second, CLOCK_MONOTONIC, 0, 0,
						 on_second, d);
	if (err >= 0)
		err = sd_event_add_signal(d->event, &d->child, SIGCHLD, on_child, d);
	return err < 0 ? err : 0;
}

int daemon_new(const struct daemon_config *config, sd_event *event, struct daemon **ret,
	       const char **ret_why)
{
	struct daemon *d = calloc(1, sizeof(*d));
	struct rlimit files;
	int err;

	*ret = NULL;
	*ret_why = "memory";
	if (!d) {
		close(config->listen_fd);
		return -ENOMEM;
	}
	d->config = *config;
	d->event = event;
	stranger_guard(config->listen_fd);
	/* Each has two descriptors at most, and what else we need some. */
	d->link_max = getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur / 3 : 256;
	proxy_init(&d->proxy);
	err = kin_new(&d->kin);
	if (err == 0) {
		*ret_why = config->dir;
		err = store_open(config->dir, &d->store);
	}
	if (err == 0) {
		*ret_why = "the event loop";
		err = open_loop(d);
	}
	if (err < 0) {
		daemon_free(d);
		return err;
	}
	daemon_listen(d);
	*ret = d;
	return 0;
}

const char *daemon_lacks(const struct daemon *d)
{
	return d->lacks[0] ? d->lacks : NULL;
}

void daemon_free(struct daemon *d)
{
	if (!d)
		return;
	while (d->links) {
		d->links->is_reaped = true;
		daemon_end_link(d->links);
	}
	stranger_done(&d->grave);
	sd_event_source_unref(d->listen);
	sd_event_source_unref(d->tell);
	sd_event_source_unref(d->soon);
	sd_event_source_unref(d->second);
	sd_event_source_unref(d->child);
	daemon_free_grants(d);
	forget_spenders(d);
	lifecycle_free(d->lives);
	kin_free(d->kin);
	proxy_done(&d->proxy);
	store_close(d->store);
	close(d->config.listen_fd);
	free(d);
}
