/* SPDX-License-Identifier: ISC */
/*
 * What thousands of samplers cost mstatd and the recorder of their tree.
 *
 * Peers are processes that connect, say hello as a sampler does, and pass their connection to the
 * driver, which then sends the samples of all at each tick: first-hand ones, recorded from real programs
 * whose samplers were told that they share the machine with as many. Each peer replays one of those
 * forwards and backwards, from a place of its own. Real processes with the preload go beside them.
 *
 * usage: many SOCKET PEERS REAL SECONDS together|apart LIBMSTAT PROGRAM...
 * PROGRAM: for sh, to be recorded; together: all peers connect at the same time.
 *
 * Prints two lines. Of the peers: how many, how many the recorder has taken, after how long, and with how
 * much CPU time of mstatd and it, each; memory of it for each, before there are samples. Then, with those:
 * its memory for each; samples a second; CPUs of it, and of those user's; CPU time for a sample; CPUs of
 * mstatd; bytes of the run file for a sample; what lay unread in a socket, at most in the mean; how long
 * after a tick all had been sent, at most. The other line: the recorder's pid; peers, samples that they
 * sent, and that did not fit.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/page.h"
#include "core/tick.h"
#include "core/wire.h"

#define FREQ	    10
#define RECORD_S    10
#define RECORDS_MAX 256
#define TRACES_MAX  16
/* Shorter ones are of what the programs have forked. */
#define TRACE_MIN 50
/* At first blocks are small, and memory grows. */
#define WARM_TICKS 30
/* Connections that the recorder has not taken then are lost. */
#define HEARD_S	     10
#define IDLE_S	     3
#define REAL_S	     5
#define UNREAD_EVERY 7
/* As preload/link.c has it. */
#define ROOM_UNHEARD 8192
#define ROOM	     16384

struct trace {
	int fd;
	struct record last;
	struct record *rec;
	size_t count;
};

struct peer {
	int fd;
	bool is_heard; /* the recorder's page has come */
	const struct trace *trace;
	size_t at;
	struct record last;
	uint64_t sent, dropped;
};

struct usage {
	double user_s, system_s, rss_kib, file_bytes, at_s;
};

static struct trace traces[TRACES_MAX];
static size_t traces_count;
static struct peer *peers;
static size_t peers_count;
static uint64_t sent, refused;

static void must(bool is_good, const char *what)
{
	if (is_good)
		return;
	fprintf(stderr, "many: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * TICK_SECOND + (uint64_t)ts.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
	struct timespec ts = {(time_t)(ns / TICK_SECOND), (long)(ns % TICK_SECOND)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static size_t slurp(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, buf, size - 1) : -1;

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* Word n of /proc/PID/stat, from 3 on. */
static uint64_t stat_word(pid_t pid, int n)
{
	char path[32], text[1024];
	char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	slurp(path, text, sizeof(text));
	at = strrchr(text, ')');
	for (n -= 2; at && n > 0; n--)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

static void send_fd(int socket, const void *bytes, size_t len, int fd)
{
	struct iovec iov = {(void *)bytes, len};
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.space = {0}};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control};

	msg.msg_controllen = sizeof(control);
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(int));
	while (sendmsg(socket, &msg, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

/* The descriptor that comes with the next message; -1: none has come. */
static int receive_fd(int socket, int flags)
{
	char byte;
	struct iovec iov = {&byte, 1};
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control};
	int fd;

	msg.msg_controllen = sizeof(control);
	if (recvmsg(socket, &msg, flags | MSG_CMSG_CLOEXEC) <= 0 ||
	    msg.msg_controllen < CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(int));
	return fd;
}

/* ---- what real programs send ------------------------------------------------------------------- */

static void take_trace(struct trace *trace)
{
	uint8_t message[WIRE_MESSAGE_MAX];
	ssize_t n;

	while ((n = recv(trace->fd, message, sizeof(message), MSG_DONTWAIT)) > 0) {
		struct bytes_in in = {message + 1, message + n, false};

		if (message[0] != WIRE_SAMPLE && message[0] != WIRE_FULL)
			continue;
		if (trace->count < RECORDS_MAX &&
		    wire_unpack_sample(&in, message[0], &trace->last, &trace->rec[trace->count]) ==
			    0)
			trace->count++;
	}
}

static void accept_traces(int listen_fd, int page_fd)
{
	while (traces_count < TRACES_MAX) {
		struct trace *trace = &traces[traces_count];

		trace->fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (trace->fd < 0)
			return;
		traces_count++;
		trace->rec = calloc(RECORDS_MAX, sizeof(*trace->rec));
		must(trace->rec != NULL, "memory");
		wire_reset(&trace->last);
		send_fd(trace->fd, "", 1, page_fd);
	}
}

static int make_page(uint32_t live)
{
	struct page page = {.live = live, .cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN)};
	int fd = memfd_create("many-page", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, &page, sizeof(page)) == sizeof(page), "page");
	return fd;
}

static void preload(const char *library, const char *socket)
{
	setenv("LD_PRELOAD", library, 1);
	setenv("MSTAT_SOCKET", socket, 1);
	setenv("MSTAT_FREQ", "10", 1);
}

static pid_t start(const char *program, const char *library, const char *socket)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	preload(library, socket);
	execl("/bin/sh", "sh", "-c", program, NULL);
	_exit(127);
}

