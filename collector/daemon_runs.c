/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collector/cgroup_internal.h"
#include "collector/daemon_internal.h"
#include "collector/hello.h"
#include "collector/parent.h"
#include "collector/smallfile.h"
#include "core/bytes.h"
#include "core/parse.h"
#include "core/wire.h"

/* Of each user, at a time: runs, and connections that wait for their recorder. */
#define RUNS_MAX    64
#define WAITING_MAX 2048
/* Of all users but root. */
#define ALL_RUNS_MAX 1024
/* What the smallest run takes. */
#define FILE_BYTES 4096
/* That are being written, parts of long ones too. */
#define GROWING_MAX 1000
/* How much later than its child's a sampler's hello may come. */
#define RACE_NS 10000000000u
/* Of a process, in search of a sampler. */
#define THREADS_MAX 64
/* No part of a run is cut smaller. */
#define FILE_MIN ((uint64_t)1 << 20)

/*
 * Whose process it is. A tree that root has started is root's, whoever its processes are; but not on the word
 * of one that is gone.
 */
static struct link *recorder_of(const struct daemon *d, pid_t pid, uid_t uid, bool is_there)
{
	struct kin_group *group = NULL;

	while ((group = kin_next(d->kin, pid, group))) {
		struct link *link = (struct link *)group;

		if (link->recorder &&
		    (link->teller.uid == uid || (is_there && link->teller.uid == 0)))
			return link;
	}
	return NULL;
}

static bool is_above(const struct ancestry *up, pid_t pid)
{
	for (size_t i = 0; i < up->count; i++)
		if (up->pid[i] == pid)
			return true;
	return false;
}

/* Whose child's sampler was faster to say hello. */
static struct link *recorder_below(const struct daemon *d, const struct link *from)
{
	uint64_t now = daemon_now_ns();

	for (struct link *link = d->links; link; link = link->next)
		if (link->recorder && !link->is_leaving && link->up &&
		    link->teller.uid == from->teller.uid && now - link->since_ns < RACE_NS &&
		    is_above(link->up, from->pid))
			return link;
	return NULL;
}

/*
 * The recorder of its next ancestor that has one. Where there is none, ret holds them all, and *ret_tired says whether
 * the user has looked at too many in this second.
 */
static struct link *recorder_above(struct daemon *d, const struct link *from, pid_t parent,
				   bool is_there, struct ancestry *ret, bool *ret_tired)
{
	struct link *found = NULL;

	*ret_tired = false;
	for (ret->count = 0; parent > 1 && ret->count < DAEMON_ANCESTORS_MAX;
	     parent = parent_of_pid(parent)) {
		found = recorder_of(d, parent, from->teller.uid, is_there);
		*ret_tired = !found && !daemon_may_spend(d, from->teller.uid, DAEMON_LOOK);
		if (found || *ret_tired)
			break;
		ret->pid[ret->count++] = parent;
	}
	return found;
}

/*
 * By its name, or before it could take that one: no signal is left to it but those that cannot be blocked. The C
 * library's own two are blocked for a moment by those alone that make a thread or a process.
 */
static bool is_sampler(const char *status, size_t len)
{
	static const char all[] = "fffffffffffbfeff";
	size_t name_len, blocked_len;
	const char *name = parse_line(status, len, "Name", &name_len);
	const char *blocked = parse_line(status, len, "SigBlk", &blocked_len);

	return (name && name_len == 5 && !memcmp(name, "mstat", 5)) ||
	       (blocked && blocked_len == sizeof(all) - 1 && !memcmp(blocked, all, blocked_len));
}

/* Whether a sampler is in it, as far as its threads tell. */
static bool is_sampled(struct daemon *d, uid_t uid, pid_t pid)
{
	char path[64], status[4096];
	struct dirent *entry;
	bool found = false;
	int threads = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || atoi(entry->d_name) == (int)pid)
			continue;
		if (++threads > THREADS_MAX || !daemon_may_spend(d, uid, DAEMON_LOOK))
			break;
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/status", (int)pid, entry->d_name);
		found = is_sampler(status, smallfile_read(path, status, sizeof(status)));
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool is_of(pid_t pid, uid_t uid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return stat(path, &st) == 0 && st.st_uid == uid;
}

