/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/run.h"
#include "core/tick.h"

/* A crash loses what is not in a block yet: at most this. */
#define BLOCK_NS 1000000000u
/* Rows held in memory for a block; a large tree writes more often. */
#define BUFFERED_MAX 8192
/*
 * Taskstats on a target's behalf: once in a drain, which is as often as a sampler asks itself; in a
 * large tree more rarely, for asking takes some 15 us, and all of it shall stay below 1% of a CPU.
 */
#define ASK_NS	      50000000u
#define ASK_AT_ONCE   64
#define ASKS_IN_DRAIN 4
/* Refusals that are told one by one in a second: anybody may knock as often as he likes. */
#define REFUSALS_TOLD 100

void run_init(struct run *run, uint32_t freq, struct runfile *file)
{
	*run = (struct run){.freq = freq, .file = file};
	run->merge.freq = freq;
	proxy_init(&run->proxy);
	record_init(&run->summary);
	run->summary.reason[SOURCE_RUN] = REASON_OK;
	record_set(&run->summary, FIELD_RUN_PROCESSES, 0);
	record_set(&run->summary, FIELD_RUN_SAMPLED, 0);
	record_set(&run->summary, FIELD_RUN_TICKS, 0);
	record_set(&run->summary, FIELD_RUN_SAMPLES, 0);
	record_set(&run->summary, FIELD_RUN_DROPPED, 0);
	record_set(&run->summary, FIELD_RUN_REFUSED, 0);
	record_set(&run->summary, FIELD_MISSED_TICKS, 0);
}

void run_start(struct run *run, uint64_t now_ns)
{
	run->start_ns = run->now_ns = run->flushed_ns = now_ns;
}

static uint64_t since_start(const struct run *run, uint64_t ns)
{
	return ns > run->start_ns ? ns - run->start_ns : 0;
}

static void count(struct run *run, unsigned field, uint64_t by)
{
	run->summary.value[field] = (int64_t)((uint64_t)run->summary.value[field] + by);
}

void run_event(struct run *run, uint64_t at_ns, enum event kind, uint64_t process, int64_t number,
	       const char *text)
{
	struct rows_event event = {
		.time_ns = since_start(run, at_ns),
		.kind = kind,
		.process = process,
		.number = number,
		.text = text,
		.text_len = strlen(text),
	};

	if (run->file)
		runfile_event(run->file, &event);
}

void run_refused(struct run *run, uint64_t at_ns, pid_t pid, const char *why)
{
	count(run, FIELD_RUN_REFUSED, 1);
	if (run->refusals++ < REFUSALS_TOLD)
		run_event(run, at_ns, EVENT_REFUSED, 0, pid, why);
}

/* What has changed of a process is written once, with the block. */
static void note_change(struct run *run, struct process *process)
{
	if (process->is_changed)
		return;
	process->is_changed = true;
	process->next_changed = run->changed;
	run->changed = process;
}

static void say_changes(struct run *run)
{
	for (struct process *process = run->changed; process; process = process->next_changed) {
		process->is_changed = false;
		if (run->file)
			runfile_process(run->file, &process->info);
		if (process->info.ended)
			process_forget(process);
	}
	run->changed = NULL;
}

static const char *how_started(const struct wire_hello *hello)
{
	if (hello->flags & WIRE_HELLO_FORK)
		return "inside, fork";
	return hello->flags & WIRE_HELLO_RESTART ? "inside, after set*id" : "inside";
}

/* Writes what is buffered of a process under the name that it has now. */
static void write_rows(struct run *run, struct process *process)
{
	if (process->rows_count && run->file)
		runfile_rows(run->file, process->id, process->rows, process->rows_count);
	run->buffered -= process->rows_count;
	process->rows_count = 0;
}

static void say_hello(struct run *run, const struct process *process, uint64_t heard_ns,
		      enum event kind, const struct wire_hello *hello)
{
	char text[WIRE_COMM_MAX + 64];

	snprintf(text, sizeof(text), "%.*s, %s", (int)hello->comm_len, hello->comm,
		 how_started(hello));
	run_event(run, heard_ns, kind, process->id, process->pid, text);
}

