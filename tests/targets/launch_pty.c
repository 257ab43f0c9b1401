/* SPDX-License-Identifier: ISC */
/*
 * Runs a command on a terminal, and plays the person and the shell before it.
 *
 *	launch_pty [-leader] [-cols N] STEP... -- COMMAND...
 *
 * The command is the foreground job of a session whose leader waits for it as a shell does; with
 * -leader it leads the session itself. Steps, one after the other:
 *
 *	expect=TEXT   until the terminal has shown TEXT (from where the last TEXT ended)
 *	send=TEXT     types it; ^C stands for control and C
 *	kill=NUMBER   a signal to the command's process alone
 *	stopped       until the job is stopped
 *	fg            continues the job in the foreground
 *	hangup        the terminal goes away
 *
 * Prints all that the terminal has shown, then "status N" as a shell has it. 20 seconds are enough.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define CONTINUED 0xffff /* as in wait(2) */

static char shown[1 << 20];
static size_t shown_len, matched;
static int master;

/* What the job's parent tells us, and we it. */
struct news {
	int pid, is_stopped, has_ended, status;
};
static struct news news;
static int news_fd, orders_fd;

static void fail(const char *what)
{
	fwrite(shown, 1, shown_len, stdout);
	printf("\nlaunch_pty: %s\n", what);
	fflush(stdout);
	_exit(99);
}

static void on_alarm(int sig)
{
	(void)sig;
	fail("the time is over");
}

static void tell(int fd, int pid, int status)
{
	struct news now = {pid, WIFSTOPPED(status), WIFEXITED(status) || WIFSIGNALED(status),
			   WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};

	if (!pid)
		_exit(98);
	(void)!write(fd, &now, sizeof(now));
}

static pid_t job;

/* [the session's leader] The kernel tells it alone of a hangup. */
static void on_hangup(int sig)
{
	killpg(job, sig);
}

/* [the session's leader] */
static void be_shell(int news_to, int orders_from, char **command)
{
	int status;
	char order;

	signal(SIGTTOU, SIG_IGN);
	job = fork();
	if (job == 0) {
		setpgid(0, 0);
		tcsetpgrp(0, getpid());
		signal(SIGTTOU, SIG_DFL);
		execvp(command[0], command);
		_exit(127);
	}
	setpgid(job, job);
	tcsetpgrp(0, job);
	tell(news_to, job, CONTINUED);
	signal(SIGHUP, on_hangup);
	while (waitpid(job, &status, WUNTRACED) == job) {
		tell(news_to, job, status);
		if (!WIFSTOPPED(status))
			break;
		tcsetpgrp(0, getpid());
		if (read(orders_from, &order, 1) != 1)
			break;
		tcsetpgrp(0, job);
		killpg(job, SIGCONT);
		tell(news_to, job, CONTINUED);
	}
	_exit(0);
}

/* Takes in what the terminal shows and what the job does; returns false when all has ended. */
static int look(void)
{
	struct pollfd fds[] = {{master, POLLIN, 0}, {news_fd, POLLIN, 0}};

	if (master < 0 && news_fd < 0)
		return 0;
	if (poll(fds, 2, -1) < 0)
		return errno == EINTR;
	if (fds[0].revents && master >= 0) {
		ssize_t n = read(master, shown + shown_len, sizeof(shown) - 1 - shown_len);

		if (n > 0)
			shown_len += (size_t)n;
		else
			close(master), master = -1;
		return 1;
	}
	if (fds[1].revents && news_fd >= 0 && read(news_fd, &news, sizeof(news)) <= 0)
		close(news_fd), news_fd = -1;
	return 1;
}

static void expect(const char *text)
{
	char *at;

	while (!(at = memmem(shown + matched, shown_len - matched, text, strlen(text))))
		if (!look())
			fail("ended before it was shown what was expected");
	matched = (size_t)(at - shown) + strlen(text);
}

static void type(const char *text)
{
	for (; *text; text++) {
		char c = *text;

		if (c == '^')
			c = *++text & 0x1f;
		if (write(master, &c, 1) != 1)
			fail("cannot type");
	}
}

/* The leader says when the terminal is the job's again. */
static void continue_job(void)
{
	(void)!write(orders_fd, "", 1);
	while (news.is_stopped && look())
		;
}

static void step(const char *what)
{
	const char *value = strchr(what, '=');

	value = value ? value + 1 : "";
	if (!strncmp(what, "expect=", 7))
		expect(value);
	else if (!strncmp(what, "send=", 5))
		type(value);
	else if (!strncmp(what, "kill=", 5))
		kill(news.pid, atoi(value));
	else if (!strcmp(what, "hangup"))
		close(master), master = -1;
	else if (!strcmp(what, "fg"))
		continue_job();
	else if (!strcmp(what, "stopped"))
		while (!news.is_stopped && look())
			;
	else
		fail(what);
}

/* The window and the session; returns its leader. */
static pid_t begin(int is_leader, int cols, char **command)
{
	struct winsize window = {.ws_row = 24, .ws_col = (unsigned short)cols};
	struct termios modes;
	int tells[2], orders[2];
	pid_t pid;

	if (pipe2(tells, O_CLOEXEC) < 0 || pipe2(orders, O_CLOEXEC) < 0)
		fail("no pipe");
	pid = forkpty(&master, NULL, NULL, &window);
	if (pid == 0 && is_leader) {
		execvp(command[0], command);
		_exit(127);
	}
	if (pid == 0)
		be_shell(tells[1], orders[0], command);
	/* A key that gives a signal shall not throw away what was printed just before. */
	tcgetattr(master, &modes);
	modes.c_lflag |= NOFLSH;
	tcsetattr(master, TCSANOW, &modes);
	fcntl(master, F_SETFD, FD_CLOEXEC);
	close(tells[1]);
	close(orders[0]);
	news_fd = tells[0];
	orders_fd = orders[1];
	news.pid = pid;
	while (!is_leader && news.pid == pid && look())
		;
	return pid;
}

int main(int argc, char **argv)
{
	int is_leader = 0;
	int cols = 80;
	int i = 1;
	int last;
	int status;
	pid_t pid;

	for (; i < argc && argv[i][0] == '-' && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "-leader"))
			is_leader = 1;
		else if (!strcmp(argv[i], "-cols") && argv[i + 1])
			cols = atoi(argv[++i]);
	}
	for (last = i; last < argc && strcmp(argv[last], "--"); last++)
		;
	if (last + 1 >= argc)
		return 2;
	signal(SIGALRM, on_alarm);
	alarm(20);
	pid = begin(is_leader, cols, argv + last + 1);
	for (; i < last; i++)
		step(argv[i]);
	while (look())
		;
	waitpid(pid, &status, 0);
	if (is_leader)
		news.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	fwrite(shown, 1, shown_len, stdout);
	printf("\nstatus %d\n", news.status);
	return 0;
}
