/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>

#include "collector/outsiders.h"
#include "core/tick.h"

/* A sampler's, with room to spare. */
#define HELLO_NS 100000000u
/* The cgroup is looked into: where the kernel tells of forks, for those whom others moved there. */
#define LOOK_NS	      50000000u
#define LOOK_MOVED_NS 1000000000u
/* Found out in one look: who a process is, and why it has no sampler, takes some 60 us. */
#define LOOKS_MAX 64
/* So many are sampled on every tick: of more, each on every second one, and so on. */
#define AT_ONCE 64
/* Members of the cgroup that are taken note of in one look. */
#define MEMBERS_MAX 32768

void outsiders_init(struct outsiders *all, struct patience *patience, uint64_t stall_ns,
		    uint32_t budget_ppm)
{
	*all = (struct outsiders){
		.patience = patience, .limits = {stall_ns, budget_ppm, 1}, .hello_ns = HELLO_NS};
}

void outsiders_expect_none(struct outsiders *all, const char *why)
{
	all->hello_ns = 0;
	all->why = why;
}

static bool make_room(struct outsiders *all)
{
	size_t size = all->size ? all->size * 2 : 16;
	struct process **list;

	if (all->count < all->size)
		return true;
	list = reallocarray(all->list, size, sizeof(struct process *));
	if (!list)
		return false;
	all->list = list;
	all->size = size;
	return true;
}

/* A start time that is not told is not another one. */
static bool is_same(const struct process *process, uint64_t start_ticks)
{
	return !process->start_ticks || !start_ticks || process->start_ticks == start_ticks;
}

static bool is_there(struct outsiders *all, struct process *process)
{
	struct outside *outside = NULL;
	uint64_t start_ticks;
	bool there;

	if (outside_open(process->pid, all->patience, &outside) < 0)
		return false;
	there = outside_started(outside, &start_ticks) == 0 && is_same(process, start_ticks);
	outside_close(outside);
	return there;
}

/* Where no ends are told, the pid of one that is dead may be another's by now, or a zombie's still. */
void outsiders_see(struct outsiders *all, struct run *run, pid_t pid)
{
	struct process *process = processes_find(&run->processes, pid);

	if (process && process->is_dead && !run->hears_ends) {
		if (is_there(all, process))
			return;
		processes_lose(&run->processes, process);
	}
	run_seen(run, pid);
}

static void look_into(struct outsiders *all, struct run *run, const struct cgroup *cg)
{
	pid_t *pids = malloc(MEMBERS_MAX * sizeof(*pids));
	int n = pids ? cgroup_processes(cg, pids, MEMBERS_MAX) : 0;

	if (n > MEMBERS_MAX)
		n = MEMBERS_MAX;
	for (int i = 0; i < n; i++)
		if (pids[i])
			outsiders_see(all, run, pids[i]);
	free(pids);
}

static const char *why_of(const struct outsiders *all, struct outside *outside)
{
	return all->why ? all->why : outside_why(outside);
}

static int try(const struct outsiders *all, struct outside *outside, uint64_t now_ns)
{
	struct record rec;

	record_init(&rec);
	return outside_sample(outside, &all->limits, now_ns, false, &rec);
}

static void begin(struct outsiders *all, struct run *run, struct process *process)
{
	struct wire_hello hello;
	struct outside *outside = NULL;
	int err = make_room(all) ? outside_open(process->pid, all->patience, &outside) : -ENOMEM;
	bool shares_memory;

	/* Again in a tenth of a second: where descriptors or memory are short, others may end. */
	process->silent_ns = run->now_ns;
	/* Asked first: also those that answer nothing else mostly tell this. */
	shares_memory = err == 0 && outside_shares_memory(outside, (pid_t)process->info.ppid);
	if (err == 0)
		err = outside_describe(outside, &hello);
	/* The pid is another's. */
	if (err == 0 && !is_same(process, hello.start_ticks))
		err = -ESRCH;
	/* It may be a zombie by now. */
	if (err == 0)
		err = try(all, outside, run->now_ns);
	/* A vfork() child that goes on so: its memory is its parent's, and counted there. */
	if (err == 0 && shares_memory)
		err = -EBUSY;
	if (err < 0)
		outside_close(outside);
	if (err == -ENOENT || err == -ESRCH)
		run_missing(run, process);
	if (err < 0)
		return;
	process->outside = outside;
	process->outside_image = process->images;
	all->list[all->count++] = process;
	run_outside(run, process, &hello, why_of(all, outside));
}

