/* SPDX-License-Identifier: ISC */
/*
 * mstat: runs a program with the collector beside it and the sampler inside it. mstat(1).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "collector/collector.h"
#include "collector/runlock.h"
#include "tools/delayacct.h"
#include "tools/launch.h"
#include "tools/options.h"
#include "tools/plain.h"
#include "tools/preload.h"
#include "tools/privileges.h"
#include "tools/repeat.h"
#include "tools/rest.h"
#include "tools/summary.h"
#include "tools/table.h"

/* Exit codes of a program that runs others: those of env(1), timeout(1) (its 124 is not ours) and the shells. */
#define EXIT_ABOVE	  123
#define EXIT_OWN	  125
#define EXIT_NOT_EXECUTED 126
#define EXIT_NOT_FOUND	  127

/* The live line and a table's buffer are written this often. */
#define LIVE_NS	 250000000
#define FLUSH_NS 1000000000
/* With -wait-all: how often the cgroup is looked at for processes that are not our descendants. */
#define REST_USEC 200000
/* Of a note; none that we write is longer. */
#define NOTE_SHOWN 1024

struct mstat {
	struct options options;
	struct launch_origin origin;
	sd_event *event;
	struct collector *collector;
	int out_fd;
	char *out;		/* owned: the record's path */
	bool out_made;		/* we created the file */
	bool named;		/* by us: PROG.PID.mstat, once the pid is known */
	struct table *table;	/* -o NAME.tsv */
	char program[PATH_MAX]; /* the file that is executed */
	char *library;		/* owned; NULL: nothing is injected */
	int filters;
	pid_t pid;
	int status;
	bool ended; /* the program; pid is nobody's any more */
	struct rest rest;
	sd_event_source *rest_timer; /* owned */
	int delayacct;		     /* owned, or -1: see delayacct.h */
	int64_t live_ns, flush_ns;
	struct repeat_peak
		*peak;	  /* borrowed: to be told to the one that repeats us; NULL: nobody */
	char *repeat_out; /* owned: what options.out is then */
};

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("mstat: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static bool wants_table(const struct mstat *m)
{
	size_t len = m->options.out ? strlen(m->options.out) : 0;

	return len >= 4 && !strcmp(m->options.out + len - 4, ".tsv");
}

static int lack_output(struct mstat *m, int err)
{
	if (m->named)
		say("no run file can be made in this folder: %s; -o names another", strerror(-err));
	else
		say("%s: %s", m->out,
		    err == -EAGAIN ? "another mstat is writing it" : strerror(-err));
	return err;
}

/* Its name holds the program's pid, which is not known before the program runs. */
static int open_unnamed(struct mstat *m)
{
	m->named = true;
	m->out = strdup(".mstat.XXXXXX");
	m->out_fd = m->out ? mkostemp(m->out, O_CLOEXEC) : -1;
	m->out_made = m->out_fd >= 0;
	if (!m->out_made)
		return lack_output(m, -errno);
	runlock_take(m->out_fd);
	return 0;
}

/* It is to be renamed: not a device, nor a link to something else. */
static bool can_turn(const struct mstat *m)
{
	struct stat st;

	return !wants_table(m) && (m->out_made || (lstat(m->out, &st) == 0 && S_ISREG(st.st_mode)));
}

/* Argument vectors hold secrets: a run file is its owner's alone. */
static int open_output(struct mstat *m)
{
	mode_t mode = wants_table(m) ? 0666 : 0600;
	struct stat st;

	if (!m->options.out)
		return open_unnamed(m);
	m->out = strdup(m->options.out);
	if (!m->out)
		return lack_output(m, -errno);
	m->out_made = lstat(m->out, &st) < 0;
	if (m->options.max_size && !can_turn(m)) {
		say("%s: -max-size is for run files that are regular files", m->out);
		return -EINVAL;
	}
	m->out_fd = open(m->out, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, mode);
	if (m->out_fd < 0 || fstat(m->out_fd, &st) < 0)
		return lack_output(m, -errno);
	if (!S_ISREG(st.st_mode))
		return 0;
	/* Two runs in one file would be none; and it tells who follows it that the writer lives. A
	 * file system without locks is taken at its word. */
	if (runlock_take(m->out_fd) == -EAGAIN)
		return lack_output(m, -EAGAIN);
	return 0;
}

/* Never over what is there: in a pid namespace the same pids come again and again. */
static int rename_new(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (link(from, to) < 0)
		return -errno;
	unlink(from);
	return 0;
}

/* The next part of the record, in place of what a turn that was not finished may have left. */
static int open_next(const char *path)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	runlock_take(fd);
	return fd;
}

