/* SPDX-License-Identifier: ISC */
/* What the kernel tells of processes, held against what was done: every one of many children. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/lifecycle.h"
#include "collector/lifequeue.h"

#define CHILDREN 200
#define SEEN_MAX 1024

extern char **environ;

/* A process that began as a child of ours, or as one of theirs. Places count events from 1. */
struct seen {
	pid_t pid, parent;
	unsigned fork_at, exec_at, exit_at, record_at;
	unsigned records; /* of threads */
	unsigned last;	  /* of these, with TASKSTATS_GROUP */
	int status, record_status;
	uint64_t fork_ns, exit_ns;
};

struct watch {
	struct lifecycle *l; /* owned */
	struct seen seen[SEEN_MAX];
	unsigned count;
	unsigned events;
	unsigned early; /* events of children that came before their FORK */
};

static struct seen *find(struct watch *w, pid_t pid)
{
	for (unsigned i = w->count; i > 0; i--)
		if (w->seen[i - 1].pid == pid)
			return &w->seen[i - 1];
	return NULL;
}

static void on_fork(struct watch *w, const struct life_event *event)
{
	if (event->parent != getpid() && !find(w, event->parent))
		return;
	assert_true(w->count < SEEN_MAX);
	w->seen[w->count++] = (struct seen){
		.pid = event->pid,
		.parent = event->parent,
		.fork_at = w->events,
		.fork_ns = event->time_ns,
	};
}

static void on_record(struct seen *seen, const struct life_event *event, unsigned at)
{
	const struct taskstats_exit *record = event->record;

	assert_non_null(record);
	assert_int_equal(record->tgid, event->pid);
	assert_in_range(record->len, 344, TASKSTATS_STRUCT_MAX);
	seen->record_at = at;
	seen->records++;
	if (!(record->flags & TASKSTATS_GROUP))
		return;
	seen->last++;
	seen->record_status = (int)record->status;
}

static void on_event(void *arg, const struct life_event *event)
{
	struct watch *w = arg;
	struct seen *seen;

	w->events++;
	if (event->kind == LIFE_FORK) {
		on_fork(w, event);
		return;
	}
	seen = find(w, event->pid);
	if (!seen) {
		w->early += event->kind == LIFE_RECORD && event->parent == getpid();
		return;
	}
	if (event->kind == LIFE_EXEC)
		seen->exec_at = w->events;
	if (event->kind == LIFE_RECORD)
		on_record(seen, event, w->events);
	if (event->kind == LIFE_EXIT) {
		seen->exit_at = w->events;
		seen->exit_ns = event->time_ns;
		seen->status = event->status;
	}
}

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static bool all_ended(const struct watch *w)
{
	for (unsigned i = 0; i < w->count; i++)
		if (!w->seen[i].exit_at)
			return false;
	return true;
}

/* All is there of who was waited for but, for a moment, some last EXIT. */
static void settle(struct watch *w)
{
	uint64_t until = clock_ns() + 5000000000;

	do {
		assert_true(lifecycle_settle(w->l, 5000));
		lifecycle_take(w->l, on_event, w);
	} while (!all_ended(w) && clock_ns() < until);
}

static int setup(void **state)
{
	struct watch *w = calloc(1, sizeof(*w));
	const char *why;
	int err;

	assert_non_null(w);
	*state = w;
	err = lifecycle_new(0, &w->l);
	if (err) {
		print_message("%s\n", lifecycle_why(err));
		return 0;
	}
	if (lifecycle_has_events(w->l, &why) && lifecycle_has_records(w->l, &why))
		return 0;
	print_message("%s\n", why);
	lifecycle_free(w->l);
	w->l = NULL;
	return 0;
}

static int teardown(void **state)
{
	struct watch *w = *state;

	lifecycle_free(w->l);
	free(w);
	return 0;
}

static struct watch *watching(void **state)
{
	struct watch *w = *state;

	if (!w->l)
		skip();
	return w;
}

