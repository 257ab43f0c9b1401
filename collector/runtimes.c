/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/patience.h"
#include "collector/runtimes.h"
#include "collector/runtimes/runtime.h"
#include "core/tick.h"

/* What a tick waits for one process: a reading takes 20 to 100 us. Where it takes longer, it is out. */
#define WAIT_NS 1000000u
/* Readings that may be out at a time: of a program that makes the kernel wait there is one. */
#define OUT_MAX 16
/* A program that ends at once is not worth a look: half of a build's processes live no longer. */
#define YOUNG_NS 100000000u
#define FIND_NS	 50000000u
/* Newcomers that are looked at in one tick: their files are opened. */
#define FINDS_MAX 8
/* Each has a descriptor of the collector, and some more. */
#define READ_MAX 512
/* While its runtime is not up yet. */
#define PAUSE_MIN_NS 50000000u
#define PAUSE_MAX_NS 5000000000u
/* When it is said that it is not. */
#define PAUSE_SAID_NS 1000000000u
/* All readings of the tree take one CPU in so many. */
#define BUDGET 100u

#define READER_EXTERN(name) extern const struct runtime_reader runtime_##name;
#define READER_ENTRY(name)  &runtime_##name,
/* RUNTIME_LIST(X): X(NAME) for each file there is; by the Makefile. */
RUNTIME_LIST(READER_EXTERN)
static const struct runtime_reader *const readers[] = {RUNTIME_LIST(READER_ENTRY)};
#define READERS (sizeof(readers) / sizeof(readers[0]))

enum stage {
	STAGE_ASKED, /* its runtime is not up, as far as known */
	STAGE_READ,
	STAGE_OVER, /* not this kind of program, or not to be read */
};

/* What one reader has to do with one process. */
struct part {
	enum stage stage;
	int err; /* of its last call */
	void *state;
	char text[RUNTIME_TEXT_MAX];
	bool is_told; /* text is in the run file */
};

struct runtime {
	struct patience_job job; /* the first member: see of_job() */
	struct runtime_target target;
	struct part part[READERS];
	struct record rec; /* of the last look */
	uint64_t cost_ns;  /* of it, the helper's CPU time; attaching is not in it */

	/* The collector's. */
	struct process *process; /* borrowed */
	unsigned images;	 /* of the process, that this is of */
	bool is_out;
	uint64_t asking_ns; /* our own CPU time for it: as much again */
	uint64_t due_ns;
	bool asks;	 /* in this look, those whose runtime is not up */
	uint64_t ask_ns; /* when it does so again, and after what pause */
	uint64_t pause_ns;
};

struct runtimes {
	struct patience *patience;	/* owned */
	struct runtime *list[READ_MAX]; /* owned */
	size_t count;
	uint64_t found_ns; /* when newcomers were looked for */
};

static struct runtime *of_job(struct patience_job *job)
{
	return (struct runtime *)job;
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * TICK_SECOND + (uint64_t)ts.tv_nsec;
}

static void detach(struct part *part, size_t i)
{
	if (part->stage == STAGE_READ)
		readers[i]->detach(part->state);
	part->stage = STAGE_OVER;
}

static bool is_wanted(const char *path)
{
	for (size_t i = 0; i < READERS; i++)
		if (readers[i]->wants && readers[i]->wants(path))
			return true;
	return false;
}

/* [helper] err: why its mappings cannot be read, as nothing else of it can then. */
static void attach(struct runtime *r, size_t i, int err)
{
	struct part *part = &r->part[i];

	part->err = err < 0 ? err : readers[i]->attach(&r->target, &part->state, part->text);
	if (part->err == 0) {
		part->stage = STAGE_READ;
		part->is_told = false;
	} else if (part->err != -EAGAIN)
		part->stage = STAGE_OVER;
}

/* [helper] All readers that do not know yet. */
static void attach_all(struct runtime *r)
{
	struct maps maps;
	int err = maps_read(r->target.dir, is_wanted, &maps);

	/* It has ended, or something else is in the way: none of our kind, as far as is known. */
	if (err < 0 && err != -EPERM && err != -EACCES)
		err = -ENOEXEC;
	r->target.maps = &maps;
	for (size_t i = 0; i < READERS; i++)
		if (r->part[i].stage == STAGE_ASKED)
			attach(r, i, err);
	r->target.maps = NULL;
	maps_done(&maps);
}