/* Nothing is renamed before the new one is there. */
static int turn(const char *path, const char *older, const char *next)
{
	int fd = open_next(next);
	int err;

	if (fd < 0 || (rename(path, older) == 0 && rename(next, path) == 0))
		return fd;
	err = -errno;
	unlink(next);
	close(fd);
	return err;
}

/*
 * The record is as large as half of it may be: that half is FILE.1 from now on. Asked for by the
 * collector, which closes it.
 */
static int next_output(void *arg)
{
	struct mstat *m = arg;
	char *older = NULL, *next = NULL;
	int fd = -ENOMEM;

	if (asprintf(&older, "%s.1", m->out) < 0)
		older = NULL;
	if (asprintf(&next, "%s.next", m->out) < 0)
		next = NULL;
	if (older && next)
		fd = turn(m->out, older, next);
	free(older);
	free(next);
	return fd;
}

static void name_output(struct mstat *m)
{
	char *name = NULL;
	int err = -EEXIST;

	for (int i = 0; m->named && err == -EEXIST && i < 10000; i++) {
		char number[16] = "";

		if (i)
			snprintf(number, sizeof(number), ".%d", i);
		free(name);
		name = NULL;
		/* A file's name has 255 bytes. */
		if (asprintf(&name, "%.200s.%d%s.mstat", base_name(m->options.command[0]),
			     (int)m->pid, number) < 0)
			return;
		err = rename_new(m->out, name);
	}
	if (err < 0) {
		free(name);
		return;
	}
	free(m->out);
	m->out = name;
}

/* Not while a shell that we run has given the terminal to another job. */
static bool has_terminal(void)
{
	pid_t foreground = tcgetpgrp(STDERR_FILENO);

	return foreground < 0 || foreground == getpgrp();
}

static void on_tick(void *arg, const struct record *row, int64_t time_ns)
{
	struct mstat *m = arg;

	if (m->table) {
		table_put_record(m->table, row);
		if (time_ns - m->flush_ns >= FLUSH_NS) {
			table_flush(m->table);
			m->flush_ns = time_ns;
		}
	}
	if (m->options.live && has_terminal() && time_ns - m->live_ns >= LIVE_NS) {
		summary_live(stderr, row, time_ns);
		m->live_ns = time_ns;
	}
}

static void on_note(void *arg, pid_t pid, const char *text)
{
	const struct mstat *m = arg;
	char shown[PLAIN_LINE_ROOM(NOTE_SHOWN)];

	plain_line(shown, NOTE_SHOWN, text, strlen(text));
	if (m->options.verbose && pid)
		say("process %d: %s", (int)pid, shown);
	else if (m->options.verbose)
		say("%s", shown);
}

static int open_collector(struct mstat *m)
{
	struct collector_config config = {
		.freq = m->options.freq,
		.out_fd = wants_table(m) ? -1 : m->out_fd,
		.file_max = m->options.max_size / 2,
		.next_file = next_output,
		.stall_ns = m->options.stall_ns,
		.budget_ppm = m->options.budget_ppm,
		.reads_runtimes = m->options.runtimes,
		.argv = m->options.command,
		.on_tick = on_tick,
		.on_note = on_note,
		.arg = m,
		.memory_max = m->options.memory_max,
		.swap_max = m->options.swap_max,
		.kill_rest = m->options.kill_rest,
	};
	const char *why;
	int ret = sd_event_default(&m->event);

	if (ret >= 0)
		ret = collector_new(&config, m->event, &m->collector);
	if (ret < 0)
		say("cannot start the collector: %s", strerror(-ret));
	why = ret < 0 ? NULL : collector_limit_error(m->collector);
	if (why)
		say("the memory cannot be limited: %s", why);
	return why ? -EPERM : ret;
}

