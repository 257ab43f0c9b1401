/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/parse.h"
#include "tools/getproc.h"

#define STAT_MAX   2048	     /* 52 numbers and a name */
#define STATUS_MAX (1 << 20) /* with as many groups as there may be: 65536, of ten digits */
#define ROLLUP_MAX 2048
#define SMAPS_MAX  65536       /* of a text of any length, at a time */
#define NAME_SIZE  64	       /* "task/TID/smaps_rollup" */
#define IS_KERNEL  0x00200000u /* PF_KTHREAD */

/* Fields of stat: proc_pid_stat(5). */
enum { STAT_PPID = 4, STAT_FLAGS = 9, STAT_START = 22 };

/* Whose files tell of the memory: the main thread's, or while it has ended, another one's. */
struct teller {
	int dir;
	char prefix[NAME_SIZE / 2]; /* "" or "task/TID/" */
};

int getproc_open(int proc, pid_t pid)
{
	char name[16];
	int dir;

	snprintf(name, sizeof(name), "%d", (int)pid);
	dir = openat(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		return dir;
	return errno == ENOENT ? -ESRCH : -errno;
}

static const char *name_of(const struct teller *teller, const char *file, char room[NAME_SIZE])
{
	if (!teller->prefix[0])
		return file;
	snprintf(room, NAME_SIZE, "%s%s", teller->prefix, file);
	return room;
}

static int open_file(const struct teller *teller, const char *file)
{
	char room[NAME_SIZE];
	int fd = openat(teller->dir, name_of(teller, file, room), O_RDONLY | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT)
		return fd >= 0 ? fd : -errno;
	/* Of a process that is gone every file is missing, of a kernel some are. */
	return faccessat(teller->dir, name_of(teller, "status", room), F_OK, 0) < 0 ? -ESRCH
										    : -ENOENT;
}

/* Of what one read() gives whole. Returns its length or a negative errno. */
static ssize_t read_file(const struct teller *teller, const char *file, char *buf, size_t size)
{
	int fd = open_file(teller, file);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, buf, size);
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}

int getproc_identify(int dir, struct getproc_id *ret)
{
	static const unsigned words[] = {STAT_PPID, STAT_FLAGS, STAT_START};
	const struct teller teller = {.dir = dir};
	uint64_t values[3];
	char text[STAT_MAX];
	ssize_t n = read_file(&teller, "stat", text, sizeof(text));
	const char *comm;
	size_t after;

	if (n <= 0)
		return n < 0 ? (int)n : -EIO;
	comm = parse_comm(text, (size_t)n, &ret->comm_len);
	if (ret->comm_len > GETPROC_COMM_MAX)
		ret->comm_len = GETPROC_COMM_MAX;
	memcpy(ret->comm, comm, ret->comm_len);
	after = (size_t)(comm - text) + ret->comm_len + 2;
	ret->pid = (pid_t)parse_number(text, (size_t)n, NULL);
	ret->state = after < (size_t)n ? text[after] : '?';
	parse_words(text, (size_t)n, words, 3, values);
	ret->ppid = (pid_t)values[0];
	ret->is_kernel = values[1] & IS_KERNEL;
	ret->start_ticks = values[2];
	return 0;
}

/* Of status the few lines in its middle that are wanted: most of reading it is looking through it. */
static void parse_memory(const char *text, size_t len, struct record *rec)
{
	static const char first[] = "\nVmHWM:", last[] = "\nHugetlbPages:";
	const char *begin = memmem(text, len, first, sizeof(first) - 1);
	const char *end =
		begin ? memmem(begin, len - (size_t)(begin - text), last, sizeof(last) - 1) : NULL;

	begin = begin ? begin : text;
	end = end ? end : text + len;
	parse_source(SOURCE_STATUS, begin, (size_t)(end - begin), rec);
}

static int read_status(const struct teller *teller, struct record *rec, pid_t *ret_leader)
{
	/* Not on the stack, which may be small. */
	static char text[STATUS_MAX];
	ssize_t n = read_file(teller, "status", text, sizeof(text));
	const char *line;
	size_t len;

	if (n <= 0)
		return n < 0 ? (int)n : -EIO;
	parse_memory(text, (size_t)n, rec);
	line = parse_line(text, (size_t)n, "Tgid", &len);
	*ret_leader = line ? (pid_t)parse_number(line, len, NULL) : 0;
	return 0;
}

