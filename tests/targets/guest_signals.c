/* SPDX-License-Identifier: ISC */
/*
 * Signals are the program's own: the sampler's thread takes none, and stops with the others.
 *   guest_signals here     every signal, sent in every way, is handled once, by the thread it was for
 *   guest_signals wait     blocked ones are left to sigwait() and its like
 *   guest_signals timers   timers of every kind
 *   guest_signals io       signal-driven input
 *   guest_signals group    what is sent to a process group comes once to each process
 *   guest_signals stop     SIGSTOP stops everything, SIGCONT lets it go on
 *   guest_signals calls    calls that wait are not interrupted
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "guest_look.h"

#define OWN_MAIN (syscall(SYS_gettid) == getpid())

static volatile sig_atomic_t handled, elsewhere, last_fd, last_value;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	handled = handled + 1;
	last_fd = info->si_fd;
	last_value = info->si_value.sival_int;
	if (!OWN_MAIN)
		elsewhere = elsewhere + 1;
}

static void handle(int sig)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};

	sigaction(sig, &action, NULL);
}

/* All but those that cannot be handled, and the two that are glibc's own. */
static bool is_ours(int sig)
{
	return sig != SIGKILL && sig != SIGSTOP && sig != 32 && sig != 33;
}

static void block(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	if (sig)
		sigaddset(&set, sig);
	else
		sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* What was sent may be handled a moment later only if it went to another thread. */
static bool handled_is(int want)
{
	double until = look_now() + LOOK_SECONDS;

	while (handled < want && look_now() < until)
		look_pause();
	return handled == want;
}

static void send_it(int way, int sig)
{
	union sigval value = {.sival_int = 7};

	switch (way) {
	case 0:
		kill(getpid(), sig);
		break;
	case 1:
		raise(sig);
		break;
	case 2:
		pthread_kill(pthread_self(), sig);
		break;
	case 3:
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), sig);
		break;
	default:
		sigqueue(getpid(), sig, value);
	}
}

static int here(void)
{
	static const char *const ways[] = {"kill", "raise", "pthread_kill", "tgkill", "sigqueue"};

	for (int sig = 1; sig < NSIG; sig++)
		if (is_ours(sig))
			handle(sig);
	for (int way = 0; way < 5; way++) {
		int sent = 0;

		handled = 0;
		for (int sig = 1; sig < NSIG; sig++)
			if (is_ours(sig)) {
				send_it(way, sig);
				sent++;
			}
		printf("%s: %s\n", ways[way], handled_is(sent) ? "each once" : "lost or doubled");
	}
	printf("value %d elsewhere %d\n", (int)last_value, (int)elsewhere);
	return 0;
}

/* The default of SIGUSR1 and of the real-time signals is death: whoever takes one, it shows. */
static int wait_for_them(void)
{
	struct timespec limit = {LOOK_SECONDS, 0};
	struct signalfd_siginfo info;
	sigset_t usr, rt;
	int got[4] = {0}, sig, fd;

	block(0);
	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	sigemptyset(&rt);
	sigaddset(&rt, SIGRTMIN + 1);
	fd = signalfd(-1, &usr, SFD_CLOEXEC);
	for (int i = 0; i < 300; i++) {
		kill(getpid(), SIGUSR1);
		got[0] += sigwait(&usr, &sig) == 0 && sig == SIGUSR1;
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i});
		got[1] += sigtimedwait(&rt, NULL, &limit) == SIGRTMIN + 1;
		kill(getpid(), SIGUSR1);
		got[2] +=
			read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR1;
		look_pause();
	}
	handle(SIGUSR2);
	sigfillset(&usr);
	sigdelset(&usr, SIGUSR2);
	for (int i = 0; i < 100; i++) {
		struct pollfd none = {.fd = -1};

		kill(getpid(), SIGUSR2);
		if (i & 1)
			got[3] += sigsuspend(&usr) < 0 && errno == EINTR;
		else
			got[3] += ppoll(&none, 1, &limit, &usr) < 0 && errno == EINTR;
	}
	printf("sigwait %d sigtimedwait %d signalfd %d sigsuspend %d handled %d elsewhere %d\n",
	       got[0], got[1], got[2], got[3], (int)handled, (int)elsewhere);
	return 0;
}

static int called;
static pthread_t caller;

static void call(union sigval value)
{
	(void)value;
	caller = pthread_self();
	__atomic_fetch_add(&called, 1, __ATOMIC_SEQ_CST);
}

