/* SPDX-License-Identifier: ISC */
/*
 * A member of the run that abuses its collector's socket.
 * usage: collect_hostile garbage   bad messages on many connections
 *        collect_hostile flood     messages as fast as they are taken, for a second
 *        collect_hostile silent N  N connections that say nothing, for a second
 *        collect_hostile hold N    likewise, all made at last, until its input ends; says when they are
 *        collect_hostile linger    hellos with a TCP connection that takes an hour to close, and hangs up
 *        collect_hostile churn     connections made and closed, for a second
 *        collect_hostile dead      sends hello, and is gone
 *        collect_hostile deaf      never reads, sends hello only, and is idle for a second
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_un addr = {.sun_family = AF_UNIX};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int join(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A hello as FORMAT.md has it, of the frequency in the environment (below 128). */
static size_t make_hello(unsigned char *buf)
{
	const char *freq = getenv("MSTAT_FREQ");
	unsigned char hello[] = {1, 1, 0, 1, 1, 99, 0, 0, 0, 1, 'x', 1, '/', 1, 'x'};

	hello[8] = (unsigned char)(freq ? atoi(freq) : 10);
	memcpy(buf, hello, sizeof(hello));
	return sizeof(hello);
}

static int hello_on(int fd)
{
	unsigned char buf[64];

	return (int)send(fd, buf, make_hello(buf), MSG_NOSIGNAL);
}

static void garbage(void)
{
	unsigned char buf[70000];

	for (int i = 0; i < 2000; i++) {
		int fd = join();
		size_t len = (size_t)rand() % (i % 10 ? 64 : sizeof(buf));

		if (fd < 0)
			continue;
		for (size_t k = 0; k < len; k++)
			buf[k] = (unsigned char)rand();
		if (i % 2)
			hello_on(fd);
		send(fd, buf, len, MSG_NOSIGNAL);
		close(fd);
	}
}

static void flood(void)
{
	int fd[8];
	double end = now() + 1;

	for (int i = 0; i < 8; i++) {
		fd[i] = join();
		hello_on(fd[i]);
	}
	while (now() < end) {
		/* Full samples of tick 1, each a status source without fields. */
		static const unsigned char sample[] = {3, 1, 0, 0, 0x10, 0};

		for (int i = 0; i < 8; i++)
			if (send(fd[i], sample, sizeof(sample), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
				close(fd[i]);
				fd[i] = join();
				hello_on(fd[i]);
			}
	}
}

static void silent(int n)
{
	struct timespec second = {1, 0};

	for (int i = 0; i < n; i++)
		join();
	nanosleep(&second, NULL);
}

/* Its other end does not read. */
static int make_lingering(void)
{
	static char zeros[65536];
	struct linger hour = {1, 3600};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&in, len) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&in, &len) < 0 ||
	    connect(fd, (struct sockaddr *)&in, len) < 0)
		exit(1);
	while (send(fd, zeros, sizeof(zeros), MSG_DONTWAIT) > 0)
		;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hour, sizeof(hour));
	return fd;
}

static void send_lingering(int socket)
{
	unsigned char buf[64];
	struct iovec iov = {buf, make_hello(buf)};
	int fd = make_lingering();
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} rights = {.space = {0}};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &rights,
			     .msg_controllen = sizeof(rights)};

	rights.head.cmsg_level = SOL_SOCKET;
	rights.head.cmsg_type = SCM_RIGHTS;
	rights.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&rights.head), &fd, sizeof(int));
	/* Where it is refused, our own close would wait. */
	if (sendmsg(socket, &msg, MSG_NOSIGNAL) < 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){0}, sizeof(struct linger));
	close(fd);
}

static void linger(void)
{
	for (int i = 0; i < 8; i++) {
		int fd = join();

		if (i % 2)
			hello_on(fd);
		send_lingering(fd);
	}
}

/* However long others have to wait for their turn. */
static void hold(int n)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	for (int i = 0; i < n; i++) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

		if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
			perror("connect");
			exit(1);
		}
	}
	printf("%d\n", n);
	fflush(stdout);
	while (getchar() != EOF)
		;
}

static void churn(void)
{
	double end = now() + 1;

	while (now() < end)
		close(join());
}

int main(int argc, char **argv)
{
	const char *path = getenv("MSTAT_SOCKET");
	const char *what = argc > 1 ? argv[1] : "";
	struct timespec second = {1, 0};

	if (!path || strlen(path) >= sizeof(addr.sun_path))
		return 1;
	strcpy(addr.sun_path, path);
	if (!strcmp(what, "garbage"))
		garbage();
	else if (!strcmp(what, "flood"))
		flood();
	else if (!strcmp(what, "silent"))
		silent(argc > 2 ? atoi(argv[2]) : 100);
	else if (!strcmp(what, "hold"))
		hold(argc > 2 ? atoi(argv[2]) : 100);
	else if (!strcmp(what, "linger"))
		linger();
	else if (!strcmp(what, "churn"))
		churn();
	else if (hello_on(join()) > 0 && strcmp(what, "dead"))
		nanosleep(&second, NULL);
	puts("done");
	return 0;
}
