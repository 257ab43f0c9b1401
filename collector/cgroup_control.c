/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>

#include "collector/cgroup_internal.h"
#include "core/parse.h"

/* Killing ends after this long: a storm of forks took less than a second of it. */
#define KILL_SECONDS 5
/* A cgroup is given this long to freeze; one that does not is killed all the same. */
#define FREEZE_MS 500

/* A limit that is there already and tighter (the own cgroup's, copied) is kept. */
static int limit_v2(int fd, const char *file, uint64_t max)
{
	cleanup_text char *text = NULL;
	char wish[24];
	size_t len, used;
	int64_t now;
	int err = cgroup_file_read(fd, file, &text, &len);

	if (err < 0)
		return err;
	now = parse_number(text, len, &used);
	if (used > 0 && (uint64_t)now <= max)
		return 0;
	snprintf(wish, sizeof(wish), "%llu", (unsigned long long)max);
	return cgroup_file_write(fd, file, wish);
}

static int limit_v1(int fd, const char *file, uint64_t max)
{
	char wish[24];

	/* The kernel reads a signed number. */
	snprintf(wish, sizeof(wish), "%llu",
		 (unsigned long long)(max < INT64_MAX ? max : INT64_MAX));
	return cgroup_file_write(fd, file, wish);
}

/* memsw counts memory and swap, and must not be below the limit of memory: that one is set first. */
static int limit_both_v1(int fd, uint64_t memory_max, uint64_t swap_max, const char **ret_file)
{
	int err = 0;

	*ret_file = "memory.limit_in_bytes";
	if (memory_max != UINT64_MAX)
		err = limit_v1(fd, *ret_file, memory_max);
	if (err < 0 || swap_max == UINT64_MAX)
		return err;
	*ret_file = "memory.memsw.limit_in_bytes";
	if (memory_max == UINT64_MAX)
		return -EOPNOTSUPP;
	return limit_v1(fd, *ret_file,
			swap_max < UINT64_MAX - memory_max ? memory_max + swap_max : UINT64_MAX);
}

int cgroup_limit(struct cgroup *cg, uint64_t memory_max, uint64_t swap_max, const char **ret_file)
{
	int err = 0;

	*ret_file = "";
	if (cg->is_borrowed)
		return -EROFS;
	if (cg->mode != CGROUP_V2)
		return limit_both_v1(cg->memory.fd, memory_max, swap_max, ret_file);
	*ret_file = "memory.max";
	if (memory_max != UINT64_MAX)
		err = limit_v2(cg->memory.fd, *ret_file, memory_max);
	if (err < 0 || swap_max == UINT64_MAX)
		return err;
	*ret_file = "memory.swap.max";
	return limit_v2(cg->memory.fd, *ret_file, swap_max);
}

/* The directory of the run in the v2 hierarchy, -1: none. */
static int v2_dir(const struct cgroup *cg)
{
	return cg->mode == CGROUP_V2 ? cg->memory.fd : cg->twin.fd;
}

void cgroup_prepare_kill(struct cgroup *cg, const struct cgroup_place *place)
{
	cleanup_fd int parent = -1;

	/* cgroup.freeze is there from 5.2 on, but not in the root, where no run stands. */
	if (v2_dir(cg) >= 0 && faccessat(v2_dir(cg), "cgroup.freeze", W_OK, AT_EACCESS) == 0)
		return;
	if (!place->freezer[0])
		return;
	parent = cgroup_dir_open(AT_FDCWD, place->freezer);
	if (parent < 0 || cgroup_dir_check_writable(parent) < 0)
		return;
	cgroup_dir_sweep(parent);
	cgroup_dir_make(parent, cg->memory.name, &cg->freezer);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void wait_frozen(int fd, const char *file, const char *word)
{
	uint64_t end_ms = now_ms() + FREEZE_MS;

	while (now_ms() < end_ms) {
		cleanup_text char *text = NULL;
		size_t len;

		if (cgroup_file_read(fd, file, &text, &len) < 0 || strstr(text, word))
			return;
		cgroup_sleep_ms(1);
	}
}

/* What is frozen cannot fork. Where nothing freezes, the killing must be faster than the forks. */
static void freeze(const struct cgroup *cg)
{
	int v2 = v2_dir(cg);

	if (cg->freezer.fd >= 0) {
		cgroup_file_write(cg->freezer.fd, "freezer.state", "FROZEN");
		wait_frozen(cg->freezer.fd, "freezer.state", "FROZEN");
	} else if (v2 >= 0 && cgroup_file_write(v2, "cgroup.freeze", "1") == 0) {
		wait_frozen(v2, "cgroup.events", "frozen 1");
	}
}

/* v1 holds back even SIGKILL until then. */
static void thaw(const struct cgroup *cg)
{
	if (cg->freezer.fd >= 0)
		cgroup_file_write(cg->freezer.fd, "freezer.state", "THAWED");
	else if (v2_dir(cg) >= 0)
		cgroup_file_write(v2_dir(cg), "cgroup.freeze", "0");
}

/* Not who has the pid of a dead one by now. */
static void kill_member(const struct cgroup *cg, pid_t pid)
{
	cleanup_fd int pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;

	if (pidfd >= 0 && cgroup_holds(cg, pid))
		pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
}

/* Returns how many there were. */
static int kill_listed(const struct cgroup *cg)
{
	int count = cgroup_processes(cg, NULL, 0);
	pid_t *pids = count > 0 ? calloc((size_t)count, sizeof(*pids)) : NULL;

	if (!pids)
		return count;
	count = cgroup_processes(cg, pids, (size_t)count);
	for (int i = 0; i < count; i++)
		kill_member(cg, pids[i]);
	free(pids);
	return count;
}

static int count_all(const struct cgroup *cg)
{
	int count = cgroup_processes(cg, NULL, 0);
	int twin = cg->twin.fd >= 0 ? cgroup_dir_processes(cg->twin.fd, NULL, 0) : 0;

	return count < 0 ? count : twin < 0 ? twin : count > twin ? count : twin;
}

int cgroup_kill(struct cgroup *cg)
{
	uint64_t end_ms = now_ms() + KILL_SECONDS * 1000;
	int left;

	if (cg->is_borrowed)
		return -EROFS;
	for (unsigned round = 0; (left = count_all(cg)) > 0; round++) {
		bool killed =
			v2_dir(cg) >= 0 && cgroup_file_write(v2_dir(cg), "cgroup.kill", "1") == 0;

		if (now_ms() >= end_ms)
			return -EBUSY;
		/* On v1 somebody may be in the memory cgroup who is not in its twin. */
		if (!killed || round > 5) {
			freeze(cg);
			kill_listed(cg);
			thaw(cg);
		}
		cgroup_sleep_ms(1 + round);
	}
	return left;
}

int cgroup_each(const struct cgroup *cg, int (*fn)(int dirfd, void *arg), void *arg)
{
	return cgroup_dir_each(cg->memory.fd, fn, arg);
}

bool cgroup_is_v1(const struct cgroup *cg)
{
	return cg->mode == CGROUP_V1 || cg->mode == CGROUP_HYBRID;
}