/* At least so many came, with CPU time used meanwhile. */
static bool comes(const volatile sig_atomic_t *count, int want)
{
	double until = look_now() + LOOK_SECONDS;

	while (*count < want && look_now() < until)
		;
	return *count >= want;
}

static bool timer_comes(clockid_t clock, int notify)
{
	struct itimerspec every = {{0, 4000000}, {0, 4000000}};
	struct sigevent event = {.sigev_notify = notify, .sigev_signo = SIGRTMIN + 2};
	timer_t timer;
	bool ok;

	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	handled = 0;
	if (timer_create(clock, &event, &timer) < 0 || timer_settime(timer, 0, &every, NULL) < 0)
		return false;
	ok = comes(&handled, 20);
	timer_delete(timer);
	return ok;
}

static bool itimer_comes(int which, int sig)
{
	struct itimerval every = {{0, 4000}, {0, 4000}}, never = {{0, 0}, {0, 0}};

	handle(sig);
	handled = 0;
	setitimer(which, &every, NULL);
	if (!comes(&handled, 20))
		return false;
	setitimer(which, &never, NULL);
	return true;
}

/* Blocked, and so nobody's but sigtimedwait()'s; without a handler it is death. */
static bool is_left_to_us(void)
{
	struct itimerval every = {{0, 4000}, {0, 4000}}, never = {{0, 0}, {0, 0}};
	struct timespec now = {0, 0};
	double until = look_now() + LOOK_SECONDS;
	sigset_t set;
	int got = 0;

	signal(SIGPROF, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGPROF);
	block(SIGPROF);
	setitimer(ITIMER_PROF, &every, NULL);
	while (got < 10 && look_now() < until)
		got += sigtimedwait(&set, NULL, &now) == SIGPROF;
	setitimer(ITIMER_PROF, &never, NULL);
	return got == 10;
}

static int timers(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = call};
	struct itimerspec every = {{0, 4000000}, {0, 4000000}};
	double until = look_now() + LOOK_SECONDS;
	timer_t timer;

	handle(SIGRTMIN + 2);
	printf("process %d\n", timer_comes(CLOCK_MONOTONIC, SIGEV_SIGNAL));
	printf("thread %d\n", timer_comes(CLOCK_MONOTONIC, SIGEV_THREAD_ID));
	printf("cpu %d\n", timer_comes(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL));
	printf("thread cpu %d\n", timer_comes(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL));
	printf("real %d\n", itimer_comes(ITIMER_REAL, SIGALRM));
	printf("virtual %d\n", itimer_comes(ITIMER_VIRTUAL, SIGVTALRM));
	printf("prof %d\n", itimer_comes(ITIMER_PROF, SIGPROF));
	printf("prof, blocked %d\n", is_left_to_us());
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
		timer_settime(timer, 0, &every, NULL);
	while (__atomic_load_n(&called, __ATOMIC_SEQ_CST) < 10 && look_now() < until)
		look_pause();
	timer_delete(timer);
	printf("in threads of glibc's %d\n", called >= 10 && caller != pthread_self());
	printf("elsewhere %d\n", (int)elsewhere);
	return 0;
}

/* One byte is written: one signal comes, and says from where. */
static bool one_byte(int pair[2])
{
	char byte;
	int before = handled;

	if (write(pair[1], "x", 1) != 1 || !handled_is(before + 1))
		return false;
	return read(pair[0], &byte, 1) == 1 && last_fd == pair[0];
}

static int io(void)
{
	struct f_owner_ex thread = {F_OWNER_TID, (pid_t)syscall(SYS_gettid)};
	struct timespec limit = {LOOK_SECONDS, 0};
	int pair[2], sig = SIGRTMIN + 3;
	sigset_t set;

	setpgid(0, 0);
	handle(sig);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return 1;
	fcntl(pair[0], F_SETSIG, sig);
	fcntl(pair[0], F_SETFL, O_ASYNC | O_NONBLOCK);
	fcntl(pair[0], F_SETOWN, getpid());
	printf("process %d\n", one_byte(pair));
	fcntl(pair[0], F_SETOWN_EX, &thread);
	printf("thread %d\n", one_byte(pair));
	fcntl(pair[0], F_SETOWN, -getpgrp());
	printf("group %d\n", one_byte(pair));
	fcntl(pair[0], F_SETOWN, getpid());
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	block(sig);
	for (int i = 0; i < 100; i++) {
		char byte;

		if (write(pair[1], "x", 1) != 1 || sigtimedwait(&set, NULL, &limit) != sig ||
		    read(pair[0], &byte, 1) != 1)
			return 1;
	}
	printf("all waited for, elsewhere %d\n", (int)elsewhere);
	return 0;
}

