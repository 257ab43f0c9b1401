/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/patience.h"
#include "collector/runtimelook.h"
#include "collector/runtimes.h"
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
#define READ_MAX 512u
/* While its runtime is not up yet. */
#define PAUSE_MIN_NS 50000000u
#define PAUSE_MAX_NS 5000000000u
/* When it is said that it is not. */
#define PAUSE_SAID_NS 1000000000u
/* All readings of the tree take one CPU in so many, */
#define BUDGET 100u
/* of which a process has half as much after each reading that brought nothing new: most of a large tree waits. */
#define WEIGHT_MOVES 16u
/* Odd: no value is lost from a sum of products. */
#define SUM_FACTOR 0x9e3779b97f4a7c15u

struct runtime {
	struct patience_job job; /* the first member: see of_job() */
	struct runtime_look look;

	/* The collector's. */
	struct process *process; /* borrowed */
	unsigned images;	 /* of the process, that this is of */
	bool is_out;
	unsigned weight;    /* its part of the budget: see WEIGHT_MOVES */
	uint64_t told;	    /* of what the reading before told */
	uint64_t asking_ns; /* our own CPU time for it: as much again */
	uint64_t due_ns;
	uint64_t
		ask_ns; /* when those whose runtime is not up are asked again, and after what pause */
	uint64_t pause_ns;
};

struct runtimes {
	struct patience *patience;	/* owned */
	struct runtime *list[READ_MAX]; /* owned */
	size_t count;
	uint64_t weight; /* of all of them */
	bool is_full_said;
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

/* [helper] */
static void work(struct patience_job *job)
{
	runtime_look(&of_job(job)->look);
}

/* [any thread] */
static void discard(struct patience_job *job)
{
	struct runtime *r = of_job(job);

	runtime_look_close(&r->look);
	free(r);
}

static void drop(struct runtimes *all, size_t at)
{
	struct runtime *r = all->list[at];

	r->process->runtime = NULL;
	all->weight -= r->weight;
	all->list[at] = all->list[--all->count];
	patience_drop(all->patience, &r->job);
}

/* ---- what is said of it ---------------------------------------------------------------------- */

static enum reason reason_of(const struct runtime_part *part)
{
	if (part->stage != RUNTIME_OVER)
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
	const char *text = r->look.part[i].text;

