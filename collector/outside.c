/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "collector/outside.h"
#include "collector/outside_internal.h"
#include "core/parse.h"

/* Of a status what stands before the groups; only what the kernel writes is ever there. */
#define TEXT_MAX 16384
/* The memory stands behind them: with as many as there may be, 65536 of ten digits. */
#define STATUS_MAX (1 << 20)
/* "task/TID/smaps_rollup" */
#define NAME_SIZE 64
/* smaps_rollup, stat or io: some 700 bytes are the most. */
#define ASKED_MAX 2048
/* A walk is waited for longer by so many times the CPU time that it is predicted to take. */
#define WALK_PATIENCE 4

struct outside_strings {
	char comm[WIRE_COMM_MAX];
	char exe[WIRE_EXE_MAX];
	char argv[WIRE_ARGV_MAX];
};

struct text {
	ssize_t n; /* or -errno */
	char bytes[ASKED_MAX];
};

/* What of a sample is asked for. */
struct asked {
	struct text stat, io, rollup;
};

int outside_open(pid_t pid, struct patience *patience, struct outside **ret)
{
	struct outside *o = calloc(1, sizeof(*o));
	char path[32];
	int err;

	if (!o)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	o->pid = pid;
	o->patience = patience;
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
	outside_ask_done(o);
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

/* As outside_ask_file(); that there is no answer is kept in mind. */
static ssize_t describe_file(struct outside *o, const char *name, bool of_memory, void *buf,
			     size_t size)
{
	ssize_t n = outside_ask_file(o, name, of_memory, buf, size);

	o->is_partial |= outside_is_unanswered(n);
	return n;
}

static void set_comm(const struct outside *o, const char *comm, size_t len, struct wire_hello *ret)
{
	ret->comm_len = len < WIRE_COMM_MAX ? len : WIRE_COMM_MAX;
	__builtin_memcpy(o->strings->comm, comm, ret->comm_len);
}

/* What stat would tell, as far as it is told here: the name may be escaped. */
static void describe_by_status(const struct outside *o, const char *text, size_t len,
			       struct wire_hello *ret)
{
	size_t n;
	const char *line = parse_line(text, len, "PPid", &n);

	if (line)
		ret->ppid = (uint32_t)parse_number(line, n, NULL);
	line = parse_line(text, len, "Name", &n);
	if (line)
		set_comm(o, line, n, ret);
}

static int describe_status(const struct outside *o, bool has_stat, struct wire_hello *ret)
{
	char text[TEXT_MAX];
	ssize_t n = outside_read(o, "status", false, text, sizeof(text));

	if (n <= 0)
		return n < 0 ? (int)n : -EIO;
	ret->uid = effective(text, (size_t)n, "Uid");
	ret->gid = effective(text, (size_t)n, "Gid");
	if (!has_stat)
		describe_by_status(o, text, (size_t)n, ret);
	return 0;
}

static int describe_stat(struct outside *o, struct wire_hello *ret)
{
	char text[1024];
	ssize_t n = describe_file(o, "stat", false, text, sizeof(text));
	const char *comm;
	size_t len;

	if (n <= 0)
		return n < 0 ? (int)n : -EIO;
	ret->ppid = (uint32_t)parse_word(text, (size_t)n, 4);
	ret->start_ticks = parse_word(text, (size_t)n, 22);
	comm = parse_comm(text, (size_t)n, &len);
	set_comm(o, comm, len, ret);
	return 0;
}

int outside_started(struct outside *o, uint64_t *ret)
{
	char text[1024];
	ssize_t n = outside_ask_file(o, "stat", false, text, sizeof(text));

	*ret = n > 0 ? parse_word(text, (size_t)n, 22) : 0;
	if (outside_is_unanswered(n))
		n = outside_read(o, "status", false, text, sizeof(text));
	if (n <= 0)
		return n < 0 ? (int)n : -EIO;
	return 0;
}

static ssize_t answer_link(struct outside *o, const struct question *question, void *buf,
			   size_t size)
{
	return outside_link(o, question->file, buf, size);
}

static ssize_t answer_shares(struct outside *o, const struct question *question, void *buf,
			     size_t size)
{
	*(bool *)buf = syscall(SYS_kcmp, o->pid, question->parent, KCMP_VM, 0, 0) == 0;
	return (ssize_t)size;
}

bool outside_shares_memory(struct outside *o, pid_t parent)
{
	struct question question = {.answer = answer_shares, .parent = parent};
	bool shares = false;

	if (parent)
		outside_ask(o, &question, &shares, sizeof(shares));
	return shares;
}

int outside_describe(struct outside *o, struct wire_hello *ret)
{
	static const struct question exe = {.answer = answer_link, .file = "exe"};
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
	o->is_partial = false;
	err = describe_stat(o, ret);
	if (err == 0 || o->is_partial)
		err = describe_status(o, err == 0, ret);
	if (err < 0)
		return err;
	n = outside_ask(o, &exe, o->strings->exe, sizeof(o->strings->exe));
	ret->exe_len = n > 0 ? (size_t)n : 0;
	o->is_partial |= outside_is_unanswered(n);
	n = describe_file(o, "cmdline", true, o->strings->argv, sizeof(o->strings->argv));
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
	case -EAGAIN:
		return REASON_NOT_DUE;
	default:
		return REASON_FAILED;
	}
}

