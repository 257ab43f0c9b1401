/* SPDX-License-Identifier: ISC */
/*
 * mstatd: the standalone collector. Gives what takes a privilege to users who have none, and records
 * whatever connects. mstatd(1).
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "collector/broker.h"
#include "collector/control.h"
#include "collector/daemon.h"
#include "collector/store.h"
#include "collector/worker.h"
#include "tools/flags.h"
#include "tools/quantity.h"

#ifndef MSTAT_VERSION
#define MSTAT_VERSION "unknown"
#endif

#define EXIT_FAILED 1
#define EXIT_USAGE  2
#define DIR_DEFAULT "/var/lib/mstat"
#define KEEP_S	    (7u * 86400)
#define MAX_SIZE    ((uint64_t)1 << 30)
#define BACKLOG	    4096
#define ENDING_MS   500

static const char help[] =
	"usage: mstatd [-socket PATH] [-dir DIR] [-keep TIME] [-max-size SIZE]\n"
	"       mstatd -list [-socket PATH]\n"
	"Serves users who may not do all that mstat does, and records every program that is\n"
	"started with LD_PRELOAD=libmstat.so MSTAT_SOCKET=PATH.\n"
	"\n"
	"  -socket PATH    where it listens [" CONTROL_SOCKET "]\n"
	"  -dir DIR        keeps such runs as DIR/UID/NAME.mstat [" DIR_DEFAULT "]\n"
	"  -keep TIME      removes runs that ended so long ago [7d]\n"
	"  -max-size SIZE  and a user's oldest when all of his take more [1G]\n"
	"  -list           prints the names of your own runs: mstat-decode mstatd:NAME\n"
	"  -h, -version    print this, or the version\n"
	"\n"
	"Exit code: 0; 1 it could not be served; 2 usage.\n";

struct command {
	const char *socket; /* NULL: not said */
	const char *dir;
	uint64_t keep_s, max_bytes;
	bool list;
};

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "mstatd: %s: %s\n", what, why);
	return EXIT_FAILED;
}

/* ---- the socket -------------------------------------------------------------------------------- */