static void record_traces(char **programs, const char *library, uint32_t live)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	uint64_t end_ns = now_ns() + RECORD_S * TICK_SECOND;
	int page_fd = make_page(live);
	pid_t pids[TRACES_MAX];
	size_t n = 0, good = 0;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "many.%d", (int)getpid());
	unlink(addr.sun_path);
	must(bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 && listen(fd, 64) == 0,
	     "listen");
	for (char *path = realpath(addr.sun_path, NULL); programs[n] && n < TRACES_MAX; n++)
		pids[n] = start(programs[n], library, path);
	while (now_ns() < end_ns) {
		accept_traces(fd, page_fd);
		for (size_t i = 0; i < traces_count; i++)
			take_trace(&traces[i]);
		usleep(20000);
	}
	for (size_t i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	for (size_t i = 0; i < n; i++)
		waitpid(pids[i], NULL, 0);
	for (size_t i = 0; i < traces_count; i++) {
		close(traces[i].fd);
		if (traces[i].count >= TRACE_MIN)
			traces[good++] = traces[i];
	}
	traces_count = good;
	must(good == n, "programs did not tell enough");
	close(fd);
	close(page_fd);
	unlink(addr.sun_path);
}

/* ---- peers ------------------------------------------------------------------------------------- */

static int connect_to(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int room = ROOM_UNHEARD / 2;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	must(fd >= 0 && strlen(path) < sizeof(addr.sun_path), "socket");
	strcpy(addr.sun_path, path);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	while (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		must(errno == EAGAIN, path);
		sleep_until(tick_ns(tick_at(now_ns(), FREQ) + 1, FREQ));
	}
	return fd;
}

static void say_hello(int fd)
{
	uint8_t message[WIRE_MESSAGE_MAX] = {WIRE_HELLO};
	struct bytes_out out = {message + 1, message + sizeof(message), false};
	struct wire_hello hello = {
		.version = WIRE_VERSION,
		.flags = WIRE_HELLO_FORK,
		.pid = (uint32_t)getpid(),
		.ppid = (uint32_t)getppid(),
		.start_ticks = stat_word(getpid(), 22),
		.uid = geteuid(),
		.gid = getegid(),
		.freq = FREQ,
		.comm = "peer",
		.comm_len = 4,
		.exe = "/usr/local/bin/peer",
		.exe_len = 19,
		.argv = "peer\0--of\0many",
		.argv_len = 15,
		.time_ns = now_ns(),
	};

	wire_pack_hello(&out, &hello);
	must(send(fd, message, (size_t)(out.p - message), MSG_NOSIGNAL) > 0, "hello");
}

