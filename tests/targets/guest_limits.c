/* SPDX-License-Identifier: ISC */
/*
 * A program that is limited, or limits itself.
 *   guest_limits look           what it may have and has, for comparing with the same without mstat
 *   guest_limits set            sets each limit as low as it goes while the sampler is there, lives on
 *   guest_limits cpu            until SIGXCPU: how much CPU time of its own that was, in ms
 *   guest_limits file           until SIGXFSZ: how large its file is
 *   guest_limits idle MS        sleeps so long; CPU time in us by getrusage(), and SIGPROFs of each 50 ms
 *   guest_limits lock           mlockall(), then threads, a child, changes of ids
 *   guest_limits locked         mlockall(), then changes ids, and is sampled on
 *   guest_limits affinity       on which processors its threads may run
 *   guest_limits deadline|reset CMD...   executes it under SCHED_DEADLINE; reset: not for its children
 *   guest_limits becomes        puts itself under SCHED_DEADLINE
 *   guest_limits closed CMD...  executes it without new privileges
 *   guest_limits dumpable       makes itself not dumpable, is sampled on, and changes ids
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "guest_look.h"

static volatile sig_atomic_t signals;

static void handler(int sig)
{
	(void)sig;
	signals = signals + 1;
}

/* Whole MiB that can be mapped, up to 64. */
static int can_map(void)
{
	int n = 0;

	while (n < 64 && mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0) != MAP_FAILED)
		n++;
	return n;
}

static int can_open(void)
{
	int n = 0;

	while (n < 64 && open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		n++;
	return n;
}

static int look(void)
{
	struct rlimit limit;
	cpu_set_t set;

	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (getrlimit((__rlimit_resource_t)i, &limit) == 0)
			printf("%d: %llx %llx\n", i, (unsigned long long)limit.rlim_cur,
			       (unsigned long long)limit.rlim_max);
	sched_getaffinity(0, sizeof(set), &set);
	printf("processors %d policy %d nice %d\n", CPU_COUNT(&set), sched_getscheduler(0),
	       getpriority(PRIO_PROCESS, 0));
	printf("dumpable %d no_new_privs %d slack %d umask %o\n", prctl(PR_GET_DUMPABLE),
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_TIMERSLACK),
	       (unsigned)umask(0));
	usleep(100000);
	printf("maps %d opens %d\n", can_map(), can_open());
	return 0;
}

/* The sampler was there first: what it then cannot have, it does without. */
static int set(void)
{
	static const struct {
		const char *name;
		int resource;
	} kinds[] = {{"AS", RLIMIT_AS},
		     {"DATA", RLIMIT_DATA},
		     {"STACK", RLIMIT_STACK},
		     {"FSIZE", RLIMIT_FSIZE},
		     {"NOFILE", RLIMIT_NOFILE},
		     {"NPROC", RLIMIT_NPROC},
		     {"MEMLOCK", RLIMIT_MEMLOCK},
		     {"CORE", RLIMIT_CORE},
		     {"SIGPENDING", RLIMIT_SIGPENDING}};
	struct rlimit none = {0, 0};

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		int status = -1;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			look_ticks(2);
			setrlimit((__rlimit_resource_t)kinds[i].resource, &none);
			usleep(50000);
			/* Steps aside, and may not find what it needs to come back. */
			_exit(setegid(getegid()) == 0 ? 3 : 4);
		}
		waitpid(pid, &status, 0);
		printf("%s %d\n", kinds[i].name, WIFEXITED(status) ? WEXITSTATUS(status) : -status);
	}
	return 0;
}

static uint64_t own_cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int cpu(void)
{
	struct rlimit one = {1, 5};

	signal(SIGXCPU, handler);
	setrlimit(RLIMIT_CPU, &one);
	while (!signals)
		;
	printf("%d\n", (int)own_cpu_ms());
	return 0;
}

static int file(void)
{
	struct rlimit small = {5000, 5000};
	int fd = open("limited", O_CREAT | O_TRUNC | O_WRONLY, 0666);
	char text[1000] = "";
	struct stat st;

	signal(SIGXFSZ, handler);
	setrlimit(RLIMIT_FSIZE, &small);
	look_ticks(2);
	while (!signals && write(fd, text, sizeof(text)) > 0)
		;
	look_ticks(5);
	fstat(fd, &st);
	printf("%d bytes, %d signals\n", (int)st.st_size, (int)signals);
	return 0;
}

