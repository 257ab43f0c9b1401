/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/rows.h"
#include "tools/columns.h"
#include "tools/diffrun.h"
#include "tools/plain.h"
#include "tools/reader.h"

_Static_assert(COLUMNS_UNKNOWN == DIFFRUN_UNKNOWN, "columns are taken as they are");

/* One process, until all is read. */
struct process {
	uint64_t id;
	uint32_t comm, argv;
	int64_t told; /* the highest RSS that its samples know of */
	int64_t hwm;  /* the kernel's last word on it */
	int64_t cpu;  /* ns */
};

enum {
	WHOLE_EXACT,
	WHOLE_DURATION,
	WHOLE_STATUS,
	WHOLE_HEAP,
	WHOLE_HEAP_ERROR,
	WHOLE_SLACK,
	WHOLE_SAMPLED,
	WHOLE_WITHOUT_CACHE,
	WHOLE_PROCESSES,
	WHOLE_COLUMNS
};

static const char *const whole_columns[WHOLE_COLUMNS] = {"peak_exact_bytes",
							 "duration_ns",
							 "exit_status",
							 "peak_heap_live_bytes",
							 "peak_heap_live_se_bytes",
							 "peak_heap_slack_bytes",
							 "peak_sampled_bytes",
							 "peak_without_cache_bytes",
							 "processes"};

struct reading {
	struct diffrun *run;
	struct reader *reader;			       /* owned */
	struct columns *tree, *process, *life, *whole; /* owned */
	struct intern processes;		       /* of struct process */
	int64_t exact;				       /* by the tree's rows: so far */
	bool has_summary;
	int64_t told[WHOLE_COLUMNS]; /* by the summary */
};

/* ---- processes ------------------------------------------------------------------------------------- */

static struct process *find_process(const struct reading *reading, uint64_t id)
{
	int64_t number = intern_find(&reading->processes, &id);

	return number < 0 ? NULL : intern_at(&reading->processes, (uint32_t)number);
}

/* What it held before it ran another program is not that one's. */
static int rename_process(struct reading *reading, struct process *process,
			  const struct rows_process *is)
{
	uint32_t comm, argv;

	if (texts_keep(reading->run->texts, is->comm, is->comm_len, &comm) < 0 ||
	    texts_keep(reading->run->texts, is->argv, is->argv_len, &argv) < 0)
		return -ENOMEM;
	if (process->comm != comm || process->argv != argv)
		process->told = DIFFRUN_UNKNOWN;
	process->comm = comm;
	process->argv = argv;
	return 0;
}

static int take_process(struct reading *reading, struct bytes_in *in)
{
	struct process fresh = {
		.told = DIFFRUN_UNKNOWN, .hwm = DIFFRUN_UNKNOWN, .cpu = DIFFRUN_UNKNOWN};
	struct rows_process is;
	int64_t number;

	if (rows_unpack_process(in, &is) < 0)
		return -EBADMSG;
	fresh.id = is.id;
	number = intern_put(&reading->processes, &fresh);
	if (number < 0)
		return -ENOMEM;
	/* Without texts: they are as they were. */
	if (!is.comm_len && !is.exe_len && !is.argv_len)
		return 0;
	return rename_process(reading, intern_at(&reading->processes, (uint32_t)number), &is);
}

enum { LIFE_HWM, LIFE_CPU, LIFE_COLUMNS };
static const char *const life_columns[LIFE_COLUMNS] = {"hwm_bytes", "cpu_ns"};

/* Of a life told twice the second says what is new. */
static int take_life(struct reading *reading, struct bytes_in *in)
{
	struct process *process;
	struct columns_rows rows;

	if (columns_take(reading->life, in, &rows) < 0)
		return -EBADMSG;
	process = find_process(reading, rows.subject);
	if (!process)
		return 0;
	if (columns_last(&rows, LIFE_HWM) != DIFFRUN_UNKNOWN)
		process->hwm = columns_last(&rows, LIFE_HWM);
	if (columns_last(&rows, LIFE_CPU) != DIFFRUN_UNKNOWN)
		process->cpu = columns_last(&rows, LIFE_CPU);
	return 0;
}

enum { ROW_RSS, ROW_HWM, ROW_COLUMNS };
static const char *const row_columns[ROW_COLUMNS] = {"rss_bytes", "hwm_bytes"};