/* Whether an mstat has launched it: what it comes from is that one's. */
static bool is_in_run(pid_t pid)
{
	char path[32], text[4096];

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (smallfile_read(path, text, sizeof(text)) == 0)
		return false;
	/* Of all hierarchies, as one path. */
	for (char *end = strchr(text, '\n'); end; end = strchr(end, '\n'))
		*end = '/';
	return cgroup_path_is_in_run(text);
}

/*
 * The first process of its tree: that may be one whose sampler is about to say hello, after its child's,
 * or comes back to us after the mstatd before us.
 */
static pid_t root_of(struct daemon *d, const struct link *from, const struct ancestry *up)
{
	uid_t uid = from->teller.uid;
	pid_t root = from->pid;

	if (is_in_run(root))
		return root;
	for (size_t i = 0; i < up->count; i++)
		if (is_of(up->pid[i], uid) && is_sampled(d, uid, up->pid[i]))
			root = up->pid[i];
	return root;
}

/* Of what all of a user's may take: finished ones go for it, and growing ones count. */
static int look_for_room(struct daemon *d, uid_t uid, uint64_t *ret_bytes)
{
	size_t growing;
	int err;

	store_rotate(d->store, uid, d->config.keep_s, d->config.max_bytes, time(NULL));
	err = store_bytes(d->store, uid, ret_bytes, &growing);
	return err == 0 && growing >= daemon_at_most(uid, GROWING_MAX) ? -EMFILE : err;
}

/* A thousand files are read for that, which takes 10 ms: once a second. */
static int make_room(struct daemon *d, uid_t uid)
{
	struct spender *spender = daemon_spender(d, uid);

	if (!spender)
		return -ENOMEM;
	if (!spender->has_looked)
		spender->room_error = look_for_room(d, uid, &spender->taken_bytes);
	spender->has_looked = true;
	if (spender->room_error)
		return spender->room_error;
	if (spender->taken_bytes > d->config.max_bytes)
		return -EDQUOT;
	spender->taken_bytes += FILE_BYTES;
	return 0;
}

static int make_file(struct daemon *d, pid_t root, uid_t uid, const char *comm)
{
	char name[STORE_NAME_SIZE];
	int fd;
	int err = make_room(d, uid);

	if (err == -EDQUOT)
		daemon_say(d, uid, "the runs that are growing take all of -max-size");
	else if (err == -EMFILE)
		daemon_say(d, uid, "too many runs are growing");
	if (err < 0)
		return err;
	err = store_begin(d->store, uid, comm, root, time(NULL), &fd, name);
	if (err < 0)
		daemon_say(d, uid, "no file could be made in -dir");
	return err < 0 ? err : fd;
}

