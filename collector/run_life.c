/* SPDX-License-Identifier: ISC */
/*
 * The tree by the kernel's own word: every fork, exec and exit in it, and the exit records. What is
 * told is of all processes of the machine; those of the tree are the program, and what a process of
 * the tree has forked.
 */
#include <linux/acct.h>
#include <string.h>

#include "collector/life.h"
#include "collector/run.h"

/* Clocks are read one after the other, and forks told a moment after their process has its start. */
#define SLACK_NS 50000000u
/* Between an exit record and the word of the end memory is freed; and it is read some time later. */
#define LATE_NS 1000000000u

/* A process of the tree that lives, as far as we were told. */
static struct process *find_living(const struct run *run, pid_t pid)
{
	struct process *process = processes_find(&run->processes, pid);

	return process && !process->is_dead ? process : NULL;
}

/* A hello of it, or a look at the cgroup, has been faster than the word of its fork. */
static bool is_late_word(const struct process *process, uint64_t at_ns)
{
	return !process->start_ns && at_ns <= process->known_ns + SLACK_NS;
}

/* As told, or not after that. */
static uint64_t start_of(const struct process *process)
{
	return process->start_ns ? process->start_ns : process->known_ns;
}

/* One that was ours and forks is ours, and lives: only its main thread has ended. */
static struct process *find_parent(struct run *run, pid_t pid)
{
	struct process *process = processes_find(&run->processes, pid);

	if (!process || process->is_over)
		return NULL;
	if (process->is_dead)
		run_revive(run, process);
	return process;
}

static void finish(struct run *run, struct process *process, uint64_t at_ns, int status)
{
	struct record *life = process_life(process);

	/* That is told when its pid is another's already. */
	if (process->after && at_ns > start_of(process->after))
		at_ns = start_of(process->after);
	if (life)
		life_note_status(life, status);
	if (!process->is_dead)
		oom_note_exit(&run->oom, process, at_ns, status);
	process->is_dead = true;
	run_end(run, process, at_ns);
	process->info.last_ns = run_since_start(run, at_ns);
	run_note_change(run, process);
}

static void take_fork(struct run *run, const struct life_event *event)
{
	struct process *parent = run->is_closed ? NULL : find_parent(run, event->parent);
	struct process *process = find_living(run, event->pid);

	if (process && !is_late_word(process, event->time_ns)) {
		/* The pid is another's now: the record of its end comes later, or was lost. */
		if (process->exit_ns)
			finish(run, process, process->exit_ns, process->exit_status);
		process->is_dead = true;
		run_end(run, process, event->time_ns);
		process = NULL;
	}
	if (!process && parent)
		process = run_add(run, event->pid, event->time_ns);
	if (!process) {
		/* Another tree's: what is told of that pid from now on is not for one that was ours. */
		process = processes_find(&run->processes, event->pid);
		if (process)
			processes_lose(&run->processes, process);
		return;
	}
	process->start_ns = event->time_ns;
	if (process->info.first_ns)
		process->info.first_ns = run_since_start(run, event->time_ns);
	process->info.ppid = (uint64_t)event->parent;
	if (parent && !process->text)
		process_inherit(process, parent);
}

/*
 * Of the main thread: others may go on. That all is over the last thread's exit record tells, which
 * may have come first; but when the main thread ended, and how, is told here.
 */
static void take_exit(struct run *run, const struct life_event *event)
{
	struct process *process = processes_find(&run->processes, event->pid);

	/* Its parent may have waited for it, and its pid come back, before the kernel tells this. */
	if (process && process->before && !process->before->exit_ns &&
	    event->time_ns <= start_of(process) + SLACK_NS)
		process = process->before;
	if (!process || process->exit_ns)
		return;
	process->exit_ns = event->time_ns;
	process->exit_status = event->status;
	if (!run->hears_last || (process->after && !process->is_over) ||
	    (process->is_dead && process->is_leader_last))
		finish(run, process, event->time_ns, event->status);
}

/* An exec by another thread than the main one ends that one first. */
static void take_exec(struct run *run, const struct life_event *event)
{
	struct process *process = processes_find(&run->processes, event->pid);

	if (!process || process->is_over)
		return;
	process->images++;
	process->silent_ns = run->now_ns;
	run_named(run, process, event->time_ns, event->name);
	run_revive(run, process);
}

/* Where no forks are told, a child is known by its parent. */
static struct process *adopt(struct run *run, const struct life_event *event)
{
	uint64_t elapsed_ns = event->record->elapsed_us * 1000;

