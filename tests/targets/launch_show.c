/* SPDX-License-Identifier: ISC */
/*
 * Prints what a program inherits: streams, descriptors, signals, limits, groups, terminal, ids,
 * folder, scheduling, arguments, environment. Run twice, with mstat and without, it prints the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static FILE *to; /* a file of its own, named by $SHOW: the streams are what is looked at */

static void show_descriptors(void)
{
	char path[64];
	char link[4096];

	for (int fd = 0; fd < 4096; fd++) {
		int flags = fcntl(fd, F_GETFD);
		ssize_t n;

		if (flags < 0 || fd == fileno(to))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, link, sizeof(link));
		fprintf(to, "fd %d: %d %o %.*s at %ld\n", fd, flags, fcntl(fd, F_GETFL),
			n > 0 ? (int)n : 0, link, (long)lseek(fd, 0, SEEK_CUR));
	}
}

static void show_status(void)
{
	static const char *const wanted[] = {"Umask",	"Uid",	  "Gid",	  "Groups",
					     "Sig",	"ShdPnd", "Cap",	  "NoNewPrivs",
					     "Seccomp", "THP",	  "Cpus_allowed", "Mems_allowed"};
	FILE *status = fopen("/proc/self/status", "r");
	char line[4096];

	while (status && fgets(line, sizeof(line), status))
		for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
			/* SigQ counts what is queued for the user, by whomever. */
			if (!strncmp(line, wanted[i], strlen(wanted[i])) &&
			    strncmp(line, "SigQ", 4))
				fputs(line, to);
	if (status)
		fclose(status);
}

static void show_file(const char *path)
{
	char text[256];
	FILE *file = fopen(path, "r");

	fprintf(to, "%s: %s", path, file && fgets(text, sizeof(text), file) ? text : "none\n");
	if (file)
		fclose(file);
}

static void show_limits(void)
{
	struct itimerval timer;
	struct rlimit limit;

	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (getrlimit((__rlimit_resource_t)i, &limit) == 0)
			fprintf(to, "limit %d: %llu %llu\n", i, (unsigned long long)limit.rlim_cur,
				(unsigned long long)limit.rlim_max);
	for (int i = ITIMER_REAL; i <= ITIMER_PROF; i++)
		if (getitimer((__itimer_which_t)i, &timer) == 0)
			fprintf(to, "timer %d: %d\n", i, timer.it_value.tv_sec > 0);
}

static void show_groups(void)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);

	fprintf(to, "group %d session %d leads %d %d\n", getpgrp(), getsid(0),
		getpgrp() == getpid(), getsid(0) == getpid());
	if (tty >= 0)
		fprintf(to, "terminal: foreground group %d\n", tcgetpgrp(tty) == getpgrp());
	else
		fprintf(to, "terminal: none\n");
	fprintf(to, "children: %d %s\n", waitpid(-1, NULL, WNOHANG), strerror(errno));
}

static void show_process(void)
{
	int signal = 0;
	int reaper = 0;
	char cwd[4096];

	prctl(PR_GET_PDEATHSIG, &signal);
	prctl(PR_GET_CHILD_SUBREAPER, &reaper);
	fprintf(to, "cwd %s\n", getcwd(cwd, sizeof(cwd)));
	fprintf(to, "nice %d policy %d io %ld\n", getpriority(PRIO_PROCESS, 0),
		sched_getscheduler(0), syscall(SYS_ioprio_get, 1, 0));
	fprintf(to, "personality %x dumpable %d keepcaps %d securebits %x slack %d\n",
		(unsigned)personality(0xffffffff), prctl(PR_GET_DUMPABLE), prctl(PR_GET_KEEPCAPS),
		(unsigned)prctl(PR_GET_SECUREBITS), prctl(PR_GET_TIMERSLACK));
	fprintf(to, "death signal %d subreaper %d\n", signal, reaper);
}

static void show_words(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		fprintf(to, "argument %d: %s\n", i, argv[i]);
	/* The shell says in "_" what it executed, which is mstat. */
	for (char **env = environ; *env; env++)
		if (strncmp(*env, "MSTAT_", 6) && strncmp(*env, "LD_PRELOAD=", 11) &&
		    strncmp(*env, "_=", 2))
			fprintf(to, "%s\n", *env);
}

int main(int argc, char **argv)
{
	const char *path = getenv("SHOW");
	mode_t mask = umask(022);

	to = fopen(path ? path : "show", "we");
	umask(mask);
	if (!to)
		return 1;
	show_descriptors();
	show_status();
	show_file("/proc/self/oom_score_adj");
	show_file("/proc/self/coredump_filter");
	show_file("/proc/self/autogroup");
	show_limits();
	show_groups();
	show_process();
	show_words(argc, argv);
	return fclose(to) != 0;
}
