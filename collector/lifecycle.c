/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/connector.h"
#include "collector/lifecycle.h"
#include "collector/lifequeue.h"
#include "collector/smallfile.h"

/*
 * One socket for the records of all CPUs, so that they keep their order. What finds it full is
 * counted by the kernel for each socket, exactly: measured on 6.18, SK_MEMINFO_DROPS is the same as
 * the gaps in the sequence numbers, which are per CPU and so would need a socket for each. It also
 * holds with the event filter, which makes gaps that are no losses.
 */

/* The sockets hold what comes in a second or so, were the reader kept from running: a record takes
 * 1.2 KiB of it. The kernel doubles the number. */
#define RECEIVE_BYTES (32 << 20)

/* A reader that woke for every message would take the CPU from those that it watches. */
#define PAUSE_MS       10
#define PAUSE_SHORT_MS 1
#define ROOMY_BYTES    (1 << 20)

/* Messages that are read at once, and such batches before the reader looks around. */
#define BATCH	64
#define BATCHES 1000

#define CPUS_MAX 1024
#define WHY_MAX	 160

/* One of the two kinds of messages. */
struct feed {
	int fd;		   /* owned; -1: not to be had */
	unsigned pause_ms; /* between two reads, by what its socket holds */
	uint32_t drops;	   /* the socket's counter, as last read */
	uint64_t lost;	   /* under the lock, once the reader runs */
	uint64_t overruns;
	char why[WHY_MAX]; /* fd is -1: why */
};

struct kernel {
	struct lifecycle lifecycle; /* first */
	/* Set by lifecycle_new(), then only the reader's. */
	int64_t clock_offset;
	struct feed records, events;
	uint16_t family;
	char cpus[CPUS_MAX];
	struct names *names; /* owned; NULL: execs have no names */
	pid_t canary;
	bool canary_forked, canary_recorded;
	bool marks_last;      /* as the canary's record says */
	uint8_t *record_bufs; /* owned: BATCH of TASKSTATS_REPLY_MAX */
	uint8_t *event_bufs;  /* owned: BATCH of CONNECTOR_MESSAGE_MAX */

	int wake; /* owned: the eventfd that ends the reader's sleep */
	pthread_t reader;
	bool reading; /* there is a reader */

	pthread_mutex_t lock; /* of all that follows, and of the feeds' losses */
	pthread_cond_t settled;
	uint64_t asked, answered; /* numbers of lifecycle_settle()'s questions */
	bool stop;
	struct lifequeue queue;
	size_t limit;
	uint64_t queue_lost;

	struct lifequeue spare; /* the taker's, outside of the lock */
};

static void refuse(struct feed *feed, const char *why, int error)
{
	if (feed->fd >= 0)
		close(feed->fd);
	feed->fd = -1;
	if (error)
		snprintf(feed->why, sizeof(feed->why), "%s: %s", why, strerror(-error));
	else
		snprintf(feed->why, sizeof(feed->why), "%s", why);
}

/* Returns 0, or the error that the socket is. */
static int feed_with(struct feed *feed, int fd)
{
	feed->fd = fd;
	if (fd < 0)
		return fd;
	feed->pause_ms = netlink_size(fd) >= ROOMY_BYTES ? PAUSE_MS : PAUSE_SHORT_MS;
	return 0;
}

/* ---- opening: exit records --------------------------------------------------------------------- */

/* Sends a request and reads to its answer; the kernel has answered when send() returns. What is
 * read before it are exit records of before the run. */
static ssize_t ask(int fd, uint8_t *buf, size_t len, uint32_t seq)
{
	ssize_t n;

	if (send(fd, buf, len, MSG_NOSIGNAL) < 0)
		return -errno;
	do
		n = recv(fd, buf, TASKSTATS_REPLY_MAX, MSG_DONTWAIT);
	while ((n < 0 && errno == EINTR) || (n >= 0 && taskstats_seq(buf, (size_t)n) != seq));
	return n < 0 ? -errno : n;
}

/* The numbers that mark the answers: no CPU has counted so many exits. */
#define SEQ_FAMILY   0xfffffff0
#define SEQ_REGISTER 0xfffffff1

static int records_register(struct kernel *l, uint8_t *buf)
{
	size_t len = taskstats_pack_register(buf, l->family, SEQ_REGISTER, l->cpus, true);
	ssize_t n = ask(l->records.fd, buf, len, SEQ_REGISTER);

	return n < 0 ? (int)n : taskstats_error(buf, (size_t)n);
}