static void tell_place(const struct mstat *m)
{
	const char *why = NULL;
	const char *path = collector_cgroup(m->collector, &why);
	const struct ladder_step *step;
	size_t steps = collector_steps(m->collector, &step);

	if (m->options.verbose)
		say("using cgroups mode: %s", collector_mode(m->collector));
	for (size_t i = 0; m->options.verbose && i < steps; i++)
		say("%s: %s", step[i].what, step[i].why_not ? step[i].why_not : path);
	if (!path && !m->options.quiet)
		say("no cgroup: %s; only the sums over sampled processes are recorded", why);
}

static const char *last_env(const struct mstat *m, const char *name)
{
	const char *value = getenv(name);

	for (size_t i = 0; i < m->options.env_count; i++)
		if (!strncmp(m->options.env[i], name, strlen(name)) &&
		    m->options.env[i][strlen(name)] == '=')
			value = m->options.env[i] + strlen(name) + 1;
	return value;
}

/*
 * Whether that path is the library that we would take by ourselves, named by our caller's LD_PRELOAD: by
 * an mstat that runs this one, mostly.
 */
static bool is_callers(const struct mstat *m, const char *path)
{
	const char *given = getenv("LD_PRELOAD");
	char error[512];
	char *own, *real;
	bool same;

	if (m->options.preload || last_env(m, "LD_PRELOAD") != given)
		return false;
	own = preload_find(PRELOAD_PLAIN, error, sizeof(error));
	real = realpath(path, NULL);
	same = own && real && !strcmp(own, real);
	free(own);
	free(real);
	return same;
}

/* With -heap: a library that is named by its path and has no hooks is not taken for another silently. */
static int check_heap(const struct mstat *m)
{
	char *named = NULL;
	const char *path = m->options.preload;
	bool lacks;

	if (!m->options.heap)
		return 0;
	if (!path)
		path = named = preload_named(last_env(m, "LD_PRELOAD"));
	lacks = preload_is_plain(path) && strchr(path, '/') && !is_callers(m, path);
	if (lacks)
		say("-heap: %s has no hooks for allocations; " PRELOAD_HEAP " has", path);
	free(named);
	return lacks ? -EINVAL : 0;
}

static void tell_unsampled(const struct mstat *m, const char *why)
{
	if (!m->options.quiet)
		say("%s: not sampled from inside: %s", m->options.command[0], why);
}

/* Decides whether to inject the sampler, and says why not. The program runs in any case. */
static void choose_library(struct mstat *m)
{
	const char *wish = m->options.preload;
	char *named = NULL;
	const char *objection;
	bool harmful;
	char error[512];

	if (wish && !strcmp(wish, "none"))
		return;
	objection = preload_objection(m->program, &harmful);
	if (objection)
		tell_unsampled(m, objection);
	if (harmful)
		return;
	m->filters = launch_try_filters();
	if (m->filters < 0) {
		tell_unsampled(m, "a seccomp filter forbids the sampler's calls");
		return;
	}
	if (!wish)
		wish = named = preload_named(last_env(m, "LD_PRELOAD"));
	/* Of ours without hooks only what is as good as its bare name has come so far. */
	if (m->options.heap && (!wish || preload_is_plain(wish)))
		wish = PRELOAD_HEAP;
	m->library = preload_find(wish, error, sizeof(error));
	free(named);
	if (!m->library)
		tell_unsampled(m, error);
	else if (m->options.verbose)
		say("sampler: %s", m->library);
}

static bool set_number(const char *name, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	return setenv(name, text, 1) == 0;
}

/* The interval that a library with hooks was given already counts, but for -heap. */
static bool make_heap_environment(const struct mstat *m)
{
	static const char name[] = "MSTAT_HEAP_INTERVAL";

	if (m->options.heap || (preload_is_heap(m->library) && !getenv(name)))
		return set_number(name, m->options.heap_interval);
	return preload_is_heap(m->library) || unsetenv(name) == 0;
}