	if (r->process->runtime_denied)
		return;
	r->process->runtime_denied = true;
	note(run, r->process, text[0] ? runtime_readers[i]->name : "runtimes",
	     text[0] ? text : denied);
}

static void say(struct run *run, struct runtime *r, size_t i)
{
	struct runtime_part *part = &r->look.part[i];
	bool is_due = part->stage != RUNTIME_ASKED || r->pause_ns >= PAUSE_SAID_NS;

	if (part->stage == RUNTIME_OVER && reason_of(part) == REASON_DENIED) {
		say_denied(run, r, i);
	} else if (is_due && part->text[0] && !part->is_told) {
		part->is_told = true;
		note(run, r->process, runtime_readers[i]->name, part->text);
	}
}

/* ---- looks ----------------------------------------------------------------------------------- */

/* Of all values that were read. */
static uint64_t sum_of(const struct record *rec)
{
	uint64_t sum = 0;

	for (unsigned field = 0; field < FIELD_MAX; field++)
		if (record_has(rec, field))
			sum = (sum + field + (uint64_t)rec->value[field]) * SUM_FACTOR;
	return sum;
}

/* A process in which nothing moves leaves its part of the budget to the others. */
static void weigh(struct runtimes *all, struct runtime *r)
{
	uint64_t told = sum_of(&r->look.rec);

	all->weight -= r->weight;
	if (told != r->told)
		r->weight = WEIGHT_MOVES;
	else if (r->weight > 1)
		r->weight /= 2;
	all->weight += r->weight;
	r->told = told;
}

static uint64_t at_most(uint64_t value, uint64_t max)
{
	return value < max ? value : max;
}

/* When it is due again, having been read. */
static uint64_t next_reading(struct runtimes *all, struct runtime *r, uint64_t now_ns)
{
	uint64_t cost_ns = r->look.cost_ns + r->asking_ns;

	weigh(all, r);
	return now_ns + at_most(cost_ns * BUDGET * all->weight / r->weight, PAUSE_MAX_NS);
}

/* The look is over: it stands in the process's row. Returns whether there is more to look at. */
static bool take(struct runtimes *all, struct run *run, struct runtime *r, uint64_t now_ns)
{
	r->is_out = false;
	if (r->look.is_other) {
		r->process->runtime_images = 0;
		return false;
	}
	for (size_t i = 0; i < runtime_readers_count; i++) {
		r->process->unread[runtime_readers[i]->source] =
			(uint8_t)reason_of(&r->look.part[i]);
		say(run, r, i);
	}
	if (r->look.asks) {
		r->pause_ns = at_most(r->pause_ns * 2, PAUSE_MAX_NS);
		r->ask_ns = now_ns + r->pause_ns;
	}
	r->due_ns = r->ask_ns;
	if (runtime_look_is_reading(&r->look)) {
		run_reading(run, r->process, &r->look.rec);
		r->due_ns = next_reading(all, r, now_ns);
	}
	return runtime_look_is_reading(&r->look) || runtime_look_is_asking(&r->look);
}

/* One look at it. Returns false where there will be no other. */
static bool begin(struct runtimes *all, struct run *run, struct runtime *r, uint64_t tick,
		  uint64_t now_ns)
{
	uint64_t before = cpu_ns();
	int err;

	record_init(&r->look.rec);
	r->look.rec.tick = tick;
	r->look.asks = runtime_look_is_asking(&r->look) && now_ns >= r->ask_ns;
	/* The same program may be told of twice, by the kernel and by its sampler. */
	r->look.doubts = r->look.doubts || r->process->images != r->images;
	r->images = r->process->images;
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
	if (r->process->info.ended) {
		/* Should it be back, it may run another program: where no exec is told, its sampler's end is its own. */
		r->process->runtime_images = 0;
		return false;
	}
	if (r->is_out && !patience_is_back(all->patience, &r->job))
		return true;
	if (r->is_out && !take(all, run, r, now_ns))
		return false;
	return (now_ns < r->due_ns && r->process->images == r->images) ||
	       begin(all, run, r, tick, now_ns);
}

static struct runtime *new_runtime(struct process *process, uint64_t now_ns)
{
	struct runtime *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	*r = (struct runtime){
		.job = {.work = work, .discard = discard},
		.process = process,
		.images = process->images,
		.weight = WEIGHT_MOVES,
		.due_ns = now_ns,
		.pause_ns = PAUSE_MIN_NS,
	};
	if (runtime_look_open(process->pid, &r->look) == 0)
		return r;
	free(r);
	return NULL;
}

static void say_full(struct runtimes *all, struct run *run, const struct process *process)
{
	char text[RUNTIME_TEXT_MAX];

	if (all->is_full_said)
		return;
	all->is_full_said = true;
	snprintf(text, sizeof(text),
		 "%u processes are read already: this one and others wait until some have ended",
		 READ_MAX);
	note(run, process, "runtimes", text);
}

/* Those who have come, or run another program now. */
static void find(struct runtimes *all, struct run *run, uint64_t now_ns)
{
	unsigned finds = 0;

	all->found_ns = now_ns;
	for (struct process *p = run->processes.open; p && finds < FINDS_MAX; p = p->next_open) {
		if (p->runtime || p->runtime_images == p->images + 1 ||
		    now_ns - p->known_ns < YOUNG_NS)
			continue;
		if (all->count == READ_MAX) {
			say_full(all, run, p);
			return;
		}
		finds++;
		p->runtime_images = p->images + 1;
		p->runtime = new_runtime(p, now_ns);
		/* For want of a descriptor: that may pass. */
		if (!p->runtime) {
			p->runtime_images = 0;
			continue;
		}
		all->list[all->count++] = p->runtime;
		all->weight += p->runtime->weight;
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