static int reap(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	return status;
}

/* ---- children ---------------------------------------------------------------------------------- */

static pid_t start_fork(int code)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(code);
	return pid;
}

static pid_t start_vfork(int code)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(code);
	return pid;
}

static pid_t start_killed(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		kill(getpid(), SIGKILL);
		pause();
	}
	return pid;
}

/* A child that waits for a child of its own. */
static pid_t start_parent(int code)
{
	pid_t pid = fork();

	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			_exit(code + 1);
		waitpid(pid, NULL, 0);
		_exit(code);
	}
	return pid;
}

static pid_t start_program(const char *path, const char *arg)
{
	char *argv[] = {(char *)path, (char *)arg, NULL};
	pid_t pid;

	assert_int_equal(posix_spawn(&pid, path, NULL, NULL, argv, environ), 0);
	return pid;
}

/* This program. */
static const char *self;

static void *thread_ends(void *arg)
{
	return arg;
}

static void *thread_ends_all(void *arg)
{
	(void)arg;
	usleep(20000);
	_exit(9);
}

static void *thread_execs(void *arg)
{
	(void)arg;
	execl("/bin/true", "true", NULL);
	_exit(1);
}

/* What this program does with an argument: it has threads. */
static void threads_main(const char *what)
{
	void *(*body)(void *) = thread_ends;
	pthread_t threads[3];

	if (!strcmp(what, "leader-first"))
		body = thread_ends_all;
	if (!strcmp(what, "exec"))
		body = thread_execs;
	for (unsigned i = 0; i < UNIT_COUNT(threads); i++)
		if (pthread_create(&threads[i], NULL, body, NULL))
			_exit(1);
	if (body == thread_ends_all)
		pthread_exit(NULL);
	for (unsigned i = 0; i < UNIT_COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	_exit(5); /* a leak sanitizer would have a process of its own at exit() */
}

/* ---- checks ------------------------------------------------------------------------------------ */

/* One process of one thread, or of more of which the first ended last. */
static struct seen *check_whole(struct watch *w, pid_t pid, int status)
{
	struct seen *seen = find(w, pid);

	if (!seen)
		fail_msg("%d: no FORK", pid);
	assert_int_equal(seen->parent, getpid());
	if (!seen->exit_at || !seen->record_at)
		fail_msg("%d: EXIT at %u, RECORD at %u", pid, seen->exit_at, seen->record_at);
	assert_true(seen->fork_at < seen->exit_at && seen->fork_at < seen->record_at);
	assert_true(seen->fork_ns < seen->exit_ns && seen->exit_ns <= clock_ns());
	assert_int_equal(seen->status, status);
	assert_int_equal(seen->last, 1);
	return seen;
}

static void check_no_loss(struct watch *w)
{
	struct lifecycle_losses losses;

	lifecycle_losses(w->l, &losses);
	assert_int_equal(losses.records, 0);
	assert_int_equal(losses.record_overruns, 0);
	assert_int_equal(losses.events, 0);
	assert_int_equal(losses.event_overruns, 0);
	assert_int_equal(losses.queue, 0);
	assert_int_equal(w->early, 0);
}

static void every_child(void **state)
{
	static pid_t pids[CHILDREN];
	static int statuses[CHILDREN];
	struct watch *w = watching(state);

	for (int i = 0; i < CHILDREN; i++) {
		switch (i % 5) {
		case 0:
			pids[i] = start_fork(i);
			break;
		case 1:
			pids[i] = start_vfork(i);
			break;
		case 2:
			pids[i] = start_killed();
			break;
		case 3:
			pids[i] = start_parent(i);
			break;
		default:
			pids[i] = start_program("/bin/true", NULL);
			break;
		}
		statuses[i] = reap(pids[i]);
	}
	settle(w);
	assert_int_equal(w->count, CHILDREN + CHILDREN / 5);
	for (int i = 0; i < CHILDREN; i++) {
		struct seen *seen = check_whole(w, pids[i], statuses[i]);

		assert_int_equal(seen->records, 1);
		assert_int_equal(seen->record_status, statuses[i]);
		assert_int_equal(seen->exec_at != 0, i % 5 == 4);
		if (i % 5 == 4)
			assert_true(seen->fork_at < seen->exec_at && seen->exec_at < seen->exit_at);
	}
	check_no_loss(w);
}

/* Many at once: their messages come from several CPUs. */
static void at_once(void **state)
{
	static pid_t pids[CHILDREN];
	struct watch *w = watching(state);

	for (int i = 0; i < CHILDREN; i++)
		pids[i] = start_fork(i);
	for (int i = 0; i < CHILDREN; i++)
		assert_int_equal(WEXITSTATUS(reap(pids[i])), i);
	settle(w);
	for (int i = 0; i < CHILDREN; i++)
		check_whole(w, pids[i], i << 8);
	check_no_loss(w);
}

/* A grandchild has its parent's number, and comes after it. */
static void generations(void **state)
{
	struct watch *w = watching(state);
	pid_t pid = start_parent(3);
	struct seen *parent;
	struct seen *child;

	reap(pid);
	settle(w);
	assert_int_equal(w->count, 2);
	parent = &w->seen[0];
	child = &w->seen[1];
	assert_int_equal(parent->pid, pid);
	assert_int_equal(child->parent, pid);
	assert_int_equal(child->status, 4 << 8);
	assert_int_equal(child->last, 1);
	assert_true(child->fork_ns > parent->fork_ns && child->exit_ns < parent->exit_ns);
}

/* Threads make no processes; each has a record. */
static void threads(void **state)
{
	struct watch *w = watching(state);
	pid_t pid = start_program(self, "threads");
	int status = reap(pid);

	settle(w);
	assert_int_equal(w->count, 1);
	assert_int_equal(WEXITSTATUS(status), 5);
	/* A sanitizer may have a thread more. */
	assert_in_range(check_whole(w, pid, status)->records, 4, 8);
}

/* The EXIT is the main thread's; the process's end is in the record of the last thread. */
static void leader_first(void **state)
{
	struct watch *w = watching(state);
	pid_t pid = start_program(self, "leader-first");
	int status = reap(pid);
	struct seen *seen;

	settle(w);
	seen = find(w, pid);
	assert_non_null(seen);
	assert_int_equal(WEXITSTATUS(status), 9);
	assert_int_equal(seen->last, 1);
	assert_int_equal(seen->record_status, status);
	assert_true(seen->exit_at != 0);
}

/* One number, and two main threads one after the other. */
static void thread_exec(void **state)
{
	struct watch *w = watching(state);
	pid_t pid = start_program(self, "exec");
	int status = reap(pid);
	struct seen *seen;

	settle(w);
	seen = find(w, pid);
	assert_non_null(seen);
	assert_int_equal(status, 0);
	assert_true(seen->exec_at > seen->fork_at);
	assert_int_equal(seen->last, 1);
	assert_int_equal(seen->record_status, 0);
}

/* What is read while nobody takes it is there later; two settles are as good as one. */
static void settles(void **state)
{
	struct watch *w = watching(state);
	pid_t pid = start_fork(1);

	reap(pid);
	assert_true(lifecycle_settle(w->l, 5000));
	assert_true(lifecycle_settle(w->l, 5000));
	assert_null(find(w, pid));
	lifecycle_take(w->l, on_event, w);
	/* The kernel has told of the record, if not of the EXIT, before wait() returned. */
	assert_non_null(find(w, pid));
	assert_int_equal(find(w, pid)->last, 1);
	settle(w);
	check_whole(w, pid, 1 << 8);
}

static void full_queue(void **state)
{
	struct watch *w = watching(state);
	struct lifecycle_losses losses;
	pid_t pid;

	lifecycle_limit(w->l, 4096);
	/* What others of this machine did before that. */
	lifecycle_take(w->l, on_event, w);
	w->events = 0;
	for (unsigned i = 0; i < 100; i++)
		reap(start_fork(0));
	assert_true(lifecycle_settle(w->l, 5000));
	lifecycle_losses(w->l, &losses);
	assert_true(losses.queue >= 300 - 4096 / 32);
	lifecycle_take(w->l, on_event, w);
	assert_in_range(w->events, 3, 4096 / 32);
	lifecycle_limit(w->l, LIFECYCLE_QUEUE_MAX);
	memset(w->seen, 0, sizeof(w->seen));
	w->count = 0;
	pid = start_fork(2);
	reap(pid);
	settle(w);
	check_whole(w, pid, 2 << 8);
}

/* The child that it starts of itself is nobody's. */
static void no_canary(void **state)
{
	struct watch *w = watching(state);

	settle(w);
	assert_int_equal(w->count, 0);
	assert_int_equal(w->early, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	assert_int_equal(errno, ECHILD);
}

static void nothing(void **state)
{
	const char *why = NULL;
	struct watch *w = watching(state);

	lifecycle_free(NULL);
	assert_true(lifecycle_has_events(w->l, NULL) && lifecycle_has_records(w->l, &why));
	assert_string_equal(why, "");
	assert_true(lifecycle_marks_last(w->l)); /* no older kernel is tested with */
}

/* ---- the queue alone --------------------------------------------------------------------------- */

struct expected {
	unsigned count;
};

static void make_event(unsigned i, struct taskstats_exit *record, struct life_event *ret)
{
	*ret = (struct life_event){
		.kind = i % 4,
		.time_ns = i * 1000003ULL,
		.pid = (pid_t)i,
		.parent = (pid_t)(i * 7),
		.status = -(int)i,
	};
	if (ret->kind != LIFE_RECORD)
		return;
	record->pid = i;
	record->len = i % (TASKSTATS_STRUCT_MAX + 1);
	memset(record->bytes, (int)i & 0xff, record->len);
	ret->record = record;
}

static void on_expected(void *arg, const struct life_event *event)
{
	struct expected *expected = arg;
	struct taskstats_exit record = {0};
	struct life_event want;

	make_event(expected->count++, &record, &want);
	assert_int_equal(event->kind, want.kind);
	assert_int_equal(event->time_ns, want.time_ns);
	assert_int_equal(event->pid, want.pid);
	assert_int_equal(event->parent, want.parent);
	assert_int_equal(event->status, want.status);
	assert_int_equal(event->record != NULL, want.record != NULL);
	if (!want.record)
		return;
	assert_int_equal(event->record->pid, record.pid);
	assert_int_equal(event->record->len, record.len);
	assert_memory_equal(event->record->bytes, record.bytes, record.len);
}

static void queue(void **state)
{
	struct lifequeue queued = {0};

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		const size_t limit = (size_t)6 << 20;
		struct expected expected = {0};
		unsigned pushed = 0;

		for (;; pushed++) {
			struct taskstats_exit record = {0};
			struct life_event event;

			make_event(pushed, &record, &event);
			if (!lifequeue_push(&queued, &event, limit))
				break;
		}
		assert_in_range(queued.used, limit - 800, limit);
		lifequeue_take(&queued, on_expected, &expected);
		assert_int_equal(expected.count, pushed);
		lifequeue_take(&queued, on_expected, &expected);
		assert_int_equal(expected.count, pushed);
	}
	lifequeue_done(&queued);
}

#define WATCHED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WATCHED(every_child), WATCHED(at_once),	       WATCHED(generations),
		WATCHED(threads),     WATCHED(leader_first),   WATCHED(thread_exec),
		WATCHED(settles),     WATCHED(full_queue),     WATCHED(no_canary),
		WATCHED(nothing),     cmocka_unit_test(queue),
	};

	self = argv[0];
	if (argc > 1)
		threads_main(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