	if (run->hears_ends || run->is_closed || !find_living(run, event->parent))
		return NULL;
	return run_add(run, event->pid, event->time_ns - elapsed_ns);
}

/* Whether the record's thread began in this process's life, and not in that of one before it. */
static bool is_of(const struct process *process, const struct life_event *event)
{
	return event->time_ns - event->record->elapsed_us * 1000 + SLACK_NS >= process->start_ns;
}

/*
 * The records tell how long each thread lived; where the main one left early, none need have lived as
 * long as the process. When it ended is known by when the last record was read: that is no better
 * than what the threads tell where they went together.
 */
static void note_elapsed(const struct run *run, struct process *process)
{
	int64_t lived_ns = (int64_t)(run->start_ns + process->info.last_ns - process->start_ns);
	struct record *life = process->life;

	if (process->is_leader_last || !process->start_ns || !record_has(life, FIELD_X_ELAPSED))
		return;
	if (lived_ns - SLACK_NS > record_scaled(life, FIELD_X_ELAPSED))
		record_set(life, FIELD_X_ELAPSED, lived_ns / 1000);
}

/* The record of the last thread: with it the process has ended, as that says. */
static void take_last(struct run *run, struct process *process, const struct life_event *event)
{
	const struct taskstats_exit *record = event->record;
	uint64_t at_ns = event->time_ns;
	int status = (int)record->status;

	process->is_over = true;
	process->is_leader_last = record->pid == record->tgid;
	if (process->is_leader_last && process->exit_ns)
		at_ns = process->exit_ns;
	/* Before 6.18 a thread's own status may be 0 where the process's is not: EXIT told that. */
	if (!process->is_leader_last && !record->status && process->exit_ns)
		status = process->exit_status;
	finish(run, process, at_ns, status);
	note_elapsed(run, process);
}

/* Whether the record may be of that life, which another one with its pid has followed. */
static bool may_be_of(const struct process *process, const struct life_event *event)
{
	uint64_t elapsed_ns = event->record->elapsed_us * 1000;
	uint64_t end_ns = start_of(process->after);

	if (event->time_ns > end_ns + LATE_NS)
		return false;
	if (!process->start_ns)
		return true;
	if (event->record->pid != event->record->tgid || !process->exit_ns)
		return process->start_ns + elapsed_ns <= end_ns + SLACK_NS;
	return process->start_ns + elapsed_ns <= process->exit_ns + SLACK_NS &&
	       process->start_ns + elapsed_ns + LATE_NS >= process->exit_ns;
}

/*
 * Whose record it is, of all lives of a pid. The kernel makes all records of one before it tells of
 * the fork of the next, but that may be handed over first. So it is of the first one whose last
 * record has not come; unless it cannot be: then that one's were lost.
 */
static struct process *find_owner(const struct run *run, const struct life_event *event)
{
	struct process *process = processes_find(&run->processes, event->pid);

	while (process && process->before && !process->before->is_over)
		process = process->before;
	while (process && process->after && !may_be_of(process, event)) {
		process = process->after;
		process->before = process->before->after = NULL;
	}
	return process;
}

static void take_record(struct run *run, const struct life_event *event)
{
	const struct taskstats_exit *record = event->record;
	struct process *process = find_owner(run, event);
	struct record *life;

	if (!process || !is_of(process, event))
		process = adopt(run, event);
	life = process ? process_life(process) : NULL;
	if (!life)
		return;
	if (record->pid == record->tgid) {
		process->info.uid = record->uid;
		process->info.gid = record->gid;
		/*
		 * The name that it had in the end, for those who have not said another. Where
		 * another thread has executed a program since, the main one had the old name.
		 */
		if ((!process->has_spoken || process->next) &&
		    (record->flags & AGROUP || process->exit_ns || !run->hears_last))
			process_name(process, record->comm,
				     strnlen(record->comm, sizeof(record->comm)));
	}
	if (!process->was_inside && !process->was_outside)
		process_set_how(process, "exit record", NULL);
	life_note_exit(life, record);
	if (record->flags & AGROUP)
		take_last(run, process, event);
	run_note_change(run, process);
}

void run_life(struct run *run, const struct life_event *event)
{
	switch (event->kind) {
	case LIFE_FORK:
		take_fork(run, event);
		break;
	case LIFE_EXEC:
		take_exec(run, event);
		break;
	case LIFE_EXIT:
		take_exit(run, event);
		break;
	case LIFE_RECORD:
		take_record(run, event);
		break;
	}
}
