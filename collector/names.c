/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "collector/connector.h"
#include "collector/names.h"
#include "collector/smallfile.h"
#include "core/wire.h"

#define RECEIVE_BYTES (1 << 20)
/* Names that wait to be asked for: what is told in a second or so. */
#define WAITING_MAX ((size_t)4 << 20)
/* What was not asked for until then, and later ones were, never will be. */
#define STALE_NS 1000000000u
/*
 * A thread that is woken in the middle of an exec costs the program some 40 us: at 1,400 execs a second
 * that is 6% of its time. So it is woken so often, after a burst of some; at times of more it looks by
 * itself, and finds those that still live.
 */
#define WAKES_IN_SECOND 100
#define BURST		200
#define TURN_NS		(1000000000u / WAKES_IN_SECOND)
/* What was just told may not have been read yet: names_take() waits so long, unless that was of no use
 * the last time. */
#define TAKE_MS 2
/* How long names_free() waits for a thread that reads. */
#define JOIN_MS 100

struct entry {
	struct entry *next;
	uint64_t time_ns;
	pid_t pid;
	uint32_t comm_len, exe_len, argv_len;
	char text[]; /* comm, exe, argv */
};

struct names {
	int fd;	  /* owned: the connector's execs */
	int wake; /* owned: the eventfd that ends the thread */
	pthread_t thread;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t moved; /* of what is the thread's: */
	bool is_resting, is_ended;
	uint64_t told_ns; /* all told until then has been read */
	bool stop;
	bool is_late; /* the thread was not done when it was waited for, and has not been since */
	struct entry *first, **end; /* owned list, in the order of the execs */
	size_t bytes;
	struct entry *taken; /* owned: lent by names_take() */
};

/* ---- the socket -------------------------------------------------------------------------------- */

/*
 * The kernel drops all but execs before they are queued, so that nothing else wakes the thread: what
 * connector_open() asks for does so from Linux 6.6 on. A filter's loads are of network byte order.
 */
static int choose_execs(int fd)
{
	const uint32_t what =
		NLMSG_HDRLEN + sizeof(struct cn_msg) + offsetof(struct proc_event, what);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, what),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_EXEC), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(*code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

/* ---- the thread -------------------------------------------------------------------------------- */

static size_t read_file(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return smallfile_read(path, buf, size);
}

static size_t read_exe(pid_t pid, char *buf, size_t size)
{
	char path[40];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, buf, size);
	return n > 0 ? (size_t)n : 0;
}

/* NULL where it is gone, or memory is out. */
static struct entry *read_names(pid_t pid, uint64_t time_ns)
{
	char text[WIRE_COMM_MAX + WIRE_EXE_MAX + WIRE_ARGV_MAX + 1];
	struct entry entry = {.time_ns = time_ns, .pid = pid};
	struct entry *ret;
	size_t len;

	/* What ends soonest first: a process that ends has no command line any more. */
	len = entry.argv_len = (uint32_t)read_file(
		pid, "cmdline", text + WIRE_COMM_MAX + WIRE_EXE_MAX, WIRE_ARGV_MAX + 1);
	if (!len)
		return NULL;
	entry.exe_len = (uint32_t)read_exe(pid, text + WIRE_COMM_MAX, WIRE_EXE_MAX);
	entry.comm_len = (uint32_t)read_file(pid, "comm", text, WIRE_COMM_MAX);
	if (entry.comm_len && text[entry.comm_len - 1] == '\n')
		entry.comm_len--;
	len += entry.exe_len + entry.comm_len;
	ret = malloc(sizeof(*ret) + len);
	if (!ret)
		return NULL;
	*ret = entry;
	memcpy(ret->text, text, entry.comm_len);
	memcpy(ret->text + entry.comm_len, text + WIRE_COMM_MAX, entry.exe_len);
	memcpy(ret->text + entry.comm_len + entry.exe_len, text + WIRE_COMM_MAX + WIRE_EXE_MAX,
	       entry.argv_len);
	return ret;
}

static size_t size_of(const struct entry *entry)
{
	return sizeof(*entry) + entry->comm_len + entry->exe_len + entry->argv_len;
}

/* Returns whether to go on. */
static bool keep(struct names *names, uint64_t time_ns, struct entry *entry)
{
	bool stop;

	pthread_mutex_lock(&names->lock);
	if (time_ns > names->told_ns)
		names->told_ns = time_ns;
	pthread_cond_signal(&names->moved);
	stop = names->stop;
	if (entry && !stop && names->bytes + size_of(entry) <= WAITING_MAX) {
		*names->end = entry;
		names->end = &entry->next;
		names->bytes += size_of(entry);
		entry = NULL;
	}
	pthread_mutex_unlock(&names->lock);
	free(entry);
	return !stop;
}