static void possible_cpus(struct kernel *l)
{
	size_t len = smallfile_read("/sys/devices/system/cpu/possible", l->cpus, sizeof(l->cpus));

	while (len > 0 && l->cpus[len - 1] == '\n')
		l->cpus[--len] = '\0';
	if (len == 0)
		snprintf(l->cpus, sizeof(l->cpus), "0-%ld", sysconf(_SC_NPROCESSORS_CONF) - 1);
}

static int records_open(struct kernel *l)
{
	uint8_t buf[TASKSTATS_REPLY_MAX];
	int err = feed_with(&l->records, netlink_open(NETLINK_GENERIC, 0, RECEIVE_BYTES));
	ssize_t n;

	if (err) {
		refuse(&l->records, "exit records: generic netlink", err);
		return err;
	}
	n = ask(l->records.fd, buf, taskstats_pack_family(buf, SEQ_FAMILY), SEQ_FAMILY);
	err = n < 0 ? (int)n : taskstats_unpack_family(buf, (size_t)n);
	if (err < 0) {
		refuse(&l->records, "no exit records: this kernel has no CONFIG_TASKSTATS", err);
		return err;
	}
	l->family = (uint16_t)err;
	possible_cpus(l);
	err = records_register(l, buf);
	if (err == -EPERM)
		refuse(&l->records,
		       "no exit records without CAP_NET_ADMIN in the initial user namespace: "
		       "run mstat as root",
		       0);
	else if (err == -EINVAL)
		refuse(&l->records,
		       "no exit records reach this pid namespace: run mstat in the initial one", 0);
	else if (err)
		refuse(&l->records, "exit records", err);
	return err;
}

/* ---- opening: events --------------------------------------------------------------------------- */

static int events_open(struct kernel *l)
{
	uint32_t kinds = PROC_EVENT_FORK | PROC_EVENT_EXEC | (uint32_t)PROC_EVENT_EXIT;
	int err = feed_with(&l->events, connector_open(kinds, RECEIVE_BYTES));

	if (err == -EPERM)
		refuse(&l->events,
		       "no fork events without CAP_NET_ADMIN before Linux 6.6: run mstat as root",
		       0);
	else if (err == -ECONNREFUSED)
		refuse(&l->events,
		       "no fork events reach this network namespace: run mstat in the initial one",
		       0);
	else if (err == -EPROTONOSUPPORT)
		refuse(&l->events, "no fork events: this kernel has no CONFIG_PROC_EVENTS", 0);
	else if (err)
		refuse(&l->events, "fork events", err);
	return err;
}

/* ---- what came --------------------------------------------------------------------------------- */

static uint64_t host_ns(const struct kernel *l)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec - (uint64_t)l->clock_offset;
}

/* Whether the event is the canary's, which is then remembered as seen. The number is the canary's
 * until it is forked once more; the kernel takes all other numbers first. */
static bool is_canary(struct kernel *l, const struct life_event *event)
{
	if (!l->canary || event->pid != l->canary)
		return false;
	if (event->kind == LIFE_FORK && l->canary_forked) {
		l->canary = 0;
		return false;
	}
	if (event->kind == LIFE_FORK)
		l->canary_forked = true;
	if (event->kind == LIFE_RECORD) {
		l->canary_recorded = true;
		l->marks_last = event->record->tells_group;
	}
	return true;
}

/* Under the lock. */
static void push(struct kernel *l, const struct life_event *event)
{
	if (!is_canary(l, event) && !lifequeue_push(&l->queue, event, l->limit))
		l->queue_lost++;
}

/* Reads up to BATCH messages of the kernel. Returns how many; a length of 0 in heads is one to be
 * passed over. */
static unsigned receive(int fd, uint8_t *bufs, size_t size, struct mmsghdr *heads)
{
	struct sockaddr_nl from[BATCH];
	struct iovec iov[BATCH];
	int n;

	if (fd < 0)
		return 0;
	memset(from, 0, sizeof(from));
	for (unsigned i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){.iov_base = bufs + i * size, .iov_len = size};
		heads[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i],
			.msg_namelen = sizeof(from[i]),
			.msg_iov = &iov[i],
			.msg_iovlen = 1,
		};
	}
	do
		n = recvmmsg(fd, heads, BATCH, MSG_DONTWAIT, NULL);
	while (n < 0 && errno == EINTR);
	for (int i = 0; i < n; i++)
		if (from[i].nl_pid != 0 || heads[i].msg_hdr.msg_flags & MSG_TRUNC)
			heads[i].msg_len = 0;
	return n < 0 ? 0 : (unsigned)n;
}