__attribute__((noreturn)) static void be_peer(const char *path, int gate, int to_driver)
{
	char byte;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (gate >= 0)
		(void)!read(gate, &byte, 1);
	fd = connect_to(path);
	say_hello(fd);
	send_fd(to_driver, "", 1, fd);
	close_range(0, ~0u, 0);
	for (;;)
		pause();
}

/* Memory that comes and goes, in a process with the preload. */
__attribute__((noreturn)) static void work(void)
{
	for (unsigned i = (unsigned)getpid();; i = i * 1103515245 + 12345) {
		size_t len = (i >> 8 & 0x3f) << 12;
		char *p = mmap(NULL, len + 4096, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		usleep(200000);
		munmap(p, len + 4096);
	}
}

struct order {
	const char *socket, *library;
	size_t peers, real;
	unsigned seconds;
	bool together;
};

static pid_t start_real(const struct order *order)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	preload(order->library, order->socket);
	execl("/proc/self/exe", "many", "work", NULL);
	_exit(127);
}

/*
 * The parent of all, which has none of the driver's descriptors. A byte starts the peers, the next one
 * the real processes; the end of the pipe ends all.
 */
__attribute__((noreturn)) static void be_nursery(const struct order *order, int orders,
						 int to_driver)
{
	pid_t *pids = calloc(order->peers + order->real, sizeof(*pids));
	int gate[2] = {-1, -1};
	size_t n = 0;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(pids && (!order->together || pipe2(gate, O_CLOEXEC) == 0), "nursery");
	must(read(orders, &byte, 1) == 1, "order");
	for (; n < order->peers; n++) {
		pids[n] = fork();
		must(pids[n] >= 0, "fork");
		if (pids[n] == 0) {
			close(gate[1]);
			be_peer(order->socket, gate[0], to_driver);
		}
	}
	close(gate[1]);
	must(read(orders, &byte, 1) == 1, "order");
	for (; n < order->peers + order->real; n++)
		must((pids[n] = start_real(order)) > 0, "fork");
	(void)!read(orders, &byte, 1);
	while (n)
		kill(pids[--n], SIGKILL);
	while (wait(NULL) > 0)
		;
	_exit(0);
}

