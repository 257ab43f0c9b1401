/* SPDX-License-Identifier: ISC */
/* A run from its first process to its summary, without sockets, cgroups or clocks. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/run.h"
#include "core/heapwire.h"
#include "core/tick.h"
#include "tools/reader.h"

#define FREQ  10
#define START 1000000000000ull /* ns */
#define TICK0 (START / 1000000000 * FREQ)

static struct run run;
static struct runfile *file;
static int fd;
static int64_t on_tick_ns;
static unsigned on_ticks;

static void on_tick(void *arg, const struct record *row, int64_t time_ns)
{
	(void)arg;
	assert_int_equal(time_ns, tick_ns(row->tick, FREQ) - START);
	assert_true(time_ns > on_tick_ns);
	on_tick_ns = time_ns;
	on_ticks++;
}

static void begin_file(void)
{
	runfile_info(file, "freq", "10", 2);
	runfile_info(file, "start_monotonic_ns", "1000000000000", 13);
	runfile_begin(file);
}

static int setup(void **state)
{
	(void)state;
	fd = memfd_create("run", MFD_CLOEXEC);
	assert_int_equal(runfile_new(fd, &file), 0);
	run_init(&run, FREQ, file);
	on_tick_ns = 0;
	on_ticks = 0;
	run.on_tick = on_tick;
	begin_file();
	run_start(&run, START);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	run_done(&run);
	runfile_free(file);
	close(fd);
	return 0;
}

/* The instant so many ticks after the start, and a bit. */
static uint64_t at(uint64_t ticks)
{
	return tick_ns(TICK0 + ticks, FREQ) + 1000000;
}

static struct process *hello(pid_t pid, uint64_t start, uint64_t ticks, uint32_t flags)
{
	struct wire_hello hello = {.version = WIRE_VERSION,
				   .flags = flags,
				   .start_ticks = start,
				   .freq = FREQ,
				   .comm = "comm",
				   .comm_len = 4,
				   .exe = "/exe",
				   .exe_len = 4,
				   .argv = "a",
				   .argv_len = 2};
	struct process *process;

	run.now_ns = at(ticks);
	process = run_hello(&run, pid, at(ticks), &hello);
	assert_non_null(process);
	return process;
}

static bool sample(struct process *process, uint64_t ticks, int64_t rss)
{
	struct record rec;

	record_init(&rec);
	rec.tick = TICK0 + ticks;
	rec.reason[SOURCE_STATUS] = REASON_OK;
	record_set(&rec, FIELD_RSS, rss);
	rec.reason[SOURCE_SAMPLER] = REASON_OK;
	record_set(&rec, FIELD_SELF_CPU, 1000);
	if (run.now_ns < at(ticks))
		run.now_ns = at(ticks);
	return run_sample(&run, process, &rec);
}

static void tick(uint64_t ticks, int64_t usage, int64_t oom_kills, uint64_t missed)
{
	struct record row;

	record_init(&row);
	row.tick = TICK0 + ticks;
	record_set(&row, FIELD_V2_USAGE, usage);
	record_set(&row, FIELD_V2_PEAK, (int64_t)((uint64_t)usage + 7));
	record_set(&row, FIELD_V2_OOM_KILLS, oom_kills);
	run_tick(&run, &row, missed);
}

/* What the run left in its file. */
#define EVENTS_MAX 4096
static struct {
	uint64_t kind[EVENTS_MAX], process[EVENTS_MAX], time[EVENTS_MAX];
	int64_t number[EVENTS_MAX];
	size_t events, processes, rows, tree_rows, blocks, phases;
	struct rows_phase phase[8]; /* without their names */
	size_t phase_block[8];	    /* in which block it was */
	struct rows_process last;   /* without its strings */
	bool is_told[64];	    /* by process: it has a section of its own */
	size_t heaps;
	uint64_t heap[64]; /* of each: id * 1000, the kind * 100, and the body's length */
	int err;
} found;