/* What is known of it is that of the program before; and this one may have a sampler. */
static bool has_changed(const struct process *process)
{
	return process->outside_image != process->images;
}

/* It did not answer at first. Returns false where its pid is another's. */
static bool describe_anew(const struct outsiders *all, struct run *run, struct process *process)
{
	struct wire_hello hello;

	if (outside_describe(process->outside, &hello) < 0)
		return true;
	if (!is_same(process, hello.start_ticks))
		return false;
	run_outside(run, process, &hello, why_of(all, process->outside));
	return true;
}

static void end(struct outsiders *all, size_t at)
{
	struct process *process = all->list[at];

	outside_close(process->outside);
	process->outside = NULL;
	all->list[at] = all->list[--all->count];
}

void outsiders_look(struct outsiders *all, struct run *run, const struct cgroup *cg, uint32_t live)
{
	uint64_t every_ns = run->hears_ends ? LOOK_MOVED_NS : LOOK_NS;
	unsigned looks = 0;

	all->limits.live = live ? live : 1;
	if (cg && run->now_ns - all->looked_ns >= every_ns) {
		all->looked_ns = run->now_ns;
		look_into(all, run, cg);
	}
	for (size_t i = all->count; i > 0; i--) {
		struct process *process = all->list[i - 1];

		if (!process->peers && !has_changed(process) &&
		    (!outside_tells_more(process->outside) || describe_anew(all, run, process)))
			continue;
		end(all, i - 1);
		run_outside_gone(run, process);
	}
	for (struct process *p = run->processes.open, *next; p && looks < LOOKS_MAX; p = next) {
		next = p->next_open;
		if (p->peers || p->outside || run->now_ns - p->silent_ns < all->hello_ns)
			continue;
		begin(all, run, p);
		looks++;
	}
}

/* Returns whether it goes on. */
static bool sample(struct outsiders *all, struct run *run, struct process *process, uint64_t tick,
		   uint64_t now_ns, bool slow)
{
	struct record rec;

	record_init(&rec);
	rec.tick = tick;
	rec.late_us = (now_ns - tick_ns(tick, run->freq)) / 1000;
	if (outside_sample(process->outside, &all->limits, now_ns, slow, &rec) < 0)
		return false;
	run_sample(run, process, &rec);
	return true;
}

void outsiders_tick(struct outsiders *all, struct run *run, uint64_t tick, uint64_t now_ns)
{
	uint64_t share = 1 + all->count / AT_ONCE;
	uint64_t group = tick / (tick_slow_every(run->freq) * share);
	bool slow = group != all->slow_last;

	all->slow_last = group;
	for (size_t i = all->count; i > 0; i--) {
		struct process *process = all->list[i - 1];

		if (process->peers || (!slow && (tick + process->id) % share))
			continue;
		if (sample(all, run, process, tick, now_ns, slow))
			continue;
		end(all, i - 1);
		run_outside_gone(run, process);
		run_missing(run, process);
	}
}

void outsiders_look_last(struct outsiders *all, struct run *run)
{
	for (size_t i = all->count; i > 0; i--) {
		struct record rec;

		record_init(&rec);
		if (outside_sample(all->list[i - 1]->outside, &all->limits, run->now_ns, false,
				   &rec) == 0)
			continue;
		run_end(run, all->list[i - 1], run->now_ns);
		end(all, i - 1);
	}
	for (struct process *p = run->processes.open, *next; p; p = next) {
		next = p->next_open;
		if (!p->peers && !p->outside && !is_there(all, p))
			run_end(run, p, run->now_ns);
	}
}

void outsiders_done(struct outsiders *all)
{
	while (all->count)
		end(all, all->count - 1);
	free(all->list);
	all->list = NULL;
	all->size = 0;
}
