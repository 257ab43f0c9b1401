/* SPDX-License-Identifier: ISC */
/* The tree by the kernel's word: forks, ends and exit records, and what samplers say beside it. */
#include "tests/unit/unit.h"

#include <linux/acct.h>
#include <linux/taskstats.h>
#include <signal.h>

#include "collector/run.h"
#include "core/tick.h"

#define START 1000000000000ull /* ns, of the monotonic clock; boottime is the same here */
#define MS    1000000ull
#define ROOT  10

static struct run run;

static int setup(void **state)
{
	(void)state;
	run_init(&run, 10, NULL);
	run.hears_ends = true;
	run_start(&run, START);
	assert_non_null(run_root(&run, ROOT, START + MS));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	run_done(&run);
	return 0;
}

static void forks(pid_t parent, pid_t pid, uint64_t ms)
{
	struct life_event event = {LIFE_FORK, START + ms * MS, pid, parent, 0, NULL, NULL};

	run.now_ns = event.time_ns;
	run_life(&run, &event);
}

static void ends(pid_t pid, uint64_t ms, int status)
{
	struct life_event event = {LIFE_EXIT, START + ms * MS, pid, 0, status, NULL, NULL};

	run.now_ns = event.time_ns;
	run_life(&run, &event);
}

static struct process *hello(pid_t pid, uint64_t start_ms, uint64_t ms)
{
	struct wire_hello hello = {.version = WIRE_VERSION,
				   .start_ticks = (START + start_ms * MS) / 10000000,
				   .freq = 10,
				   .comm = "comm",
				   .comm_len = 4,
				   .time_ns = START + ms * MS};

	run.now_ns = START + ms * MS;
	return run_hello(&run, pid, run.now_ns, &hello);
}

/* The record of a thread that lived for so long: cpu and faults 1000 and 10, hiwater 500 KiB. */
static void record(pid_t pid, pid_t tgid, pid_t parent, uint64_t ms, uint64_t lived_ms,
		   uint8_t flags, uint32_t status)
{
	struct taskstats stats = {.version = 13,
				  .cpu_run_virtual_total = 1000,
				  .ac_minflt = 10,
				  .ac_etime = lived_ms * 1000,
				  .hiwater_rss = 500};
	struct taskstats_exit exit = {.pid = (uint32_t)pid,
				      .tgid = (uint32_t)tgid,
				      .ppid = (uint32_t)parent,
				      .uid = 1000,
				      .status = status,
				      .flags = flags,
				      .elapsed_us = lived_ms * 1000,
				      .comm = "true",
				      .len = 416};
	struct life_event event = {LIFE_RECORD, START + ms * MS, tgid, parent, 0, &exit, NULL};

	memcpy(exit.bytes, &stats, exit.len);
	run.now_ns = event.time_ns;
	run_life(&run, &event);
}

static struct process *newest(pid_t pid)
{
	struct process *process = processes_find(&run.processes, pid);

	assert_non_null(process);
	return process;
}

static int64_t life(pid_t pid, unsigned field)
{
	const struct process *process = newest(pid);

	assert_non_null(process->life);
	return record_has(process->life, field) ? process->life->value[field] : -1;
}

static void execs(pid_t pid, uint64_t ms, const char *comm, const char *argv)
{
	struct life_name name = {
		comm, "/exe", argv, comm ? strlen(comm) : 0, 4, argv ? strlen(argv) : 0};
	struct life_event event = {LIFE_EXEC, START + ms * MS,	  pid, 0, 0,
				   NULL,      comm ? &name : NULL};

	run.now_ns = START + ms * MS;
	run_life(&run, &event);
}

static void assert_called(pid_t pid, const char *comm, const char *argv)
{
	const struct rows_process *info = &newest(pid)->info;

	assert_int_equal(info->comm_len, strlen(comm));
	assert_memory_equal(info->comm, comm, info->comm_len);
	assert_string_equal(newest(pid)->comm, comm);
	assert_int_equal(info->argv_len, strlen(argv));
	assert_memory_equal(info->argv, argv, info->argv_len);
	assert_int_equal(info->exe_len, *argv ? 4 : 0);
}

