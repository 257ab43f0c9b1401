/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/life.h"
#include "collector/readings.h"
#include "collector/run.h"
#include "core/heapwire.h"
#include "core/tick.h"

/* A crash loses what is not in a block yet: at most this. */
#define BLOCK_NS 1000000000u
/* It is looked at so often, and not before the next time is it too late. */
#define DRAIN_NS 100000000u
/* Rows held in memory for a block; a large tree writes more often. */
#define BUFFERED_MAX 32768
/*
 * Taskstats on a target's behalf: once in a drain, which is as often as a sampler asks itself; in a
 * large tree more rarely, for asking takes some 15 us, and all of it shall stay below 1% of a CPU.
 */
#define ASK_NS	      50000000u
#define ASK_AT_ONCE   64
#define ASKS_IN_DRAIN 4
/* The kernel notes a start in hundredths of seconds, and a moment before it tells of the fork. */
#define START_SLACK_NS 30000000u
/* A process that is not there any more, and of whose end the kernel has not told: looks at it. */
#define MISSES_MAX 10
/*
 * One that is over is kept for as long: its last words may be on the way. Where the kernel did not tell
 * that it is over, it may go on without a sampler, or the word may be late or lost.
 */
#define KEEP_NS	       10000000000u
#define KEEP_UNTOLD_NS 60000000000u
/* How long before the run's start a sample may have been taken: where nobody has launched it. */
#define BEFORE_S 5
/* It is looked so often who can be dropped. */
#define SWEEP_NS 5000000000u
/* Refusals that are told one by one in a second: anybody may knock as often as he likes. */
#define REFUSALS_TOLD 100

static void say_phase(void *arg, const struct rows_phase *phase)
{
	const struct run *run = arg;

	if (run->file)
		runfile_phase(run->file, phase);
}

void run_init(struct run *run, uint32_t freq, struct runfile *file)
{
	*run = (struct run){.freq = freq, .file = file};
	run->merge.freq = freq;
	proxy_init(&run->proxy);
	phases_init(&run->phases, say_phase, run);
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
	run->start_ns = run->now_ns = run->flushed_ns = run->swept_ns = now_ns;
}

uint64_t run_since_start(const struct run *run, uint64_t ns)
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
		.time_ns = run_since_start(run, at_ns),
		.kind = kind,
		.process = process,
		.number = number,
		.text = text,
		.text_len = strlen(text),
	};

	if (run->file)
		runfile_event(run->file, &event);
	if (kind == EVENT_NOTE && run->on_note)
		run->on_note(run->arg, process ? (pid_t)number : 0, text);
}

void run_mark(struct run *run, uint64_t at_ns, uint64_t number, const char *text, size_t len)
{
	struct rows_event event = {.time_ns = run_since_start(run, at_ns),
				   .kind = EVENT_MARK,
				   .number = (int64_t)number,
				   .text = text,
				   .text_len = len};

	if (run->file)
		runfile_event(run->file, &event);
	phases_mark(&run->phases, event.time_ns, text, len);
}

void run_refused(struct run *run, uint64_t at_ns, pid_t pid, const char *why)
{
	count(run, FIELD_RUN_REFUSED, 1);
	if (run->refusals++ < REFUSALS_TOLD)
		run_event(run, at_ns, EVENT_REFUSED, 0, pid, why);
}

/* What has changed of a process is written once, with the block. */
void run_note_change(struct run *run, struct process *process)
{
	if (process->is_changed)
		return;
	process->is_changed = true;
	process->next_changed = run->changed;
	run->changed = process;
}

/* Who it is, unless that stands there already; how long, and what is known of its life. */
static void tell_process(struct run *run, struct process *process)
{
	struct rows_process info = process->info;

	if (!run->file)
		return;
	if (process->is_told)
		info.comm_len = info.exe_len = info.argv_len = 0;
	runfile_process(run->file, &info);
	process->is_told = true;
	if (process->life && process->info.ended)
		runfile_life(run->file, process->id, process->life);
}

