/* SPDX-License-Identifier: ISC */
/* What the guest_* targets share: looking at the sampler's thread from inside its process. */
#ifndef MSTAT_TESTS_GUEST_LOOK_H
#define MSTAT_TESTS_GUEST_LOOK_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* No test waits longer for what should come. */
#define LOOK_SECONDS 20

static inline double look_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline void look_pause(void)
{
	struct timespec ms = {0, 1000000};

	nanosleep(&ms, NULL);
}

/* The text of a small file; empty where it cannot be read. Static: until the next call. */
static inline char *look_file(const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* The number after "Key:" in a file like /proc/PID/status; -1 where there is none. */
static inline long look_number(const char *path, const char *key)
{
	char *at = look_file(path);

	for (; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
		if (!strncmp(at, key, strlen(key)) && at[strlen(key)] == ':')
			return strtol(at + strlen(key) + 1, NULL, 10);
	return -1;
}

/* The threads of a process; ret_guest is the one named mstat, 0 where there is none. */
static inline int look_threads(pid_t pid, pid_t *ret_guest)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;
	int n = 0;

	*ret_guest = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		n++;
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/comm", (int)pid, entry->d_name);
		if (!strcmp(look_file(path), "mstat\n"))
			*ret_guest = (pid_t)atoi(entry->d_name);
	}
	if (dir)
		closedir(dir);
	return n;
}

/* How often the guest has gone to sleep: once for each tick. -1: there is none. */
static inline long look_sleeps(void)
{
	char path[64];
	pid_t guest;

	look_threads(getpid(), &guest);
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)guest);
	return guest ? look_number(path, "voluntary_ctxt_switches") : -1;
}

/* Waits until a guest is there and has seen so many ticks more; ends the program otherwise. */
static inline void look_ticks(int ticks)
{
	double until = look_now() + LOOK_SECONDS;
	long first = look_sleeps();

	while (first < 0 || look_sleeps() < first + ticks) {
		if (look_now() > until) {
			puts("no sampler");
			exit(99);
		}
		look_pause();
		if (first < 0)
			first = look_sleeps();
	}
}

/* Waits until no guest is there. */
static inline void look_gone(void)
{
	double until = look_now() + LOOK_SECONDS;
	pid_t guest = 1;

	while (guest && look_now() < until) {
		look_threads(getpid(), &guest);
		look_pause();
	}
	if (guest) {
		puts("the sampler is still there");
		exit(99);
	}
}

/* A system call that no library can see coming: by the instruction itself, as Go's runtime does. */
static inline long look_raw(long n, long a, long b, long c)
{
	long ret;
#if defined(__x86_64__)
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
#else
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	ret = x0;
#endif
	return ret;
}

/* Waits until the file is there: how the tests' scripts speak to their targets. */
static inline void look_for(const char *path)
{
	double until = look_now() + LOOK_SECONDS;

	while (access(path, F_OK) < 0) {
		if (look_now() > until)
			exit(98);
		look_pause();
	}
}

static inline void look_make(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);

	if (fd >= 0)
		close(fd);
}

#endif
