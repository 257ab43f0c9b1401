/* SPDX-License-Identifier: ISC */
/*
 * mstat-get -r (and -r -v) of a tree of processes, over the bare reads: /proc listed, stat of every
 * process, status and smaps_rollup of each in the tree, by a child that keeps nothing. Slices in ABBA
 * order, and the bare reads over themselves beside.
 * usage: get MSTAT-GET PROCESSES SLICES
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

static const char *tool;
static char root[16];
static pid_t *tree;
static int processes;

static void read_whole(const char *pid, const char *file)
{
	char path[64], text[16384];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text)) < 0)
		abort();
	close(fd);
}

static void bare_reads(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while ((entry = readdir(proc)))
		if (atoi(entry->d_name) > 0)
			read_whole(entry->d_name, "stat");
	closedir(proc);
	for (int i = 0; i < processes; i++) {
		char pid[16];

		snprintf(pid, sizeof(pid), "%d", (int)tree[i]);
		read_whole(pid, "status");
		read_whole(pid, "smaps_rollup");
	}
}

static void in_child(const char *flag)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (!flag) {
			bare_reads();
			_exit(0);
		}
		execl(tool, tool, flag, root, (char *)NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		abort();
}

static void run_bare(void)
{
	in_child(NULL);
}

static void run_tree(void)
{
	in_child("-r");
}

static void run_rows(void)
{
	in_child("-rv");
}

/* All are children of one that waits. */
static void start(void)
{
	pid_t *pids = tree;
	int ready[2];

	if (pipe(ready) < 0)
		abort();
	pids[0] = fork();
	if (pids[0] == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 1; i < processes; i++) {
			pids[i] = fork();
			if (pids[i] == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				pause();
			}
		}
		if (write(ready[1], &pids[1], sizeof(*pids) * (size_t)(processes - 1)) < 0)
			abort();
		pause();
	}
	close(ready[1]);
	for (size_t got = 0, all = sizeof(*pids) * (size_t)(processes - 1); got < all;) {
		ssize_t n = read(ready[0], (char *)&pids[1] + got, all - got);

		if (n <= 0)
			abort();
		got += (size_t)n;
	}
	close(ready[0]);
	snprintf(root, sizeof(root), "%d", (int)pids[0]);
}

int main(int argc, char **argv)
{
	int output, nowhere;
	size_t slices;

	if (argc != 4)
		return 2;
	tool = argv[1];
	processes = atoi(argv[2]);
	slices = (size_t)atoi(argv[3]);
	tree = calloc((size_t)processes, sizeof(*tree));
	start();
	/* What the tool prints is of no interest; what we print is. */
	output = dup(STDOUT_FILENO);
	nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	fcntl(output, F_SETFD, FD_CLOEXEC);
	dup2(nowhere, STDOUT_FILENO);
	stdout = fdopen(output, "w");
	bench_compare("mstat-get -r / bare reads", run_tree, run_bare, slices, 1);
	bench_compare("mstat-get -r -v / bare reads", run_rows, run_bare, slices, 1);
	bench_compare("null: bare / bare", run_bare, run_bare, slices, 1);
	kill(tree[0], SIGKILL);
	return waitpid(tree[0], NULL, 0) < 0;
}
