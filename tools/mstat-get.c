/* SPDX-License-Identifier: ISC */
/*
 * mstat-get: the memory of processes that run already. mstat-get(1).
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tools/delayacct.h"
#include "tools/getgo.h"
#include "tools/getgroup.h"
#include "tools/getlive.h"
#include "tools/getoptions.h"
#include "tools/getread.h"
#include "tools/getrecord.h"
#include "tools/getstats.h"
#include "tools/getview.h"
#include "tools/runout.h"

#ifndef MSTAT_VERSION
#define MSTAT_VERSION "unknown"
#endif

#define EXIT_NOTHING 1
#define EXIT_USAGE   2
#define EXIT_PART    3

/* Of a command line, more than fits into a run file's header. */
#define COMMAND_MAX 65536

#define NS_PER_S UINT64_C(1000000000)

/* Repeated output. */
struct watch {
	uint64_t began_ns;
	bool in_place; /* on a terminal: over the lines of the time before */
	size_t drawn;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Writes out what there is. A reader that has gone away (EPIPE) wants no explanation. */
static int flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	if (errno != EPIPE)
		fprintf(stderr, "mstat-get: standard output: %s\n", strerror(errno));
	return EXIT_NOTHING;
}

static int print(const char *text)
{
	fputs(text, stdout);
	return flush();
}

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "mstat-get: %s: %s\n", what, why);
	return EXIT_NOTHING;
}

/* Of the given ones each that was not measured. */
static void complain_of_rows(const struct getread_shot *shot)
{
	char pid[32], why[32];

	for (size_t i = 0; i < shot->count; i++) {
		const struct getread_row *row = &shot->rows[i];

		if (!row->is_given || row->state == GETREAD_MEASURED)
			continue;
		snprintf(pid, sizeof(pid), "PID %d", (int)row->id.pid);
		complain(pid, getview_why(row, why, sizeof(why)));
	}
}

static int code_of(const struct getread_total *total)
{
	if (total->processes == 0)
		return EXIT_NOTHING;
	return total->missed || total->failed || total->without_pss ? EXIT_PART : 0;
}

/* Where the kernel has told of any; where it counts those of the CPU alone, the column says so. */
static const char *delays_column(const struct getread_shot *shot)
{
	for (size_t i = 0; i < shot->count; i++)
		if (shot->rows[i].delays.is_known)
			return delayacct_is_on() ? "delays" : "delays(cpu-only)";
	return NULL;
}

static void print_shot(FILE *to, const struct getoptions *options, const struct getread_shot *shot,
		       const struct getread_total *total, const struct watch *watch)
{
	struct getview_style style = {.bytes = options->bytes, .peak = options->peak};

	style.delays = delays_column(shot);
	if (options->verbose)
		getview_print_table(to, &style, shot);
	if (watch)
		fprintf(to, "%.3f s  ", (double)(now_ns() - watch->began_ns) / (double)NS_PER_S);
	getview_print_total(to, &style, total);
}

static int once(struct getread *get, const struct getoptions *options)
{
	struct getread_shot shot;
	struct getread_total total;
	int err = getread_take(get, &shot);

	if (err < 0)
		return complain("/proc", strerror(-err));
	getread_add_up(&shot, &total);
	complain_of_rows(&shot);
	if (total.processes)
		print_shot(stdout, options, &shot, &total, NULL);
	getread_free_shot(&shot);
	return flush() ? EXIT_NOTHING : code_of(&total);
}

static void draw(struct watch *watch, const char *text)
{
	struct winsize window = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) < 0 || !window.ws_row || !window.ws_col)
		window = (struct winsize){.ws_row = 24, .ws_col = 80};
	watch->drawn = getlive_draw(stdout, text, window.ws_row, window.ws_col, watch->drawn);
}

/* As one write, which readers of lines get whole. */
static int show(struct watch *watch, const struct getoptions *options,
		const struct getread_shot *shot, const struct getread_total *total)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		return complain("output", strerror(errno));
	print_shot(to, options, shot, total, watch);
	fclose(to);
	if (watch->in_place)
		draw(watch, text);
	else
		fwrite(text, 1, len, stdout);
	free(text);
	return flush();
}

/*
 * Until then, or until a signal that is blocked. Returns whether it was SIGINT. What others have
 * written while this was stopped is not drawn over.
 */