static void read_section(uint64_t kind, struct bytes_in *section)
{
	struct rows_event event;
	uint64_t subject;
	size_t n;

	if (kind == SECTION_PROCESS) {
		assert_int_equal(rows_unpack_process(section, &found.last), 0);
		found.processes++;
		if (found.last.id < UNIT_COUNT(found.is_told))
			found.is_told[found.last.id] = true;
	} else if (kind == SECTION_HEAP) {
		uint8_t message;

		assert_int_equal(rows_unpack_heap(section, &subject, &message), 0);
		assert_true(heapwire_is_sound((enum wire_kind)message, *section));
		assert_true(subject < UNIT_COUNT(found.is_told) && found.is_told[subject]);
		assert_true(found.heaps < UNIT_COUNT(found.heap));
		found.heap[found.heaps++] = subject * 1000 + message * 100 + bytes_left(section);
	} else if (kind == SECTION_EVENT) {
		assert_int_equal(rows_unpack_event(section, &event), 0);
		assert_true(found.events < EVENTS_MAX);
		found.kind[found.events] = event.kind;
		found.process[found.events] = event.process;
		found.number[found.events] = event.number;
		found.time[found.events++] = event.time_ns;
	} else if (kind == SECTION_PHASE) {
		assert_true(found.phases < UNIT_COUNT(found.phase));
		assert_int_equal(rows_unpack_phase(section, &found.phase[found.phases]), 0);
		found.phase_block[found.phases++] = found.blocks;
	} else if (kind == SECTION_ROWS) {
		assert_int_equal(rows_open(section, &subject, &n), 0);
		if (subject)
			found.rows += n;
		else
			found.tree_rows += n;
	}
}

static void read_back(void)
{
	struct reader *reader;
	struct bytes_in block;

	runfile_finish(file);
	memset(&found, 0, sizeof(found));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(reader_open(fd, &reader), 0);
	while ((found.err = reader_next(reader, &block)) > 0) {
		struct bytes_in section;
		uint64_t kind;

		found.blocks++;
		while (rows_next_section(&block, &kind, &section))
			read_section(kind, &section);
	}
	reader_close(reader);
	assert_int_equal(found.err, 0);
}

static void finish(uint64_t ticks)
{
	run_finish(&run, at(ticks), 0);
	read_back();
}

/* What its runtime said at that tick, and what its newest row has of it; -1: nothing. */
static void reading(struct process *process, uint64_t ticks, int64_t value)
{
	struct record rec;

	record_init(&rec);
	rec.tick = TICK0 + ticks;
	rec.reason[SOURCE_GO] = REASON_OK;
	record_set(&rec, FIELD_GO_SYS, value);
	run_reading(&run, process, &rec);
}

static int64_t newest_reading(const struct process *process)
{
	struct record rec;

	row_unpack(process->rows[process->rows_count - 1], &rec);
	return record_has(&rec, FIELD_GO_SYS) ? rec.value[FIELD_GO_SYS] : -1;
}

static int64_t summary(unsigned field)
{
	if (!record_has(&run.summary, field))
		fail_msg("no %s in the summary", field_table[field].column);
	return run.summary.value[field];
}

static size_t events_of(uint64_t kind)
{
	size_t n = 0;

	for (size_t i = 0; i < found.events; i++)
		n += found.kind[i] == kind;
	return n;
}

/* Each in its row, or in the next one; never after a newer one. */
static void readings_find_rows(void **state)
{
	struct process *process = hello(42, 7, 1, 0);

	(void)state;
	reading(process, 1, 10);
	assert_true(sample(process, 2, 100));
	assert_int_equal(newest_reading(process), 10);
	reading(process, 2, 20);
	assert_int_equal(newest_reading(process), 20);
	assert_true(sample(process, 4, 100));
	assert_int_equal(newest_reading(process), -1);
	reading(process, 3, 30);
	reading(process, 4, 40);
	assert_int_equal(newest_reading(process), 40);
	assert_true(sample(process, 5, 100));
	assert_int_equal(newest_reading(process), -1);
	finish(6);
}