static bool is_asking(const struct runtime *r)
{
	for (size_t i = 0; i < READERS; i++)
		if (r->part[i].stage == STAGE_ASKED)
			return true;
	return false;
}

/* [helper] */
static void read_one(struct runtime *r, size_t i)
{
	struct part *part = &r->part[i];

	part->err = readers[i]->read(part->state, &r->target, &r->rec);
	if (part->err == 0)
		return;
	record_drop(&r->rec, readers[i]->source, REASON_FAILED);
	if (part->err != -EAGAIN)
		detach(part, i);
}

/* [helper] */
static void look(struct patience_job *job)
{
	struct runtime *r = of_job(job);
	uint64_t before;

	if (r->asks)
		attach_all(r);
	before = cpu_ns();
	for (size_t i = 0; i < READERS; i++)
		if (r->part[i].stage == STAGE_READ)
			read_one(r, i);
	r->cost_ns = cpu_ns() - before;
}

/* [any thread] */
static void discard(struct patience_job *job)
{
	struct runtime *r = of_job(job);

	for (size_t i = 0; i < READERS; i++)
		detach(&r->part[i], i);
	close(r->target.dir);
	free(r);
}

static void drop(struct runtimes *all, size_t at)
{
	struct runtime *r = all->list[at];

	r->process->runtime = NULL;
	all->list[at] = all->list[--all->count];
	patience_drop(all->patience, &r->job);
}

static enum reason reason_of(const struct part *part)
{
	if (part->stage != STAGE_OVER)
		return REASON_NOT_DUE;
	switch (part->err) {
	case -ENOEXEC:
		return REASON_UNKNOWN;
	case -EPERM:
	case -EACCES:
		return REASON_DENIED;
	case -EOPNOTSUPP:
		return REASON_ABSENT;
	default:
		return REASON_FAILED;
	}
}

static const char denied[] =
	"its memory may not be read: that takes the same user and capabilities, or CAP_SYS_PTRACE";

static void note(struct run *run, const struct process *process, const char *name, const char *what)
{
	char text[RUNTIME_TEXT_MAX + 32];

	snprintf(text, sizeof(text), "%s: %s", name, what);
	run_event(run, run->now_ns, EVENT_NOTE, process->id, process->pid, text);
}

/* What keeps one reader out mostly keeps out all. */
static void say_denied(struct run *run, struct runtime *r, size_t i)
{
	const char *text = r->part[i].text;

	if (r->process->runtime_denied)
		return;
	r->process->runtime_denied = true;
	note(run, r->process, text[0] ? readers[i]->name : "runtimes", text[0] ? text : denied);
}

static void say(struct run *run, struct runtime *r, size_t i)
{
	struct part *part = &r->part[i];

	if (part->stage == STAGE_OVER && reason_of(part) == REASON_DENIED)
		say_denied(run, r, i);
	else if ((part->stage != STAGE_ASKED || r->pause_ns >= PAUSE_SAID_NS) && part->text[0] &&
		 !part->is_told) {
		part->is_told = true;
		note(run, r->process, readers[i]->name, part->text);
	}
}

static uint64_t at_most(uint64_t value, uint64_t max)
{
	return value < max ? value : max;
}

/* The look is over: it stands in the process's row. Returns whether there is more to look at. */
static bool take(struct runtimes *all, struct run *run, struct runtime *r, uint64_t now_ns)
{
	uint64_t pause_ns = (r->cost_ns + r->asking_ns) * BUDGET * all->count;
	bool is_read = false;

	r->is_out = false;
	for (size_t i = 0; i < READERS; i++) {
		struct part *part = &r->part[i];

		r->process->unread[readers[i]->source] = (uint8_t)reason_of(part);
		say(run, r, i);
		is_read = is_read || part->stage == STAGE_READ;
	}
	if (r->asks) {
		r->pause_ns = at_most(r->pause_ns * 2, PAUSE_MAX_NS);
		r->ask_ns = now_ns + r->pause_ns;
	}
	if (is_read)
		run_reading(run, r->process, &r->rec);
	r->due_ns = is_read ? now_ns + at_most(pause_ns, PAUSE_MAX_NS) : r->ask_ns;
	return is_read || is_asking(r);
}