static bool wait_until(uint64_t due_ns, const sigset_t *signals, struct watch *watch)
{
	for (;;) {
		uint64_t now = now_ns();
		uint64_t left = due_ns > now ? due_ns - now : 0;
		struct timespec ts = {(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};
		int sig = sigtimedwait(signals, NULL, &ts);

		if (sig == SIGINT)
			return true;
		if (sig == SIGCONT)
			watch->drawn = 0;
		else if (sig < 0 && errno == EAGAIN)
			return false;
	}
}

/* Returns whether there is a next time; *ret_code is what the first time came to. */
static bool watch_once(struct getread *get, const struct getoptions *options, struct watch *watch,
		       bool is_first, int *ret_code)
{
	struct getread_shot shot;
	struct getread_total total;
	int err = getread_take(get, &shot);
	bool goes_on;

	if (err < 0) {
		*ret_code = complain("/proc", strerror(-err));
		return false;
	}
	getread_add_up(&shot, &total);
	if (is_first) {
		complain_of_rows(&shot);
		*ret_code = code_of(&total);
	}
	goes_on = total.processes > 0;
	if (goes_on && show(watch, options, &shot, &total)) {
		*ret_code = EXIT_NOTHING;
		goes_on = false;
	}
	getread_free_shot(&shot);
	return goes_on;
}

static int again_and_again(struct getread *get, const struct getoptions *options)
{
	struct watch watch = {.began_ns = now_ns(), .in_place = isatty(STDOUT_FILENO)};
	uint64_t due_ns = watch.began_ns;
	sigset_t signals;
	int code = 0;

	/* SIGINT also where a shell's "&" has it ignored: it is the way to end this. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGCONT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	while (watch_once(get, options, &watch, due_ns == watch.began_ns, &code)) {
		uint64_t now = now_ns();

		due_ns += options->every_ns;
		/* What was missed is not made up for. */
		if (due_ns < now)
			due_ns = now;
		if (wait_until(due_ns, &signals, &watch)) {
			/* Behind the ^C that the terminal shows. */
			if (watch.in_place)
				print("\n");
			break;
		}
	}
	return code;
}

/* A descriptor is held for each process: as many as may be. */
static void raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int tell_processes(const struct getoptions *options)
{
	struct getread *get;
	int code;

	raise_files();
	code = getread_open(options->pids, options->pid_count, options->with_children, &get);
	if (code < 0)
		return complain("/proc", strerror(-code));
	if (options->verbose)
		getread_ask_delays(get);
	code = options->watch ? again_and_again(get, options) : once(get, options);
	getread_close(get);
	return code;
}

/* As the one who started it gave it: the command of a record. What cannot be had is empty. */
static char **command_of(pid_t pid, char *text, size_t size, char **words, size_t max)
{
	char path[32];
	size_t len = 0, n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	file = fopen(path, "re");
	if (file) {
		len = fread(text, 1, size - 1, file);
		fclose(file);
	}
	text[len] = '\0';
	for (char *at = text; at < text + len && n < max - 1; at += strlen(at) + 1)
		words[n++] = at;
	words[n] = NULL;
	return words;
}

static void say_unheard(const struct getoptions *options, const struct getrecord *record)
{
	const char *why;

	if ((options->with_children || options->cgroup) && !getrecord_hears_all(record, &why))
		fprintf(stderr, "mstat-get: what lives for a moment only may be missed: %s\n", why);
}

/* After the file was opened: it is there, and holds what was recorded, whatever happens. */
static int record_into(int fd, const struct getoptions *options, struct getrecord *record,
		       const struct getread_shot *shot)
{
	struct record sum;
	int err = getrecord_begin(record, fd, shot);

	if (err < 0)
		return complain("record", strerror(-err));
	say_unheard(options, record);
	err = getrecord_run(record, &sum);
	if (close(fd) < 0 && err == 0)
		err = -errno;
	if (err < 0) {
		fprintf(stderr, "mstat-get: %s: %s; the record ends there\n", options->out,
			strerror(-err));
		return EXIT_NOTHING;
	}
	fprintf(stderr, "mstat-get: %s: %.3f s, %" PRId64 " process%s\n", options->out,
		(double)sum.value[FIELD_DURATION] / (double)NS_PER_S,
		sum.value[FIELD_RUN_PROCESSES], sum.value[FIELD_RUN_PROCESSES] == 1 ? "" : "es");
	return 0;
}

static int record(const struct getoptions *options, const struct getrecord_config *config,
		  const struct getread_shot *shot)
{
	struct getrecord *record = NULL;
	int code, fd, err = getrecord_open(config, &record);

	if (err < 0)
		return config->cgroup
			       ? complain(config->cgroup, err == -ESRCH ? "no process is in it"
									: getgroup_explain(err))
			       : complain("record", strerror(-err));
	fd = runout_open(options->out);
	code = fd < 0 ? complain(options->out, fd == -EAGAIN ? "another run is being recorded there"
							     : strerror(-fd))
		      : record_into(fd, options, record, shot);
	getrecord_close(record);
	return code;
}