/* Those who live too short for a sampler are called as the kernel saw them at their exec. */
static void names(void **state)
{
	(void)state;
	run.hears_last = true;
	execs(ROOT, 2, "make", "make all");
	assert_called(ROOT, "make", "make all");
	/* A fork is what its parent is, to its end or its own exec, whatever becomes of that one. */
	forks(ROOT, 11, 10);
	forks(ROOT, 12, 10);
	forks(ROOT, 13, 10);
	execs(ROOT, 11, "env", "env make");
	assert_called(11, "make", "make all");
	execs(12, 12, "sed", "sed s/a/b/");
	assert_called(12, "sed", "sed s/a/b/");
	/* Its comm is told with its end; its arguments are not those of what it ran before. */
	execs(13, 12, NULL, NULL);
	assert_called(13, "make", "");
	ends(13, 14, 0);
	record(13, 13, ROOT, 15, 5, AGROUP, 0);
	assert_called(13, "true", "");
	/* And does not take away what was known. */
	ends(12, 14, 0);
	record(12, 12, ROOT, 15, 5, AGROUP, 0);
	assert_called(12, "true", "sed s/a/b/");
}

/* A program that another thread than the main one has executed. */
static void names_thread(void **state)
{
	(void)state;
	run.hears_last = true;
	forks(ROOT, 11, 10);
	ends(11, 20, 0);
	execs(11, 20, "st", "st 5");
	record(11, 11, ROOT, 21, 11, 0, 0);
	assert_called(11, "st", "st 5");
	ends(11, 30, 0);
	record(11, 11, ROOT, 31, 11, AGROUP, 0);
	assert_called(11, "true", "st 5");
}

/* What a sampler says of itself, in whatever order that and the kernel's word come. */
static void names_said(void **state)
{
	struct process *process;

	(void)state;
	run.hears_last = true;
	/* Of an exec that is told later. */
	forks(ROOT, 11, 10);
	hello(11, 10, 20);
	assert_called(11, "comm", "");
	execs(11, 19, "sed", "sed s/a/b/");
	assert_called(11, "comm", "");
	/* While the program before is read still, it is called as that. */
	execs(11, 30, "as", "as -o");
	assert_called(11, "comm", "");
	record(11, 11, ROOT, 40, 30, AGROUP, 0);
	assert_called(11, "comm", "");
	process = newest(11);
	run_gone(&run, process);
	assert_called(11, "true", "as -o");
	/* A hello that was said before the exec, and is read after it, with samples of that time. */
	forks(ROOT, 12, 10);
	execs(12, 30, "as", "as -o");
	process = hello(12, 10, 29);
	assert_called(12, "comm", "");
	/* Who is forked now is not of that time. */
	forks(12, 13, 35);
	assert_called(13, "as", "as -o");
	run_gone(&run, process);
	assert_called(12, "as", "as -o");
	hello(12, 10, 36);
	assert_called(12, "comm", "");
	/* The new program's, and the old one's sampler goes after that. */
	execs(12, 40, NULL, NULL);
	process = hello(12, 10, 41);
	run_gone(&run, process);
	assert_called(12, "comm", "");
}

static void a_tree(void **state)
{
	(void)state;
	forks(ROOT, 11, 10);
	forks(11, 12, 20);
	forks(1, 13, 25); /* somebody else's */
	ends(12, 30, 3 << 8);
	ends(13, 30, 0);
	ends(11, 40, SIGTERM);
	assert_int_equal(run.processes.count, 3);
	assert_int_equal(newest(12)->info.ppid, 11);
	assert_int_equal(newest(12)->info.first_ns, 20 * MS);
	assert_int_equal(newest(12)->info.last_ns, 30 * MS);
	assert_true(newest(12)->info.ended && newest(11)->info.ended && !newest(ROOT)->info.ended);
	assert_int_equal(life(12, FIELD_LIFE_STATUS), 3 << 8);
	assert_int_equal(life(11, FIELD_LIFE_STATUS), SIGTERM);
	/* One that is over has no children any more: its pid is another's. */
	record(11, 11, ROOT, 41, 31, AGROUP, SIGTERM);
	forks(11, 14, 50);
	assert_null(processes_find(&run.processes, 14));
}

