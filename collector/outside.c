/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "collector/outside.h"
#include "collector/outside_internal.h"
#include "core/parse.h"

/* A status with a thousand groups; only what the kernel writes is ever there. */
#define TEXT_MAX 16384
/* "task/TID/smaps_rollup" */
#define NAME_SIZE 64

struct outside_strings {
	char comm[WIRE_COMM_MAX];
	char exe[WIRE_EXE_MAX];
	char argv[WIRE_ARGV_MAX];
};

int outside_open(pid_t pid, struct outside **ret)
{
	struct outside *o = calloc(1, sizeof(*o));
	char path[32];
	int err;

	if (!o)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	o->pid = pid;
	o->dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (o->dir < 0) {
		err = -errno;
		free(o);
		return err;
	}
	*ret = o;
	return 0;
}

void outside_close(struct outside *o)
{
	if (!o)
		return;
	close(o->dir);
	free(o->strings);
	free(o);
}

static const char *name_of(const struct outside *o, const char *name, bool of_memory, char *room)
{
	if (!of_memory || !o->tid)
		return name;
	snprintf(room, NAME_SIZE, "task/%d/%s", (int)o->tid, name);
	return room;
}

int outside_file(const struct outside *o, const char *name, bool of_memory)
{
	char room[NAME_SIZE];
	int fd = openat(o->dir, name_of(o, name, of_memory, room), O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

ssize_t outside_read(const struct outside *o, const char *name, bool of_memory, void *buf,
		     size_t size)
{
	char room[NAME_SIZE];
	int fd = outside_file(o, name, of_memory);
	ssize_t n;

	/* Of a process or thread that is gone every file is missing, of a kernel some are. */
	if (fd == -ENOENT && faccessat(o->dir, name_of(o, "status", of_memory, room), F_OK, 0) < 0)
		return -ESRCH;
	if (fd < 0)
		return fd;
	n = read(fd, buf, size);
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}

ssize_t outside_link(const struct outside *o, const char *name, char *buf, size_t size)
{
	char room[NAME_SIZE];
	ssize_t n = readlinkat(o->dir, name_of(o, name, true, room), buf, size - 1);

	buf[n > 0 ? n : 0] = '\0';
	return n < 0 ? -errno : n;
}

/* The effective one of the four numbers: proc_pid_status(5). */
static uint32_t effective(const char *text, size_t len, const char *key)
{
	size_t n;
	const char *line = parse_line(text, len, key, &n);

	return line ? (uint32_t)parse_word(line, n, 2) : 0;
}

static int describe_ids(const struct outside *o, struct wire_hello *ret)
{
	char text[TEXT_MAX];
	ssize_t n = outside_read(o, "status", false, text, sizeof(text));

	if (n <= 0)
		return n < 0 ? (int)n : -EIO;
	ret->uid = effective(text, (size_t)n, "Uid");
	ret->gid = effective(text, (size_t)n, "Gid");
	return 0;
}

static int describe_stat(const struct outside *o, struct wire_hello *ret)
{
	char text[1024];
	ssize_t n = outside_read(o, "stat", false, text, sizeof(text));
	const char *comm;

	if (n <= 0)
		return n < 0 ? (int)n : -EIO;
	ret->ppid = (uint32_t)parse_word(text, (size_t)n, 4);
	ret->start_ticks = parse_word(text, (size_t)n, 22);
	comm = parse_comm(text, (size_t)n, &ret->comm_len);
	if (ret->comm_len > WIRE_COMM_MAX)
		ret->comm_len = WIRE_COMM_MAX;
	__builtin_memcpy(o->strings->comm, comm, ret->comm_len);
	return 0;
}

int outside_describe(struct outside *o, struct wire_hello *ret)
{
	ssize_t n;
	int err;

	if (!o->strings && !(o->strings = malloc(sizeof(*o->strings))))
		return -ENOMEM;
	*ret = (struct wire_hello){
		.version = WIRE_VERSION,
		.pid = (uint32_t)o->pid,
		.comm = o->strings->comm,
		.exe = o->strings->exe,
		.argv = o->strings->argv,
	};
	err = describe_stat(o, ret);
	if (err == 0)
		err = describe_ids(o, ret);
	if (err < 0)
		return err;
	n = outside_link(o, "exe", o->strings->exe, sizeof(o->strings->exe));
	ret->exe_len = n > 0 ? (size_t)n : 0;
	n = outside_read(o, "cmdline", true, o->strings->argv, sizeof(o->strings->argv));
	ret->argv_len = n > 0 ? (size_t)n : 0;
	return 0;
}

static enum reason reason_of(ssize_t err)
{
	switch (err) {
	case -EPERM:
	case -EACCES:
		return REASON_DENIED;
	case -ENOENT:
		return REASON_ABSENT;
	default:
		return REASON_FAILED;
	}
}

/* Returns what outside_read() does. */
static ssize_t read_source(const struct outside *o, enum source source, bool of_memory,
			   struct record *rec)
{
	char text[TEXT_MAX];
	ssize_t n = outside_read(o, source_table[source].file, of_memory, text, sizeof(text));

	if (n > 0)
		parse_source(source, text, (size_t)n, rec);
	else
		record_drop(rec, source, reason_of(n));
	return n;
}

/*
 * The main thread has ended, and the others live: its files tell nothing of the memory any more, each
 * of theirs does. The one that is found serves until it ends, too.
 */
static bool find_thread(struct outside *o, struct record *rec)
{
	int fd = openat(o->dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && !record_has(rec, FIELD_RSS) && (entry = readdir(dir))) {
		o->tid = (pid_t)atoi(entry->d_name);
		if (o->tid > 0 && o->tid != o->pid)
			read_source(o, SOURCE_STATUS, true, rec);
	}
	if (dir)
		closedir(dir);
	if (record_has(rec, FIELD_RSS))
		return true;
	o->tid = 0;
	return false;
}

/* Returns 0, or -ESRCH where the process has ended: what has no memory any more and is alone. */
static int read_status(struct outside *o, struct record *rec)
{
	ssize_t n = read_source(o, SOURCE_STATUS, true, rec);

	if (o->tid && !record_has(rec, FIELD_RSS)) {
		o->tid = 0;
		n = read_source(o, SOURCE_STATUS, true, rec);
	}
	if (n == -ESRCH)
		return -ESRCH;
	if (n <= 0 || record_has(rec, FIELD_RSS))
		return 0;
	if (!record_has(rec, FIELD_THREADS) || rec->value[FIELD_THREADS] <= 1)
		return -ESRCH;
	if (!find_thread(o, rec))
		record_drop(rec, SOURCE_STATUS, REASON_FAILED);
	return 0;
}

/* CPU time of this thread. */
static uint64_t spent_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void read_rollup(struct outside *o, const struct outside_limits *given, uint64_t now_ns,
			struct record *rec)
{
	struct rollup_limits limits = {given->stall_ns, given->budget_ppm, given->live};
	enum reason reason = rollup_reason(&o->rollup, rec, now_ns, &limits);
	uint64_t before, cost;

	if (reason != REASON_OK) {
		rec->reason[SOURCE_ROLLUP] = (uint8_t)reason;
		return;
	}
	before = spent_ns();
	read_source(o, SOURCE_ROLLUP, true, rec);
	cost = spent_ns() - before;
	rollup_done(&o->rollup, rec, cost, now_ns + cost, &limits);
}

static void read_slow(const struct outside *o, struct record *rec)
{
	/* Of the process as a whole, also without its main thread. */
	read_source(o, SOURCE_STAT, false, rec);
	read_source(o, SOURCE_IO, false, rec);
	/* The main thread's alone. */
	if (record_has(rec, FIELD_THREADS) && rec->value[FIELD_THREADS] > 1)
		rec->reason[SOURCE_SCHEDSTAT] = REASON_THREADS;
	else
		read_source(o, SOURCE_SCHEDSTAT, false, rec);
	rec->reason[SOURCE_TASKSTATS_PID] = REASON_DENIED;
	rec->reason[SOURCE_TASKSTATS_TGID] = REASON_DENIED;
}

static void skip_slow(struct record *rec)
{
	static const uint8_t slow[] = {SOURCE_STAT, SOURCE_IO, SOURCE_SCHEDSTAT,
				       SOURCE_TASKSTATS_PID, SOURCE_TASKSTATS_TGID};

	for (unsigned i = 0; i < sizeof(slow); i++)
		rec->reason[slow[i]] = REASON_NOT_DUE;
}

int outside_sample(struct outside *o, const struct outside_limits *limits, uint64_t now_ns,
		   bool slow, struct record *rec)
{
	int ret = read_status(o, rec);

	if (ret < 0)
		return ret;
	read_rollup(o, limits, now_ns, rec);
	rec->reason[SOURCE_SAMPLER] = REASON_ABSENT;
	if (slow)
		read_slow(o, rec);
	else
		skip_slow(rec);
	return 0;
}