/* Those that had ended with the block before: their last records have come. */
static void forget_faded(struct run *run)
{
	for (struct process *process = run->fading; process; process = process->next_fading) {
		process->is_fading = false;
		if (!process->info.ended || process->is_changed)
			continue;
		process_forget(process);
		process->faded_ns = run->now_ns;
	}
	run->fading = NULL;
}

static void tell_changes(struct run *run)
{
	forget_faded(run);
	for (struct process *process = run->changed; process; process = process->next_changed) {
		process->is_changed = false;
		tell_process(run, process);
		if (!process->info.ended || process->is_fading)
			continue;
		process->is_fading = true;
		process->next_fading = run->fading;
		run->fading = process;
	}
	run->changed = NULL;
}

static const char *how_started(const struct wire_hello *hello)
{
	if (hello->flags & WIRE_HELLO_FORK)
		return "inside, fork";
	if (hello->flags & WIRE_HELLO_RETURN)
		return "inside, again";
	return hello->flags & WIRE_HELLO_RESTART ? "inside, after set*id" : "inside";
}

static void pack_rows(struct runfile *file, const struct process *process, size_t n)
{
	static struct record records[RUNFILE_ROWS];

	for (size_t i = 0, take; i < n; i += take) {
		for (take = 0; take < RUNFILE_ROWS && i + take < n; take++)
			row_unpack(process->rows[i + take], &records[take]);
		runfile_rows(file, process->id, records, take);
	}
}

/*
 * Writes what is buffered of a process under the name that it has now: what came before an exec is not
 * to be taken for the new program's. Not what came after one that is told, and not taken note of yet.
 */
static void write_rows(struct run *run, struct process *process)
{
	uint64_t until_ns = process->peers ? UINT64_MAX : process_turns_at(process);
	size_t n = process->rows_count;

	while (n > 0 && tick_ns(process->rows[n - 1]->tick, run->freq) >= until_ns)
		n--;
	if (n == 0)
		return;
	if (!process->is_told)
		tell_process(run, process);
	if (run->file)
		pack_rows(run->file, process, n);
	run->buffered -= n;
	process_drop_rows(process, n);
}

static void say_start(struct run *run, const struct process *process, uint64_t at_ns,
		      enum event kind)
{
	const struct rows_process *info = &process->info;
	char text[WIRE_COMM_MAX + sizeof(process->how) + 4];

	snprintf(text, sizeof(text), "%.*s, %s", (int)info->comm_len, info->comm, process->how);
	run_event(run, at_ns, kind, process->id, process->pid, text);
}

/* It lives after all: it was without a sampler for a while. */
static void come_back(struct run *run, struct process *process)
{
	if (!process->info.ended || process->is_dead)
		return;
	process->info.ended = 0;
	processes_reopen(&run->processes, process);
}

void run_revive(struct run *run, struct process *process)
{
	process->is_dead = false;
	process->exit_ns = 0;
	come_back(run, process);
	run_note_change(run, process);
}

void run_end(struct run *run, struct process *process, uint64_t at_ns)
{
	if (process->info.ended)
		return;
	process->info.ended = 1;
	process->info.last_ns = run_since_start(run, at_ns);
	processes_close(&run->processes, process);
	run_note_change(run, process);
	if (process->was_inside || process->was_outside)
		run_event(run, at_ns, EVENT_END, process->id, process->pid, "");
}

/* When a process started by /proc's clock, which counts from the boot in hundredths of seconds. */
static uint64_t ticks_to_ns(const struct run *run, uint64_t start_ticks)
{
	return start_ticks * 10000000 - (uint64_t)run->boottime_ns;
}

struct process *run_add(struct run *run, pid_t pid, uint64_t start_ns)
{
	struct process *process = processes_add(&run->processes, pid);

