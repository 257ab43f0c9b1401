/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/parse.h"
#include "tools/rest.h"

/* They may be as many as fast. */
#define REAP_MAX 1000

#define KILL_ROUNDS 500
#define ROUND_MS    10

struct process {
	pid_t pid, parent;
	uint64_t start_ticks; /* of who is ours, once noted */
	bool is_ours;
};

/* Every process that /proc shows. */
struct process_table {
	struct process *list; /* owned */
	size_t count, room;
};

static ssize_t read_file(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, size);
	close(fd);
	return n;
}

/*
 * False: there is none, or it is dead. Not by stat: on newer kernels that waits for an exec, which may
 * hang, and all that the machine has are looked at.
 */
static bool look_at(pid_t pid, struct process *ret)
{
	char text[1024];
	ssize_t n = read_file(pid, "status", text, sizeof(text));
	size_t state_len, parent_len;
	const char *state, *parent;

	if (n <= 0)
		return false;
	state = parse_line(text, (size_t)n, "State", &state_len);
	parent = parse_line(text, (size_t)n, "PPid", &parent_len);
	if (!state || !parent || state_len == 0 || strchr("ZXx", state[0]))
		return false;
	*ret = (struct process){
		.pid = pid,
		.parent = (pid_t)parse_number(parent, parent_len, NULL),
	};
	return true;
}

/* 0: there is none. */
static uint64_t start_of(pid_t pid)
{
	char text[1024];
	ssize_t n = read_file(pid, "stat", text, sizeof(text));

	return n > 0 ? parse_word(text, (size_t)n, 22) : 0;
}

static int table_add(struct process_table *table, const struct process *process)
{
	if (table->count == table->room) {
		size_t room = table->room ? table->room * 2 : 256;
		struct process *more = reallocarray(table->list, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		table->list = more;
		table->room = room;
	}
	table->list[table->count++] = *process;
	return 0;
}

static bool is_foreign(const struct rest *rest, const struct process *process)
{
	for (size_t i = 0; i < rest->foreign_count; i++)
		if (rest->foreign[i].pid == process->pid &&
		    rest->foreign[i].start_ticks == start_of(process->pid))
			return true;
	return false;
}

/* Children of who is ours are ours, as often as it takes: a child may stand before its parent. */
static int mark_ours(const struct rest *rest, struct process_table *table)
{
	int count = 0;
	int before;

	do {
		before = count;
		for (size_t i = 0; i < table->count; i++) {
			struct process *process = &table->list[i];
			bool ours = process->parent == getpid() && !is_foreign(rest, process);

			for (size_t j = 0; j < table->count && !ours; j++)
				ours = table->list[j].is_ours &&
				       table->list[j].pid == process->parent;
			count += ours && !process->is_ours;
			process->is_ours = process->is_ours || ours;
		}
	} while (count > before);
	return count;
}

/* Of who is still the one that was looked at: a child of the same parent. */
static void note_starts(struct process_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		struct process *process = &table->list[i];
		struct process now;

		if (!process->is_ours)
			continue;
		process->start_ticks = start_of(process->pid);
		if (!look_at(process->pid, &now) || now.parent != process->parent)
			process->start_ticks = 0;
	}
}

/* Returns how many are ours. */
static int table_read(const struct rest *rest, struct process_table *ret)
{
	DIR *dir = opendir("/proc");
	int err = dir ? 0 : -errno;

	*ret = (struct process_table){0};
	for (struct dirent *entry; err == 0 && (entry = readdir(dir));) {
		struct process process;
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (pid > 0 && look_at(pid, &process))
			err = table_add(ret, &process);
	}
	if (dir)
		closedir(dir);
	return err < 0 ? err : mark_ours(rest, ret);
}

void rest_adopt(struct rest *ret)
{
	struct process_table table;
	int count;

	*ret = (struct rest){0};
	/* A shell that has started others before it execs mstat leaves them to it. */
	count = table_read(ret, &table);
	note_starts(&table);
	if (count > 0)
		ret->foreign = calloc((size_t)count, sizeof(*ret->foreign));
	/* Their children, too, who may come to us as orphans. */
	for (size_t i = 0; i < table.count && ret->foreign; i++)
		if (table.list[i].is_ours)
			ret->foreign[ret->foreign_count++] =
				(struct rest_foreign){table.list[i].pid, table.list[i].start_ticks};
	free(table.list);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void rest_done(struct rest *rest)
{
	free(rest->foreign);
	*rest = (struct rest){0};
}

bool rest_reap(pid_t pid, int *ret_status)
{
	bool found = false;
	bool ended = false;
	unsigned count = 0;
	pid_t dead;
	int status;

	while (count < REAP_MAX && (dead = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		count++;
		/* Once it has ended its pid may be an orphan's. */
		if (dead != pid || ended)
			continue;
		*ret_status = status;
		found = true;
		ended = !WIFSTOPPED(status);
	}
	if (count == REAP_MAX)
		kill(getpid(), SIGCHLD);
	return found;
}

void rest_bury(void)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec++;
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec < end.tv_sec ||
		(now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec)) &&
	       waitpid(-1, NULL, WNOHANG) > 0);
}

int rest_count(const struct rest *rest)
{
	struct process_table table;
	siginfo_t info;
	int count;

	/* Cheap, and the usual case. */
	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
		return 0;
	count = table_read(rest, &table);
	free(table.list);
	return count;
}

/* Not who has the pid of a dead one by now. */
static void kill_process(const struct process *process)
{
	int pidfd = pidfd_open(process->pid, 0);

	if (pidfd < 0)
		return;
	if (process->start_ticks && start_of(process->pid) == process->start_ticks)
		pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	close(pidfd);
}

int rest_kill(struct rest *rest)
{
	struct timespec pause = {.tv_nsec = ROUND_MS * 1000000};

	for (unsigned round = 0; round < KILL_ROUNDS; round++) {
		struct process_table table;
		int count = table_read(rest, &table);

		note_starts(&table);
		for (size_t i = 0; i < table.count; i++)
			if (table.list[i].is_ours)
				kill_process(&table.list[i]);
		free(table.list);
		if (count <= 0)
			return count;
		nanosleep(&pause, NULL);
		rest_reap(0, NULL);
	}
	return -EBUSY;
}