static void take_source(enum source source, const char *text, ssize_t n, struct record *rec)
{
	if (n > 0)
		parse_source(source, text, (size_t)n, rec);
	else
		record_drop(rec, source, reason_of(n));
}

/* Returns what outside_read() does. By the collector's thread alone; not on its stack, which may be small. */
static ssize_t read_source(const struct outside *o, enum source source, bool of_memory,
			   struct record *rec)
{
	static char text[STATUS_MAX];
	ssize_t n = outside_read(o, source_table[source].file, of_memory, text, sizeof(text));

	take_source(source, text, n, rec);
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

static uint64_t spent_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void read_text(const struct outside *o, enum source source, bool of_memory, struct text *ret)
{
	ret->n = outside_read(o, source_table[source].file, of_memory, ret->bytes,
			      sizeof(ret->bytes));
}

/* In one errand, which costs more than reading any of these. */
static ssize_t answer_sample(struct outside *o, const struct question *question, void *buf,
			     size_t size)
{
	struct asked *asked = buf;
	uint64_t before;

	if (question->is_slow) {
		/* Of the process as a whole, also without its main thread. */
		read_text(o, SOURCE_STAT, false, &asked->stat);
		read_text(o, SOURCE_IO, false, &asked->io);
	}
	/* Last, for it may take long, and the others are of the tick. */
	if (question->is_walk) {
		before = spent_ns();
		read_text(o, SOURCE_ROLLUP, true, &asked->rollup);
		o->walked_ns = spent_ns() - before;
	}
	return (ssize_t)size;
}

/* Asks for it; without an answer each source has the reason. */
static void ask_sample(struct outside *o, const struct question *question, struct record *rec)
{
	struct asked asked;
	ssize_t n = outside_ask(o, question, &asked, sizeof(asked));
	uint64_t before;

	if (n < 0)
		asked.stat.n = asked.io.n = asked.rollup.n = n;
	if (question->is_slow) {
		take_source(SOURCE_STAT, asked.stat.bytes, asked.stat.n, rec);
		take_source(SOURCE_IO, asked.io.bytes, asked.io.n, rec);
	}
	if (!question->is_walk)
		return;
	before = spent_ns();
	take_source(SOURCE_ROLLUP, asked.rollup.bytes, asked.rollup.n, rec);
	if (o->walked_ns)
		o->walked_ns += spent_ns() - before;
}

static void note_walk(struct outside *o, uint64_t end_ns, struct record *rec)
{
	if (o->walked_ns)
		rollup_done(&o->rollup, rec, o->walked_ns, end_ns);
	o->walked_ns = 0;
}

/* Whether smaps_rollup is due; else the record tells why not. */
static bool is_walk_due(struct outside *o, uint64_t now_ns, const struct rollup_limits *limits,
			struct record *rec)
{
	/* A walk that was answered too late has made the process wait all the same. */
	outside_settle(o);
	note_walk(o, now_ns, rec);
	rec->reason[SOURCE_ROLLUP] = (uint8_t)rollup_reason(&o->rollup, rec, now_ns, limits);
	return rec->reason[SOURCE_ROLLUP] == REASON_OK;
}

/* But for what is asked for. */
static void read_slow(const struct outside *o, struct record *rec)
{
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

int outside_sample(struct outside *o, const struct outside_limits *given, uint64_t now_ns,
		   bool slow, struct record *rec)
{
	struct rollup_limits limits = {given->stall_ns, given->budget_ppm, given->live};
	struct question question = {.answer = answer_sample, .is_slow = slow};
	int ret = read_status(o, rec);

	if (ret < 0)
		return ret;
	rec->reason[SOURCE_SAMPLER] = REASON_ABSENT;
	if (slow)
		read_slow(o, rec);
	else
		skip_slow(rec);
	question.is_walk = is_walk_due(o, now_ns, &limits, rec);
	if (question.is_walk)
		question.extra_ns = WALK_PATIENCE * rollup_predict(&o->rollup, rec);
	if (slow || question.is_walk)
		ask_sample(o, &question, rec);
	note_walk(o, now_ns + o->walked_ns, rec);
	return 0;
}