struct process *run_hello(struct run *run, pid_t pid, uint64_t heard_ns,
			  const struct wire_hello *hello)
{
	bool is_new;
	struct process *process = processes_get(&run->processes, pid, hello->start_ticks, &is_new);

	if (!process)
		return NULL;
	/* What came before an exec belongs to the program that was run before. */
	write_rows(run, process);
	if (process_describe(process, hello, how_started(hello)) < 0)
		return NULL;
	if (is_new) {
		process->info.first_ns = since_start(run, heard_ns);
		count(run, FIELD_RUN_PROCESSES, 1);
	}
	process->peers++;
	process->info.ended = 0;
	process->info.last_ns = since_start(run, heard_ns);
	if (run->file)
		runfile_process(run->file, &process->info);
	if (is_new || !(hello->flags & WIRE_HELLO_RESTART))
		say_hello(run, process, heard_ns, is_new ? EVENT_START : EVENT_EXEC, hello);
	return process;
}

static void flush_rows(struct run *run)
{
	for (size_t i = 0; i < run->processes.count; i++) {
		struct process *process = run->processes.list[i];

		write_rows(run, process);
		if (process->info.ended) {
			free(process->rows);
			process->rows = NULL;
			process->rows_size = 0;
		}
	}
	runfile_rows(run->file, 0, run->rows, run->rows_count);
	run->buffered -= run->rows_count;
	run->rows_count = 0;
}

static void flush(struct run *run)
{
	run->flushed_ns = run->now_ns;
	run->refusals = 0;
	say_changes(run);
	record_set(&run->summary, FIELD_DURATION,
		   (int64_t)since_start(run, run->end_ns ? run->end_ns : run->now_ns));
	if (!run->file)
		return;
	flush_rows(run);
	runfile_summary(run->file, &run->summary);
	runfile_flush(run->file);
}

/* In one drain there may be two rows of a process that want it: the last one of all is such. */
static bool may_ask(const struct run *run, struct process *process)
{
	uint64_t every_ns = ASK_NS * (1 + 2 * (run->merge.live_count / ASK_AT_ONCE));

	if (run->now_ns - process->asked_ns >= every_ns) {
		process->asked_ns = run->now_ns;
		process->asks = 0;
	}
	return process->asked_ns == run->now_ns && process->asks++ < ASKS_IN_DRAIN;
}

/* Asks where the sampler was refused, and no more often than it would have asked itself. */
static void ask_for(struct run *run, struct process *process, struct record *rec)
{
	if (rec->reason[SOURCE_TASKSTATS_PID] != REASON_DENIED)
		return;
	if (may_ask(run, process)) {
		proxy_ask(&run->proxy, process->pid, rec);
		return;
	}
	rec->reason[SOURCE_COLLECTOR_PID] = REASON_NOT_DUE;
	rec->reason[SOURCE_COLLECTOR_TGID] = REASON_NOT_DUE;
}

bool run_sample(struct run *run, struct process *process, const struct record *rec)
{
	struct record *row;

	/* A tick of another frequency, or a lie. */
	if (rec->tick < tick_at(run->start_ns, run->freq) ||
	    rec->tick > tick_at(run->now_ns, run->freq) + 1)
		return false;
	if (rec->tick > process->last_tick)
		process->last_tick = rec->tick;
	count(run, FIELD_RUN_SAMPLES, 1);
	count(run, FIELD_RUN_SAMPLED, process->info.samples == 0);
	count(run, FIELD_RUN_DROPPED, rec->dropped);
	process->info.samples++;
	process->info.dropped += rec->dropped;
	process->info.last_ns = since_start(run, tick_ns(rec->tick, run->freq));
	if (record_has(rec, FIELD_SELF_CPU))
		process->sampler_cpu = rec->value[FIELD_SELF_CPU];
	merge_sample(&run->merge, process, rec);
	if (!run->file)
		return true;
	row = process_add_row(process, rec);
	if (row) {
		ask_for(run, process, row);
		if (++run->buffered >= BUFFERED_MAX)
			flush(run);
	}
	return true;
}

void run_gone(struct run *run, struct process *process)
{
	process->sampler_cpu_before += (uint64_t)process->sampler_cpu;
	process->sampler_cpu = 0;
	process->peers--;
	if (process->peers)
		return;
	merge_gone(&run->merge, process, process->last_tick);
	if (process->is_ending)
		return;
	process->is_ending = true;
	process->next_ending = run->ending;
	run->ending = process;
}