	if (!process)
		return NULL;
	process->start_ns = start_ns;
	process->known_ns = process->silent_ns = run->now_ns;
	process->info.first_ns = process->info.last_ns =
		run_since_start(run, start_ns ? start_ns : run->now_ns);
	process_set_how(process, "not sampled", NULL);
	count(run, FIELD_RUN_PROCESSES, 1);
	run_note_change(run, process);
	return process;
}

/* Whether the newest process of a pid is the one that started then (in clock ticks; 0: unknown). */
static bool is_same(const struct run *run, const struct process *process, uint64_t start_ticks)
{
	uint64_t start_ns = ticks_to_ns(run, start_ticks);

	/* The kernel told of its start, and would have told of its end. */
	if (run->hears_ends && process->start_ns && !process->is_dead)
		return true;
	if (process->start_ticks && start_ticks)
		return process->start_ticks == start_ticks;
	/* While it lives its pid is nobody else's. (In a time namespace the ticks are others.) */
	if (!process->is_dead || !start_ticks)
		return !process->is_dead;
	return start_ns + START_SLACK_NS > process->start_ns &&
	       process->start_ns + START_SLACK_NS > start_ns;
}

static struct process *get_process(struct run *run, pid_t pid, uint64_t start_ticks)
{
	struct process *process = processes_find(&run->processes, pid);
	uint64_t start_ns = ticks_to_ns(run, start_ticks);

	if (process && !is_same(run, process, start_ticks)) {
		run_end(run, process, run->now_ns);
		process = NULL;
	}
	if (!process)
		process = run_add(run, pid, 0);
	if (!process || !start_ticks || process->start_ticks)
		return process;
	process->start_ticks = process->info.start_ticks = start_ticks;
	if (!process->start_ns && start_ns >= run->start_ns && start_ns <= run->now_ns)
		process->info.first_ns = run_since_start(run, start_ns);
	return process;
}

struct process *run_root(struct run *run, pid_t pid, uint64_t now_ns)
{
	struct process *process;

	run->now_ns = now_ns;
	process = run->root = run_add(run, pid, 0);
	if (process)
		process->info.first_ns = 0;
	return process;
}

void run_root_ended(struct run *run, uint64_t at_ns, int status)
{
	struct process *root = run->root;
	struct record *life = root ? process_life(root) : NULL;

	if (!life)
		return;
	life_note_status(life, status);
	run_end(run, root, at_ns);
	run_note_change(run, root);
}

bool run_knows(const struct run *run, pid_t pid)
{
	return processes_find(&run->processes, pid) != NULL;
}

struct process *run_seen(struct run *run, pid_t pid)
{
	struct process *process = processes_find(&run->processes, pid);

	/* The list that it stands in may be older than its end. */
	if (process && (process->is_dead || !process->info.ended))
		return process;
	if (process)
		come_back(run, process);
	return process ? process : run_add(run, pid, 0);
}

/* Those who spoke for the program before have been heard: from now on it is called anew. */
static void turn(struct run *run, struct process *process)
{
	write_rows(run, process);
	if (!process_turn(process))
		return;
	process->has_spoken = false;
	run_note_change(run, process);
}

void run_named(struct run *run, struct process *process, uint64_t time_ns,
	       const struct life_name *name)
{
	/* A sampler has told of this exec, or of a later one. */
	if (!process_is_newest(process, time_ns))
		return;
	process_plan(process, time_ns, name);
	if (!process->peers)
		turn(run, process);
}

