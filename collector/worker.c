/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "collector/broker.h"
#include "collector/collector.h"
#include "collector/control.h"
#include "collector/hello.h"
#include "collector/smallfile.h"
#include "collector/worker.h"
#include "core/tick.h"
#include "core/wire.h"

/* Between two looks whether all is over: a tree that is started anew may come in between. */
#define LOOK_USEC 500000
/* When it is: what mstatd had to keep back until there was room for it comes in between. */
#define AGAIN_USEC 100000
/* The words of a command line; more than fit into a hello. */
#define ARGV_WORDS (WIRE_ARGV_MAX / 2)
#define FIRST_MS   10000
/* A first hello may have waited so long. */
#define LATE_NS 10000000000u

struct worker {
	struct collector *collector; /* owned */
	sd_event *event;	     /* owned */
	char *argv[ARGV_WORDS + 1];
	char argv_text[WIRE_ARGV_MAX + 1];
	struct broker *broker; /* the collector's */
	uint64_t file_max;
	uint8_t buf[CONTROL_MAX];
	uint8_t hello[WIRE_MESSAGE_MAX]; /* the first one */
	int status;
	bool was_over; /* at the last look, and nothing has been given since */
};

/* A connection, and the first message of it. */
struct given {
	int fd; /* the taker's; -1: there was no room for it */
	pid_t root;
	const uint8_t *message;
	size_t len;
};

bool worker_is_asked_for(const char *name)
{
	struct stat st;

	return strcmp(name, WORKER_NAME) == 0 && fstat(WORKER_ASKS, &st) == 0 &&
	       S_ISSOCK(st.st_mode) && fstat(WORKER_GIVEN, &st) == 0 && S_ISSOCK(st.st_mode);
}

/*
 * Becomes that user, whose bytes are read from here on: not sooner, for a program that he could look into would be
 * his, and is in mstatd's cgroup.
 */
static bool become(uid_t uid, gid_t gid)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return geteuid() != 0 || uid == 0 ||
	       (setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
		setresuid(uid, uid, uid) == 0);
}

static void drop_privileges(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	/* The change of ids may have set it. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	syscall(SYS_capset, &head, none);
}

static int receive(struct worker *w, int timeout_ms, struct given *ret)
{
	struct control_message message;
	int err = control_receive(WORKER_GIVEN, w->buf, timeout_ms, &message, &ret->fd);

	if (err < 0)
		return err;
	/* Without a descriptor: we have no room for one more. */
	if (message.kind != CONTROL_GIVEN || message.len == 0) {
		if (ret->fd >= 0)
			close(ret->fd);
		return -EBADMSG;
	}
	ret->root = (pid_t)message.number;
	ret->message = message.bytes;
	ret->len = message.len;
	return 0;
}

/*
 * Of the tree's first process. Where another one of it says hello first it is known by its name alone: to read
 * the command line may take for as long as that process likes.
 */
static size_t read_argv(struct worker *w, pid_t root, const struct wire_hello *hello)
{
	char path[32];
	size_t len;

	if (hello->pid == (uint32_t)root) {
		memcpy(w->argv_text, hello->argv, hello->argv_len);
		return hello->argv_len;
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)root);
	len = smallfile_read(path, w->argv_text, sizeof(w->argv_text));
	w->argv_text[len > 0 ? len - 1 : 0] = '\0';
	return len;
}

/* Its strings end with a zero byte each. */
static void take_argv(struct worker *w, size_t len)
{
	size_t words = 0;

	for (size_t at = 0; at < len && words < ARGV_WORDS; at += strlen(w->argv_text + at) + 1)
		w->argv[words++] = w->argv_text + at;
}

static int on_given(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct worker *w = arg;
	struct given given;
	int err = receive(w, 0, &given);

	(void)source;
	(void)fd;
	(void)revents;
	w->was_over = false;
	if (err == 0)
		collector_adopt(w->collector, given.fd, given.message, given.len);
	/* mstatd is gone: samplers will find the next one, which could not tell whose they are by us. */
	return err == -ECONNRESET ? sd_event_exit(w->event, 0) : 0;
}