/* Those whose connection ended in this drain, and who did not come back in it by exec. */
static void say_ends(struct run *run)
{
	for (struct process *process = run->ending; process; process = process->next_ending) {
		process->is_ending = false;
		if (process->peers || process->info.ended)
			continue;
		process->info.ended = 1;
		process->info.last_ns = since_start(run, run->now_ns);
		note_change(run, process);
		run_event(run, run->now_ns, EVENT_END, process->id, process->pid, "");
	}
	run->ending = NULL;
}

static int64_t counter_of(const struct record *row, unsigned v2, unsigned v1)
{
	if (record_has(row, v2))
		return row->value[v2];
	return record_has(row, v1) ? row->value[v1] : 0;
}

void run_tick(struct run *run, const struct record *row, uint64_t missed)
{
	int64_t kills = counter_of(row, FIELD_V2_OOM_KILLS, FIELD_V1_OOM_KILLS);

	run->now_ns = tick_ns(row->tick, run->freq) + row->late_us * 1000;
	count(run, FIELD_RUN_TICKS, 1);
	count(run, FIELD_MISSED_TICKS, missed);
	merge_tick(&run->merge, row);
	if (kills > run->oom_kills)
		run_event(run, run->now_ns, EVENT_OOM, 0, kills - run->oom_kills,
			  "oom_kill of the cgroup");
	run->oom_kills = kills > run->oom_kills ? kills : run->oom_kills;
}

/* The tree's largest usage so far; without a cgroup, its largest sum of RSS. */
static void note_peak(struct run *run, const struct record *row, int64_t time_ns)
{
	static const unsigned fields[] = {FIELD_V2_USAGE, FIELD_V1_USAGE, FIELD_NO_CGROUP};
	struct record *sum = &run->summary;

	for (unsigned i = 0; i < 3; i++) {
		int64_t usage;

		if (!record_has(row, fields[i]))
			continue;
		usage = record_scaled(row, fields[i]);
		if (record_has(sum, FIELD_PEAK_SAMPLED) && usage <= sum->value[FIELD_PEAK_SAMPLED])
			return;
		record_set(sum, FIELD_PEAK_SAMPLED, usage);
		record_set(sum, FIELD_PEAK_TIME, time_ns);
		record_set(sum, FIELD_PEAK_MSTAT, row->value[FIELD_SUM_SELF]);
		return;
	}
}

static void row_done(void *arg, struct record *row)
{
	struct run *run = arg;
	int64_t time_ns = (int64_t)(tick_ns(row->tick, run->freq) - run->start_ns);

	note_peak(run, row, time_ns);
	if (record_has(row, FIELD_V2_PEAK) || record_has(row, FIELD_V1_PEAK))
		record_set(&run->summary, FIELD_PEAK_EXACT,
			   counter_of(row, FIELD_V2_PEAK, FIELD_V1_PEAK));
	if (run->on_tick)
		run->on_tick(run->arg, row, time_ns);
	if (!run->file)
		return;
	if (run->rows_count == run->rows_size) {
		size_t size = run->rows_size ? run->rows_size * 2 : 64;
		struct record *rows = reallocarray(run->rows, size, sizeof(*rows));

		if (!rows)
			return;
		run->rows = rows;
		run->rows_size = size;
	}
	run->rows[run->rows_count++] = *row;
	run->buffered++;
}

void run_settle(struct run *run, uint64_t now_ns, uint64_t until_tick)
{
	run->now_ns = now_ns;
	say_ends(run);
	merge_run(&run->merge, until_tick, row_done, run);
	if (now_ns - run->flushed_ns >= BLOCK_NS || run->buffered >= BUFFERED_MAX)
		flush(run);
}

static void sum_sampler_cpu(struct run *run)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < run->processes.count; i++) {
		const struct process *process = run->processes.list[i];

		sum += (uint64_t)process->sampler_cpu + process->sampler_cpu_before;
	}
	record_set(&run->summary, FIELD_SAMPLER_CPU, (int64_t)sum);
}

void run_finish(struct run *run, uint64_t now_ns, uint64_t end_ns)
{
	run->now_ns = now_ns;
	run->end_ns = end_ns;
	merge_run(&run->merge, UINT64_MAX, row_done, run);
	sum_sampler_cpu(run);
	for (size_t i = 0; i < run->processes.count; i++)
		if (!run->processes.list[i]->info.ended)
			note_change(run, run->processes.list[i]);
	flush(run);
}

void run_done(struct run *run)
{
	processes_done(&run->processes);
	merge_done(&run->merge);
	proxy_done(&run->proxy);
	free(run->rows);
	run->rows = NULL;
}
