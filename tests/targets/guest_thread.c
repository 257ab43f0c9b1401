/* SPDX-License-Identifier: ISC */
/*
 * A program without threads, and what a second one would spoil.
 *   guest_thread single   glibc's view of the threads, errno, the signal mask
 *   guest_thread signals  signals blocked, waited for, handled, of timers: all come here
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "guest_look.h"

static int first_errno, first_single;
static volatile sig_atomic_t handled, elsewhere;

/* Runs after the preload's. */
__attribute__((constructor)) static void first(void)
{
	first_errno = errno;
	first_single = __libc_single_threaded;
}

static void *nothing(void *arg)
{
	return arg;
}

static int single(void)
{
	pthread_t thread;
	sigset_t set;
	pid_t guest;

	printf("errno %d %d\n", first_errno, errno);
	look_ticks(2);
	printf("threads %d\n", look_threads(getpid(), &guest));
	printf("single %d %d\n", first_single, __libc_single_threaded);
	sigprocmask(SIG_BLOCK, NULL, &set);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&set, sig) == 1)
			printf("blocked %d\n", sig);
	/* That the probe works: a thread that glibc knows ends the mode. */
	pthread_create(&thread, NULL, nothing, NULL);
	pthread_join(thread, NULL);
	printf("after pthread_create %d\n", __libc_single_threaded);
	return 0;
}

static void handler(int sig)
{
	(void)sig;
	handled = handled + 1;
	if (syscall(SYS_gettid) != getpid())
		elsewhere = elsewhere + 1;
}

/* Blocked here, a signal must stay pending: a thread that does not block it would get it. */
static int pending(void)
{
	sigset_t set, now;
	int lost = 0;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int sig = SIGHUP; sig < NSIG; sig++) {
		struct timespec limit = {5, 0};

		if (sig == SIGKILL || sig == SIGSTOP || sig == 32 || sig == 33)
			continue;
		sigemptyset(&set);
		sigaddset(&set, sig);
		kill(getpid(), sig);
		sigpending(&now);
		/* Those whose default is to be ignored are pending too, while they are blocked. */
		if (sig != SIGCONT && sigismember(&now, sig) != 1)
			lost++;
		if (sigtimedwait(&set, NULL, &limit) != sig)
			lost++;
	}
	sigfillset(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return lost;
}

static int signals(void)
{
	struct itimerval every = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
	struct sigaction action = {.sa_handler = handler};
	double until = look_now() + LOOK_SECONDS;

	look_ticks(1);
	printf("lost %d\n", pending());
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGPROF, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	setitimer(ITIMER_PROF, &every, NULL);
	while (handled < 200 && look_now() < until)
		kill(getpid(), SIGUSR1);
	setitimer(ITIMER_REAL, &never, NULL);
	setitimer(ITIMER_PROF, &never, NULL);
	printf("handled %s elsewhere %d\n", handled < 200 ? "too few" : "all", (int)elsewhere);
	look_ticks(1);
	return 0;
}

int main(int argc, char **argv)
{
	int first_in_main = errno;

	if (argc < 2)
		return 2;
	if (first_in_main)
		printf("errno in main %d\n", first_in_main);
	return argv[1][1] == 'i' && argv[1][2] == 'n' ? single() : signals();
}