/* The program itself was there before the word of its fork was read. */
static void late_words(void **state)
{
	(void)state;
	forks(1, ROOT, 0);
	assert_int_equal(run.processes.count, 1);
	assert_int_equal(newest(ROOT)->info.ppid, 1);
	assert_int_equal(newest(ROOT)->info.first_ns, 0);
	hello(11, 10, 15);
	forks(ROOT, 11, 10);
	assert_int_equal(run.processes.count, 2);
	assert_int_equal(newest(11)->info.ppid, ROOT);
	assert_int_equal(newest(11)->info.first_ns, 10 * MS);
}

static void pid_again(void **state)
{
	(void)state;
	forks(ROOT, 11, 10);
	ends(11, 20, 0);
	forks(ROOT, 11, 30);
	assert_int_equal(run.processes.count, 3);
	/* And where the end's word was lost. */
	forks(ROOT, 11, 400);
	assert_int_equal(run.processes.count, 4);
	assert_true(run.processes.list[2]->info.ended);
	assert_false(newest(11)->info.ended);
	/* A hello from that one is of that one. */
	assert_ptr_equal(hello(11, 400, 410), newest(11));
	assert_int_equal(run.processes.count, 4);
}

/* Another tree's process has the pid of one that was ours. */
static void pid_of_others(void **state)
{
	struct life_event exec = {LIFE_EXEC, START + 31 * MS, 11, 0, 0, NULL, NULL};

	(void)state;
	forks(ROOT, 11, 10);
	ends(11, 20, 0);
	forks(1, 11, 30);
	run_life(&run, &exec);
	forks(11, 12, 32);
	ends(11, 40, 256);
	assert_int_equal(run.processes.count, 2);
	assert_true(run.processes.list[1]->info.ended);
	assert_int_equal(run.processes.list[1]->info.last_ns, 20 * MS);
}

/* A sampler's words are read when its process is dead already: it stays dead, and the same. */
static void hello_of_the_dead(void **state)
{
	struct process *process;

	(void)state;
	forks(ROOT, 11, 105);
	ends(11, 120, 0);
	process = hello(11, 105, 130);
	assert_ptr_equal(process, newest(11));
	assert_int_equal(process->info.ended, 1);
	assert_int_equal(process->info.last_ns, 120 * MS);
	run_gone(&run, process);
	run_settle(&run, START + 200 * MS, 0);
	assert_int_equal(process->info.ended, 1);
	/* One that started later is another. */
	assert_ptr_not_equal(hello(11, 300, 310), process);
}

/* A connection's end is a sampler's, not a process's. */
static void sampler_gone(void **state)
{
	struct process *process;

	(void)state;
	forks(ROOT, 11, 10);
	process = hello(11, 10, 20);
	run_gone(&run, process);
	run_settle(&run, START + 30 * MS, 0);
	assert_int_equal(process->info.ended, 0);
	run_missing(&run, process);
	assert_int_equal(process->info.ended, 0);
	for (int i = 0; i < 20; i++)
		run_missing(&run, process);
	assert_int_equal(process->info.ended, 1);
}

/* The main thread is not all of it. */
static void leader_gone(void **state)
{
	(void)state;
	run.hears_last = true;
	forks(ROOT, 11, 10);
	ends(11, 20, 0);
	record(11, 11, ROOT, 20, 10, 0, 0);
	assert_int_equal(newest(11)->info.ended, 0);
	forks(11, 12, 40);
	assert_int_equal(newest(12)->info.ppid, 11);
	record(15, 11, ROOT, 900, 500, AGROUP, 3 << 8);
	assert_int_equal(newest(11)->info.ended, 1);
	assert_int_equal(newest(11)->info.last_ns, 900 * MS);
	assert_int_equal(life(11, FIELD_LIFE_STATUS), 3 << 8);
	assert_int_equal(life(11, FIELD_X_CPU), 2000);
	/* For as long as the threads together; their own word is more exact where one lived as long. */
	assert_int_equal(life(11, FIELD_X_ELAPSED), 890 * 1000);
	forks(ROOT, 16, 100);
	record(16, 16, ROOT, 212, 100, 0, 0);
	record(17, 16, ROOT, 212, 99, AGROUP, 0);
	assert_int_equal(life(16, FIELD_X_ELAPSED), 100 * 1000);
	/* Where no records are told, a child shows that it lives. */
	run.hears_last = false;
	forks(ROOT, 20, 910);
	ends(20, 920, 0);
	assert_int_equal(newest(20)->info.ended, 1);
	forks(20, 21, 930);
	assert_int_equal(newest(21)->info.ppid, 20);
	assert_int_equal(newest(20)->info.ended, 0);
}