/* In a group of its own: three processes, which count what comes to them. */
static int group(void)
{
	int *count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigset_t set;

	if (count == MAP_FAILED)
		return 1;
	setpgid(0, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 4);
	block(SIGRTMIN + 4);
	for (int i = 0; i < 2; i++)
		if (fork() == 0) {
			alarm(3 * LOOK_SECONDS);
			look_ticks(1);
			__atomic_fetch_add(&count[3], 1, __ATOMIC_SEQ_CST);
			while (sigwaitinfo(&set, NULL) > 0)
				if (++count[i] == 30)
					break;
			_exit(0);
		}
	while (__atomic_load_n(&count[3], __ATOMIC_SEQ_CST) < 2)
		look_pause();
	for (int i = 0; i < 10; i++) {
		kill(0, SIGRTMIN + 4);
		kill(-getpgrp(), SIGRTMIN + 4);
		killpg(getpgrp(), SIGRTMIN + 4);
	}
	while (wait(NULL) > 0)
		;
	for (struct timespec now = {0, 0}; sigtimedwait(&set, NULL, &now) > 0;)
		count[2]++;
	printf("%d %d %d\n", count[0], count[1], count[2]);
	return 0;
}

/* Whether every thread of the process has that state. */
static bool all_are(pid_t pid, char state)
{
	double until = look_now() + LOOK_SECONDS;
	char path[80];
	pid_t guest;
	bool is = false;

	while (!is && look_now() < until) {
		char *at;

		look_pause();
		if (look_threads(pid, &guest) != 2 || !guest)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)guest);
		at = strrchr(look_file(path), ')');
		is = at && at[2] == state;
		snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)pid);
		at = strrchr(look_file(path), ')');
		is = is && at && at[2] == state;
	}
	return is;
}

static long sleeps_of(pid_t pid)
{
	char path[80];
	pid_t guest;

	look_threads(pid, &guest);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)guest);
	return look_number(path, "voluntary_ctxt_switches");
}

static volatile sig_atomic_t codes[8];

static void child_changed(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	if (info->si_code > 0 && info->si_code < 8)
		codes[info->si_code] = codes[info->si_code] + 1;
}

static int stop(void)
{
	struct sigaction action = {.sa_sigaction = child_changed,
				   .sa_flags = SA_SIGINFO | SA_RESTART};
	struct timespec many_ticks = {0, 150000000};
	int status = 0;
	long before;
	pid_t pid;

	sigaction(SIGCHLD, &action, NULL);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		look_for("stopped");
		look_ticks(5);
		_exit(5);
	}
	while (sleeps_of(pid) < 3)
		look_pause();
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	printf("stopped %d\n", WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	printf("all threads %d\n", all_are(pid, 'T'));
	before = sleeps_of(pid);
	nanosleep(&many_ticks, NULL);
	printf("ticks meanwhile %ld\n", sleeps_of(pid) - before);
	kill(pid, SIGCONT);
	waitpid(pid, &status, WCONTINUED);
	printf("continued %d\n", WIFCONTINUED(status));
	look_make("stopped");
	waitpid(pid, &status, 0);
	printf("exit status %d\n", WEXITSTATUS(status));
	printf("told of: %d stops, %d continues, %d ends\n", (int)codes[CLD_STOPPED],
	       (int)codes[CLD_CONTINUED], (int)codes[CLD_EXITED]);
	return 0;
}

static int calls(void)
{
	struct timespec while_it_samples = {0, 300000000}, left = {0, 0};
	int pipe_[2], result;
	char byte;
	pid_t pid;

	printf("nanosleep %d\n", nanosleep(&while_it_samples, &left));
	printf("poll %d\n", poll(NULL, 0, 200));
	if (pipe(pipe_) < 0)
		return 1;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		look_ticks(10);
		_exit(write(pipe_[1], "x", 1) == 1 ? 0 : 1);
	}
	result = (int)read(pipe_[0], &byte, 1);
	printf("read %d\n", result);
	printf("wait %d\n", waitpid(pid, NULL, 0) == pid);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	look_ticks(2);
	if (!strcmp(what, "here"))
		return here();
	if (!strcmp(what, "wait"))
		return wait_for_them();
	if (!strcmp(what, "timers"))
		return timers();
	if (!strcmp(what, "io"))
		return io();
	if (!strcmp(what, "group"))
		return group();
	if (!strcmp(what, "stop"))
		return stop();
	if (!strcmp(what, "calls"))
		return calls();
	return 2;
}
