/* SPDX-License-Identifier: ISC */
/*
 * How much slower a Go program allocates for being read 100 times a second, from outside or by itself
 * (runtime.ReadMemStats): CPU time for each GiB that it allocates, in slices in ABBA order.
 *
 *   go_pace PROGRAM SLICES    the program of tests/targets/go/memstats.go
 *
 * The CPU time is the program's alone, so what is read from outside costs it is what it waits for, and what it
 * has to fetch again into its caches.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/runtimes/go/image.h"
#include "collector/runtimes/go/memory.h"
#include "collector/runtimes/go/memstats.h"
#include "collector/runtimes/runtime.h"
#include "tests/bench/bench.h"

#define SLICE_NS  200000000
#define PERIOD_NS 10000000

static pid_t pid;
static int to, from;
static clockid_t cpu_clock;
static const struct go_image *image;
static struct go_memory memory;
static struct go_memstats stats;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* One command, and what it answers, up to the line ".". */
static void order(char command)
{
	char last[2] = {'\n', 0}, c;

	if (write(to, &command, 1) != 1)
		die("go_pace: the program");
	while (read(from, &c, 1) == 1) {
		if (c == '\n' && last[0] == '.' && last[1] == '\n')
			return;
		last[1] = last[0];
		last[0] = c;
	}
	die("go_pace: the program has ended");
}

static void start(const char *program)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(program, program, NULL);
		_exit(127);
	}
	to = in[1];
	from = out[0];
	close(in[0]);
	close(out[1]);
	order('c');
	clock_getcpuclockid(pid, &cpu_clock);
}

static void look(void)
{
	char path[64], text[RUNTIME_TEXT_MAX];
	int dir, exe;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	dir = open(path, O_PATH | O_DIRECTORY);
	exe = openat(dir, "exe", O_RDONLY);
	if (go_image_open(exe, &image, text) < 0 ||
	    go_memory_open(pid, dir, image->is_pie, image->entry, &memory) < 0) {
		fprintf(stderr, "go_pace: %s\n", text);
		exit(1);
	}
}

static void read_once(void)
{
	int err = -EAGAIN;

	for (int i = 0; err == -EAGAIN && i < 1000; i++)
		err = go_memstats_read(&image->layout, image->minor, &memory, &stats);
	if (err < 0) {
		fprintf(stderr, "go_pace: %s\n", strerror(-err));
		exit(1);
	}
}

static double program_cpu(void)
{
	struct timespec ts;

	clock_gettime(cpu_clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void wait_slice(bool reads)
{
	for (int i = 0; i < SLICE_NS / PERIOD_NS; i++) {
		struct timespec nap = {0, PERIOD_NS};

		nanosleep(&nap, NULL);
		if (reads)
			go_memstats_read(&image->layout, image->minor, &memory, &stats);
	}
}

/* CPU seconds of the program for a GiB. */
static double slice(bool reads)
{
	double cpu, allocated;

	read_once();
	allocated = (double)stats.total_alloc;
	cpu = program_cpu();
	wait_slice(reads);
	cpu = program_cpu() - cpu;
	read_once();
	return cpu / (((double)stats.total_alloc - allocated) / 1073741824.0);
}

enum mode { NONE, OUTSIDE, INSIDE };

static double slice_in(enum mode mode)
{
	double cost;

	/* It begins to read itself, or ends it. */
	if (mode == INSIDE)
		order('r');
	cost = slice(mode == OUTSIDE);
	if (mode == INSIDE)
		order('r');
	return cost;
}

static void compare(const char *name, enum mode a, enum mode b, size_t slices)
{
	double *ta = malloc(slices * sizeof(*ta)), *tb = malloc(slices * sizeof(*tb));

	for (size_t i = 0; i < slices; i++) {
		if (i % 2)
			tb[i] = slice_in(b);
		ta[i] = slice_in(a);
		if (i % 2 == 0)
			tb[i] = slice_in(b);
	}
	bench_print(name, ta, tb, slices, 1);
	free(ta);
	free(tb);
}

int main(int argc, char **argv)
{
	size_t slices = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

	if (slices == 0) {
		fprintf(stderr, "usage: go_pace PROGRAM SLICES\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	start(argv[1]);
	look();
	order('h');
	slice(false);
	compare("nobody over nobody: null", NONE, NONE, slices);
	compare("from outside, 100 Hz", OUTSIDE, NONE, slices);
	compare("by itself, 100 Hz", INSIDE, NONE, slices);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}