/* Without a sampler of ours, that of an mstat which runs this one is left alone. */
static bool make_sampler_environment(struct mstat *m)
{
	const char *given = getenv("LD_PRELOAD");
	char *preload;
	bool ok;

	if (!m->library && !given)
		return true;
	preload = preload_compose(given, m->library);
	ok = preload && setenv("LD_PRELOAD", preload, 1) == 0;
	free(preload);
	if (!m->library)
		return ok;
	ok = ok && setenv("MSTAT_SOCKET", collector_socket(m->collector), 1) == 0;
	ok = ok && set_number("MSTAT_FREQ", m->options.freq);
	ok = ok && set_number("MSTAT_PSS_STALL_NS", m->options.stall_ns);
	ok = ok && set_number("MSTAT_PSS_BUDGET_PPM", m->options.budget_ppm);
	ok = ok && make_heap_environment(m);
	unsetenv("MSTAT_SECCOMP_FILTERS");
	if (m->filters > 0)
		ok = ok && set_number("MSTAT_SECCOMP_FILTERS", (uint64_t)m->filters);
	return ok;
}

/* The program's environment is ours by now: mstat itself reads none of it any more. */
static int make_environment(struct mstat *m)
{
	bool ok = true;

	for (size_t i = 0; i < m->options.env_count; i++) {
		const char *text = m->options.env[i];
		size_t len = strcspn(text, "=");
		char *name = strndup(text, len);

		ok = ok && name && setenv(name, text + len + 1, 1) == 0;
		free(name);
	}
	/* Also without a sampler; and not the one of an mstat that runs this one. */
	ok = ok && setenv("MSTAT_MARK", collector_marks(m->collector), 1) == 0;
	return ok && make_sampler_environment(m) ? 0 : -ENOMEM;
}

/* What is left of the tree: in the cgroup, or, without one, of our descendants. */
static int count_left(const struct mstat *m)
{
	int left = collector_left(m->collector);

	int children = left > 0 ? 0 : rest_count(&m->rest);

	/* Somebody may have left the cgroup, and is ours still. */
	return left > 0 ? left : children;
}

static int on_rest_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct mstat *m = arg;

	if (count_left(m) == 0)
		return sd_event_exit(m->event, 0);
	return sd_event_source_set_time(source, usec + REST_USEC);
}

/*
 * The last of the tree is our child when it dies: SIGCHLD tells. But in the cgroup may be others,
 * whom somebody has put there.
 */
static int wait_for_rest(struct mstat *m)
{
	uint64_t now;
	int ret;

	if (count_left(m) == 0)
		return sd_event_exit(m->event, 0);
	if (m->rest_timer)
		return 0;
	sd_event_now(m->event, CLOCK_MONOTONIC, &now);
	ret = sd_event_add_time(m->event, &m->rest_timer, CLOCK_MONOTONIC, now + REST_USEC, 0,
				on_rest_timer, m);
	return ret < 0 ? ret : sd_event_source_set_enabled(m->rest_timer, SD_EVENT_ON);
}

/*
 * The program, and not the key, says whether the job stops; and the shell, whose child we are, hears of
 * it by us. Without a terminal nobody would continue us.
 */
static void stop_too(struct mstat *m, int sig)
{
	if ((sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU) || !launch_is_foreground())
		return;
	kill(getpid(), SIGSTOP);
	/* Continued: mostly the job as a whole. Needlessly told, the program would lose a new stop. */
	if (launch_is_stopped(m->pid))
		kill(m->pid, SIGCONT);
}

static void reap(struct mstat *m)
{
	int status;

	if (!rest_reap(m->ended ? 0 : m->pid, &status))
		return;
	if (WIFSTOPPED(status)) {
		stop_too(m, WSTOPSIG(status));
		return;
	}
	m->status = status;
	m->ended = true;
}