/* Whether somebody serves there, and is not just ending: then he hangs up. */
static bool is_served(const struct sockaddr_un *addr)
{
	struct pollfd hung = {.events = 0};
	bool served;

	hung.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (hung.fd < 0)
		return false;
	served = connect(hung.fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0;
	if (served)
		served = poll(&hung, 1, ENDING_MS) == 0;
	else
		served = errno == EAGAIN;
	close(hung.fd);
	return served;
}

static int bind_anew(int fd, const struct sockaddr_un *addr)
{
	struct stat st;

	if (bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (lstat(addr->sun_path, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (is_served(addr))
		return -EADDRINUSE;
	/* One that was killed has left it. */
	if (st.st_uid != geteuid())
		return -EPERM;
	unlink(addr->sun_path);
	return bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ? -errno : 0;
}

static void make_folder_of(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash && slash != folder) {
		*slash = '\0';
		mkdir(folder, 0755);
	}
}

/* All may connect; what each may do, he is told then. */
static int listen_at(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd, err;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	make_folder_of(path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	err = bind_anew(fd, &addr);
	if (err == 0 && (chmod(path, 0666) < 0 || listen(fd, BACKLOG) < 0))
		err = -errno;
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

/* systemd's, where it has made one: then *ret_path is NULL, for it is not ours to remove. */
static int get_socket(const struct command *command, const char **ret_path)
{
	int n = sd_listen_fds(1);

	*ret_path = NULL;
	if (n == 1 && sd_is_socket(SD_LISTEN_FDS_START, AF_UNIX, SOCK_SEQPACKET, 1) > 0) {
		fcntl(SD_LISTEN_FDS_START, F_SETFL, O_NONBLOCK);
		return SD_LISTEN_FDS_START;
	}
	if (n > 0)
		return -EPROTOTYPE;
	*ret_path = command->socket ? command->socket : CONTROL_SOCKET;
	return listen_at(*ret_path);
}

/* ---- serving ----------------------------------------------------------------------------------- */

static void prepare(void)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGCHLD};
	struct rlimit files;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	umask(022);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static int serve_on(const struct daemon_config *config, sd_event *event)
{
	struct daemon *daemon;
	const char *why;
	int err = daemon_new(config, event, &daemon, &why);

	if (err < 0)
		return complain(why,
				err == -EBUSY ? "another mstatd writes there" : strerror(-err));
	if (daemon_lacks(daemon))
		fprintf(stderr, "mstatd: %s\n", daemon_lacks(daemon));
	sd_notify(0, "READY=1");
	err = sd_event_loop(event);
	sd_notify(0, "STOPPING=1");
	daemon_free(daemon);
	return err < 0 ? complain("the event loop", strerror(-err)) : 0;
}

static int serve(const struct command *command)
{
	const char *path;
	struct daemon_config config = {
		.dir = command->dir,
		.keep_s = command->keep_s,
		.max_bytes = command->max_bytes,
	};
	sd_event *event = NULL;
	int code;

	prepare();
	config.listen_fd = get_socket(command, &path);
	if (config.listen_fd == -EADDRINUSE)
		return complain(path, "an mstatd serves there already");
	if (config.listen_fd == -EEXIST)
		return complain(path, "it is there already, and no socket");
	if (config.listen_fd == -EPERM)
		return complain(path, "it is there already, and another user's");
	if (config.listen_fd < 0)
		return complain(path ? path : "the socket that systemd gave",
				strerror(-config.listen_fd));
	if (sd_event_default(&event) < 0 ||
	    sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL) < 0 ||
	    sd_event_add_signal(event, NULL, SIGINT, NULL, NULL) < 0)
		return complain("event loop", strerror(ENOMEM));
	code = serve_on(&config, event);
	sd_event_unref(event);
	if (path)
		unlink(path);
	return code;
}

/* ---- listing ----------------------------------------------------------------------------------- */

static void print_line(char *line)
{
	char *bytes = strchr(line, '\t'), *time_s = bytes ? strchr(bytes + 1, '\t') : NULL;
	char *state = time_s ? strchr(time_s + 1, '\t') : NULL;
	time_t at;
	struct tm tm;
	char date[32];

	if (!state)
		return;
	*bytes++ = *time_s++ = *state++ = '\0';
	at = (time_t)strtoll(time_s, NULL, 10);
	if (!localtime_r(&at, &tm))
		return;
	strftime(date, sizeof(date), "%F %T", &tm);
	printf("%s %12s %-8s %s\n", date, bytes, state, line);
}

static void print_list(void *arg, const char *text, size_t len)
{
	char *copy = strndup(text, len);
	char *rest = copy, *line;

	(void)arg;
	while (rest && (line = strsep(&rest, "\n")))
		print_line(line);
	free(copy);
}

static int list(const struct command *command)
{
	struct broker *broker;
	char why[320];
	int err;

	if (broker_open(command->socket, &broker, why, sizeof(why)) < 0) {
		fprintf(stderr, "mstatd: %s\n", why);
		return EXIT_FAILED;
	}
	err = broker_list(broker, print_list, NULL);
	broker_free(broker);
	if (err == 0 && fflush(stdout) == 0)
		return 0;
	return complain("list", strerror(err ? -err : errno));
}

/* ---- the command line -------------------------------------------------------------------------- */

static int misuse(const char *what, const char *why)
{
	fprintf(stderr, "mstatd: %s: %s (-h for help)\n", what, why);
	return EXIT_USAGE;
}

static const struct option flags[] = {
	{"socket", required_argument, NULL, 's'},
	{"dir", required_argument, NULL, 'd'},
	{"keep", required_argument, NULL, 'k'},
	{"max-size", required_argument, NULL, 'm'},
	{"list", no_argument, NULL, 'l'},
	{"h", no_argument, NULL, 'h'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},
	{NULL, 0, NULL, 0},
};

FLAGS_PROGRAM(.name = "mstatd", .flags = flags, .usage = help);

/* Returns -1 to go on, else the exit code. */
static int take(int flag, struct command *command)
{
	uint64_t ns;

	switch (flag) {
	case 's':
		command->socket = optarg;
		return -1;
	case 'd':
		command->dir = optarg;
		return -1;
	case 'k':
		if (!quantity_duration(optarg, &ns))
			return misuse(optarg, "no time such as 7d or 12h");
		command->keep_s = ns / 1000000000;
		return -1;
	case 'm':
		if (!quantity_size(optarg, &command->max_bytes))
			return misuse(optarg, "no size such as 1G or 500MiB");
		return -1;
	case 'l':
		command->list = true;
		return -1;
	case 'h':
		fputs(help, stdout);
		return 0;
	default:
		fputs("mstatd " MSTAT_VERSION "\n", stdout);
		return 0;
	}
}

int main(int argc, char **argv)
{
	struct command command = {.dir = DIR_DEFAULT, .keep_s = KEEP_S, .max_bytes = MAX_SIZE};
	int at, c, code = -1;

	if (worker_is_asked_for(argv[0]))
		return worker_main(argv);
	while (code < 0) {
		const char *word = argv[optind];

		c = getopt_long_only(argc, argv, "+:", flags, &at);
		if (c == -1)
			break;
		if (c == ':')
			return misuse(word, "it needs a value");
		if (c == '?' || !flags_is_whole(word, flags[at].name))
			return misuse(word, "unknown flag");
		code = take(c, &command);
	}
	if (code >= 0)
		return code;
	if (optind < argc)
		return misuse(argv[optind], "unknown argument");
	return command.list ? list(&command) : serve(&command);
}