static void read_comm(pid_t pid, char *ret, size_t size)
{
	char path[32];

	ret[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	smallfile_read(path, ret, size);
	ret[strcspn(ret, "\n")] = '\0';
}

/* So that what is finished of a long run can be removed: a part of what all may take. */
static uint64_t file_max(const struct daemon *d)
{
	uint64_t part = d->config.max_bytes / RUNS_MAX;

	if (d->config.max_bytes == STORE_NO_LIMIT)
		return 0;
	return part > FILE_MIN ? part : FILE_MIN;
}

static int start_recorder(struct daemon *d, const struct ucred *root, const char *comm,
			  struct recorder *ret)
{
	int fd = make_file(d, root->pid, root->uid, comm);
	int err;

	if (fd < 0)
		return fd;
	err = recorder_start(fd, file_max(d), root, ret);
	close(fd);
	if (err < 0)
		daemon_say(d, root->uid, "no process could be started for it");
	return err;
}

/* There is room in the recorder's socket again. */
static int on_room(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct link *recorder = arg;

	(void)fd;
	(void)revents;
	while (recorder->waiting) {
		struct link *first = recorder->waiting;

		if (recorder_give(&recorder->given, first->teller.fd, first->hello,
				  first->hello_len) == -EAGAIN)
			return 0;
		recorder->stuck_ns = daemon_now_ns();
		first->is_given = true;
		daemon_end_link(first);
	}
	recorder->stuck_ns = 0;
	return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static bool may_record(struct daemon *d, uid_t uid)
{
	size_t runs =
		daemon_count_links(d, uid, true, true) + daemon_count_links(d, uid, false, true);
	size_t left = d->run_count < ALL_RUNS_MAX ? ALL_RUNS_MAX - d->run_count : 0;

	if (runs >= daemon_share(uid, RUNS_MAX, left) || (uid != 0 && left == 0))
		daemon_say(d, uid, "too many runs at a time");
	else if (!daemon_may_spend(d, uid, DAEMON_RUN))
		daemon_say(d, uid, "too many runs begin in a second");
	else
		return true;
	return false;
}

/* The recorder asks as an mstat would, and is told of the tree from its first process on. */
static struct link *add_recorder(struct daemon *d, const struct link *from,
				 const struct ancestry *up, const struct wire_hello *hello)
{
	struct ucred cred = {from->pid, from->teller.uid, from->gid};
	bool is_there = daemon_is_there(from);
	struct recorder recorder;
	struct link *link;
	char comm[32];

	if (!may_record(d, cred.uid))
		return NULL;
	snprintf(comm, sizeof(comm), "%.*s", (int)hello->comm_len, hello->comm);
	cred.pid = root_of(d, from, up);
	if (cred.pid != from->pid)
		read_comm(cred.pid, comm, sizeof(comm));
	if (start_recorder(d, &cred, comm, &recorder) < 0)
		return NULL;
	fcntl(recorder.asks_fd, F_SETFL, O_NONBLOCK);
	link = daemon_add_link(d, recorder.asks_fd, -1, &cred);
	if (!link) {
		close(recorder.to_fd);
		return NULL;
	}
	link->recorder = recorder.pid;
	d->run_count += cred.uid != 0;
	link->given = recorder;
	link->up = malloc(sizeof(*up));
	if (link->up)
		*link->up = *up;
	link->waiting_end = &link->waiting;
	if (sd_event_add_io(d->event, &link->room, recorder.to_fd, EPOLLOUT, on_room, link) < 0) {
		daemon_end_link(link);
		return NULL;
	}
	sd_event_source_set_enabled(link->room, SD_EVENT_OFF);
	if (cred.pid != from->pid)
		kin_add(d->kin, cred.pid, &link->teller.group);
	/* A pid that may be another's by now is nothing worth. */
	if (is_there && daemon_is_there(from))
		kin_add(d->kin, from->pid, &link->teller.group);
	return link;
}

static size_t count_waiting(const struct daemon *d, uid_t uid)
{
	size_t n = 0;

	for (struct link *link = d->links; link; link = link->next)
		n += link->teller.uid == uid && link->taker;
	return n;
}

/* A recorder that has much to do is not waited for: others would wait, too. */
static int enqueue(struct link *recorder, struct link *from, const uint8_t *hello, size_t len)
{
	const struct daemon *d = from->daemon;
	uid_t uid = from->teller.uid;

	if (count_waiting(d, uid) >= daemon_share(uid, WAITING_MAX, daemon_links_left(d)) ||
	    (from->hello = malloc(len)) == NULL)
		return -ECONNRESET;
	memcpy(from->hello, hello, len);
	from->hello_len = len;
	from->taker = recorder;
	/* A descriptor less: of a cgroup it does not ask any more. */
	if (from->pidfd >= 0)
		close(from->pidfd);
	from->pidfd = -1;
	*recorder->waiting_end = from;
	recorder->waiting_end = &from->next_waiting;
	sd_event_source_set_enabled(from->io, SD_EVENT_OFF);
	sd_event_source_set_enabled(recorder->room, SD_EVENT_ON);
	if (!recorder->stuck_ns)
		recorder->stuck_ns = daemon_now_ns();
	return 0;
}

void daemon_leave_queue(struct link *link)
{
	if (link->taker) {
		struct link **at = &link->taker->waiting;

		while (*at != link)
			at = &(*at)->next_waiting;
		*at = link->next_waiting;
		if (!*at)
			link->taker->waiting_end = at;
	}
	/* Those whose recorder has ended: nobody will take them. They are ended within a second. */
	for (struct link *sampler = link->waiting; sampler; sampler = sampler->next_waiting) {
		sampler->taker = NULL;
		sampler->since_ns = 0;
	}
	free(link->hello);
	sd_event_source_disable_unref(link->room);
}

static int give(struct link *recorder, struct link *from, const uint8_t *hello, size_t len)
{
	int err = recorder->waiting ? -EAGAIN
				    : recorder_give(&recorder->given, from->teller.fd, hello, len);

	if (err == -EAGAIN)
		return enqueue(recorder, from, hello, len);
	from->is_given = err == 0;
	return -ECONNRESET; /* our copy of the connection is closed */
}

static struct link *seek_recorder(struct daemon *d, const struct link *from,
				  const struct wire_hello *hello, bool is_there)
{
	pid_t parent = is_there ? parent_of_pid(from->pid) : (pid_t)(hello->ppid & INT32_MAX);
	struct ancestry up;
	bool is_tired;
	struct link *found = recorder_above(d, from, parent, is_there, &up, &is_tired);

	if (is_tired) {
		daemon_say(d, from->teller.uid, "too many processes say hello in a second");
		return NULL;
	}
	if (!found && is_there)
		found = recorder_below(d, from);
	if (!found)
		return add_recorder(d, from, &up, hello);
	/* What was looked at was all of that process. */
	if (is_there && daemon_is_there(from))
		kin_add(d->kin, from->pid, &found->teller.group);
	return found;
}

/*
 * A sampler has said hello: it is its recorder's from now on. One that has ended already is believed who its
 * parent was, for want of anybody else to tell: by that it comes into another run of its own user's at most.
 */
int daemon_hand_over(struct link *from, const uint8_t *message, size_t len)
{
	static uint8_t room[WIRE_MESSAGE_MAX];
	struct daemon *d = from->daemon;
	uid_t uid = from->teller.uid;
	bool is_there = daemon_is_there(from);
	struct wire_hello hello;
	struct link *recorder;

	if (hello_open(message, len, room, &hello) < 0)
		return -EBADMSG;
	daemon_listen(d);
	recorder = recorder_of(d, from->pid, uid, is_there);
	/* It may have been forked just now. */
	if (!recorder && daemon_may_spend(d, uid, DAEMON_HEAR)) {
		daemon_hear(d);
		recorder = recorder_of(d, from->pid, uid, is_there);
	}
	if (!recorder)
		recorder = seek_recorder(d, from, &hello, is_there);
	return recorder ? give(recorder, from, message, len) : -ECONNRESET;
}

/* ---- what is kept ------------------------------------------------------------------------------ */

struct listing {
	struct link *link;
	char text[CONTROL_MAX - 64];
	size_t len;
};

static int list_one(void *arg, const struct store_run *run)
{
	struct listing *all = arg;
	int n;

	if (all->len + 256 > sizeof(all->text)) {
		if (daemon_answer(all->link, CONTROL_LISTED, 1, all->text) < 0)
			return -EAGAIN;
		all->len = 0;
	}
	n = snprintf(all->text + all->len, sizeof(all->text) - all->len, "%s\t%llu\t%lld\t%s\n",
		     run->name, (unsigned long long)run->size_bytes, (long long)run->mtime_s,
		     run->is_growing ? "growing" : "finished");
	all->len += (size_t)n;
	return 0;
}

int daemon_list(struct link *link)
{
	static struct listing all;
	int err;

	link->wants_list = !daemon_may_spend(link->daemon, link->teller.uid, DAEMON_LIST);
	if (link->wants_list)
		return 0;
	all.link = link;
	all.len = 0;
	all.text[0] = '\0';
	err = store_list(link->daemon->store, link->teller.uid, list_one, &all);
	if (err < 0)
		return err;
	all.text[all.len] = '\0';
	return daemon_answer(link, CONTROL_LISTED, 0, all.text);
}

int daemon_list_late(struct link *link)
{
	return link->wants_list ? daemon_list(link) : 0;
}

static int open_run(const struct link *link, const struct control_message *message)
{
	char name[STORE_NAME_SIZE] = "";

	if (message->len >= sizeof(name))
		return -EINVAL;
	memcpy(name, message->bytes, message->len);
	return store_read(link->daemon->store, link->teller.uid, name);
}

/* What was finished before may have to go for it. */
static int open_more(const struct link *link)
{
	struct daemon *d = link->daemon;
	char comm[32];

	if (!link->recorder)
		return -EPERM;
	/* One in 16 MiB is what they take. */
	if (!daemon_may_spend(d, link->teller.uid, DAEMON_MORE))
		return -EBUSY;
	read_comm(link->given.root, comm, sizeof(comm));
	return make_file(d, link->given.root, link->teller.uid, comm);
}

static int give_file(struct link *link, int fd)
{
	struct control_message reading = {.kind = CONTROL_READING};
	int err;

	reading.number = fd < 0 ? (uint64_t)-fd : 0;
	err = control_send(link->teller.fd, &reading, fd);
	if (fd >= 0)
		close(fd);
	return err;
}

int daemon_read(struct link *link, const struct control_message *message)
{
	return give_file(link, open_run(link, message));
}

int daemon_more(struct link *link)
{
	return give_file(link, open_more(link));
}