static int take_samples(struct reading *reading, struct bytes_in *in)
{
	struct process *process;
	struct columns_rows rows;

	if (columns_take(reading->process, in, &rows) < 0)
		return -EBADMSG;
	process = find_process(reading, rows.subject);
	for (unsigned column = 0; process && column < ROW_COLUMNS; column++)
		for (size_t i = 0; rows.value[column] && i < rows.n; i++)
			if (rows.value[column][i] > process->told)
				process->told = rows.value[column][i];
	return 0;
}

/* ---- the tree -------------------------------------------------------------------------------------- */

enum {
	TREE_RSS,
	TREE_PEAK,
	TREE_ANON,
	TREE_FILE,
	TREE_SHMEM,
	TREE_KERNEL,
	TREE_SWAP,
	TREE_HEAP,
	TREE_HEAP_ERROR,
	TREE_SLACK,
	TREE_WITHOUT_CACHE,
	TREE_COLUMNS
};

static const char *const tree_columns[TREE_COLUMNS] = {"rss",
						       "peak_bytes",
						       "anon_bytes",
						       "file_bytes",
						       "shmem_bytes",
						       "kernel",
						       "swap_bytes",
						       "heap_live_bytes",
						       "heap_live_se_bytes",
						       "heap_slack_bytes",
						       "without_cache_bytes"};

/* Which of them are told of the row of the peak, and as what. */
static const struct {
	unsigned column;
	enum diffrun_value value;
} parts[] = {{TREE_ANON, DIFFRUN_ANON},	  {TREE_FILE, DIFFRUN_FILE},
	     {TREE_SHMEM, DIFFRUN_SHMEM}, {TREE_KERNEL, DIFFRUN_KERNEL},
	     {TREE_SWAP, DIFFRUN_SWAP},	  {TREE_HEAP, DIFFRUN_HEAP},
	     {TREE_SLACK, DIFFRUN_SLACK}, {TREE_HEAP_ERROR, DIFFRUN_HEAP_ERROR}};

static int64_t at(const struct columns_rows *rows, unsigned column, size_t i)
{
	return rows->value[column] ? rows->value[column][i] : DIFFRUN_UNKNOWN;
}

static void lift(int64_t *peak, int64_t value)
{
	if (value > *peak)
		*peak = value;
}

static int take_tree(struct reading *reading, struct bytes_in *in)
{
	int64_t *value = reading->run->value;
	struct columns_rows rows;

	if (columns_take(reading->tree, in, &rows) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < rows.n; i++) {
		lift(&reading->exact, at(&rows, TREE_PEAK, i));
		lift(&value[DIFFRUN_WITHOUT_CACHE], at(&rows, TREE_WITHOUT_CACHE, i));
		if (at(&rows, TREE_RSS, i) <= value[DIFFRUN_SAMPLED])
			continue;
		value[DIFFRUN_SAMPLED] = at(&rows, TREE_RSS, i);
		for (size_t k = 0; k < sizeof(parts) / sizeof(*parts); k++)
			value[parts[k].value] = at(&rows, parts[k].column, i);
	}
	return 0;
}

/* The last one in the file counts. */
static int take_summary(struct reading *reading, struct bytes_in *in)
{
	struct columns_rows rows;

	if (columns_take(reading->whole, in, &rows) < 0)
		return -EBADMSG;
	for (unsigned column = 0; column < WHOLE_COLUMNS; column++)
		reading->told[column] = columns_last(&rows, column);
	reading->has_summary = true;
	return 0;
}

/* ---- the file -------------------------------------------------------------------------------------- */

static int take_rows(struct reading *reading, struct bytes_in *in)
{
	struct bytes_in ahead = *in;

	return bytes_get_varint(&ahead) == 0 ? take_tree(reading, in) : take_samples(reading, in);
}

static int take_section(void *arg, uint64_t kind, struct bytes_in *in)
{
	struct reading *reading = arg;

	switch (kind) {
	case SECTION_ROWS:
		return take_rows(reading, in);
	case SECTION_PROCESS:
		return take_process(reading, in);
	case SECTION_LIFE:
		return take_life(reading, in);
	case SECTION_SUMMARY:
		return take_summary(reading, in);
	case SECTION_HEAP:
		reading->run->has_heap = true;
		return 0;
	default:
		return 0;
	}
}

static int fail(struct diffrun *run, int err, const char *why)
{
	snprintf(run->why, sizeof(run->why), "%s", why);
	return err;
}

static int put_machine(struct diffrun *run, const char *host, size_t host_len, const char *kernel,
		       size_t kernel_len)
{
	char of_host[PLAIN_ROOM], of_kernel[PLAIN_ROOM];
	char text[2 * PLAIN_ROOM + 16];
	int len;

	plain_text(of_host, host, host_len);
	plain_text(of_kernel, kernel, kernel_len);
	len = snprintf(text, sizeof(text), "%s (Linux %s)", of_host, of_kernel);
	return texts_keep(run->texts, text, (size_t)len, &run->machine);
}