static void other_threads(void **state)
{
	struct life_event exec = {LIFE_EXEC, START + 60 * MS, 11, 0, 0, NULL, NULL};
	struct process *process;
	struct record rec;

	(void)state;
	forks(ROOT, 11, 10);
	process = hello(11, 10, 20);
	ends(11, 50, 0);
	assert_int_equal(process->info.ended, 1);
	run_life(&run, &exec);
	assert_int_equal(process->info.ended, 0);
	ends(11, 150, 0);
	assert_int_equal(process->info.ended, 1);
	record_init(&rec);
	rec.tick = tick_at(START + 100 * MS, 10);
	assert_true(run_sample(&run, process, &rec));
	assert_int_equal(process->info.ended, 1);
	rec.tick++;
	run.now_ns = START + 210 * MS;
	assert_true(run_sample(&run, process, &rec));
	assert_int_equal(process->info.ended, 0);
	record(21, 11, ROOT, 300, 5, AGROUP, 0);
	assert_int_equal(process->info.ended, 1);
	assert_int_equal(process->info.last_ns, 300 * MS);
}

/* The kernel makes the record first, and tells of the end then. */
static void record_first(void **state)
{
	(void)state;
	run.hears_last = true;
	forks(ROOT, 11, 10);
	record(11, 11, ROOT, 40, 29, AGROUP, 256);
	assert_int_equal(newest(11)->info.ended, 1);
	ends(11, 39, 256);
	assert_int_equal(newest(11)->info.last_ns, 39 * MS);
	assert_int_equal(run.processes.count, 2);
}

static void records(void **state)
{
	(void)state;
	forks(ROOT, 11, 10);
	ends(11, 20, 256);
	record(21, 11, ROOT, 20, 5, 0, 0);
	record(11, 11, ROOT, 21, 10, AGROUP, 256);
	assert_int_equal(life(11, FIELD_X_CPU), 2000);
	assert_int_equal(life(11, FIELD_X_MINOR_FAULTS), 20);
	assert_int_equal(life(11, FIELD_X_HWM), 500);
	assert_int_equal(life(11, FIELD_X_ELAPSED), 10000);
	assert_int_equal(life(11, FIELD_LIFE_STATUS), 256);
	assert_memory_equal(newest(11)->info.comm, "true", 4);
	assert_int_equal(newest(11)->info.uid, 1000);
	/* One that never executed has its parent's peak. */
	forks(ROOT, 12, 30);
	record(12, 12, ROOT, 40, 10, AFORK | AGROUP, 0);
	assert_int_equal(life(12, FIELD_X_HWM), -1);
	assert_int_equal(life(12, FIELD_X_CPU), 1000);
	/* A record of the pid's life before, and one of a process that is not ours. */
	forks(ROOT, 13, 500);
	record(13, 13, ROOT, 501, 400, AGROUP, 0);
	assert_null(newest(13)->life);
	record(14, 14, ROOT, 501, 1, AGROUP, 0);
	assert_null(processes_find(&run.processes, 14));
	run_finish(&run, START + 600 * MS, 0);
	assert_int_equal(run.summary.value[FIELD_RUN_PROCESSES], 4);
	assert_int_equal(run.summary.value[FIELD_RUN_BY_RECORD], 4);
}