/* Of any child: the program, or an orphan of its tree. */
static int on_child(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	struct mstat *m = arg;

	(void)source;
	(void)info;
	reap(m);
	if (!m->ended)
		return 0;
	return m->options.wait_all ? wait_for_rest(m) : sd_event_exit(m->event, 0);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	struct mstat *m = arg;

	(void)source;
	/*
	 * Nobody is left to whom it could be passed on, though the loop may not have told yet: that
	 * ends the wait of -wait-all.
	 */
	reap(m);
	if (m->ended)
		return sd_event_exit(m->event, 0);
	if (!launch_reached((int)info->ssi_signo, info->ssi_code))
		kill(m->pid, (int)info->ssi_signo);
	return 0;
}

static int watch(struct mstat *m)
{
	int ret = sd_event_add_signal(m->event, NULL, SIGCHLD, on_child, m);

	for (const int *sig = launch_signals; *sig && ret >= 0; sig++)
		ret = sd_event_add_signal(m->event, NULL, *sig, on_signal, m);
	return ret < 0 ? ret : sd_event_loop(m->event);
}

/* The program runs: an older record is given up only now. */
static int begin_output(struct mstat *m)
{
	struct table_clock clock = {m->options.freq, collector_start_ns(m->collector)};
	struct stat st;

	name_output(m);
	if (fstat(m->out_fd, &st) == 0 && S_ISREG(st.st_mode)) {
		(void)!ftruncate(m->out_fd, 0);
		if (!wants_table(m))
			fchmod(m->out_fd, 0600);
	}
	collector_record(m->collector, m->pid);
	if (!wants_table(m))
		return 0;
	return table_open_rows(m->out_fd, TABLE_TSV, &table_builtin, SCOPE_TREE, &clock, &m->table);
}

/* The program never ran: nothing is left of what was made for it. */
static int abandon(struct mstat *m, int code)
{
	const char *why;
	struct stat st;

	table_close(m->table);
	if (m->collector && collector_cgroup(m->collector, &why))
		collector_drop_cgroup(m->collector, 0);
	if (m->out_made && lstat(m->out, &st) == 0 && S_ISREG(st.st_mode))
		unlink(m->out);
	return code;
}

/* 126 and 127 as the shells have them. */
static int cannot_run(const struct mstat *m, int err)
{
	const char *name = m->options.command[0];

	if (err != ENOENT)
		say("%s: %s", name, strerror(err));
	else if (m->program[0])
		say("%s: its interpreter is missing (the one after #!, or the program's loader)",
		    name);
	else
		say("%s: %s", name, strchr(name, '/') ? strerror(err) : "not found in PATH");
	return err == ENOENT && !m->program[0] ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTED;
}

static void print_summary(struct mstat *m, const struct record *summary,
			  struct summary_context *context)
{
	struct collector_victim victims[4];

	context->program = base_name(m->options.command[0]);
	context->out = m->out;
	context->holder_count = collector_holders(m->collector, &context->holders);
	context->victims = victims;
	context->victim_count = collector_victims(m->collector, victims, 4);
	if (collector_hears_all(m->collector, &context->unheard))
		context->unheard = NULL;
	summary_print(stderr, summary, context);
}

static struct repeat_peak peak_of(const struct record *summary)
{
	bool is_exact = record_has(summary, FIELD_PEAK_EXACT);
	unsigned field = is_exact ? FIELD_PEAK_EXACT : FIELD_PEAK_SAMPLED;
	bool is_known = record_has(summary, field);

	return (struct repeat_peak){is_known ? (int64_t)record_scaled(summary, field) : 0, is_known,
				    is_exact};
}

/* The exit status by -fail-above. The program's own failure is told first. */
static int judge(const struct mstat *m, const struct repeat_peak *is, int code)
{
	char peak[32], limit[32];

	if (m->options.fail_above == UINT64_MAX)
		return code;
	if (!is->is_known) {
		say("-fail-above: the peak is not known");
		return code ? code : EXIT_OWN;
	}
	if ((uint64_t)is->bytes <= m->options.fail_above)
		return code;
	say("the peak of %s is above %s (-fail-above)",
	    summary_bytes(is->bytes, peak, sizeof(peak)),
	    summary_bytes((int64_t)m->options.fail_above, limit, sizeof(limit)));
	return code ? code : EXIT_ABOVE;
}