static int take_header(struct reading *reading)
{
	struct diffrun *run = reading->run;
	const char *name, *text;
	const char *host = "", *kernel = "";
	size_t host_len = 0, kernel_len = 0, len;

	for (unsigned i = 0; reader_info(reading->reader, i, &name, &text, &len); i++) {
		if (!strcmp(name, "cgroup"))
			run->has_cgroup = len > 0;
		if (!strcmp(name, "host")) {
			host = text;
			host_len = len;
		}
		if (!strcmp(name, "kernel")) {
			kernel = text;
			kernel_len = len;
		}
	}
	run->freq = reader_clock(reading->reader)->freq;
	return put_machine(run, host, host_len, kernel, kernel_len);
}

static int open_columns(struct reading *reading)
{
	const struct table_schema *schema = reader_schema(reading->reader);

	if (columns_open(schema, SCOPE_TREE, tree_columns, TREE_COLUMNS, &reading->tree) < 0 ||
	    columns_open(schema, SCOPE_PROCESS, row_columns, ROW_COLUMNS, &reading->process) < 0 ||
	    columns_open(schema, SCOPE_LIFE, life_columns, LIFE_COLUMNS, &reading->life) < 0 ||
	    columns_open(schema, SCOPE_RUN, whole_columns, WHOLE_COLUMNS, &reading->whole) < 0)
		return -ENOMEM;
	return 0;
}

/* ---- what it comes to ------------------------------------------------------------------------------ */

static int group_processes(struct reading *reading)
{
	struct diffrun *run = reading->run;
	uint32_t n = reading->processes.count;
	int64_t cpu = n && !run->is_part ? 0 : DIFFRUN_UNKNOWN;

	for (uint32_t i = 0; i < n; i++) {
		const struct process *process = intern_at(&reading->processes, i);
		struct diffrun_group fresh = {
			.comm = process->comm, .argv = process->argv, .peak = DIFFRUN_UNKNOWN};
		int64_t number = intern_put(&run->groups, &fresh);
		struct diffrun_group *group;

		if (number < 0)
			return fail(run, -ENOMEM, "no memory");
		group = intern_at(&run->groups, (uint32_t)number);
		group->count++;
		lift(&group->peak, process->hwm != DIFFRUN_UNKNOWN ? process->hwm : process->told);
		if (cpu == DIFFRUN_UNKNOWN || process->cpu == DIFFRUN_UNKNOWN ||
		    __builtin_add_overflow(cpu, process->cpu, &cpu))
			cpu = DIFFRUN_UNKNOWN;
	}
	run->value[DIFFRUN_CPU] = cpu;
	lift(&run->value[DIFFRUN_PROCESSES], n);
	return 0;
}

/* What was in the peak, where that row is not in this file. */
static void forget_parts(int64_t *value)
{
	for (size_t k = 0; k < sizeof(parts) / sizeof(*parts); k++)
		value[parts[k].value] = DIFFRUN_UNKNOWN;
}

/*
 * It is the whole run's. Of a long one (mstat -max-size) the file may have but the end: its rows and processes
 * are not all there were.
 */
static void settle_summary(struct reading *reading)
{
	const int64_t *told = reading->told;
	struct diffrun *run = reading->run;
	int64_t *value = run->value;

	run->is_part = told[WHOLE_SAMPLED] > value[DIFFRUN_SAMPLED] ||
		       told[WHOLE_PROCESSES] > (int64_t)reading->processes.count;
	if (told[WHOLE_SAMPLED] > value[DIFFRUN_SAMPLED])
		forget_parts(value);
	lift(&value[DIFFRUN_SAMPLED], told[WHOLE_SAMPLED]);
	lift(&value[DIFFRUN_WITHOUT_CACHE], told[WHOLE_WITHOUT_CACHE]);
	value[DIFFRUN_PROCESSES] = told[WHOLE_PROCESSES];
	value[DIFFRUN_EXACT] = told[WHOLE_EXACT];
	value[DIFFRUN_DURATION] = told[WHOLE_DURATION];
	value[DIFFRUN_STATUS] = told[WHOLE_STATUS];
	/* The row of the peak may lack what was told shortly before it; the summary has that. */
	value[DIFFRUN_HEAP] = told[WHOLE_HEAP];
	value[DIFFRUN_HEAP_ERROR] = told[WHOLE_HEAP_ERROR];
	value[DIFFRUN_SLACK] = told[WHOLE_SLACK];
}

