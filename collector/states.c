/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "collector/states.h"
#include "core/cgroupstats.h"
#include "core/parse.h"
#include "core/taskstats.h"

#define EVERY_NS    1000000000u
#define COST_FACTOR 100
/* Looking at a task takes some 5 us, while which no tick is sampled. */
#define TASKS_MAX 2048

/* What a walk through the cgroup and what is below it adds up. */
struct count {
	struct states *states; /* borrowed */
	size_t tasks;	       /* stored in states->tasks, or more than there is room for */
	uint64_t told[CGROUPSTATS_COUNT]; /* by the kernel, v1 */
	bool asks, answered;
};

void states_init(struct states *states)
{
	*states = (struct states){.proc = -1, .netlink = -1};
}

void states_done(struct states *states)
{
	if (states->proc >= 0)
		close(states->proc);
	if (states->netlink >= 0)
		close(states->netlink);
	free(states->tasks);
	states_init(states);
}

/* The kernel answers before send() returns: what is not there by then, or is cut, never comes. */
static ssize_t receive(int fd, uint8_t *buf, size_t size)
{
	ssize_t n;

	do
		n = recv(fd, buf, size, 0);
	while (n < 0 && errno == EINTR);
	return n;
}

static int netlink_open(struct states *states)
{
	struct timeval soon = {.tv_usec = 10000};
	uint8_t buf[TASKSTATS_REPLY_MAX];
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	size_t len = taskstats_pack_family(buf, ++states->seq);
	int family = -1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	if (send(fd, buf, len, 0) == (ssize_t)len) {
		ssize_t n = receive(fd, buf, sizeof(buf));

		family = n < 0 ? -1 : taskstats_unpack_family(buf, (size_t)n);
	}
	if (family < 0) {
		close(fd);
		return -ENOENT;
	}
	states->family = (uint16_t)family;
	states->netlink = fd;
	return 0;
}