static void one_process(void **state)
{
	struct process *process = hello(42, 7, 1, 0);

	(void)state;
	for (uint64_t i = 1; i <= 20; i++) {
		assert_true(sample(process, i, 100 + (int64_t)i));
		tick(i, (int64_t)(i == 12 ? 5000 : i), 0, 0);
		run_settle(&run, at(i), TICK0 + i);
	}
	run_gone(&run, process);
	run_settle(&run, at(21), TICK0 + 21);
	finish(21);
	assert_int_equal(on_ticks, 20);
	assert_int_equal(found.rows, 20);
	assert_int_equal(found.tree_rows, 20);
	/* Twenty ticks are two seconds: what a crash loses is one. */
	assert_true(found.blocks >= 3);
	assert_int_equal(found.events, 2);
	assert_int_equal(found.kind[0], EVENT_START);
	assert_int_equal(found.number[0], 42);
	assert_int_equal(found.kind[1], EVENT_END);
	assert_int_equal(found.last.ended, 1);
	assert_int_equal(found.last.samples, 20);
	assert_int_equal(summary(FIELD_RUN_PROCESSES), 1);
	assert_int_equal(summary(FIELD_RUN_SAMPLES), 20);
	assert_int_equal(summary(FIELD_RUN_TICKS), 20);
	assert_int_equal(summary(FIELD_PEAK_SAMPLED), 5000);
	assert_int_equal(summary(FIELD_PEAK_TIME), 1200000000);
	assert_int_equal(summary(FIELD_PEAK_EXACT), 27);
	assert_int_equal(summary(FIELD_SAMPLER_CPU), 1000);
}

/* Of a cgroup that was there before: what it had come to then is not the run's. */
static void cgroup_from_before(void **state)
{
	struct record before;

	(void)state;
	record_init(&before);
	record_set(&before, FIELD_V2_PEAK, 5007);
	record_set(&before, FIELD_V2_OOM_KILLS, 3);
	run_note_before(&run, &before);
	tick(1, 5000, 3, 0);
	run_settle(&run, at(2), TICK0 + 2);
	assert_false(record_has(&run.summary, FIELD_PEAK_EXACT));
	tick(2, 5001, 5, 0);
	run_settle(&run, at(3), TICK0 + 3);
	finish(3);
	assert_int_equal(summary(FIELD_PEAK_EXACT), 5008);
	assert_int_equal(summary(FIELD_RUN_OOM_KILLS), 2);
	assert_int_equal(found.events, 1);
	assert_int_equal(found.kind[0], EVENT_OOM);
	assert_int_equal(found.number[0], 2);
}

/* What of the peak was heap: of its tick, and of the last look before it. */
static void heap_at_peak(void **state)
{
	struct process *process = hello(42, 7, 1, 0);

	(void)state;
	for (uint64_t i = 1; i <= 20; i++) {
		struct record rec;

		record_init(&rec);
		rec.tick = TICK0 + i;
		record_set(&rec, FIELD_RSS, 500);
		record_set(&rec, FIELD_RSS_ANON, 400);
		rec.reason[SOURCE_HEAP] = REASON_OK;
		record_set(&rec, FIELD_HEAP_LIVE, (int64_t)i * 1000);
		record_set(&rec, FIELD_HEAP_LIVE_SE, (int64_t)i);
		rec.reason[SOURCE_AREAS] = i % 5 ? REASON_NOT_DUE : REASON_OK;
		if (i % 5 == 0)
			record_set(&rec, FIELD_HEAP_SLACK, (int64_t)i - 100);
		run.now_ns = at(i);
		assert_true(run_sample(&run, process, &rec));
		tick(i, (int64_t)(i == 12 ? 5000 : i), 0, 0);
		run_settle(&run, at(i), TICK0 + i);
	}
	finish(21);
	assert_int_equal(summary(FIELD_PEAK_LIVE), 12000);
	assert_int_equal(summary(FIELD_PEAK_LIVE_SE), 12);
	assert_int_equal(summary(FIELD_PEAK_SLACK), -90);
	assert_int_equal(summary(FIELD_PEAK_RSS), 500);
	assert_int_equal(summary(FIELD_PEAK_RSS_FILE), 100);
	assert_false(record_has(&run.summary, FIELD_PEAK_INHERITED));
	assert_false(record_has(&run.summary, FIELD_PEAK_REST));
}