/* Returns whether to go on: there may be more. */
static bool take_message(struct names *names, bool *ret_stop)
{
	uint8_t message[CONNECTOR_MESSAGE_MAX];
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(names->fd, message, sizeof(message), 0, (struct sockaddr *)&from,
			     &from_len);
	struct proc_event told = {0};

	if (n < 0)
		return false;
	if (from.nl_pid == 0)
		told = connector_unpack(message, (size_t)n);
	if ((uint32_t)told.what != PROC_EVENT_EXEC)
		return true;
	*ret_stop = !keep(names, told.timestamp_ns,
			  read_names(told.event_data.exec.process_tgid, told.timestamp_ns));
	return !*ret_stop;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void set_resting(struct names *names, bool is_resting)
{
	pthread_mutex_lock(&names->lock);
	names->is_resting = is_resting;
	pthread_cond_signal(&names->moved);
	pthread_mutex_unlock(&names->lock);
}

/* Sleeps where it was woken too often of late; due_ns is when its wakes so far are used up. */
static void wait_turn(struct names *names, uint64_t *due_ns)
{
	struct pollfd fd = {.fd = names->wake, .events = POLLIN};
	uint64_t now = now_ns();

	*due_ns = (*due_ns > now ? *due_ns : now) + TURN_NS;
	if (*due_ns <= now + (uint64_t)BURST * TURN_NS)
		return;
	set_resting(names, true);
	poll(&fd, 1, TURN_NS / 1000000 + 1);
	set_resting(names, false);
}

static void *read_on(void *arg)
{
	struct names *names = arg;
	struct pollfd fds[] = {
		{.fd = names->fd, .events = POLLIN},
		{.fd = names->wake, .events = POLLIN},
	};
	uint64_t due_ns = 0;
	bool stop = false;

	while (!stop) {
		poll(fds, 2, -1);
		if (fds[1].revents & POLLIN)
			break;
		while (take_message(names, &stop))
			;
		wait_turn(names, &due_ns);
	}
	pthread_mutex_lock(&names->lock);
	names->is_ended = true;
	pthread_cond_signal(&names->moved);
	pthread_mutex_unlock(&names->lock);
	return NULL;
}

/* ---- for the caller ---------------------------------------------------------------------------- */

static void forget(struct names *names)
{
	struct entry *entry = names->first;

	names->first = entry->next;
	if (!names->first)
		names->end = &names->first;
	names->bytes -= size_of(entry);
	free(entry);
}

/* Under the lock: out of the list. */
static struct entry *find(struct names *names, pid_t pid, uint64_t time_ns)
{
	struct entry **at = &names->first;
	struct entry *entry;

	while (names->first && names->first->time_ns + STALE_NS < time_ns)
		forget(names);
	while ((entry = *at) && (entry->pid != pid || entry->time_ns != time_ns))
		at = &entry->next;
	if (!entry)
		return NULL;
	*at = entry->next;
	if (!entry->next)
		names->end = at;
	names->bytes -= size_of(entry);
	return entry;
}

static struct timespec after_ms(unsigned ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return until;
}

/* Under the lock. */
static void catch_up(struct names *names, uint64_t time_ns)
{
	struct timespec until = after_ms(TAKE_MS);
	int err = 0;

	while (names->told_ns < time_ns && !names->is_resting && !names->is_ended && !err)
		err = names->is_late ? ETIMEDOUT
				     : pthread_cond_timedwait(&names->moved, &names->lock, &until);
	names->is_late = err != 0;
}

bool names_take(struct names *names, pid_t pid, uint64_t time_ns, struct life_name *ret)
{
	struct entry *entry;

	free(names->taken);
	pthread_mutex_lock(&names->lock);
	catch_up(names, time_ns);
	names->taken = entry = find(names, pid, time_ns);
	pthread_mutex_unlock(&names->lock);
	if (!entry)
		return false;
	*ret = (struct life_name){
		.comm = entry->text,
		.exe = entry->text + entry->comm_len,
		.argv = entry->text + entry->comm_len + entry->exe_len,
		.comm_len = entry->comm_len,
		.exe_len = entry->exe_len,
		.argv_len = entry->argv_len,
	};
	return true;
}

static int start_thread(struct names *names)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -pthread_create(&names->thread, NULL, read_on, names);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!err)
		pthread_setname_np(names->thread, "mstat-names");
	return err;
}

static void discard(struct names *names)
{
	while (names->first)
		forget(names);
	free(names->taken);
	if (names->fd >= 0)
		connector_close(names->fd);
	if (names->wake >= 0)
		close(names->wake);
	pthread_cond_destroy(&names->moved);
	pthread_mutex_destroy(&names->lock);
	free(names);
}

int names_new(struct names **ret)
{
	struct names *names = calloc(1, sizeof(*names));
	pthread_condattr_t attr;
	int err;

	if (!names)
		return -ENOMEM;
	names->end = &names->first;
	pthread_mutex_init(&names->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&names->moved, &attr);
	pthread_condattr_destroy(&attr);
	names->wake = eventfd(0, EFD_CLOEXEC);
	names->fd = connector_open(PROC_EVENT_EXEC, RECEIVE_BYTES);
	err = names->wake < 0 ? -errno : names->fd < 0 ? names->fd : choose_execs(names->fd);
	if (!err)
		err = start_thread(names);
	if (err)
		discard(names);
	else
		*ret = names;
	return err;
}

void names_free(struct names *names)
{
	const uint64_t one = 1;
	struct timespec until = after_ms(JOIN_MS);
	bool is_ended;
	int err = 0;

	if (!names)
		return;
	pthread_mutex_lock(&names->lock);
	names->stop = true;
	if (write(names->wake, &one, sizeof(one)) < 0) {
		/* Full: it is awake. */
	}
	while (!names->is_ended && !err)
		err = pthread_cond_timedwait(&names->moved, &names->lock, &until);
	is_ended = names->is_ended;
	pthread_mutex_unlock(&names->lock);
	if (!is_ended) {
		pthread_detach(names->thread);
		return;
	}
	pthread_join(names->thread, NULL);
	discard(names);
}
