/* SPDX-License-Identifier: ISC */
/*
 * A program that ends, in every way there is, and says which of its last words were reached.
 *   guest_ends HOW [LIBRARY]    LIBRARY is loaded before, with a destructor of its own
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

#include "guest_look.h"

static void say(const char *text)
{
	(void)!write(1, text, strlen(text));
}

static void first_registered(void)
{
	say("atexit 1\n");
}

static void last_registered(void)
{
	say("atexit 2\n");
}

static void registered_late(void)
{
	say("atexit, registered within exit\n");
}

static void registers(void)
{
	say("atexit 3\n");
	atexit(registered_late);
}

static void told(int status, void *arg)
{
	say(status == 4 ? "on_exit 4\n" : "on_exit\n");
	(void)arg;
}

static void quick(void)
{
	say("at_quick_exit\n");
}

/* As the compiler has them for static objects of C++. */
__attribute__((destructor(101))) static void last_destructor(void)
{
	say("destructor 101\n");
}

__attribute__((destructor)) static void destructor(void)
{
	say("destructor\n");
}

static void *exits(void *arg)
{
	exit(arg ? 4 : 0);
}

static void *sleeps(void *arg)
{
	usleep(50000);
	say("the last thread\n");
	return arg;
}

static void at_signal(int sig)
{
	say("handled\n");
	if (sig == SIGTERM)
		exit(4);
	if (sig == SIGUSR1)
		_exit(4);
	/* Back from a handler of SIGABRT: abort() ends the program nevertheless. */
}

static void in_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	pthread_create(&thread, NULL, run, arg);
	if (run == sleeps)
		pthread_exit(NULL);
	pthread_join(thread, NULL);
}

/* By a fault; the others are sent. */
static void fault(void)
{
	*(volatile int *)16 = 1;
}

static void end(const char *how)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {{"kill", SIGKILL}, {"term", SIGTERM}, {"hup", SIGHUP},	{"quit", SIGQUIT},
		       {"trap", SIGTRAP}, {"xcpu", SIGXCPU}, {"pipe", SIGPIPE}, {"rt", 40}};

	for (unsigned i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (!strcmp(how, signals[i].name)) {
			signal(signals[i].number,
			       SIG_DFL); /* a shell's background job ignores some */
			kill(getpid(), signals[i].number);
		}
	if (!strcmp(how, "exit"))
		exit(4);
	if (!strcmp(how, "_exit"))
		_exit(4);
	if (!strcmp(how, "quick_exit"))
		quick_exit(4);
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "fault"))
		fault();
	if (!strcmp(how, "exit_group"))
		syscall(SYS_exit_group, 4);
	if (!strcmp(how, "thread"))
		in_thread(exits, &end);
	if (!strcmp(how, "last-thread"))
		in_thread(sleeps, NULL);
	if (!strcmp(how, "handler")) {
		signal(SIGTERM, at_signal);
		raise(SIGTERM);
	}
	if (!strcmp(how, "handler-_exit")) {
		signal(SIGUSR1, at_signal);
		raise(SIGUSR1);
	}
	if (!strcmp(how, "handler-abort")) {
		signal(SIGABRT, at_signal);
		abort();
	}
	if (!strcmp(how, "no-exec")) {
		execl("/nowhere", "nowhere", (char *)NULL);
		exit(4);
	}
}

int main(int argc, char **argv)
{
	atexit(first_registered);
	atexit(last_registered);
	atexit(registers);
	on_exit(told, NULL);
	at_quick_exit(quick);
	if (argc > 2 && !dlopen(argv[2], RTLD_NOW))
		say("no library\n");
	usleep(150000); /* old enough for a last sample */
	end(argc > 1 ? argv[1] : "");
	return 4;
}