/* An exec: the new connection comes before the old one's end is seen, or after it. */
static void losses_while_it_grows(void **state)
{
	struct process *process = hello(42, 7, 1, 0);
	struct record rec;

	(void)state;
	for (uint64_t i = 1; i <= 12; i++) {
		assert_true(sample(process, i, 100));
		tick(i, 5000, 0, 0);
		run_settle(&run, at(i), TICK0 + i);
	}
	record_init(&rec);
	rec.tick = TICK0 + 13;
	rec.dropped = 5;
	run.now_ns = at(13);
	assert_true(run_sample(&run, process, &rec));
	for (uint64_t i = 13; i <= 30; i++) {
		tick(i, 5000, 0, 0);
		run_settle(&run, at(i), TICK0 + i);
	}
	read_back();
	assert_int_equal(found.last.dropped, 5);
	assert_false(found.last.ended);
	run_gone(&run, process);
}

static void exec_without_end(void **state)
{
	struct process *process = hello(42, 7, 1, 0);

	(void)state;
	assert_true(sample(process, 1, 100));
	assert_ptr_equal(hello(42, 7, 2, 0), process);
	run_gone(&run, process);
	assert_true(sample(process, 2, 50));
	run_settle(&run, at(3), TICK0 + 3);
	run_gone(&run, process);
	assert_ptr_equal(hello(42, 7, 3, 0), process);
	assert_true(sample(process, 3, 25));
	run_settle(&run, at(4), TICK0 + 4);
	run_gone(&run, process);
	run_settle(&run, at(5), TICK0 + 5);
	finish(6);
	assert_int_equal(found.events, 4);
	assert_int_equal(found.kind[0], EVENT_START);
	assert_int_equal(found.kind[1], EVENT_EXEC);
	assert_int_equal(found.kind[2], EVENT_EXEC);
	assert_int_equal(found.kind[3], EVENT_END);
	for (size_t i = 1; i < found.events; i++)
		assert_true(found.time[i] >= found.time[i - 1]);
	assert_int_equal(summary(FIELD_RUN_PROCESSES), 1);
	/* CPU of all three samplers. */
	assert_int_equal(summary(FIELD_SAMPLER_CPU), 3000);
}

/* It was without a sampler for a while, as a static program is: the same process all the same. */
static void comes_back(void **state)
{
	struct process *process = hello(42, 7, 1, 0);

	(void)state;
	run_gone(&run, process);
	run_settle(&run, at(2), TICK0 + 2);
	assert_ptr_equal(hello(42, 7, 9, 0), process);
	finish(9);
	assert_int_equal(found.kind[1], EVENT_END);
	assert_int_equal(found.kind[2], EVENT_EXEC);
	assert_int_equal(found.last.ended, 0);
	assert_int_equal(found.last.comm_len, 4);
	assert_int_equal(found.last.first_ns, at(1) - START);
}

/* Stepping aside is no exec. */
static void restart(void **state)
{
	struct process *process = hello(42, 7, 1, 0);

	(void)state;
	run_gone(&run, process);
	hello(42, 7, 1, WIRE_HELLO_RESTART);
	run_settle(&run, at(2), TICK0 + 2);
	finish(3);
	assert_int_equal(found.events, 1);
}

/* A pid that is used again is another process. */
static void pid_reuse(void **state)
{
	struct process *first = hello(42, 7, 1, 0);

	(void)state;
	assert_ptr_not_equal(hello(42, 8, 2, 0), first);
	assert_ptr_not_equal(hello(43, 7, 2, 0), first);
	finish(3);
	assert_int_equal(events_of(EVENT_START), 3);
	assert_int_equal(summary(FIELD_RUN_PROCESSES), 3);
}