static void take_pages(void)
{
	int room = ROOM / 2;

	for (size_t i = 0; i < peers_count; i++) {
		int page = peers[i].is_heard ? -1 : receive_fd(peers[i].fd, MSG_DONTWAIT);

		if (page < 0)
			continue;
		close(page);
		peers[i].is_heard = true;
		setsockopt(peers[i].fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	}
}

static size_t count_heard(void)
{
	size_t n = 0;

	for (size_t i = 0; i < peers_count; i++)
		n += peers[i].is_heard;
	return n;
}

static void take_peers(int from, size_t count)
{
	while (peers_count < count) {
		struct peer *peer = &peers[peers_count];

		peer->fd = receive_fd(from, 0);
		must(peer->fd >= 0, "a peer's connection");
		peer->trace = &traces[peers_count % traces_count];
		peer->at = peers_count * 37;
		wire_reset(&peer->last);
		peers_count++;
	}
}

/* ---- samples ----------------------------------------------------------------------------------- */

static const struct record *next_record(struct peer *peer)
{
	size_t n = peer->trace->count;
	size_t at = peer->at++ % (2 * n - 2);

	return &peer->trace->rec[at < n ? at : 2 * n - 2 - at];
}

/* As link_send() of preload/link.c. */
static void send_sample(struct peer *peer, uint64_t tick)
{
	uint8_t message[WIRE_MESSAGE_MAX];
	struct bytes_out out = {message, message + sizeof(message), false};
	struct record now = *next_record(peer);
	bool full = peer->sent % WIRE_FULL_EVERY == 0;

	now.tick = tick;
	now.late_us = (now_ns() - tick_ns(tick, FREQ)) / 1000;
	now.dropped = peer->dropped;
	if (full)
		wire_reset(&peer->last);
	bytes_put_u8(&out, full ? WIRE_FULL : WIRE_SAMPLE);
	wire_pack_sample(&out, &now, &peer->last);
	if (send(peer->fd, message, (size_t)(out.p - message), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		peer->dropped++;
		refused++;
		return;
	}
	wire_advance(&peer->last, &now);
	peer->sent++;
	peer->dropped = 0;
	sent++;
}

static double unread_kib(void)
{
	double sum = 0;

	for (size_t i = 0; i < peers_count; i++) {
		int n = 0;

		ioctl(peers[i].fd, SIOCOUTQ, &n);
		sum += n;
	}
	return sum / 1024 / (double)peers_count;
}

/* ---- who serves -------------------------------------------------------------------------------- */

static struct usage usage_of(pid_t pid)
{
	double hz = (double)sysconf(_SC_CLK_TCK);
	struct usage usage = {
		.user_s = (double)stat_word(pid, 14) / hz,
		.system_s = (double)stat_word(pid, 15) / hz,
		.rss_kib = (double)stat_word(pid, 24) * (double)sysconf(_SC_PAGESIZE) / 1024,
		.at_s = (double)now_ns() * 1e-9,
	};
	struct stat st;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/fd/1", (int)pid);
	if (stat(path, &st) == 0)
		usage.file_bytes = (double)st.st_size;
	return usage;
}

static pid_t newest_child(pid_t parent)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	uint64_t newest = 0;
	pid_t found = 0;

	while ((entry = readdir(dir))) {
		pid_t pid = atoi(entry->d_name);

		if (pid <= 0 || stat_word(pid, 4) != (uint64_t)parent ||
		    stat_word(pid, 22) < newest)
			continue;
		newest = stat_word(pid, 22);
		found = pid;
	}
	closedir(dir);
	return found;
}

static pid_t listener_of(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	must(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0, "SO_PEERCRED");
	return cred.pid;
}

/* ------------------------------------------------------------------------------------------------ */

struct servers {
	pid_t daemon, recorder;
};

/* The driver is the first of its tree. */
static struct servers begin_tree(const char *path, int *ret_fd)
{
	struct servers servers;
	int fd = connect_to(path);
	int page = -1;

	say_hello(fd);
	for (int i = 0; i < 100 && page < 0; i++) {
		usleep(100000);
		page = receive_fd(fd, MSG_DONTWAIT);
	}
	must(page >= 0, "no recorder has come");
	close(page);
	servers.daemon = listener_of(fd);
	servers.recorder = newest_child(servers.daemon);
	*ret_fd = fd;
	return servers;
}

static double cpu_s(struct usage from, struct usage to)
{
	return to.user_s + to.system_s - from.user_s - from.system_s;
}

/* Says how long they took, and gives the recorder's memory before they came. */
static double connect_peers(const struct order *order, const struct servers *servers, int orders,
			    int from)
{
	struct usage daemon = usage_of(servers->daemon);
	struct usage before = usage_of(servers->recorder);
	uint64_t start_ns = now_ns();
	uint64_t end_ns = start_ns + HEARD_S * TICK_SECOND;
	double n = (double)order->peers;

	must(write(orders, "p", 1) == 1, "nursery");
	take_peers(from, order->peers);
	for (take_pages(); count_heard() < peers_count && now_ns() < end_ns; take_pages())
		usleep(10000);
	printf("%5zu %6zu %5.2f s %4.0f us", order->peers, count_heard(),
	       (double)(now_ns() - start_ns) * 1e-9,
	       (cpu_s(daemon, usage_of(servers->daemon)) +
		cpu_s(before, usage_of(servers->recorder))) *
		       1e6 / n);
	sleep(IDLE_S);
	printf(" %5.1f KiB", (usage_of(servers->recorder).rss_kib - before.rss_kib) / n);
	fflush(stdout);
	return before.rss_kib;
}

struct marks {
	struct usage recorder, daemon;
	uint64_t sent;
};

static struct marks mark(const struct servers *servers)
{
	return (struct marks){usage_of(servers->recorder), usage_of(servers->daemon), sent};
}

/* What the recorder needed between two marks; real processes are taken to have missed no tick. */
static void print_flow(const struct order *order, struct marks from, struct marks to,
		       double rss_kib)
{
	double s = to.recorder.at_s - from.recorder.at_s;
	double n = (double)(to.sent - from.sent) + (double)order->real * FREQ * s;

	printf(" %5.1f KiB %6.0f/s %6.3f %6.3f %5.2f us %6.3f %5.1f B",
	       (to.recorder.rss_kib - rss_kib) / (double)(order->peers + order->real), n / s,
	       cpu_s(from.recorder, to.recorder) / s,
	       (to.recorder.user_s - from.recorder.user_s) / s,
	       cpu_s(from.recorder, to.recorder) * 1e6 / n, cpu_s(from.daemon, to.daemon) / s,
	       (to.recorder.file_bytes - from.recorder.file_bytes) / n);
}

static void flow(const struct order *order, const struct servers *servers, double rss_kib)
{
	uint64_t tick = tick_at(now_ns(), FREQ) + 2;
	uint64_t begin = tick + WARM_TICKS;
	uint64_t end = begin + order->seconds * FREQ;
	double latest_ms = 0, unread = 0;
	struct marks from = {0};

	for (; tick < end; tick++) {
		double ms;

		sleep_until(tick_ns(tick, FREQ));
		if (tick == begin)
			from = mark(servers);
		for (size_t i = 0; i < peers_count; i++)
			send_sample(&peers[i], tick);
		ms = (double)(now_ns() - tick_ns(tick, FREQ)) * 1e-6;
		latest_ms = ms > latest_ms ? ms : latest_ms;
		if (tick % UNREAD_EVERY == 0) {
			double now = unread_kib();

			unread = now > unread ? now : unread;
		}
	}
	sleep_until(tick_ns(tick, FREQ));
	print_flow(order, from, mark(servers), rss_kib);
	printf(" %5.1f KiB %4.0f ms\n", unread, latest_ms);
}

static void run_all(const struct order *order)
{
	int orders[2], from[2], fd;
	struct servers servers;
	double rss_kib;
	pid_t nursery;

	must(pipe2(orders, O_CLOEXEC) == 0 &&
		     socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, from) == 0,
	     "pipe");
	nursery = fork();
	if (nursery == 0) {
		close(orders[1]);
		be_nursery(order, orders[0], from[1]);
	}
	close(orders[0]);
	close(from[1]);
	servers = begin_tree(order->socket, &fd);
	rss_kib = connect_peers(order, &servers, orders[1], from[0]);
	must(write(orders[1], "r", 1) == 1, "nursery");
	if (order->real)
		sleep(REAL_S);
	flow(order, &servers, rss_kib);
	/* What has been sent is to be read before they end. */
	sleep(1);
	printf("%d %zu %llu %llu\n", (int)servers.recorder, peers_count, (unsigned long long)sent,
	       (unsigned long long)refused);
	close(orders[1]);
	waitpid(nursery, NULL, 0);
	close(fd);
}

int main(int argc, char **argv)
{
	struct order order;
	struct rlimit files;

	if (argc == 2 && strcmp(argv[1], "work") == 0)
		work();
	if (argc < 8)
		return 2;
	order = (struct order){
		.socket = argv[1],
		.peers = (size_t)atoi(argv[2]),
		.real = (size_t)atoi(argv[3]),
		.seconds = (unsigned)atoi(argv[4]),
		.together = strcmp(argv[5], "together") == 0,
		.library = argv[6],
	};
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	peers = calloc(order.peers, sizeof(*peers));
	must(peers != NULL, "memory");
	record_traces(argv + 7, order.library, (uint32_t)(order.peers + order.real));
	run_all(&order);
	return 0;
}