static void kill_rest(struct mstat *m)
{
	int err = collector_kill_rest(m->collector);

	if (err == -ENODEV)
		err = rest_kill(&m->rest);
	if (err < 0)
		say("not all that is left could be killed: %s", strerror(-err));
}

static int finish(struct mstat *m)
{
	struct summary_context context = {0};
	struct record summary;
	struct repeat_peak peak;
	int err;
	int code = WIFEXITED(m->status) ? WEXITSTATUS(m->status) : 128 + WTERMSIG(m->status);

	if (m->options.kill_rest)
		kill_rest(m);
	rest_bury();
	context.left = count_left(m);
	collector_finish(m->collector, m->status, &summary, NULL);
	err = collector_output_error(m->collector);
	if (m->table)
		err = table_close(m->table);
	if (close(m->out_fd) < 0 && !err)
		err = -errno;
	if (m->options.live)
		fputs("\r\033[K", stderr);
	if (err) {
		say("%s: %s; the record ends there", m->out, strerror(-err));
		code = code ? code : EXIT_OWN;
	}
	collector_phases(m->collector, &context.phases);
	if (!m->options.quiet)
		print_summary(m, &summary, &context);
	peak = peak_of(&summary);
	if (m->peak)
		*m->peak = peak;
	return judge(m, &peak, code);
}

static int start(struct mstat *m, struct launch_failure *ret)
{
	int err = make_environment(m);

	if (err >= 0)
		err = collector_start(m->collector);
	if (err >= 0)
		err = m->pid = launch_start(m->collector, &m->origin, m->program,
					    m->options.command, environ, ret);
	return err;
}

static int run(struct mstat *m)
{
	struct launch_failure failure;
	int held = launch_held(&m->origin);
	int err, code;

	if (held)
		return abandon(m, 128 + held);
	err = start(m, &failure);
	if (err < 0) {
		say("cannot start %s: %s", m->options.command[0], strerror(-err));
		return abandon(m, EXIT_OWN);
	}
	if (failure.exec_error)
		return abandon(m, cannot_run(m, failure.exec_error));
	if (failure.cgroup_error && collector_is_limited(m->collector)) {
		say("the memory cannot be limited: the program could not enter its cgroup: %s",
		    strerror(failure.cgroup_error));
		return abandon(m, EXIT_OWN);
	}
	if (failure.cgroup_error) {
		if (!m->options.quiet)
			say("the program could not enter its cgroup: %s",
			    strerror(failure.cgroup_error));
		collector_drop_cgroup(m->collector, -failure.cgroup_error);
	}
	err = begin_output(m);
	if (err >= 0)
		err = watch(m);
	if (err < 0)
		say("lost the program: %s", strerror(-err));
	code = finish(m);
	return err < 0 ? EXIT_OWN : code;
}

/* It adds detail: the run goes on without. */
static void switch_delayacct(struct mstat *m)
{
	m->delayacct = delayacct_on();
	if (m->delayacct == -ENOENT)
		say("-delayacct: this kernel has no switch kernel.task_delayacct");
	else if (m->delayacct < 0)
		say("-delayacct: kernel.task_delayacct cannot be switched on: %s",
		    strerror(-m->delayacct));
}

static int prepare_and_run(struct mstat *m)
{
	int err;

	if (m->options.live && !isatty(STDERR_FILENO))
		m->options.live = false;
	launch_prepare(&m->origin);
	err = launch_find(m->options.command[0], last_env(m, "PATH"), m->program,
			  sizeof(m->program));
	if (err < 0) {
		m->program[0] = '\0';
		return cannot_run(m, -err);
	}
	if (check_heap(m) < 0 || open_output(m) < 0)
		return EXIT_OWN;
	launch_hold_signals(&m->origin);
	if (open_collector(m) < 0)
		return abandon(m, EXIT_OWN);
	/* After: a child that the collector keeps is not of the program's tree. */
	rest_adopt(&m->rest);
	tell_place(m);
	choose_library(m);
	if (m->options.delayacct)
		switch_delayacct(m);
	return run(m);
}