/* Without its main thread a process's memory is told by each of the others. */
static int find_thread(struct teller *teller, struct record *rec)
{
	int fd = openat(teller->dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	pid_t leader;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && !record_has(rec, FIELD_RSS) && (entry = readdir(dir))) {
		if (atoi(entry->d_name) <= 0)
			continue;
		snprintf(teller->prefix, sizeof(teller->prefix), "task/%d/", atoi(entry->d_name));
		read_status(teller, rec, &leader);
	}
	if (dir)
		closedir(dir);
	return record_has(rec, FIELD_RSS) ? 0 : -ESRCH;
}

int64_t getproc_sum_smaps(const char *text, size_t len, bool *ret_found)
{
	static const char key[] = {'P', 's', 's', ':'};
	int64_t sum = 0;

	*ret_found = false;
	for (size_t start = 0, end; start < len; start = end + 1) {
		const char *newline = memchr(text + start, '\n', len - start);

		end = newline ? (size_t)(newline - text) : len;
		if (end - start <= sizeof(key) || memcmp(text + start, key, sizeof(key)) != 0)
			continue;
		start += sizeof(key);
		sum += parse_number(text + start, end - start, NULL);
		*ret_found = true;
	}
	return sum;
}

/* By mappings, where the kernel does not add them up. Returns 0 or a negative errno. */
static int read_smaps(const struct teller *teller, int64_t *ret_kib)
{
	char text[SMAPS_MAX];
	size_t len = 0;
	bool any = false, found;
	int fd = open_file(teller, "smaps");
	ssize_t n;

	if (fd < 0)
		return fd;
	*ret_kib = 0;
	while ((n = read(fd, text + len, sizeof(text) - len)) > 0) {
		size_t whole = len += (size_t)n;

		while (whole > 0 && text[whole - 1] != '\n')
			whole--;
		*ret_kib += getproc_sum_smaps(text, whole, &found);
		any |= found;
		len -= whole;
		memmove(text, text + whole, len);
	}
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? (int)n : any ? 0 : -ESRCH;
}

static int read_pss(const struct teller *teller, struct record *rec)
{
	char text[ROLLUP_MAX];
	ssize_t n = read_file(teller, "smaps_rollup", text, sizeof(text));
	const char *line;
	size_t len;
	int64_t kib;
	int err;

	/* Of its twenty lines the second is all that is wanted. */
	line = n > 0 ? parse_line(text, (size_t)n, field_table[FIELD_PSS].key, &len) : NULL;
	if (line)
		record_set(rec, FIELD_PSS, parse_number(line, len, NULL));
	if (n != -ENOENT)
		return n < 0 ? (int)n : line ? 0 : -EIO;
	err = read_smaps(teller, &kib);
	if (err == 0)
		record_set(rec, FIELD_PSS, kib);
	return err;
}

static int measure(int dir, bool with_pss, struct getproc_memory *ret)
{
	static const unsigned fields[GETPROC_COLUMNS] = {
		[GETPROC_PSS] = FIELD_PSS,	 [GETPROC_RSS] = FIELD_RSS,
		[GETPROC_SWAP] = FIELD_SWAP,	 [GETPROC_ANON] = FIELD_RSS_ANON,
		[GETPROC_FILE] = FIELD_RSS_FILE, [GETPROC_SHMEM] = FIELD_RSS_SHMEM,
		[GETPROC_PEAK] = FIELD_HWM,
	};
	struct teller teller = {.dir = dir};
	struct record rec;
	int err;

	record_init(&rec);
	err = read_status(&teller, &rec, &ret->leader);
	if (err == 0 && !record_has(&rec, FIELD_RSS))
		err = find_thread(&teller, &rec);
	if (err < 0)
		return err;
	ret->pss_error = with_pss ? read_pss(&teller, &rec) : 0;
	/* It ended between the two: half of it is not its memory now. */
	if (ret->pss_error == -ESRCH)
		return -ESRCH;
	for (unsigned i = 0; i < GETPROC_COLUMNS; i++)
		ret->bytes[i] = record_has(&rec, fields[i]) ? record_scaled(&rec, fields[i])
							    : GETPROC_UNKNOWN;
	return 0;
}

int getproc_measure(int dir, struct getproc_memory *ret)
{
	return measure(dir, true, ret);
}

int getproc_measure_rss(int dir, struct getproc_memory *ret)
{
	return measure(dir, false, ret);
}