static bool event_of_process(const struct proc_event *told, struct life_event *ret)
{
	*ret = (struct life_event){.time_ns = told->timestamp_ns};
	switch ((uint32_t)told->what) {
	case PROC_EVENT_FORK:
		ret->kind = LIFE_FORK;
		ret->pid = told->event_data.fork.child_tgid;
		ret->parent = told->event_data.fork.parent_tgid;
		return told->event_data.fork.child_pid == ret->pid;
	case PROC_EVENT_EXEC:
		ret->kind = LIFE_EXEC;
		ret->pid = told->event_data.exec.process_tgid;
		return true;
	case (uint32_t)PROC_EVENT_EXIT:
		ret->kind = LIFE_EXIT;
		ret->pid = told->event_data.exit.process_tgid;
		ret->status = (int)told->event_data.exit.exit_code;
		return told->event_data.exit.process_pid == ret->pid;
	default:
		return false;
	}
}

/* Queues a batch of events; returns whether all that happened up to that time has been read. */
static bool take_events(struct kernel *l, uint64_t until_ns)
{
	struct mmsghdr heads[BATCH];
	unsigned n = receive(l->events.fd, l->event_bufs, CONNECTOR_MESSAGE_MAX, heads);
	uint64_t newest_ns = 0;

	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < n; i++) {
		struct proc_event told = connector_unpack(l->event_bufs + i * CONNECTOR_MESSAGE_MAX,
							  heads[i].msg_len);
		struct life_event event;

		if (told.timestamp_ns > newest_ns)
			newest_ns = told.timestamp_ns;
		if (event_of_process(&told, &event))
			push(l, &event);
	}
	pthread_mutex_unlock(&l->lock);
	return n < BATCH || newest_ns > until_ns;
}

static void push_records(struct kernel *l, const struct mmsghdr *heads, unsigned n, uint64_t now)
{
	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < n; i++) {
		struct taskstats_exit record;
		struct life_event event = {.kind = LIFE_RECORD, .time_ns = now, .record = &record};

		if (taskstats_unpack_exit(l->record_bufs + i * TASKSTATS_REPLY_MAX,
					  heads[i].msg_len, &record))
			continue;
		event.pid = (pid_t)record.tgid;
		event.parent = (pid_t)record.ppid;
		push(l, &event);
	}
	pthread_mutex_unlock(&l->lock);
}

static void count_losses(struct kernel *l, struct feed *feed)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);
	uint32_t more;

	if (feed->fd < 0 || getsockopt(feed->fd, SOL_SOCKET, SO_MEMINFO, info, &len) ||
	    len < sizeof(info))
		return;
	more = info[SK_MEMINFO_DROPS] - feed->drops;
	if (!more)
		return;
	feed->drops = info[SK_MEMINFO_DROPS];
	pthread_mutex_lock(&l->lock);
	feed->lost += more;
	feed->overruns++;
	pthread_mutex_unlock(&l->lock);
}

/*
 * Reads a batch of records, and queues all events up to now before it: the fork of a process that has
 * a record was told before that process ran, so it is among them. Events that are newer are left
 * where more come than are read. Returns whether there are no more records.
 */
static bool take_batch(struct kernel *l)
{
	struct mmsghdr heads[BATCH];
	unsigned n = receive(l->records.fd, l->record_bufs, TASKSTATS_REPLY_MAX, heads);
	uint64_t now = host_ns(l);

	while (!take_events(l, now))
		;
	push_records(l, heads, n, now);
	return n < BATCH;
}

/* Reads all that there is, and answers who waits for that. */
static bool take_all(struct kernel *l)
{
	uint64_t asked;
	bool all = false;
	bool stop;

	pthread_mutex_lock(&l->lock);
	asked = l->asked;
	pthread_mutex_unlock(&l->lock);
	/* Were more to come than can be read, it must still be seen that the end is asked for. */
	for (unsigned batches = 0; batches < BATCHES && !all; batches++)
		all = take_batch(l);
	count_losses(l, &l->records);
	count_losses(l, &l->events);
	pthread_mutex_lock(&l->lock);
	if (all)
		l->answered = asked;
	stop = l->stop;
	pthread_cond_broadcast(&l->settled);
	pthread_mutex_unlock(&l->lock);
	return !stop;
}