/* Samplers of processes that have ended by now, maybe. */
static bool is_given_more(void)
{
	struct pollfd given = {.fd = WORKER_GIVEN, .events = POLLIN};

	return poll(&given, 1, 0) > 0;
}

static int on_look(sd_event_source *source, uint64_t usec, void *arg)
{
	struct worker *w = arg;
	bool is_over = collector_is_over(w->collector, &w->status) && !is_given_more();

	if (is_over && w->was_over)
		return sd_event_exit(w->event, 0);
	w->was_over = is_over;
	sd_event_source_set_time(source, usec + (is_over ? AGAIN_USEC : LOOK_USEC));
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	struct worker *w = arg;

	(void)source;
	(void)info;
	return sd_event_exit(w->event, 0);
}

static int watch(struct worker *w)
{
	uint64_t now;
	int err = sd_event_add_io(w->event, NULL, WORKER_GIVEN, EPOLLIN, on_given, w);

	if (err >= 0)
		err = sd_event_add_signal(w->event, NULL, SIGTERM, on_signal, w);
	if (err >= 0)
		err = sd_event_now(w->event, CLOCK_MONOTONIC, &now);
	if (err >= 0)
		err = sd_event_add_time(w->event, NULL, CLOCK_MONOTONIC, now + LOOK_USEC, 1000,
					on_look, w);
	return err;
}

/*
 * When the run began: at the tick of that hello, for its samples come after it. What cannot be is not
 * believed. 0: now.
 */
static uint64_t start_of(const struct wire_hello *hello)
{
	struct timespec ts;
	uint64_t now_ns;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now_ns = (uint64_t)ts.tv_sec * TICK_SECOND + (uint64_t)ts.tv_nsec;
	if (hello->time_ns > now_ns || now_ns - hello->time_ns > LATE_NS)
		return 0;
	return tick_ns(tick_at(hello->time_ns, hello->freq), hello->freq);
}

static int next_file(void *arg)
{
	struct worker *w = arg;

	return broker_more(w->broker);
}

static int begin(struct worker *w, const struct given *first)
{
	struct wire_hello hello;
	struct collector_config config = {
		.out_fd = WORKER_OUT,
		.memory_max = UINT64_MAX,
		.swap_max = UINT64_MAX,
		.reads_runtimes = true,
		.argv = w->argv,
		.file_max = w->file_max,
		.next_file = next_file,
		.arg = w,
	};
	char why[256];
	int err;

	err = hello_open(first->message, first->len, w->hello, &hello);
	if (err == 0)
		err = broker_adopt(WORKER_ASKS, &config.adopts_for, why, sizeof(why));
	if (err < 0)
		return err;
	w->broker = config.adopts_for;
	take_argv(w, read_argv(w, first->root, &hello));
	config.freq = hello.freq;
	config.start_ns = start_of(&hello);
	err = collector_new(&config, w->event, &w->collector);
	if (err == 0)
		err = collector_start(w->collector);
	if (err < 0)
		return err;
	collector_record(w->collector, first->root);
	collector_adopt(w->collector, first->fd, first->message, first->len);
	return watch(w);
}

static void block_signals(void)
{
	struct rlimit files;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

int worker_main(char *const argv[])
{
	struct worker *w = calloc(1, sizeof(*w));
	struct record summary;
	struct given first;
	int code;

	if (!w || !argv[1] || !argv[2] || !argv[3])
		return 1;
	w->file_max = strtoull(argv[1], NULL, 10);
	if (!become((uid_t)strtoul(argv[2], NULL, 10), (gid_t)strtoul(argv[3], NULL, 10)))
		return 1;
	drop_privileges();
	block_signals();
	prctl(PR_SET_NAME, WORKER_NAME);
	if (sd_event_new(&w->event) < 0 || receive(w, FIRST_MS, &first) < 0 || begin(w, &first) < 0)
		return 1;
	if (sd_event_loop(w->event) < 0)
		return 1;
	collector_finish(w->collector, w->status, &summary, NULL);
	code = collector_output_error(w->collector) ? WORKER_NO_ROOM : 0;
	collector_free(w->collector);
	sd_event_unref(w->event);
	free(w);
	return code;
}