/* Why no more runs are made; returns the exit status of all. */
static int tell_end(const struct repeat *repeat, int code)
{
	if (repeat->ended_by)
		say("signal %d ended this after run %u of %u", repeat->ended_by, repeat->begun,
		    repeat->of);
	else if (code)
		say("run %u of %u failed with exit status %d%s", repeat->begun, repeat->of, code,
		    repeat->begun < repeat->of ? "; no more are made" : "");
	return repeat->ended_by && !code ? 128 + repeat->ended_by : code;
}

/* In a child: one of several runs. */
static int run_once(struct mstat *m, const struct repeat *repeat)
{
	m->peak = &repeat->peak[repeat->begun - 1];
	if (m->options.out) {
		m->repeat_out = repeat_name(m->options.out, repeat->begun, repeat->of);
		if (!m->repeat_out) {
			say("no memory");
			return EXIT_OWN;
		}
		m->options.out = m->repeat_out;
	}
	return prepare_and_run(m);
}

/* Returns an exit status: in the parent, and in a child for each run. */
static int run_several(struct mstat *m, struct repeat *repeat)
{
	int code = 0;
	unsigned whole = 0;
	pid_t pid;

	while (code == 0 && (pid = repeat_start(repeat)) > 0) {
		int status = repeat_wait(repeat, pid);

		code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		whole += code == 0;
	}
	if (code == 0 && pid == 0)
		return run_once(m, repeat);
	if (code == 0 && pid != -ECANCELED) {
		say("run %u of %u cannot be started: %s", repeat->begun, repeat->of,
		    strerror(-pid));
		return EXIT_OWN;
	}
	if (!m->options.quiet)
		repeat_print(stderr, repeat->peak, whole);
	return tell_end(repeat, code);
}

static int repeat_and_run(struct mstat *m)
{
	struct repeat repeat;
	int code = EXIT_OWN;

	if (m->options.out && !repeat_can_name(m->options.out)) {
		say("%s: -runs makes a file for each run, with names by this one", m->options.out);
		return EXIT_OWN;
	}
	if (repeat_begin(&repeat, m->options.runs) == 0)
		code = run_several(m, &repeat);
	else
		say("no memory");
	repeat_end(&repeat);
	return code;
}

static int print(const char *text)
{
	fputs(text, stdout);
	if (fflush(stdout) == 0)
		return 0;
	say("stdout: %s", strerror(errno));
	return EXIT_OWN;
}

int main(int argc, char **argv)
{
	struct mstat m = {.out_fd = -1, .delayacct = -1};
	char error[512];
	int dropped = privileges_drop();
	int code = 0;

	/* A line is written at once: others write to the same terminal. */
	setvbuf(stderr, NULL, _IOLBF, 0);
	if (dropped < 0) {
		say("the privileges of its file cannot be dropped: %s", strerror(-dropped));
		return EXIT_OWN;
	}
	if (dropped > 0)
		say("its file is set-user-ID, set-group-ID or has capabilities: mstat drops them "
		    "and needs none; "
		    "what takes a privilege is mstatd's to do, so take them away "
		    "(chmod ug-s, setcap -r)");
	switch (options_read(argc, argv, &m.options, error, sizeof(error))) {
	case OPTIONS_HELP:
		code = print(options_usage);
		break;
	case OPTIONS_VERSION:
		code = print("mstat " MSTAT_VERSION "\n");
		break;
	case OPTIONS_BAD:
		say("%s", error);
		code = EXIT_OWN;
		break;
	case OPTIONS_RUN:
		code = m.options.runs ? repeat_and_run(&m) : prepare_and_run(&m);
		break;
	}
	delayacct_off(m.delayacct);
	collector_free(m.collector);
	rest_done(&m.rest);
	sd_event_source_unref(m.rest_timer);
	sd_event_unref(m.event);
	free(m.library);
	free(m.out);
	free(m.repeat_out);
	options_done(&m.options);
	return code;
}