/* Where no forks are told, records alone make the tree. */
static void records_alone(void **state)
{
	(void)state;
	run.hears_ends = false;
	record(11, 11, ROOT, 20, 10, AGROUP, 256);
	assert_int_equal(run.processes.count, 2);
	assert_int_equal(newest(11)->info.first_ns, 10 * MS);
	assert_int_equal(newest(11)->info.last_ns, 20 * MS);
	assert_int_equal(newest(11)->info.ended, 1);
	record(12, 12, 1, 20, 10, AGROUP, 0);
	assert_int_equal(run.processes.count, 2);
}

static void seen(void **state)
{
	struct process *process;

	(void)state;
	run.now_ns = START + 20 * MS;
	process = run_seen(&run, 11);
	assert_int_equal(run.processes.count, 2);
	assert_ptr_equal(run_seen(&run, 11), process);
	forks(ROOT, 11, 19);
	assert_int_equal(run.processes.count, 2);
	ends(11, 30, 0);
	/* The list was read before it ended. */
	assert_ptr_equal(run_seen(&run, 11), process);
	assert_int_equal(process->info.ended, 1);
}

static void victims(void **state)
{
	const struct oom_victim *victim;
	struct record row;

	(void)state;
	forks(ROOT, 11, 10);
	forks(ROOT, 12, 10);
	forks(ROOT, 13, 10);
	hello(12, 10, 20);
	ends(11, 100, SIGKILL);
	ends(12, 5000, SIGKILL);
	ends(13, 5010, SIGTERM);
	assert_int_equal(oom_victims(&run.oom, &victim), 0);
	record_init(&row);
	row.tick = tick_at(START + 5100 * MS, 10);
	record_set(&row, FIELD_V1_OOM_KILLS, 1);
	run_tick(&run, &row, 0);
	assert_int_equal(oom_victims(&run.oom, &victim), 1);
	assert_int_equal(victim->process->pid, 12);
	assert_string_equal(victim->process->comm, "comm");
}

static int64_t value(const struct process *process, unsigned field)
{
	assert_non_null(process->life);
	return record_has(process->life, field) ? process->life->value[field] : -1;
}

/* Two lives of one pid, and what their records told. */
static void assert_lives(const struct process *a, const struct process *b, int64_t cpu_a,
			 int64_t cpu_b)
{
	assert_ptr_not_equal(a, b);
	assert_true(a->info.ended && b->info.ended);
	assert_int_equal(value(a, FIELD_LIFE_STATUS), 1 << 8);
	assert_int_equal(value(b, FIELD_LIFE_STATUS), 2 << 8);
	assert_int_equal(value(a, FIELD_X_CPU), cpu_a);
	assert_int_equal(value(b, FIELD_X_CPU), cpu_b);
	assert_true(a->info.last_ns <= b->info.first_ns);
	assert_true(b->info.last_ns >= b->info.first_ns);
}

/* The forks are handed over before the records of the pid's life before. */
static void pid_at_once(void **state)
{
	struct process *a, *b, *c;

	(void)state;
	run.hears_last = true;
	forks(ROOT, 5, 100);
	a = newest(5);
	ends(5, 103, 1 << 8);
	forks(ROOT, 5, 104);
	b = newest(5);
	record(5, 5, ROOT, 109, 3, AGROUP, 1 << 8);
	assert_int_equal(b->info.ended, 0);
	ends(5, 110, 2 << 8);
	record(5, 5, ROOT, 111, 6, AGROUP, 2 << 8);
	assert_lives(a, b, 1000, 1000);
	assert_int_equal(value(a, FIELD_X_ELAPSED), 3000);
	assert_int_equal(value(b, FIELD_X_ELAPSED), 6000);
	assert_int_equal(a->info.last_ns, 103 * MS);
	assert_int_equal(b->info.last_ns, 110 * MS);
	/* Three, all of whose records come in the end. */
	forks(ROOT, 6, 200);
	a = newest(6);
	ends(6, 202, 1 << 8);
	forks(ROOT, 6, 203);
	b = newest(6);
	ends(6, 205, 2 << 8);
	forks(ROOT, 6, 206);
	c = newest(6);
	ends(6, 209, 3 << 8);
	record(6, 6, ROOT, 215, 2, AGROUP, 1 << 8);
	record(6, 6, ROOT, 215, 2, AGROUP, 2 << 8);
	record(6, 6, ROOT, 215, 3, AGROUP, 3 << 8);
	assert_lives(a, b, 1000, 1000);
	assert_int_equal(value(c, FIELD_X_ELAPSED), 3000);
	assert_int_equal(value(c, FIELD_LIFE_STATUS), 3 << 8);
}

