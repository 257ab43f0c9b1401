/* SPDX-License-Identifier: ISC */
/*
 * report_file OUT TICKS COLUMNS PROCESSES [RUNTIMES]: writes a run file as a long run leaves it: so many ticks of the
 * tree with so many columns (5: usage, anon, file, shmem, kernel; more: what else it has), and processes that
 * are sampled at each. Of so many of them, the last ones, a runtime tells at every other tick, Go's and a JVM by turns.
 * For measuring what it takes to make a page of it.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/runfile.h"
#include "core/tick.h"

#define FREQ	59
#define SECOND	FREQ
#define COLUMNS 11
#define PAGE	4096

static const unsigned fields[COLUMNS] = {FIELD_V2_USAGE, FIELD_V2_ANON,	  FIELD_V2_FILE,
					 FIELD_V2_SHMEM, FIELD_V2_KERNEL, FIELD_RESIDUAL,
					 FIELD_SUM_RSS,	 FIELD_SUM_PSS,	  FIELD_LOOSE_ANON,
					 FIELD_V2_SWAP,	 FIELD_PROCESSES};

static uint64_t seed = 1;

static uint64_t below(uint64_t n)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (seed >> 33) % n;
}

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Memory goes up and down by some pages, and now and then by many. */
static int64_t wander(int64_t *value)
{
	int64_t step = (int64_t)below(9) - 4;

	if (below(1000) == 0)
		step *= 10000;
	*value += step;
	if (*value < 0)
		*value = -*value;
	return *value;
}

static void set(struct record *row, unsigned field, int64_t value)
{
	row->reason[field_table[field].source] = REASON_OK;
	record_set(row, field, value);
}

/* Of a heap of that size: what holds between the numbers of a runtime holds here. */
static void set_runtime(struct record *row, bool is_go, int64_t heap, unsigned tick)
{
	int64_t free = (int64_t)below(64) * PAGE;

	if (is_go) {
		set(row, FIELD_GO_HEAP_ALLOC, heap);
		set(row, FIELD_GO_HEAP_INUSE, heap + free);
		set(row, FIELD_GO_HEAP_RELEASED, (int64_t)below(1000) * PAGE);
		set(row, FIELD_GO_SYS, heap + free + 1000 * PAGE);
		set(row, FIELD_GO_NEXT_GC, heap + heap / 2);
		set(row, FIELD_GO_NUM_GC, tick / 50);
		set(row, FIELD_GO_GC_CPU, (int64_t)below(1000000000));
		set(row, FIELD_GO_GOROUTINES, (int64_t)below(100));
	} else {
		set(row, FIELD_JVM_HEAP_USED, heap);
		set(row, FIELD_JVM_HEAP_COMMITTED, heap + free);
		set(row, FIELD_JVM_META_USED, 5 * PAGE + 100);
		set(row, FIELD_JVM_GCS, tick / 70);
		set(row, FIELD_JVM_THREADS, (int64_t)below(20));
		set(row, FIELD_GLIBC_ARENA_BYTES, 40 * PAGE);
	}
}

int main(int argc, char **argv)
{
	static struct record rows[SECOND];
	int64_t value[COLUMNS] = {50000, 30000, 15000, 2000, 1000};
	struct runfile *file;
	unsigned ticks, columns, processes, runtimes;
	int64_t *held;
	int fd;

	if (argc != 5 && argc != 6)
		return 2;
	ticks = (unsigned)atoi(argv[2]);
	columns = (unsigned)atoi(argv[3]);
	processes = (unsigned)atoi(argv[4]);
	runtimes = argc == 6 ? (unsigned)atoi(argv[5]) : 0;
	held = calloc(processes + 1, sizeof(*held));
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (!held || columns > COLUMNS || fd < 0 || runfile_new(fd, &file) < 0)
		die(argv[1]);
	runfile_info(file, "freq", "59", 2);
	runfile_info(file, "start_monotonic_ns", "0", 1);
	runfile_info(file, "command", "report_file", 12);
	runfile_begin(file);
	for (unsigned i = 1; i <= processes; i++)
		runfile_process(file, &(struct rows_process){.id = i,
							     .pid = 100 + i,
							     .ppid = i == 1 ? 1 : 101,
							     .last_ns = tick_ns(ticks, FREQ),
							     .samples = ticks,
							     .comm = "worker",
							     .comm_len = 6});
	for (unsigned at = 0; at < ticks; at += SECOND) {
		unsigned n = ticks - at < SECOND ? ticks - at : SECOND;

		for (unsigned i = 0; i < n; i++) {
			record_init(&rows[i]);
			rows[i].tick = at + i + 1;
			for (unsigned k = 0; k < columns; k++)
				set(&rows[i], fields[k],
				    wander(&value[k]) *
					    (field_table[fields[k]].scale == 1 ? PAGE : 4));
		}
		runfile_rows(file, 0, rows, n);
		for (unsigned p = 1; p <= processes; p++) {
			for (unsigned i = 0; i < n; i++) {
				record_init(&rows[i]);
				rows[i].tick = at + i + 1;
				set(&rows[i], FIELD_RSS, 4 * wander(&held[p]));
				if (i % 30 == 0)
					set(&rows[i], FIELD_PSS, 3 * held[p]);
				if (p + runtimes > processes && i % 2 == 0)
					set_runtime(&rows[i], p % 2 == 0, held[p] * PAGE / 2,
						    at + i);
			}
			runfile_rows(file, p, rows, n);
		}
		runfile_flush(file);
	}
	runfile_finish(file);
	if (runfile_error(file) < 0)
		die(argv[1]);
	runfile_free(file);
	free(held);
	return close(fd) < 0;
}