/* Ticks before the run, or of the future, are of another frequency, or a lie. */
static void ticks_out_of_range(void **state)
{
	struct process *process = hello(42, 7, 5, 0);
	struct record rec;

	(void)state;
	record_init(&rec);
	run.now_ns = at(5);
	rec.tick = TICK0 - 1;
	assert_false(run_sample(&run, process, &rec));
	rec.tick = TICK0 + 7;
	assert_false(run_sample(&run, process, &rec));
	rec.tick = UINT64_MAX;
	assert_false(run_sample(&run, process, &rec));
	rec.tick = 0;
	assert_false(run_sample(&run, process, &rec));
	rec.tick = TICK0 + 6;
	assert_true(run_sample(&run, process, &rec));
	finish(7);
	assert_int_equal(found.rows, 1);
}

/* Any numbers: nothing overflows, and the file stays readable. */
static void any_numbers(void **state)
{
	struct process *process[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		process[i] = hello(10 + i, UINT64_MAX - (uint64_t)i, 1, (uint32_t)unit_random());
	for (uint64_t i = 1; i < 500; i++) {
		struct process *p = process[unit_below(4)];
		struct record rec;

		record_init(&rec);
		rec.tick = TICK0 + i;
		rec.late_us = (uint64_t)unit_value();
		rec.dropped = (uint64_t)unit_value();
		for (unsigned s = 0; s < SOURCE_MAX; s++)
			if (s != SOURCE_TASKSTATS_PID)
				rec.reason[s] = (uint8_t)unit_below(REASON_MAX);
		for (unsigned f = 0; f < FIELD_MAX; f++)
			if (field_table[f].known &&
			    source_table[field_table[f].source].scope == SCOPE_PROCESS &&
			    rec.reason[field_table[f].source] == REASON_OK && unit_below(2))
				record_set(&rec, f, unit_value());
		run.now_ns = at(i);
		assert_true(run_sample(&run, p, &rec));
		tick(i, unit_value(), unit_value(), unit_below(3));
		if (unit_below(16) == 0) {
			run_gone(&run, p);
			hello(p->pid, p->start_ticks, i, 0);
		}
		run_settle(&run, at(i), TICK0 + i);
	}
	finish(501);
	assert_int_equal(found.rows, 499);
	assert_int_equal(found.tree_rows, 499);
}

static void oom_and_missed(void **state)
{
	(void)state;
	tick(1, 10, 0, 0);
	tick(2, 10, 3, 0);
	tick(5, 10, 3, 2);
	finish(6);
	assert_int_equal(found.events, 1);
	assert_int_equal(found.kind[0], EVENT_OOM);
	assert_int_equal(found.number[0], 3);
	assert_int_equal(summary(FIELD_MISSED_TICKS), 2);
	assert_int_equal(summary(FIELD_RUN_TICKS), 3);
}

/* Rows wait in memory for a second, but not without bound. */
static void bounded(void **state)
{
	enum { MANY = 80000 };
	struct process *process = hello(42, 7, 1, 0);

	(void)state;
	run.now_ns = at(MANY + 1);
	for (uint64_t i = 1; i <= MANY; i++) {
		assert_true(sample(process, i, (int64_t)i));
		assert_true(run.buffered <= 32768);
	}
	finish(MANY + 1);
	assert_int_equal(found.rows, MANY);
}

/* Short lives leave no more than a small entry each. */
static void short_lives(void **state)
{
	enum { MANY = 20000 };

	(void)state;
	for (int i = 0; i < MANY; i++) {
		struct process *process = hello(1000 + i, (uint64_t)i, 1, WIRE_HELLO_FORK);

		assert_true(sample(process, 1, 1));
		run_gone(&run, process);
		if (i % 100 == 0)
			run_settle(&run, at(1), TICK0);
	}
	/* With one block they are told, with the next forgotten. */
	run_settle(&run, at(20), TICK0);
	run_settle(&run, at(40), TICK0);
	for (size_t i = 0; i < run.processes.count; i++) {
		assert_null(run.processes.list[i]->text);
		assert_null(run.processes.list[i]->rows);
	}
	/* And in the end dropped, when the merge has no sample of them any more. */
	run_settle(&run, at(1000), TICK0);
	assert_int_equal(run.processes.count, MANY);
	tick(1001, 1, 0, 0);
	run_settle(&run, at(1100), TICK0 + 1002);
	assert_int_equal(run.processes.count, 0);
	assert_int_equal(summary(FIELD_RUN_PROCESSES), MANY);
	run_finish(&run, at(1100), 0);
	assert_int_equal(summary(FIELD_RUN_INSIDE), MANY);
	assert_int_equal(summary(FIELD_SAMPLER_CPU), 1000 * MANY);
}

/* Everybody may knock: each time counts, not each is told. */
static void refusals(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++)
		run_refused(&run, at(1), 1, "not of this run");
	finish(2);
	assert_int_equal(summary(FIELD_RUN_REFUSED), 100000);
	assert_true(events_of(EVENT_REFUSED) >= 1 && events_of(EVENT_REFUSED) <= 1000);
}