/* The records of the life before do not come. */
static void pid_at_once_lost(void **state)
{
	struct process *a, *b;

	(void)state;
	run.hears_last = true;
	forks(ROOT, 5, 100);
	a = newest(5);
	ends(5, 103, 1 << 8);
	forks(ROOT, 5, 104);
	b = newest(5);
	ends(5, 180, 2 << 8);
	record(5, 5, ROOT, 181, 76, AGROUP, 2 << 8);
	assert_lives(a, b, -1, 1000);
	/* A long life, and then a short one. */
	forks(ROOT, 6, 200);
	a = newest(6);
	ends(6, 8000, 1 << 8);
	forks(ROOT, 6, 8001);
	b = newest(6);
	ends(6, 8003, 2 << 8);
	record(6, 6, ROOT, 8004, 2, AGROUP, 2 << 8);
	assert_lives(a, b, -1, 1000);
	/* One that may be of either, but long after. */
	forks(ROOT, 7, 9000);
	a = newest(7);
	ends(7, 10000, 1 << 8);
	forks(ROOT, 7, 10001);
	b = newest(7);
	ends(7, 12001, 2 << 8);
	record(27, 7, ROOT, 12002, 500, 0, 0);
	record(7, 7, ROOT, 12002, 2000, AGROUP, 2 << 8);
	assert_lives(a, b, -1, 2000);
}

static void pid_at_once_threads(void **state)
{
	struct process *a, *b;

	(void)state;
	run.hears_last = true;
	/* The main thread goes first, the last one with it or later. */
	forks(ROOT, 5, 100);
	a = newest(5);
	ends(5, 105, 1 << 8);
	forks(ROOT, 5, 121);
	b = newest(5);
	record(5, 5, ROOT, 125, 5, 0, 1 << 8);
	record(25, 5, ROOT, 125, 18, 0, 0);
	record(26, 5, ROOT, 125, 20, AGROUP, 1 << 8);
	assert_int_equal(b->info.ended, 0);
	ends(5, 126, 2 << 8);
	record(27, 5, ROOT, 130, 3, 0, 2 << 8);
	record(5, 5, ROOT, 130, 5, AGROUP, 2 << 8);
	assert_lives(a, b, 3000, 2000);
	assert_int_equal(a->info.last_ns, 121 * MS);
	/* A thread that lived for longer than the pid's first life. */
	forks(ROOT, 6, 200);
	a = newest(6);
	ends(6, 203, 1 << 8);
	forks(ROOT, 6, 204);
	b = newest(6);
	ends(6, 280, 2 << 8);
	record(28, 6, ROOT, 280, 74, 0, 0);
	record(6, 6, ROOT, 280, 76, AGROUP, 2 << 8);
	assert_lives(a, b, -1, 2000);
}

/* The word of an end comes after that of the next fork: wait(2) may be faster. */
static void pid_before_end(void **state)
{
	struct process *a, *b;

	(void)state;
	run.hears_last = true;
	for (int lost = 0; lost < 2; lost++) {
		forks(ROOT, 5, 100 + 100 * (uint64_t)lost);
		a = newest(5);
		forks(ROOT, 5, 103 + 100 * (uint64_t)lost);
		b = newest(5);
		ends(5, 104 + 100 * (uint64_t)lost, 1 << 8);
		assert_int_equal(b->info.ended, 0);
		if (!lost)
			record(5, 5, ROOT, 110, 3, AGROUP, 1 << 8);
		ends(5, 180 + 100 * (uint64_t)lost, 2 << 8);
		record(5, 5, ROOT, 181 + 100 * (uint64_t)lost, 77, AGROUP, 2 << 8);
		assert_lives(a, b, lost ? -1 : 1000, 1000);
		assert_int_equal(b->info.last_ns, (180 + 100 * (uint64_t)lost) * MS);
	}
}