struct process *run_hello(struct run *run, pid_t pid, uint64_t heard_ns,
			  const struct wire_hello *hello)
{
	struct process *process = get_process(run, pid, hello->start_ticks);
	bool is_first, is_exec, is_newest;

	if (!process)
		return NULL;
	/* What came before an exec belongs to the program that was run before. */
	write_rows(run, process);
	is_newest = process_is_newest(process, hello->time_ns);
	if (!is_newest && !process->next)
		process_plan_same(process);
	if (process_describe(process, hello) < 0) {
		turn(run, process);
		return NULL;
	}
	if (is_newest) {
		process_drop_plan(process);
		process->named_ns = hello->time_ns;
		process->has_spoken = true;
	}
	process_set_how(process, how_started(hello), NULL);
	is_first = !process->was_inside && !process->was_outside;
	is_exec = process->was_inside && !(hello->flags & WIRE_HELLO_RESTART);
	process->was_inside = true;
	process->peers++;
	process->images++;
	come_back(run, process);
	if (!process->info.ended)
		process->info.last_ns = run_since_start(run, heard_ns);
	run_note_change(run, process);
	if (is_first || is_exec)
		say_start(run, process, heard_ns, is_first ? EVENT_START : EVENT_EXEC);
	/* Its end was told before we heard of it. */
	if (is_first && process->info.ended)
		run_event(run, run->start_ns + process->info.last_ns, EVENT_END, process->id,
			  process->pid, "");
	return process;
}

void run_outside(struct run *run, struct process *process, const struct wire_hello *hello,
		 const char *why)
{
	bool is_first = !process->was_inside && !process->was_outside;

	write_rows(run, process);
	if (process_describe(process, hello) < 0)
		return;
	process_drop_plan(process);
	process->named_ns = run->now_ns;
	process->has_spoken = true;
	if (!process->start_ticks)
		process->start_ticks = process->info.start_ticks = hello->start_ticks;
	process_set_how(process, "outside", why);
	process->was_outside = true;
	come_back(run, process);
	run_note_change(run, process);
	if (is_first)
		say_start(run, process, run->now_ns, EVENT_START);
}

void run_outside_gone(struct run *run, struct process *process)
{
	process->silent_ns = run->now_ns;
	if (!process->peers)
		merge_gone(&run->merge, process, process->last_tick);
}

void run_missing(struct run *run, struct process *process)
{
	/* The kernel's own word of its end may be on the way still; or it was lost. */
	if (run->hears_ends && process->misses++ < MISSES_MAX)
		return;
	run_end(run, process, run->now_ns);
	process->is_dead = true;
}

static void flush_rows(struct run *run)
{
	for (struct process *process = run->with_rows; process; process = process->next_rows) {
		write_rows(run, process);
		process->has_rows = false;
	}
	run->with_rows = NULL;
	runfile_rows(run->file, 0, run->rows, run->rows_count);
	run->buffered -= run->rows_count;
	run->rows_count = 0;
}