/* Where no file is asked for, the sums and the summary are there all the same. */
static void no_file(void **state)
{
	struct process *process;

	(void)state;
	run.file = NULL;
	process = hello(42, 7, 1, 0);
	for (uint64_t i = 1; i < 30; i++) {
		assert_true(sample(process, i, 5));
		tick(i, 100, 0, 0);
		run_settle(&run, at(i), TICK0 + i);
	}
	run_gone(&run, process);
	run_event(&run, at(30), EVENT_NOTE, 0, 0, "said to nobody");
	run_finish(&run, at(30), 0);
	assert_int_equal(on_ticks, 29);
	assert_int_equal(run.buffered, 0);
	assert_int_equal(summary(FIELD_PEAK_SAMPLED), 100);
}

/* Marks of some ticks, each told before the tick's row, as the collector does. */
static void marks(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 30; i++) {
		if (i == 5 || i == 25) {
			phases_exact(&run.phases, (int64_t)i * 100);
			run_mark(&run, tick_ns(TICK0 + i, FREQ), 1 + i / 25, "a mark", 6);
		}
		tick(i, (int64_t)i, 0, 0);
		run_settle(&run, at(i), TICK0 + i);
	}
	phases_exact(&run.phases, 3000);
	run_finish(&run, at(31), at(30));
	read_back();
	assert_int_equal(found.events, 2);
	assert_int_equal(found.kind[0], EVENT_MARK);
	assert_int_equal(found.time[0], 500000000);
	assert_int_equal(found.number[0], 1);
	assert_int_equal(found.number[1], 2);
	assert_int_equal(found.phases, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(found.phase[i].known, ROWS_PHASE_EXACT | ROWS_PHASE_SAMPLED);
	assert_int_equal(found.phase[0].end_ns, 500000000);
	assert_int_equal(found.phase[0].peak_exact, 500);
	assert_int_equal(found.phase[0].peak_sampled, 4);
	assert_int_equal(found.phase[1].start_ns, 500000000);
	assert_int_equal(found.phase[1].end_ns, 2500000000);
	assert_int_equal(found.phase[1].peak_exact, 2500);
	assert_int_equal(found.phase[1].peak_sampled, 24);
	assert_int_equal(found.phase[1].peak_ns, 2400000000);
	assert_int_equal(found.phase[1].name_len, 6);
	assert_int_equal(found.phase[2].peak_sampled, 30);
	assert_int_equal(found.phase[2].end_ns, at(30) - START);
	/* With the block of their end: a crash later does not lose them. */
	assert_int_equal(found.phase_block[0], 1);
	assert_true(found.phase_block[1] < found.blocks);
}

/* Asks on the behalf of a process that runs since START; returns what came of it. */
static enum reason asked(pid_t pid)
{
	struct process *process = hello(pid, START / 10000000, 0, 0);
	struct record rec;

	record_init(&rec);
	rec.tick = TICK0 + 20;
	rec.reason[SOURCE_SAMPLER] = REASON_OK;
	rec.reason[SOURCE_TASKSTATS_PID] = REASON_DENIED;
	run.now_ns = at(20);
	assert_true(run_sample(&run, process, &rec));
	return process->rows[process->rows_count - 1]->reason[SOURCE_COLLECTOR_PID];
}

