/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "core/parse.h"
#include "core/taskstats.h"
#include "preload/procfs.h"
#include "preload/sys.h"

/* From CapInh's value back to where its line begins, and numbers that got shorter. */
#define CAPS_ROOM 64

static int open_file(const char *path)
{
	return (int)sys_4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

long procfs_slurp(const char *path, void *buf, size_t size)
{
	int fd = open_file(path);
	size_t have = 0;
	long n = 0;

	if (fd < 0)
		return fd;
	while (have < size && (n = sys_3(SYS_read, fd, (char *)buf + have, size - have)) > 0)
		have += (size_t)n;
	sys_1(SYS_close, fd);
	return n < 0 ? n : (long)have;
}

static long read_again(int fd, void *buf, size_t size)
{
	return fd < 0 ? fd : sys_4(SYS_pread64, fd, buf, size, 0);
}

/*
 * FNV-1a over the line of that key, looked for from *at on. Returns the hash, and leaves *at there; it
 * stays where there is no such line.
 */
static uint64_t hash_line(uint64_t hash, const char **at, const char *end, const char *key)
{
	size_t n;
	const char *line = parse_line(*at, (size_t)(end - *at), key, &n);

	for (size_t i = 0; line && i < n; i++)
		hash = (hash ^ (uint8_t)line[i]) * 0x100000001b3u;
	*at = line ? line : *at;
	return hash;
}

/*
 * Where the lines of capabilities begin, or a little before. Half of the text is between the groups and
 * them, so the search begins where they stood the last time: they move by some digits from tick to tick.
 */
static const char *find_caps(struct procfs *proc, const char *after, const char *end)
{
	const char *from = proc->text + proc->caps_at;
	size_t n;
	const char *line = from > after && from < end
				   ? parse_line(from, (size_t)(end - from), "CapInh", &n)
				   : NULL;

	/* A process whose main thread has ended tells less. */
	if (!line)
		line = parse_line(after, (size_t)(end - after), "CapInh", &n);
	if (!line || line - proc->text <= CAPS_ROOM)
		return after;
	proc->caps_at = (uint32_t)(line - proc->text) - CAPS_ROOM;
	return line;
}

/* The line of the tracer's pid, 0 where there is none. */
static bool is_traced(const char **at, const char *end)
{
	size_t n;
	const char *line = parse_line(*at, (size_t)(end - *at), "TracerPid", &n);

	*at = line ? line : *at;
	return line && n > 0 && line[0] != '0';
}

/* Of the status in proc->text: whether we are traced, and hashes of what the main thread and ours must have in common. */
static uint64_t read_credentials(struct procfs *proc, size_t len, uint64_t *ret_filters)
{
	const char *end = proc->text + len;
	const char *at = proc->text;
	uint64_t hash = 0xcbf29ce484222325u;

	proc->traced = is_traced(&at, end);
	hash = hash_line(hash, &at, end, "Uid");
	hash = hash_line(hash, &at, end, "Gid");
	hash = hash_line(hash, &at, end, "Groups");
	at = find_caps(proc, at, end);
	hash = hash_line(hash, &at, end, "CapPrm");
	hash = hash_line(hash, &at, end, "CapEff");
	*ret_filters = hash_line(0, &at, end, "Seccomp_filters");
	return hash;
}

int procfs_open(struct procfs *proc)
{
	long n;

	proc->pid = (uint32_t)sys_0(SYS_getpid);
	proc->status = open_file("/proc/self/status");
	proc->own_status = open_file("/proc/thread-self/status");
	/* By thread: /proc/self has no memory any more once the main thread has ended. */
	proc->rollup = open_file("/proc/thread-self/smaps_rollup");
	proc->stat = open_file("/proc/self/stat");
	proc->io = open_file("/proc/self/io");
	proc->schedstat = -ENOENT; /* only where taskstats is refused */
	proc->netlink = -ENOENT;
	proc->family = 0;
	n = read_again(proc->own_status, proc->text, sizeof(proc->text));
	if (n <= 0 || proc->status < 0)
		return n < 0 ? (int)n : proc->status;
	proc->credentials = read_credentials(proc, (size_t)n, &proc->filters);
	return 0;
}

static enum reason reason_of(long err)
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

/* The main thread has ended: its memory is gone for /proc/self, but not for our thread's file. */
static int read_own_status(struct procfs *proc, struct record *rec)
{
	long n = read_again(proc->own_status, proc->text, sizeof(proc->text));

	if (n <= 0) {
		record_drop(rec, SOURCE_STATUS, reason_of(n));
		return 0;
	}
	parse_source(SOURCE_STATUS, proc->text, (size_t)n, rec);
	/* The ended main thread still counts: two are it and us, and we must not outstay the rest. */
	if (record_has(rec, FIELD_THREADS) && rec->value[FIELD_THREADS] <= 2)
		return -EOWNERDEAD;
	return 0;
}

int procfs_read_status(struct procfs *proc, struct record *rec)
{
	long n = read_again(proc->status, proc->text, sizeof(proc->text));
	uint64_t filters;

	if (n <= 0) {
		record_drop(rec, SOURCE_STATUS, reason_of(n));
		return 0;
	}
	if (read_credentials(proc, (size_t)n, &filters) != proc->credentials)
		return -EPERM;
	/* A call that the program itself does not make may be its end from now on. */
	if (filters != proc->filters)
		return -EACCES;
	parse_source(SOURCE_STATUS, proc->text, (size_t)n, rec);
	if (!record_has(rec, FIELD_RSS))
		return read_own_status(proc, rec);
	return 0;
}

int procfs_exit_status(struct procfs *proc)
{
	long n = read_again(proc->stat, proc->text, sizeof(proc->text));

	/* Word 52 is as wait() tells it. */
	return n > 0 ? (int)(parse_word(proc->text, (size_t)n, 52) >> 8 & 0xff) : 0;
}

static int *file_of(struct procfs *proc, enum source source)
{
	switch (source) {
	case SOURCE_ROLLUP:
		return &proc->rollup;
	case SOURCE_STAT:
		return &proc->stat;
	case SOURCE_IO:
		return &proc->io;
	default:
		return &proc->schedstat;
	}
}

void procfs_read(struct procfs *proc, enum source source, struct record *rec)
{
	long n = read_again(*file_of(proc, source), proc->text, sizeof(proc->text));

	if (n > 0)
		parse_source(source, proc->text, (size_t)n, rec);
	else
		record_drop(rec, source, reason_of(n));
}

/* Sends a request and receives one answer: the kernel queues it before sendto() returns. */
static long ask(struct procfs *proc, size_t len)
{
	long n = sys_6(SYS_sendto, proc->netlink, proc->text, len, MSG_DONTWAIT | MSG_NOSIGNAL, 0,
		       0);

	/* An answer that was left over from a question before is passed over. */
	while (n >= 0) {
		n = sys_6(SYS_recvfrom, proc->netlink, proc->text, TASKSTATS_REPLY_MAX,
			  MSG_DONTWAIT, 0, 0);
		if (n >= 0 && taskstats_seq((uint8_t *)proc->text, (size_t)n) == proc->seq)
			break;
	}
	return n;
}

static int find_family(struct procfs *proc)
{
	long n;

	proc->netlink = (int)sys_3(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
				   NETLINK_GENERIC);
	if (proc->netlink < 0)
		return proc->netlink;
	n = ask(proc, taskstats_pack_family((uint8_t *)proc->text, ++proc->seq));
	return n < 0 ? (int)n : taskstats_unpack_family((uint8_t *)proc->text, (size_t)n);
}

static int read_form(struct procfs *proc, enum source source, struct record *rec)
{
	long n = ask(proc, taskstats_pack_get((uint8_t *)proc->text, (uint16_t)proc->family,
					      ++proc->seq, source, proc->pid));

	if (n >= 0)
		n = taskstats_unpack((uint8_t *)proc->text, (size_t)n, source, rec);
	if (n < 0)
		record_drop(rec, source, reason_of(n));
	return (int)n;
}

/* What /proc tells without privilege; schedstat is the main thread's alone. */
static void read_instead(struct procfs *proc, struct record *rec)
{
	if (proc->schedstat == -ENOENT)
		proc->schedstat = open_file("/proc/self/schedstat");
	if (record_has(rec, FIELD_THREADS) && rec->value[FIELD_THREADS] > 2)
		record_drop(rec, SOURCE_SCHEDSTAT, REASON_THREADS);
	else
		procfs_read(proc, SOURCE_SCHEDSTAT, rec);
}

void procfs_read_taskstats(struct procfs *proc, struct record *rec)
{
	if (proc->family == 0)
		proc->family = find_family(proc);
	if (proc->family > 0 && read_form(proc, SOURCE_TASKSTATS_PID, rec) == -EPERM) {
		proc->family = -EPERM;
		sys_1(SYS_close, proc->netlink);
	}
	if (proc->family < 0) {
		record_drop(rec, SOURCE_TASKSTATS_PID, reason_of(proc->family));
		record_drop(rec, SOURCE_TASKSTATS_TGID, reason_of(proc->family));
		read_instead(proc, rec);
		return;
	}
	read_form(proc, SOURCE_TASKSTATS_TGID, rec);
}