static void flush(struct run *run)
{
	run->flushed_ns = run->now_ns;
	run->refusals = 0;
	tell_changes(run);
	record_set(&run->summary, FIELD_DURATION,
		   (int64_t)run_since_start(run, run->end_ns ? run->end_ns : run->now_ns));
	if (!run->file)
		return;
	flush_rows(run);
	if (run->peak_is_new)
		runfile_holders(run->file, run->peak.holder, run->peak.count);
	run->peak_is_new = false;
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

/* Whether who was asked for has not lived for so long: it is dead, and its pid another's. */
static bool is_too_young(const struct run *run, const struct process *process,
			 const struct record *rec)
{
	uint64_t start_ns = process->start_ns;

	if (!start_ns && process->start_ticks)
		start_ns = ticks_to_ns(run, process->start_ticks);
	return start_ns && record_has(rec, FIELD_C_ELAPSED) &&
	       start_ns + (uint64_t)record_scaled(rec, FIELD_C_ELAPSED) + START_SLACK_NS <
		       run->now_ns;
}

/* Asks where the sampler was refused, and no more often than it would have asked itself. */
static void ask_for(struct run *run, struct process *process, struct record *rec)
{
	if (rec->reason[SOURCE_TASKSTATS_PID] != REASON_DENIED)
		return;
	if (may_ask(run, process)) {
		proxy_ask(&run->proxy, process->pid, rec);
		if (!is_too_young(run, process, rec))
			return;
		record_drop(rec, SOURCE_COLLECTOR_PID, REASON_FAILED);
		record_drop(rec, SOURCE_COLLECTOR_TGID, REASON_FAILED);
		return;
	}
	rec->reason[SOURCE_COLLECTOR_PID] = REASON_NOT_DUE;
	rec->reason[SOURCE_COLLECTOR_TGID] = REASON_NOT_DUE;
}

/* What was read last stands for what no exit record tells. */
static void note_life(struct run *run, struct process *process, const struct record *rec)
{
	struct record *life = process_life(process);

	if (life)
		life_note_sample(life, rec);
	if (process->info.ended)
		run_note_change(run, process);
}

static void note_rows(struct run *run, struct process *process)
{
	if (process->has_rows)
		return;
	process->has_rows = true;
	process->next_rows = run->with_rows;
	run->with_rows = process;
}

static void add_reading(struct process *process, struct record *row)
{
	readings_take(process->readings, row);
	for (unsigned source = 0; source < SOURCE_MAX; source++)
		if (row->reason[source] == REASON_UNKNOWN)
			row->reason[source] = process->unread[source];
}

void run_reading(struct run *run, struct process *process, const struct record *rec)
{
	if (!run->file)
		return;
	if (!process_merge_row(process, rec)) {
		readings_add(&process->readings, rec);
		return;
	}
	/* Those that came too late for their rows are not to stand in a later one than this. */
	readings_free(process->readings);
	process->readings = NULL;
}

bool run_sample(struct run *run, struct process *process, const struct record *rec)
{
	uint64_t first = tick_at(run->start_ns, run->freq);
	struct record row;

	/* A tick of another frequency, or a lie. */
	if (rec->tick + (run->is_joined ? (uint64_t)BEFORE_S * run->freq : 0) < first ||
	    rec->tick > tick_at(run->now_ns, run->freq) + 1)
		return false;
	count(run, FIELD_RUN_DROPPED, rec->dropped);
	process->info.dropped += rec->dropped;
	/* Who follows the file shall not hear of it with the end alone. */
	if (rec->dropped)
		run_note_change(run, process);
	/* Of one that was there before the run began: its first sample was delayed. */
	if (rec->tick < first)
		return true;
	/* A sampler's first ones are read when there are some from outside already. */
	if (rec->reason[SOURCE_SAMPLER] == REASON_ABSENT)
		process_note_outside(process, rec->tick);
	else if (process_was_outside_at(process, rec->tick))
		return true;
	else
		process->has_inside_sample = true;
	/* Only its main thread has ended: pthread_exit(3) in main(). */
	if (process->is_dead && process->peers &&
	    tick_ns(rec->tick, run->freq) > run->start_ns + process->info.last_ns)
		run_revive(run, process);
	if (rec->tick > process->last_tick)
		process->last_tick = rec->tick;
	count(run, FIELD_RUN_SAMPLES, 1);
	count(run, FIELD_RUN_SAMPLED, process->info.samples == 0);
	process->info.samples++;
	if (!process->info.ended)
		process->info.last_ns = run_since_start(run, tick_ns(rec->tick, run->freq));
	if (record_has(rec, FIELD_RSS))
		process->last_rss = rec->value[FIELD_RSS];
	note_life(run, process, rec);
	if (record_has(rec, FIELD_SELF_CPU))
		process->sampler_cpu = rec->value[FIELD_SELF_CPU];
	merge_sample(&run->merge, process, rec);
	if (!run->file)
		return true;
	row = *rec;
	ask_for(run, process, &row);
	add_reading(process, &row);
	if (process_add_row(process, &row)) {
		note_rows(run, process);
		if (++run->buffered >= BUFFERED_MAX)
			flush(run);
	}
	return true;
}

/* Of a list of modules that begins a connection's words; else 0. */
static uint64_t restart_flags(enum wire_kind kind, struct bytes_in body)
{
	struct heapwire_modules head;
	struct heapwire_in from;

	if (kind != WIRE_MODULES || heapwire_open_modules(&from, body, kind, &head) < 0)
		return 0;
	return head.flags & HEAPWIRE_RESTART ? head.flags : 0;
}

bool run_heap(struct run *run, struct process *process, uint64_t peer, enum wire_kind kind,
	      const uint8_t *body, size_t len)
{
	struct bytes_in in = {body, body + len, false};
	struct heapwire_in from;
	uint64_t tick, flags;

	if (kind == WIRE_HEAP && (heapwire_open_heap(&from, in, &tick, NULL) < 0 ||
				  tick > tick_at(run->now_ns, run->freq) + 1))
		return false;
	if (!run->file)
		return true;
	flags = restart_flags(kind, in);
	/* Around an exec the old connection may be read after the new one. */
	if (flags && peer > process->heap_peer) {
		process->heap_peer = peer;
		if (flags & HEAPWIRE_BYPASSED)
			run_event(run, run->now_ns, EVENT_NOTE, process->id, process->pid,
				  "its allocator cannot be hooked: its heap is not seen");
	}
	if (peer != process->heap_peer)
		return true;
	/* A reader goes through the file once: who it is comes before what it says. */
	if (!process->is_told)
		tell_process(run, process);
	runfile_heap(run->file, process->id, kind, body, len);
	return true;
}

/* It was there up to its end, though its last sample may be older. */
static uint64_t last_tick(const struct run *run, const struct process *process)
{
	uint64_t end = tick_at(run->start_ns + process->info.last_ns, run->freq);

	return process->is_dead && end > process->last_tick ? end : process->last_tick;
}

void run_gone(struct run *run, struct process *process)
{
	process->sampler_cpu_before += (uint64_t)process->sampler_cpu;
	process->sampler_cpu = 0;
	process->peers--;
	if (process->peers)
		return;
	turn(run, process);
	merge_gone(&run->merge, process, last_tick(run, process));
	if (process->is_ending)
		return;
	process->is_ending = true;
	process->next_ending = run->ending;
	run->ending = process;
}

/*
 * Those whose connection ended in this drain, and who did not come back in it by exec. Where the
 * kernel tells of ends, a connection's is only that of a sampler.
 */
static void take_ends(struct run *run)
{
	for (struct process *process = run->ending; process; process = process->next_ending) {
		process->is_ending = false;
		process->silent_ns = run->now_ns;
		if (!process->peers && !run->hears_ends)
			run_end(run, process, run->now_ns);
	}
	run->ending = NULL;
}

static int64_t counter_of(const struct record *row, unsigned v2, unsigned v1)
{
	if (record_has(row, v2))
		return row->value[v2];
	return record_has(row, v1) ? row->value[v1] : 0;
}

void run_note_before(struct run *run, const struct record *row)
{
	run->peak_before = counter_of(row, FIELD_V2_PEAK, FIELD_V1_PEAK);
	run->oom_kills_before = counter_of(row, FIELD_V2_OOM_KILLS, FIELD_V1_OOM_KILLS);
	run->oom_kills = run->oom_kills_before;
}

void run_peak(struct run *run, int64_t peak)
{
	if (peak > run->peak_before)
		record_set(&run->summary, FIELD_PEAK_EXACT, peak);
}

void run_oom(struct run *run, int64_t kills)
{
	if (kills <= run->oom_kills)
		return;
	run_event(run, run->now_ns, EVENT_OOM, 0, kills - run->oom_kills, "oom_kill of the cgroup");
	oom_note_kills(&run->oom, run->now_ns);
	run->oom_kills = kills;
}

void run_tick(struct run *run, const struct record *row, uint64_t missed)
{
	int64_t kills = counter_of(row, FIELD_V2_OOM_KILLS, FIELD_V1_OOM_KILLS);

	run->now_ns = tick_ns(row->tick, run->freq) + row->late_us * 1000;
	count(run, FIELD_RUN_TICKS, 1);
	count(run, FIELD_MISSED_TICKS, missed);
	merge_tick(&run->merge, row);
	run_oom(run, kills);
}

/* The reconciliation of a tick, and what it is called in the summary. */
static const struct {
	unsigned from, to;
} at_peak[] = {
	{FIELD_SUM_SELF, FIELD_PEAK_MSTAT},
	{FIELD_LOOSE_ANON, FIELD_PEAK_LOOSE_ANON},
	{FIELD_LOOSE_SHMEM, FIELD_PEAK_LOOSE_SHMEM},
	{FIELD_RESIDUAL, FIELD_PEAK_RESIDUAL},
};

static void take_peak(struct run *run, const struct record *row, int64_t usage, int64_t time_ns)
{
	struct record *sum = &run->summary;

	record_set(sum, FIELD_PEAK_SAMPLED, usage);
	record_set(sum, FIELD_PEAK_TIME, time_ns);
	for (unsigned i = 0; i < sizeof(at_peak) / sizeof(*at_peak); i++) {
		if (record_has(row, at_peak[i].from))
			record_set(sum, at_peak[i].to, row->value[at_peak[i].from]);
		else
			record_unset(sum, at_peak[i].to);
	}
	peak_note(&run->peak, &run->merge, tick_ns(row->tick, run->freq));
	peak_tell_heap(&run->peak, row, tick_ns(row->tick, run->freq), sum);
	run->peak_is_new = true;
}

/* The tree's largest usage so far; without a cgroup, its largest sum of RSS. */
static void note_peak(struct run *run, const struct record *row, int64_t time_ns)
{
	static const unsigned fields[] = {FIELD_V2_USAGE, FIELD_V1_USAGE, FIELD_NO_CGROUP};
	struct record *sum = &run->summary;

	if (record_has(row, FIELD_NO_CACHE) &&
	    (!record_has(sum, FIELD_PEAK_NO_CACHE) ||
	     row->value[FIELD_NO_CACHE] > sum->value[FIELD_PEAK_NO_CACHE]))
		record_set(sum, FIELD_PEAK_NO_CACHE, row->value[FIELD_NO_CACHE]);
	for (unsigned i = 0; i < 3; i++) {
		int64_t usage;

		if (!record_has(row, fields[i]))
			continue;
		usage = record_scaled(row, fields[i]);
		if (!record_has(sum, FIELD_PEAK_SAMPLED) || usage > sum->value[FIELD_PEAK_SAMPLED])
			take_peak(run, row, usage, time_ns);
		return;
	}
}

static void row_done(void *arg, struct record *row)
{
	struct run *run = arg;
	int64_t time_ns = (int64_t)(tick_ns(row->tick, run->freq) - run->start_ns);

	peak_note_heap(&run->peak, row, tick_ns(row->tick, run->freq));
	note_peak(run, row, time_ns);
	phases_row(&run->phases, row, (uint64_t)time_ns);
	if (record_has(row, FIELD_V2_PEAK) || record_has(row, FIELD_V1_PEAK))
		run_peak(run, counter_of(row, FIELD_V2_PEAK, FIELD_V1_PEAK));
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

static void sum_up(struct run_sums *sums, const struct process *process)
{
	/* A fork's hello, and then another program: that was not sampled inside. */
	if (process->has_inside_sample || !process->was_outside)
		sums->inside += process->was_inside;
	else
		sums->outside++;
	sums->sampler_cpu += (uint64_t)process->sampler_cpu + process->sampler_cpu_before;
}

/* Somebody has a pointer to it, or something of it is to be written yet. */
static bool is_held(const struct run *run, const struct process *process)
{
	return !process->info.ended || process->peers || process->outside || process->runtime ||
	       process->live_at || process->waiting || process->is_ending || process->is_changed ||
	       process->is_fading || process->has_rows || process == run->root ||
	       oom_refers(&run->oom, process);
}

/* Of one whose end was not told: its main thread, or its sampler, may be all of it that has ended. */
static bool may_live(const struct run *run, const struct process *process)
{
	return run->is_there && processes_find(&run->processes, process->pid) == process &&
	       run->is_there(process->pid);
}

/* Nothing more can come of it. */
static bool is_past(const struct run *run, const struct process *process)
{
	bool is_told = process->is_over && (process->exit_ns || !run->hears_ends);
	uint64_t keep_ns = is_told ? KEEP_NS : KEEP_UNTOLD_NS;

	return process->faded_ns && process->faded_ns + keep_ns <= run->now_ns &&
	       !is_held(run, process) && (is_told || !may_live(run, process));
}

/* However long a run is: what it keeps is what lives, and what has ended a moment ago. */
static void sweep(struct run *run)
{
	run->swept_ns = run->now_ns;
	for (size_t i = run->processes.count; i > 0; i--) {
		struct process *process = run->processes.list[i - 1];

		if (!is_past(run, process))
			continue;
		sum_up(&run->sums, process);
		processes_drop(&run->processes, i - 1);
	}
}

void run_settle(struct run *run, uint64_t now_ns, uint64_t until_tick)
{
	run->now_ns = now_ns;
	take_ends(run);
	merge_run(&run->merge, until_tick, row_done, run);
	if (now_ns - run->flushed_ns >= BLOCK_NS - DRAIN_NS || run->buffered >= BUFFERED_MAX)
		flush(run);
	if (now_ns - run->swept_ns >= SWEEP_NS)
		sweep(run);
}

/* How each process that the run has heard of was measured, and what that took. */
static void take_sums(struct run *run)
{
	struct run_sums *sums = &run->sums;

	for (size_t i = 0; i < run->processes.count; i++)
		sum_up(sums, run->processes.list[i]);
	record_set(&run->summary, FIELD_RUN_INSIDE, sums->inside);
	record_set(&run->summary, FIELD_RUN_OUTSIDE, sums->outside);
	record_set(&run->summary, FIELD_RUN_BY_RECORD,
		   (int64_t)run->processes.ids - sums->inside - sums->outside);
	record_set(&run->summary, FIELD_SAMPLER_CPU, (int64_t)sums->sampler_cpu);
}

static void note_gap(struct record *sum)
{
	if (record_has(sum, FIELD_PEAK_EXACT) && record_has(sum, FIELD_PEAK_SAMPLED))
		record_set(sum, FIELD_PEAK_GAP,
			   (int64_t)((uint64_t)sum->value[FIELD_PEAK_EXACT] -
				     (uint64_t)sum->value[FIELD_PEAK_SAMPLED]));
}

void run_turn(struct run *run, struct runfile *file)
{
	flush(run);
	run->file = file;
	run->peak_is_new = run->peak.count > 0;
	/* Rows of those that have ended just now may come still. */
	for (size_t i = 0; i < run->processes.count; i++) {
		struct process *process = run->processes.list[i];

		process->is_told = false;
		process->heap_peer = 0;
		if (!process->info.ended || process->is_fading)
			run_note_change(run, process);
	}
}

void run_finish(struct run *run, uint64_t now_ns, uint64_t end_ns)
{
	run->now_ns = now_ns;
	run->end_ns = end_ns;
	merge_run(&run->merge, UINT64_MAX, row_done, run);
	phases_end(&run->phases, run_since_start(run, end_ns));
	take_sums(run);
	note_gap(&run->summary);
	record_set(&run->summary, FIELD_RUN_OOM_KILLS, run->oom_kills - run->oom_kills_before);
	for (struct process *p = run->processes.open; p; p = p->next_open)
		run_note_change(run, p);
	flush(run);
}

void run_done(struct run *run)
{
	processes_done(&run->processes);
	merge_done(&run->merge);
	proxy_done(&run->proxy);
	phases_done(&run->phases);
	free(run->rows);
	run->rows = NULL;
}