/* Without a summary the kernel's peak is that of the rows, and the run's length nobody's to tell. */
static int settle(struct reading *reading, int err)
{
	struct diffrun *run = reading->run;

	run->offset = reader_offset(reading->reader);
	run->is_cut = err == -ENODATA;
	if (reading->has_summary)
		settle_summary(reading);
	if (run->is_cut)
		lift(&run->value[DIFFRUN_EXACT], reading->exact);
	if (err < 0 && !run->is_cut)
		return err;
	if (run->is_cut && !reading->processes.count &&
	    run->value[DIFFRUN_SAMPLED] == DIFFRUN_UNKNOWN)
		return err;
	return group_processes(reading);
}

static int read_file(struct reading *reading, int fd)
{
	int err = reader_open(fd, &reading->reader);

	if (err < 0) {
		if (reading->reader)
			reading->run->offset = reader_offset(reading->reader);
		return fail(reading->run, err,
			    reading->reader ? reader_why(reading->reader) : "no memory");
	}
	if (take_header(reading) < 0 || open_columns(reading) < 0)
		return fail(reading->run, -ENOMEM, "no memory");
	err = reader_each(reading->reader, take_section, reading);
	fail(reading->run, err, reader_why(reading->reader));
	return settle(reading, err);
}

static void reading_done(struct reading *reading)
{
	reader_close(reading->reader);
	columns_close(reading->tree);
	columns_close(reading->process);
	columns_close(reading->life);
	columns_close(reading->whole);
	intern_done(&reading->processes);
}

/* ---- the heap -------------------------------------------------------------------------------------- */

static int take_stack(void *arg, const struct heapview_stack *is)
{
	struct diffrun *run = arg;
	struct diffrun_stack stack = {.bytes = is->bytes, .square = is->square};

	if (texts_keep(run->texts, is->text, is->len, &stack.names) < 0)
		return -ENOMEM;
	return intern_put(&run->stacks, &stack) < 0 ? -ENOMEM : 0;
}

static int take_nameless(void *arg, const char *path, size_t len, const char *why)
{
	struct diffrun *run = arg;
	struct diffrun_nameless nameless;

	if (texts_keep(run->texts, path, len, &nameless.path) < 0 ||
	    texts_keep(run->texts, why, strlen(why), &nameless.why) < 0)
		return -ENOMEM;
	return intern_put(&run->unnamed, &nameless) < 0 ? -ENOMEM : 0;
}

/* A heap that cannot be told does not keep the rest from being compared. */
static int read_heap(int fd, struct diffrun *run)
{
	struct heapdecode *heap = NULL;
	const char *nothing;
	int err = heapdecode_open(fd, "peak", &heap);

	nothing = heap ? heapdecode_nothing(heap) : "no memory";
	if (err < 0 && err != -ENODATA)
		nothing = heap ? heapdecode_why(heap) : "no memory";
	else if (nothing && !*nothing)
		nothing = "the file is cut";
	err = 0;
	if (nothing)
		snprintf(run->no_heap, sizeof(run->no_heap), "%s", nothing);
	else
		err = heapdecode_fold(heap, take_stack, take_nameless, run);
	heapdecode_close(heap);
	return err < 0 ? fail(run, err, "no memory") : 0;
}

int diffrun_read(int fd, struct texts *texts, struct diffrun *ret)
{
	struct reading reading = {.run = ret,
				  .processes = INTERN_INIT(struct process, sizeof(uint64_t)),
				  .exact = DIFFRUN_UNKNOWN};
	off_t start = lseek(fd, 0, SEEK_CUR);
	int err;

	*ret = (struct diffrun){
		.texts = texts,
		.groups = INTERN_INIT(struct diffrun_group, 2 * sizeof(uint32_t)),
		.stacks = INTERN_INIT(struct diffrun_stack, sizeof(uint32_t)),
		.unnamed = INTERN_INIT(struct diffrun_nameless, sizeof(struct diffrun_nameless))};
	for (unsigned i = 0; i < DIFFRUN_VALUES; i++)
		ret->value[i] = DIFFRUN_UNKNOWN;
	err = read_file(&reading, fd);
	reading_done(&reading);
	if (err < 0 || !ret->has_heap)
		return err;
	if (lseek(fd, start, SEEK_SET) < 0)
		return fail(ret, -errno, strerror(errno));
	return read_heap(fd, ret);
}

void diffrun_done(struct diffrun *run)
{
	intern_done(&run->groups);
	intern_done(&run->stacks);
	intern_done(&run->unnamed);
}