static int idle(long ms)
{
	struct itimerval every = {{0, 50000}, {0, 50000}};
	double until = look_now() + (double)ms / 1000;
	struct rusage usage;

	signal(SIGPROF, handler);
	setitimer(ITIMER_PROF, &every, NULL);
	while (look_now() < until)
		usleep((useconds_t)((until - look_now()) * 1e6) + 1);
	getrusage(RUSAGE_SELF, &usage);
	printf("%ld %d\n",
	       (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
		       usage.ru_stime.tv_usec,
	       (int)signals);
	return 0;
}

static void *nothing(void *arg)
{
	return arg;
}

static int lock(void)
{
	pthread_t thread;
	int status = -1;
	pid_t pid;

	look_ticks(2);
	printf("mlockall %d", mlockall(MCL_CURRENT | MCL_FUTURE) < 0 ? errno : 0);
	printf(" map %d", can_map() == 64);
	if (pthread_create(&thread, NULL, nothing, NULL) == 0)
		printf(" thread %d", pthread_join(thread, NULL));
	printf(" ids %d", setegid(getegid()));
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(setegid(getegid()) == 0 ? 3 : 4);
	waitpid(pid, &status, 0);
	printf(" child %d\n", WEXITSTATUS(status));
	return 0;
}

/* More than a second at 20 Hz: then the sampler reckons what it takes of a CPU. */
static int locked(void)
{
	look_ticks(30);
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		return 77;
	if (setegid(getegid()) < 0)
		return 1;
	look_ticks(3);
	return 0;
}

static int affinity(void)
{
	pid_t guest;
	cpu_set_t own, its;

	look_ticks(2);
	look_threads(getpid(), &guest);
	sched_getaffinity(0, sizeof(own), &own);
	sched_getaffinity(guest, sizeof(its), &its);
	printf("%d, the sampler %s\n", CPU_COUNT(&own),
	       CPU_EQUAL(&own, &its) ? "the same" : "others");
	return 0;
}

/* glibc has no function for it: sched_setattr(2). */
static int be_deadline(bool reset)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {.size = 48,
		  .policy = SCHED_DEADLINE,
		  .flags = reset ? 1 /* SCHED_FLAG_RESET_ON_FORK */ : 0,
		  .runtime = 5000000,
		  .deadline = 50000000,
		  .period = 50000000};

	return (int)syscall(SYS_sched_setattr, 0, &attr, 0);
}

static int deadline(bool reset, char **command)
{
	if (be_deadline(reset) < 0)
		return 77;
	execvp(command[0], command);
	return 127;
}

static int becomes(void)
{
	pid_t guest;

	look_ticks(2);
	if (be_deadline(false) < 0)
		return 77;
	look_ticks(3);
	look_threads(getpid(), &guest);
	printf("program %d sampler %d", sched_getscheduler(0), sched_getscheduler(guest));
	/* It cannot come back: such a process has no children and no new threads. */
	printf(" ids %d", setegid(getegid()));
	look_gone();
	printf(" fork %d\n", fork() < 0 ? errno : 0);
	return 0;
}

static int closed(char **command)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	execvp(command[0], command);
	return 127;
}

/* Neither the sampler nor its restart may touch the flag. */
static int dumpable(void)
{
	struct timespec many_ticks = {0, 300000000};

	look_ticks(2);
	printf("dumpable %d", prctl(PR_GET_DUMPABLE));
	prctl(PR_SET_DUMPABLE, 0);
	nanosleep(&many_ticks, NULL);
	printf(" then %d", prctl(PR_GET_DUMPABLE));
	(void)!setegid(getegid());
	nanosleep(&many_ticks, NULL);
	printf(" then %d\n", prctl(PR_GET_DUMPABLE));
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(what, "look"))
		return look();
	if (!strcmp(what, "set"))
		return set();
	if (!strcmp(what, "cpu"))
		return cpu();
	if (!strcmp(what, "file"))
		return file();
	if (!strcmp(what, "idle"))
		return idle(argc > 2 ? atol(argv[2]) : 0);
	if (!strcmp(what, "lock"))
		return lock();
	if (!strcmp(what, "locked"))
		return locked();
	if (!strcmp(what, "affinity"))
		return affinity();
	if (!strcmp(what, "dumpable"))
		return dumpable();
	if (!strcmp(what, "becomes"))
		return becomes();
	if (argc > 2 && (!strcmp(what, "deadline") || !strcmp(what, "reset")))
		return deadline(what[0] == 'r', argv + 2);
	if (argc > 2 && !strcmp(what, "closed"))
		return closed(argv + 2);
	return 2;
}