/* Returns 1 with *ret filled, or what ended the answer. */
static int ask_kernel(struct states *states, int dirfd, uint64_t *ret)
{
	uint8_t buf[CGROUPSTATS_REPLY_MAX];
	size_t len = cgroupstats_pack_get(buf, states->family, ++states->seq, (uint32_t)dirfd);
	int answered = 0;
	int got = 1; /* for an answer that is passed over */

	if (send(states->netlink, buf, len, 0) != (ssize_t)len)
		return -errno;
	do {
		ssize_t n = receive(states->netlink, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		if (taskstats_seq(buf, (size_t)n) != states->seq)
			continue; /* of an earlier question, too late */
		got = cgroupstats_unpack(buf, (size_t)n, ret);
		answered = got > 0 ? 1 : answered;
	} while (got > 0);
	return got < 0 ? got : answered;
}

static void store_tasks(struct count *count, const char *text, size_t len)
{
	size_t used;

	for (size_t at = 0; at < len; at += used + 1) {
		int64_t task = parse_number(text + at, len - at, &used);

		if (used == 0)
			return;
		if (count->tasks < TASKS_MAX)
			count->states->tasks[count->tasks] = (pid_t)task;
		count->tasks++;
	}
}

/* Up to a number in each read, for a line may be cut. */
static int read_tasks(struct count *count, int dirfd)
{
	static const char *const names[] = {"cgroup.threads", "tasks"};
	char buf[4096];
	size_t len = 0;
	ssize_t n;
	int fd = openat(dirfd, names[count->asks], O_RDONLY | O_CLOEXEC);

	/* Removed meanwhile. */
	if (fd < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	while (count->tasks <= TASKS_MAX && (n = read(fd, buf + len, sizeof(buf) - len)) > 0) {
		size_t whole = len + (size_t)n;

		while (whole > 0 && buf[whole - 1] != '\n')
			whole--;
		store_tasks(count, buf, whole);
		len = len + (size_t)n - whole;
		memmove(buf, buf + whole, len);
	}
	close(fd);
	return 0;
}

static int count_directory(int dirfd, void *arg)
{
	struct count *count = arg;
	uint64_t told[CGROUPSTATS_COUNT];

	if (count->asks && count->answered) {
		count->answered = ask_kernel(count->states, dirfd, told) == 1;
		for (size_t i = 0; i < CGROUPSTATS_COUNT && count->answered; i++)
			count->told[i] += told[i];
	}
	return read_tasks(count, dirfd);
}

/*
 * The letter of proc_pid_stat(5), field 3; 0 for a task that is gone. Newer kernels have it wait there
 * for an exec that hangs; not in status.
 */
static char task_state(int proc, pid_t task)
{
	char path[24];
	char text[256];
	const char *line;
	size_t len;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%d/status", (int)task);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text));
	close(fd);
	/* The name before it is on one line. */
	line = n > 0 ? parse_line(text, (size_t)n, "State", &len) : NULL;
	return line && len > 0 ? line[0] : 0;
}

static int state_of(char letter)
{
	switch (letter) {
	case 'S':
		return CGROUPSTATS_SLEEPING;
	case 'R':
		return CGROUPSTATS_RUNNING;
	case 'T':
	case 't':
		return CGROUPSTATS_STOPPED;
	case 'D':
		return CGROUPSTATS_UNINTERRUPTIBLE;
	default:
		return -1;
	}
}

static void look_at_tasks(const struct count *count, uint64_t *ret)
{
	for (size_t i = 0; i < count->tasks; i++) {
		int state = state_of(task_state(count->states->proc, count->states->tasks[i]));

		if (state >= 0)
			ret[state]++;
	}
}

/*
 * What the kernel tells of a v1 cgroup is cheap, but right only where it adds up to all tasks: see
 * cgroupstats.h. What waits for I/O is told nowhere else.
 */
static enum reason put_states(const struct count *count, struct record *row)
{
	static const unsigned fields[CGROUPSTATS_COUNT] = {
		[CGROUPSTATS_SLEEPING] = FIELD_SLEEPING,
		[CGROUPSTATS_RUNNING] = FIELD_RUNNING,
		[CGROUPSTATS_STOPPED] = FIELD_STOPPED,
		[CGROUPSTATS_UNINTERRUPTIBLE] = FIELD_UNINTERRUPTIBLE,
		[CGROUPSTATS_IOWAIT] = FIELD_IOWAIT,
	};
	uint64_t seen[CGROUPSTATS_COUNT] = {0};
	const uint64_t *from = seen;
	uint64_t sum = 0;

	for (size_t i = 0; i < CGROUPSTATS_COUNT; i++)
		sum += count->told[i];
	if (count->answered && sum == count->tasks)
		from = count->told;
	else if (count->tasks > TASKS_MAX)
		return REASON_STALL;
	else
		look_at_tasks(count, seen);
	for (size_t i = 0; i < CGROUPSTATS_IOWAIT; i++)
		record_set(row, fields[i], (int64_t)from[i]);
	if (count->answered)
		record_set(row, FIELD_IOWAIT, (int64_t)count->told[CGROUPSTATS_IOWAIT]);
	return REASON_OK;
}

static enum reason count_states(struct states *states, const struct cgroup *cg, struct record *row)
{
	struct count count = {.states = states, .asks = cgroup_is_v1(cg)};

	if (states->proc < 0)
		states->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!states->tasks)
		states->tasks = calloc(TASKS_MAX, sizeof(*states->tasks));
	if (states->proc < 0 || !states->tasks)
		return REASON_FAILED;
	if (count.asks)
		count.answered = states->netlink >= 0 || netlink_open(states) == 0;
	if (cgroup_each(cg, count_directory, &count) < 0)
		return REASON_FAILED;
	return put_states(&count, row);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void states_sample(struct states *states, const struct cgroup *cg, uint64_t now_ns,
		   struct record *row)
{
	uint64_t begin = cpu_ns();
	uint64_t wait_ns;
	enum reason reason;

	if (!cg || now_ns < states->due_ns) {
		record_drop(row, SOURCE_STATES, cg ? REASON_NOT_DUE : REASON_ABSENT);
		return;
	}
	reason = count_states(states, cg, row);
	if (reason != REASON_OK)
		record_drop(row, SOURCE_STATES, reason);
	row->reason[SOURCE_STATES] = (uint8_t)reason;
	wait_ns = (cpu_ns() - begin) * COST_FACTOR;
	states->due_ns = now_ns + (wait_ns > EVERY_NS ? wait_ns : EVERY_NS);
}