static uint32_t freq_of(const struct getoptions *options)
{
	return (uint32_t)((NS_PER_S + options->every_ns / 2) / options->every_ns);
}

static pid_t first_of(const struct getread_shot *shot)
{
	for (size_t i = 0; i < shot->count; i++)
		if (shot->rows[i].is_given && shot->rows[i].state == GETREAD_MEASURED)
			return shot->rows[i].id.pid;
	return 0;
}

static int record_shot(const struct getoptions *options, struct getread *get,
		       const struct getread_shot *shot)
{
	struct getrecord_config config = {
		.freq = freq_of(options), .get = get, .with_children = options->with_children};
	static char text[COMMAND_MAX], *words[COMMAND_MAX / 2 + 1];
	struct getread_total total;
	int code;

	complain_of_rows(shot);
	getread_add_up(shot, &total);
	if (total.processes == 0)
		return EXIT_NOTHING;
	config.argv = command_of(first_of(shot), text, sizeof(text), words, COMMAND_MAX / 2 + 1);
	code = record(options, &config, shot);
	return code == 0 && (total.missed || total.failed) ? EXIT_PART : code;
}

static int record_processes(const struct getoptions *options)
{
	struct getread_shot shot;
	struct getread *get = NULL;
	int code, err;

	raise_files();
	err = getread_open(options->pids, options->pid_count, options->with_children, &get);
	if (err < 0)
		return complain("/proc", strerror(-err));
	getread_skip_pss(get);
	err = getread_take(get, &shot);
	code = err < 0 ? complain("/proc", strerror(-err)) : record_shot(options, get, &shot);
	if (err == 0)
		getread_free_shot(&shot);
	getread_close(get);
	return code;
}

static int record_cgroup(const struct getoptions *options)
{
	static const struct getread_shot none;
	char *argv[] = {"mstat-get", "-cgroup", (char *)options->cgroup, NULL};
	struct getrecord_config config = {
		.freq = freq_of(options), .argv = argv, .cgroup = options->cgroup};

	raise_files();
	return record(options, &config, &none);
}

static int tell_taskstats(pid_t pid)
{
	struct getstats stats;
	int err = getstats_read(pid, &stats);
	char what[32];

	snprintf(what, sizeof(what), "PID %d", (int)pid);
	if (err < 0)
		return complain(what, getstats_explain(err));
	getstats_print(stdout, &stats);
	return flush();
}

static int tell_go(const struct getoptions *options)
{
	pid_t pid = options->memstats ? options->memstats : options->goroutines;
	struct getgo go;
	int err = getgo_open(pid, &go), code;
	char what[32];

	if (err == 0)
		err = options->memstats ? getgo_print_memstats(&go, stdout, options->json)
					: getgo_print_goroutines(&go, stdout, options->verbose);
	snprintf(what, sizeof(what), "PID %d", (int)pid);
	code = err < 0 ? complain(what, go.why) : flush();
	getgo_close(&go);
	return code;
}

static int tell_cgroup(const struct getoptions *options)
{
	struct getview_style style = {.bytes = options->bytes};
	int err = getgroup_print(stdout, &style, options->cgroup);

	return err < 0 ? complain(options->cgroup, getgroup_explain(err)) : flush();
}

static int run(const struct getoptions *options)
{
	if (options->taskstats)
		return tell_taskstats(options->taskstats);
	if (options->memstats || options->goroutines)
		return tell_go(options);
	if (options->cgroup)
		return options->out ? record_cgroup(options) : tell_cgroup(options);
	return options->out ? record_processes(options) : tell_processes(options);
}

int main(int argc, char **argv)
{
	struct getoptions options;
	char error[512];
	int code = EXIT_USAGE;

	signal(SIGPIPE, SIG_IGN);
	switch (getoptions_read(argc, argv, &options, error, sizeof(error))) {
	case GETOPTIONS_HELP:
		code = print(getoptions_usage);
		break;
	case GETOPTIONS_VERSION:
		code = print("mstat-get " MSTAT_VERSION "\n");
		break;
	case GETOPTIONS_BAD:
		fprintf(stderr, "mstat-get: %s\n", error);
		break;
	default:
		code = run(&options);
	}
	getoptions_done(&options);
	return code;
}