static bool sampled(struct process *process, uint64_t ms, bool outside)
{
	struct record rec;

	record_init(&rec);
	rec.tick = tick_at(START + ms * MS, 10);
	rec.reason[SOURCE_SAMPLER] = outside ? REASON_ABSENT : REASON_OK;
	if (!outside)
		record_set(&rec, FIELD_SELF_CPU, 7);
	return run_sample(&run, process, &rec);
}

static void settles(uint64_t ms)
{
	struct record row;

	record_init(&row);
	row.tick = tick_at(START + ms * MS, 10);
	run_tick(&run, &row, 0);
	run_settle(&run, START + ms * MS, row.tick + 1);
}

/* One life, told in full, of 60 ms; each tenth has a sampler, each hundredth is sampled outside. */
static void live(unsigned i, pid_t pid, uint64_t ms)
{
	static const struct wire_hello unnamed = {.comm = "static", .comm_len = 6};
	struct process *process;

	forks(ROOT, pid, ms);
	process = newest(pid);
	assert_int_equal(process->id, i + 2);
	if (i % 100 == 1) {
		run_outside(&run, process, &unnamed, NULL);
		assert_true(sampled(process, ms + 50, true));
		run_outside_gone(&run, process);
	} else if (i % 10 == 0) {
		assert_ptr_equal(hello(pid, ms, ms + 1), process);
		assert_true(sampled(process, ms + 50, false));
		run_gone(&run, process);
	}
	ends(pid, ms + 60, 256);
	record(pid, pid, ROOT, ms + 61, 60, AGROUP, 256);
	assert_int_equal(life(pid, FIELD_LIFE_STATUS), 256);
	assert_int_equal(life(pid, FIELD_X_CPU), 1000);
}

#define LIVES	 100000
#define EVERY_MS 100

/* However many have been, only those of the last seconds are kept; and all are counted. */
static void week(void **state)
{
	const struct oom_victim *victim;
	struct process *asleep;
	size_t most = 0;

	(void)state;
	run.hears_last = true;
	forks(ROOT, 5, 10);
	asleep = newest(5);
	ends(5, 20, SIGKILL);
	record(5, 5, ROOT, 20, 10, AGROUP, SIGKILL);
	run_oom(&run, 1);
	for (unsigned i = 1; i <= LIVES; i++) {
		uint64_t ms = (uint64_t)i * EVERY_MS;

		/* A pid comes back when its last life is kept still, or when it is dropped. */
		live(i, (pid_t)(100 + i % (i % 2 ? 50 : 5000)), ms);
		settles(ms + 99);
		most = run.processes.count > most ? run.processes.count : most;
	}
	assert_in_range(most, 100, 200);
	/* Late words of one that is dropped are nobody's. */
	ends(100 + 4000, LIVES * EVERY_MS + 100, 0);
	record(100 + 4000, 100 + 4000, ROOT, LIVES * EVERY_MS + 100, 60, AGROUP, 0);
	assert_null(processes_find(&run.processes, 100 + 4000));
	assert_false(run_knows(&run, 100 + 4000));
	/* Whom others name is kept. */
	assert_int_equal(oom_victims(&run.oom, &victim), 1);
	assert_ptr_equal(victim->process, asleep);
	assert_ptr_equal(newest(ROOT), run.root);
	run_root_ended(&run, START + LIVES * EVERY_MS * MS, 0);
	run_finish(&run, START + LIVES * EVERY_MS * MS, 0);
	assert_int_equal(run.summary.value[FIELD_RUN_PROCESSES], LIVES + 2);
	assert_int_equal(run.summary.value[FIELD_RUN_INSIDE], LIVES / 10);
	assert_int_equal(run.summary.value[FIELD_RUN_OUTSIDE], LIVES / 100);
	assert_int_equal(run.summary.value[FIELD_RUN_BY_RECORD],
			 LIVES + 2 - LIVES / 10 - LIVES / 100);
	assert_int_equal(run.summary.value[FIELD_SAMPLER_CPU], 7 * LIVES / 10);
	assert_int_equal(run.summary.value[FIELD_RUN_SAMPLES], LIVES / 10 + LIVES / 100);
}