/* What the kernel tells of a pid is not taken for one who had it before. */
static void asked_of_another(void **state)
{
	enum reason reason;
	pid_t child;

	(void)state;
	reason = asked(1); /* the first process is as old as that */
	if (reason == REASON_DENIED || reason == REASON_ABSENT)
		skip();
	assert_int_equal(reason, REASON_OK);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		pause();
	reason = asked(child);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(reason, REASON_FAILED);
}

/* A list of no modules, and sums of n stacks: messages of 2 to 3, and of 3 + 6 * n bytes. */
static bool begin_heap(struct process *process, uint64_t peer, uint64_t flags)
{
	const struct heapwire_modules head = {flags, 1};
	uint8_t buf[16];
	struct bytes_out out = {buf, buf + sizeof(buf), false};
	struct heapwire_out to;

	heapwire_begin_modules(&to, &out, WIRE_MODULES, &head);
	return run_heap(&run, process, peer, WIRE_MODULES, buf + 1, (size_t)(out.p - buf) - 1);
}

static bool tell_heap(struct process *process, uint64_t peer, uint64_t tick, unsigned n)
{
	static const struct heapwire_sums sums = {1, 2, 3, 4, 5};
	uint8_t buf[256];
	struct bytes_out out = {buf, buf + sizeof(buf), false};
	struct heapwire_out to;

	heapwire_begin_heap(&to, &out, TICK0 + tick, 0);
	while (n--)
		assert_true(heapwire_put_sums(&to, 0, &sums));
	return run_heap(&run, process, peer, WIRE_HEAP, buf + 1, (size_t)(out.p - buf) - 1);
}

#define HEAP_BEGUN	   (100 * WIRE_MODULES + 2)
#define HEAP_TOLD(n)	   (100 * WIRE_HEAP + 3 + 6 * (n))
#define FOUND(i, id, what) assert_int_equal(found.heap[i], (id)*1000 + (what))

/* As it came, and after who it is; what no list of modules has begun is nothing. */
static void heaps(void **state)
{
	struct process *one = hello(42, 7, 1, 0);
	struct process *two = hello(43, 8, 1, WIRE_HELLO_FORK);

	(void)state;
	assert_true(tell_heap(one, 1, 1, 1));
	assert_true(begin_heap(one, 1, 0));
	assert_true(begin_heap(one, 1, HEAPWIRE_RESTART));
	assert_true(tell_heap(one, 1, 1, 2));
	assert_true(tell_heap(two, 2, 1, 3));
	assert_true(begin_heap(two, 2, HEAPWIRE_RESTART | HEAPWIRE_BYPASSED));
	assert_true(tell_heap(two, 2, 1, 4));
	assert_true(begin_heap(one, 1, 0));
	/* Of this tick and the next one, but of none that is to come. */
	assert_true(tell_heap(one, 1, 2, 5));
	assert_false(tell_heap(one, 1, 3, 6));
	run_settle(&run, at(30), TICK0 + 30);
	run_gone(&run, one);
	run_settle(&run, at(60), TICK0 + 60);
	run_settle(&run, at(90), TICK0 + 90);
	/* Its end was told, and it is forgotten; but its connection was not over. */
	run_end(&run, two, at(91));
	run_settle(&run, at(120), TICK0 + 120);
	run_settle(&run, at(150), TICK0 + 150);
	run_settle(&run, at(2000), TICK0 + 2000);
	assert_true(tell_heap(two, 2, 2000, 7));
	run_gone(&run, two);
	finish(2001);
	assert_int_equal(found.heaps, 7);
	FOUND(0, one->id, HEAP_BEGUN);
	FOUND(1, one->id, HEAP_TOLD(2));
	FOUND(2, two->id, HEAP_BEGUN);
	FOUND(3, two->id, HEAP_TOLD(4));
	FOUND(4, one->id, HEAP_BEGUN);
	FOUND(5, one->id, HEAP_TOLD(5));
	FOUND(6, two->id, HEAP_TOLD(7));
}