static void *read_on(void *arg)
{
	struct kernel *l = arg;
	struct pollfd fds[] = {
		{.fd = l->wake, .events = POLLIN},
		{.fd = l->records.fd, .events = POLLIN},
		{.fd = l->events.fd, .events = POLLIN},
	};
	unsigned pause_ms = PAUSE_MS;
	uint64_t count;

	if (l->records.fd >= 0 && l->records.pause_ms < pause_ms)
		pause_ms = l->records.pause_ms;
	if (l->events.fd >= 0 && l->events.pause_ms < pause_ms)
		pause_ms = l->events.pause_ms;
	do {
		poll(fds, 3, -1);
		if (!(fds[0].revents & POLLIN))
			poll(fds, 1, (int)pause_ms); /* more will come; unless it is urgent */
		if (read(l->wake, &count, sizeof(count)) < 0) {
			/* Nobody asked: nothing to forget. */
		}
	} while (take_all(l));
	return NULL;
}

/* ---- start and end ----------------------------------------------------------------------------- */

/* A child that ends at once, makes no signal and is reaped. By then the kernel has told of it. */
static pid_t fly_canary(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, 0UL, NULL, NULL, NULL, NULL);

	if (pid == 0)
		syscall(SYS_exit_group, 0);
	if (pid < 0)
		return -errno;
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return pid;
}

/* Closes what brings no messages: in a child network namespace, or pid or user namespace, the kernel
 * accepts who listens and is silent. */
static int prove(struct kernel *l)
{
	pid_t pid = fly_canary();

	if (pid < 0) {
		return pid; /* nor could the program be */
	}
	l->canary = pid;
	while (!take_batch(l))
		;
	if (l->records.fd >= 0 && !l->canary_recorded)
		refuse(&l->records,
		       "no exit records reach this network namespace: run mstat in the initial one",
		       0);
	if (l->events.fd >= 0 && !l->canary_forked)
		refuse(&l->events,
		       "no fork events reach these namespaces: run mstat in the initial pid, user "
		       "and network namespaces",
		       0);
	return l->records.fd < 0 && l->events.fd < 0 ? -EOPNOTSUPP : 0;
}

static int start_reader(struct kernel *l)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -pthread_create(&l->reader, NULL, read_on, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	l->reading = !err;
	if (!err)
		pthread_setname_np(l->reader, "mstat-life");
	return err;
}

static int start(struct kernel *l)
{
	int records_err, events_err, err;

	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake < 0)
		return -errno;
	records_err = records_open(l);
	events_err = events_open(l);
	if (records_err && events_err)
		return records_err;
	err = prove(l);
	if (err)
		return err;
	if (l->events.fd >= 0)
		names_new(&l->names); /* else execs go without */
	return start_reader(l);
}

static struct kernel *make(int64_t clock_offset)
{
	struct kernel *l = calloc(1, sizeof(*l));
	pthread_condattr_t attr;

	if (!l)
		return NULL;
	l->clock_offset = clock_offset;
	l->records.fd = l->events.fd = l->wake = -1;
	l->limit = LIFECYCLE_QUEUE_MAX;
	l->record_bufs = malloc((size_t)BATCH * TASKSTATS_REPLY_MAX);
	l->event_bufs = malloc((size_t)BATCH * CONNECTOR_MESSAGE_MAX);
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->settled, &attr);
	pthread_condattr_destroy(&attr);
	return l;
}

static void rouse(struct kernel *l)
{
	uint64_t one = 1;

	if (write(l->wake, &one, sizeof(one)) < 0) {
		/* Full: it is awake. */
	}
}

static void stop_reader(struct kernel *l)
{
	if (!l->reading)
		return;
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_mutex_unlock(&l->lock);
	rouse(l);
	pthread_join(l->reader, NULL);
}

static void close_feeds(struct kernel *l)
{
	uint8_t buf[TASKSTATS_REQUEST_MAX + CPUS_MAX];

	if (l->events.fd >= 0)
		connector_close(l->events.fd);
	if (l->records.fd >= 0) {
		size_t len = taskstats_pack_register(buf, l->family, SEQ_REGISTER, l->cpus, false);

		send(l->records.fd, buf, len, MSG_NOSIGNAL);
		close(l->records.fd);
	}
}