static pid_t there;

static bool is_there(pid_t pid)
{
	return pid == there;
}

/* Some seconds, block by block, and rows with them. */
static void pass(uint64_t from_ms, uint64_t until_ms)
{
	for (uint64_t ms = from_ms; ms < until_ms; ms += 900)
		settles(ms);
}

/* One whose end is not told for sure may live, without its main thread or its sampler. */
static void untold(void **state)
{
	(void)state;
	run.is_there = is_there;
	run.hears_last = true;
	there = 11;
	forks(ROOT, 11, 10);
	forks(ROOT, 12, 10);
	forks(ROOT, 13, 10);
	ends(11, 20, 0);
	ends(12, 20, 0);
	record(13, 13, ROOT, 20, 10, AGROUP, 0);
	for (int i = 0; i < 20; i++) {
		run_missing(&run, newest(11));
		run_missing(&run, newest(12));
	}
	pass(100, 50000);
	assert_int_equal(run.processes.count, 4);
	pass(50000, 80000);
	assert_int_equal(run.processes.count, 2);
	/* Another thread of it forks, and then it is over. */
	forks(11, 14, 80000);
	assert_int_equal(newest(14)->info.ppid, 11);
	record(21, 11, ROOT, 81000, 80900, AGROUP, 256);
	assert_int_equal(life(11, FIELD_LIFE_STATUS), 256);
	there = 0;
	/* Whose connection is open is not dropped, however dead. */
	hello(14, 80000, 81000);
	ends(14, 81000, 0);
	record(14, 14, 11, 81000, 1000, AGROUP, 0);
	pass(81000, 200000);
	assert_null(processes_find(&run.processes, 11));
	run_gone(&run, newest(14));
	pass(200000, 220000);
	assert_int_equal(run.processes.count, 1);
	run_finish(&run, START + 220000 * MS, 0);
	assert_int_equal(run.summary.value[FIELD_RUN_PROCESSES], 5);
	assert_int_equal(run.summary.value[FIELD_RUN_INSIDE], 1);
	assert_int_equal(run.summary.value[FIELD_RUN_BY_RECORD], 4);
}

/* Processes alone, without those that they fork. */
static void closed(void **state)
{
	(void)state;
	run.is_closed = true;
	run_seen(&run, 10);
	forks(10, 11, 5);
	assert_false(run_knows(&run, 11));
	ends(11, 6, 0);
	ends(10, 7, 256);
	assert_int_equal(newest(10)->exit_status, 256);
	/* Nor where only exit records are told. */
	run.hears_ends = false;
	run_seen(&run, 20);
	record(21, 21, 20, 50, 10, AGROUP, 0);
	assert_false(run_knows(&run, 21));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_tree, setup, teardown),
		cmocka_unit_test_setup_teardown(names, setup, teardown),
		cmocka_unit_test_setup_teardown(names_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(names_said, setup, teardown),
		cmocka_unit_test_setup_teardown(late_words, setup, teardown),
		cmocka_unit_test_setup_teardown(pid_again, setup, teardown),
		cmocka_unit_test_setup_teardown(pid_of_others, setup, teardown),
		cmocka_unit_test_setup_teardown(hello_of_the_dead, setup, teardown),
		cmocka_unit_test_setup_teardown(sampler_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(leader_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(other_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(record_first, setup, teardown),
		cmocka_unit_test_setup_teardown(records, setup, teardown),
		cmocka_unit_test_setup_teardown(records_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(seen, setup, teardown),
		cmocka_unit_test_setup_teardown(victims, setup, teardown),
		cmocka_unit_test_setup_teardown(pid_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(pid_at_once_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(pid_at_once_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(pid_before_end, setup, teardown),
		cmocka_unit_test_setup_teardown(week, setup, teardown),
		cmocka_unit_test_setup_teardown(untold, setup, teardown),
		cmocka_unit_test_setup_teardown(closed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