/* Before and after an exec: what the connection that was there before says late is nothing any more. */
static void heap_after_exec(void **state)
{
	struct process *process = hello(42, 7, 1, 0);

	(void)state;
	assert_true(begin_heap(process, 1, HEAPWIRE_RESTART));
	hello(42, 7, 2, 0);
	assert_true(tell_heap(process, 2, 2, 1));
	assert_true(tell_heap(process, 1, 2, 2));
	assert_true(begin_heap(process, 2, HEAPWIRE_RESTART));
	assert_true(tell_heap(process, 1, 2, 3));
	assert_true(begin_heap(process, 1, HEAPWIRE_RESTART));
	run_gone(&run, process);
	assert_true(tell_heap(process, 2, 2, 4));
	run_gone(&run, process);
	finish(3);
	assert_int_equal(found.heaps, 4);
	FOUND(0, 1, HEAP_BEGUN);
	FOUND(1, 1, HEAP_TOLD(2));
	FOUND(2, 1, HEAP_BEGUN);
	FOUND(3, 1, HEAP_TOLD(4));
}

/* Another file knows nothing of what was told before: it is told anew, after who it is. */
static void heap_in_turns(void **state)
{
	struct process *process = hello(42, 7, 1, 0);
	struct process *old = hello(43, 7, 1, 0);
	int next_fd = memfd_create("next", MFD_CLOEXEC);
	struct runfile *next;

	(void)state;
	assert_true(begin_heap(process, 1, HEAPWIRE_RESTART));
	assert_true(begin_heap(old, 2, HEAPWIRE_RESTART));
	assert_true(tell_heap(process, 1, 1, 1));
	run_end(&run, old, at(2));
	run_settle(&run, at(20), TICK0 + 20);
	run_settle(&run, at(40), TICK0 + 40);
	run_settle(&run, at(60), TICK0 + 60);
	assert_int_equal(runfile_new(next_fd, &next), 0);
	run_turn(&run, next);
	read_back();
	assert_int_equal(found.heaps, 3);
	runfile_free(file);
	close(fd);
	file = next;
	fd = next_fd;
	begin_file();
	assert_true(tell_heap(process, 1, 60, 2));
	assert_true(tell_heap(old, 2, 60, 2));
	assert_true(begin_heap(process, 1, HEAPWIRE_RESTART));
	assert_true(tell_heap(process, 1, 60, 3));
	assert_true(begin_heap(old, 2, HEAPWIRE_RESTART));
	finish(61);
	assert_int_equal(found.heaps, 3);
	FOUND(0, 1, HEAP_BEGUN);
	FOUND(1, 1, HEAP_TOLD(3));
	FOUND(2, 2, HEAP_BEGUN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_process, setup, teardown),
		cmocka_unit_test_setup_teardown(readings_find_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(cgroup_from_before, setup, teardown),
		cmocka_unit_test_setup_teardown(heap_at_peak, setup, teardown),
		cmocka_unit_test_setup_teardown(losses_while_it_grows, setup, teardown),
		cmocka_unit_test_setup_teardown(exec_without_end, setup, teardown),
		cmocka_unit_test_setup_teardown(comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(restart, setup, teardown),
		cmocka_unit_test_setup_teardown(pid_reuse, setup, teardown),
		cmocka_unit_test_setup_teardown(ticks_out_of_range, setup, teardown),
		cmocka_unit_test_setup_teardown(any_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(oom_and_missed, setup, teardown),
		cmocka_unit_test_setup_teardown(bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(short_lives, setup, teardown),
		cmocka_unit_test_setup_teardown(refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(marks, setup, teardown),
		cmocka_unit_test_setup_teardown(asked_of_another, setup, teardown),
		cmocka_unit_test_setup_teardown(heaps, setup, teardown),
		cmocka_unit_test_setup_teardown(heap_after_exec, setup, teardown),
		cmocka_unit_test_setup_teardown(heap_in_turns, setup, teardown),
	};

	unit_random_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