static void kernel_free(struct kernel *l)
{
	stop_reader(l);
	names_free(l->names);
	close_feeds(l);
	if (l->wake >= 0)
		close(l->wake);
	lifequeue_done(&l->queue);
	lifequeue_done(&l->spare);
	pthread_cond_destroy(&l->settled);
	pthread_mutex_destroy(&l->lock);
	free(l->record_bufs);
	free(l->event_bufs);
	free(l);
}

/* ---- for the collector ------------------------------------------------------------------------- */

const char *lifecycle_why(int error)
{
	switch (error) {
	case -EPERM:
		return "no word of processes without CAP_NET_ADMIN: run mstat as root";
	case -EOPNOTSUPP:
		return "no word of processes reaches these namespaces: run mstat in the initial "
		       "pid, user and network namespaces";
	default:
		return strerror(-error);
	}
}

static bool has(const struct feed *feed, const char **ret_why)
{
	if (ret_why)
		*ret_why = feed->why;
	return feed->fd >= 0;
}

static bool has_events(const struct lifecycle *l, const char **ret_why)
{
	return has(&((const struct kernel *)l)->events, ret_why);
}

static bool has_records(const struct lifecycle *l, const char **ret_why)
{
	return has(&((const struct kernel *)l)->records, ret_why);
}

static bool marks_last(const struct lifecycle *l)
{
	return ((const struct kernel *)l)->marks_last;
}

void lifecycle_limit(struct lifecycle *lifecycle, size_t bytes)
{
	struct kernel *l = (struct kernel *)lifecycle;

	pthread_mutex_lock(&l->lock);
	l->limit = bytes;
	pthread_mutex_unlock(&l->lock);
}

struct taker {
	struct kernel *l;
	void (*on_event)(void *arg, const struct life_event *event);
	void *arg;
};

/* Names are asked for as late as that, for they may be read after the event is. */
static void hand_over(void *arg, const struct life_event *event)
{
	const struct taker *taker = arg;
	struct life_event named = *event;
	struct life_name name;

	if (event->kind == LIFE_EXEC && taker->l->names &&
	    names_take(taker->l->names, event->pid, event->time_ns, &name))
		named.name = &name;
	taker->on_event(taker->arg, &named);
}

static void take(struct lifecycle *lifecycle,
		 void (*on_event)(void *arg, const struct life_event *event), void *arg)
{
	struct kernel *l = (struct kernel *)lifecycle;
	struct taker taker = {l, on_event, arg};
	struct lifequeue taken;

	pthread_mutex_lock(&l->lock);
	taken = l->queue;
	l->queue = l->spare;
	pthread_mutex_unlock(&l->lock);
	lifequeue_take(&taken, hand_over, &taker);
	l->spare = taken;
}

static bool settle(struct lifecycle *lifecycle, unsigned timeout_ms)
{
	struct kernel *l = (struct kernel *)lifecycle;
	struct timespec until;
	uint64_t question;
	bool answered;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&l->lock);
	question = ++l->asked;
	rouse(l);
	while (l->answered < question && !err)
		err = pthread_cond_timedwait(&l->settled, &l->lock, &until);
	answered = l->answered >= question;
	pthread_mutex_unlock(&l->lock);
	return answered;
}

static void losses(struct lifecycle *lifecycle, struct lifecycle_losses *ret)
{
	struct kernel *l = (struct kernel *)lifecycle;

	pthread_mutex_lock(&l->lock);
	*ret = (struct lifecycle_losses){
		.records = l->records.lost,
		.record_overruns = l->records.overruns,
		.events = l->events.lost,
		.event_overruns = l->events.overruns,
		.queue = l->queue_lost,
	};
	pthread_mutex_unlock(&l->lock);
}

static void end(struct lifecycle *l)
{
	kernel_free((struct kernel *)l);
}

static const struct lifecycle_source from_kernel = {
	has_events, has_records, marks_last, take, settle, losses, end,
};

int lifecycle_new(int64_t clock_offset, struct lifecycle **ret)
{
	struct kernel *l = make(clock_offset);
	int err;

	if (!l)
		return -ENOMEM;
	l->lifecycle.source = &from_kernel;
	err = l->record_bufs && l->event_bufs ? start(l) : -ENOMEM;
	if (err)
		kernel_free(l);
	else
		*ret = &l->lifecycle;
	return err;
}