/* One look at it. Returns false where there will be no other. */
static bool begin(struct runtimes *all, struct run *run, struct runtime *r, uint64_t tick,
		  uint64_t now_ns)
{
	uint64_t before = cpu_ns();
	int err;

	record_init(&r->rec);
	r->rec.tick = tick;
	r->asks = is_asking(r) && now_ns >= r->ask_ns;
	err = patience_run(all->patience, &r->job, 0);
	r->asking_ns = cpu_ns() - before;
	if (err == -EBUSY)
		return true;
	r->is_out = err < 0;
	return r->is_out || take(all, run, r, now_ns);
}

/* Whether it goes on. */
static bool go_on(struct runtimes *all, struct run *run, struct runtime *r, uint64_t tick,
		  uint64_t now_ns)
{
	if (r->process->info.ended || r->process->images != r->images)
		return false;
	if (r->is_out && !patience_is_back(all->patience, &r->job))
		return true;
	if (r->is_out && !take(all, run, r, now_ns))
		return false;
	return now_ns < r->due_ns || begin(all, run, r, tick, now_ns);
}

static struct runtime *new_runtime(struct process *process, uint64_t now_ns)
{
	struct runtime *r = calloc(1, sizeof(*r));
	char path[32];

	if (!r)
		return NULL;
	snprintf(path, sizeof(path), "/proc/%d", (int)process->pid);
	*r = (struct runtime){
		.job = {.work = look, .discard = discard},
		.target = {process->pid, open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)},
		.process = process,
		.images = process->images,
		.due_ns = now_ns,
		.pause_ns = PAUSE_MIN_NS,
	};
	if (r->target.dir >= 0)
		return r;
	free(r);
	return NULL;
}

/* Those who have come, or run another program now. */
static void find(struct runtimes *all, struct run *run, uint64_t now_ns)
{
	unsigned finds = 0;

	all->found_ns = now_ns;
	for (struct process *p = run->processes.open; p && finds < FINDS_MAX; p = p->next_open) {
		if (p->runtime || p->runtime_images == p->images + 1 ||
		    now_ns - p->known_ns < YOUNG_NS || all->count == READ_MAX)
			continue;
		finds++;
		p->runtime_images = p->images + 1;
		p->runtime = new_runtime(p, now_ns);
		if (p->runtime)
			all->list[all->count++] = p->runtime;
	}
}

void runtimes_tick(struct runtimes *all, struct run *run, uint64_t tick, uint64_t now_ns)
{
	if (now_ns - all->found_ns >= FIND_NS)
		find(all, run, now_ns);
	for (size_t i = all->count; i > 0; i--)
		if (!go_on(all, run, all->list[i - 1], tick, now_ns))
			drop(all, i - 1);
}

/* A filter may kill for calls that nobody else makes: they are tried in a child. */
static bool filters_allow(void)
{
	int status = 0;
	pid_t pid;

	if (prctl(PR_GET_SECCOMP) <= 0)
		return true;
	pid = fork();
	if (pid == 0) {
		syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0);
		syscall(SYS_openat2, -1, NULL, NULL, 0);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status);
}

int runtimes_new(struct runtimes **ret)
{
	struct runtimes *all;

	*ret = NULL;
	if (!filters_allow())
		return -EPERM;
	all = calloc(1, sizeof(*all));
	if (!all || patience_new(WAIT_NS, OUT_MAX, &all->patience) < 0) {
		free(all);
		return -ENOMEM;
	}
	*ret = all;
	return 0;
}

void runtimes_free(struct runtimes *all)
{
	if (!all)
		return;
	while (all->count)
		drop(all, all->count - 1);
	patience_free(all->patience);
	free(all);
}
