/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/parse.h"
#include "core/tick.h"
#include "tools/blockrows.h"
#include "tools/heapdecode.h"
#include "tools/heaprun.h"
#include "tools/heapview.h"
#include "tools/plain.h"
#include "tools/pprof.h"
#include "tools/quantity.h"
#include "tools/reader.h"
#include "tools/spool.h"
#include "tools/stream.h"

/* Marks that are named where the wanted one is not there; bytes of a text that are shown. */
#define MARKS_NAMED 5
/* Remarks on single processes. */
#define REMARKS_MAX 10

enum kind { PEAK, END, TIME, MARK, MARK_NUMBER };

struct wanted {
	enum kind kind;
	uint64_t ns;	  /* TIME */
	const char *text; /* MARK; borrowed */
	uint64_t number;  /* MARK_NUMBER */
};

/* What is to be said of a process. */
struct remark {
	uint32_t process;
	bool is_lost; /* else its allocator is not seen */
};

struct heapdecode {
	struct wanted wanted;
	struct heaprun run;
	struct reader *reader; /* owned */
	struct heaprun_instant instant;
	bool is_found; /* the instant is known */
	uint64_t marks;
	char named[MARKS_NAMED][PLAIN_ROOM]; /* the first marks */
	struct remark *remark;		     /* owned */
	uint32_t remarks;
	char mark[PLAIN_ROOM]; /* what was found */
	char nothing[MARKS_NAMED * sizeof("\"\", ") + MARKS_NAMED * (PLAIN_ROOM) + 200];
	const char *why; /* of an error that the reader does not know of; NULL: none */
};

static struct wanted parse_at(const char *at)
{
	struct wanted wanted = {.kind = MARK, .text = at};
	char *end;

	if (!strcmp(at, "peak"))
		wanted.kind = PEAK;
	else if (!strcmp(at, "end"))
		wanted.kind = END;
	else if ((quantity_instant(at, &wanted.ns) || quantity_duration(at, &wanted.ns)))
		wanted.kind = TIME;
	if (*at == '#' && at[1] >= '0' && at[1] <= '9') {
		wanted.number = strtoull(at + 1, &end, 10);
		wanted.kind = *end ? MARK : MARK_NUMBER;
	}
	return wanted;
}

/* ---- the instant ------------------------------------------------------------------------------- */

static void take_mark(struct heapdecode *heap, struct bytes_in *in)
{
	const struct wanted *wanted = &heap->wanted;
	struct rows_event event;
	bool is_it;

	if (rows_unpack_event(in, &event) < 0 || event.kind != EVENT_MARK)
		return;
	if (heap->marks++ < MARKS_NAMED)
		plain_text(heap->named[heap->marks - 1], event.text, event.text_len);
	if (heap->is_found)
		return;
	if (wanted->kind == MARK)
		is_it = event.text_len == strlen(wanted->text) &&
			!memcmp(event.text, wanted->text, event.text_len);
	else
		is_it = wanted->kind == MARK_NUMBER && event.number == (int64_t)wanted->number;
	if (!is_it)
		return;
	heap->is_found = true;
	heap->instant.ns = event.time_ns;
	plain_text(heap->mark, event.text, event.text_len);
}

/* The last summary in the file counts. */
static int take_peak(struct heapdecode *heap, struct blockrows *rows, struct bytes_in *in)
{
	struct table_row row;
	int err = blockrows_only(rows, in, &row);

	if (err < 0)
		return err;
	heap->is_found = row.present[FIELD_PEAK_TIME / 64] >> (FIELD_PEAK_TIME % 64) & 1 &&
			 row.value[FIELD_PEAK_TIME] >= 0;
	heap->instant.ns = heap->is_found ? (uint64_t)row.value[FIELD_PEAK_TIME] : 0;
	return 0;
}

/* Looks through the whole file. What is wrong with it is found again when it is read. */
static int find_instant(struct heapdecode *heap, int fd)
{
	struct blockrows *rows = NULL;
	struct bytes_in block, section;
	uint64_t kind;
	int err = reader_open(fd, &heap->reader);

	if (err < 0)
		return err;
	err = blockrows_open(reader_schema(heap->reader), SCOPE_RUN, &rows);
	while (err == 0 && reader_next(heap->reader, &block) > 0)
		while (err == 0 && rows_next_section(&block, &kind, &section)) {
			if (kind == SECTION_EVENT)
				take_mark(heap, &section);
			else if (kind == SECTION_SUMMARY && heap->wanted.kind == PEAK &&
				 take_peak(heap, rows, &section) == -ENOMEM)
				err = -ENOMEM;
		}
	blockrows_close(rows);
	if (err == 0) {
		reader_close(heap->reader);
		heap->reader = NULL;
	}
	return err;
}

static void say_no_instant(struct heapdecode *heap)
{
	char *to = heap->nothing;
	char *end = to + sizeof(heap->nothing);
	char text[PLAIN_ROOM];

	if (heap->wanted.kind == PEAK) {
		snprintf(to, (size_t)(end - to), "when the tree was largest is not known");
		return;
	}
	if (heap->wanted.kind == MARK) {
		plain_text(text, heap->wanted.text, strlen(heap->wanted.text));
		to += snprintf(to, (size_t)(end - to), "it has no mark \"%s\"", text);
	} else {
		to += snprintf(to, (size_t)(end - to), "it has no mark #%" PRIu64,
			       heap->wanted.number);
	}
	if (!heap->marks)
		snprintf(to, (size_t)(end - to), ", and no other");
	for (uint64_t i = 0; i < heap->marks && i < MARKS_NAMED; i++)
		to += snprintf(to, (size_t)(end - to), "%s\"%s\"", i ? ", " : "; there are ",
			       heap->named[i]);
	if (heap->marks > MARKS_NAMED)
		snprintf(to, (size_t)(end - to), ", and %" PRIu64 " more",
			 heap->marks - MARKS_NAMED);
}

/* ---- reading ----------------------------------------------------------------------------------- */

static int fail(struct heapdecode *heap, int err)
{
	if (err == -ENOMEM)
		heap->why = "no memory";
	return err;
}

static int take_section(void *arg, uint64_t kind, struct bytes_in *section)
{
	struct heapdecode *heap = arg;

	return heaprun_take(&heap->run, kind, *section);
}

static void set_tick(struct heapdecode *heap)
{
	const struct table_clock *clock = reader_clock(heap->reader);
	struct heaprun_instant *instant = &heap->instant;

	if (heap->wanted.kind == END)
		*instant = (struct heaprun_instant){true, UINT64_MAX, UINT64_MAX};
	else if (instant->ns > UINT64_MAX - clock->start_ns)
		instant->tick = UINT64_MAX;
	else
		instant->tick = tick_at(clock->start_ns + instant->ns, clock->freq);
}

/* Seconds since the run's start; 0: before it. */
static double tick_seconds(const struct heapdecode *heap, uint64_t tick)
{
	const struct table_clock *clock = reader_clock(heap->reader);
	uint64_t ns = tick_ns(tick, clock->freq);

	return ns > clock->start_ns ? (double)(ns - clock->start_ns) / 1e9 : 0;
}

static void say_nothing(struct heapdecode *heap)
{
	const struct heaprun *run = &heap->run;
	double at = (double)heap->instant.ns / 1e9;
	size_t size = sizeof(heap->nothing);

	if (!run->is_told)
		snprintf(heap->nothing, size,
			 "it does not tell of the heap: run the program with mstat -heap");
	else if (run->first_tick == UINT64_MAX || heap->instant.is_end)
		snprintf(heap->nothing, size,
			 "nothing was sampled: the program allocated less than "
			 "-heap-interval, or where no hook sees it");
	else if (heap->instant.tick < run->first_tick)
		snprintf(heap->nothing, size,
			 "at %.3f s nothing had been told of the heap: that began at %.3f s", at,
			 tick_seconds(heap, run->first_tick));
	else
		snprintf(heap->nothing, size,
			 "at %.3f s no process lived that has told of its heap; the last was told "
			 "of at %.3f s",
			 at, tick_seconds(heap, run->last_tick));
}

static int settle(struct heapdecode *heap)
{
	const struct heaprun *run = &heap->run;
	bool is_any = false;

	if (heaprun_settle(&heap->run) < 0)
		return -ENOMEM;
	heap->remark = calloc(2 * (size_t)run->processes.count + 1, sizeof(*heap->remark));
	if (!heap->remark)
		return -ENOMEM;
	for (uint32_t i = 0; i < run->processes.count; i++) {
		const struct heaprun_process *process = heaprun_process_at(run, i);

		is_any |= process->is_counted;
		if (process->is_bypassed)
			heap->remark[heap->remarks++] = (struct remark){i, false};
		if (process->lost)
			heap->remark[heap->remarks++] = (struct remark){i, true};
	}
	if (!is_any)
		say_nothing(heap);
	return 0;
}

static int read_file(struct heapdecode *heap, int fd)
{
	off_t start = 0;
	int err, late;

	if (heap->wanted.kind == END || heap->wanted.kind == TIME) {
		heap->is_found = true;
		heap->instant.ns = heap->wanted.ns;
	} else {
		start = lseek(fd, 0, SEEK_CUR);
		err = find_instant(heap, fd);
		if (err < 0)
			return err;
		if (lseek(fd, start, SEEK_SET) < 0)
			return -errno;
	}
	err = reader_open(fd, &heap->reader);
	if (err < 0)
		return err;
	set_tick(heap);
	if (heaprun_init(&heap->run, &heap->instant) < 0)
		return fail(heap, -ENOMEM);
	err = reader_each(heap->reader, take_section, heap);
	if (err == -ENOMEM)
		return err;
	late = settle(heap);
	/* What was never recorded is not there at any instant. */
	if (late == 0 && !heap->is_found && heap->run.is_told)
		say_no_instant(heap);
	return late < 0 ? fail(heap, late) : err;
}

int heapdecode_open(int fd, const char *at, struct heapdecode **ret)
{
	struct heapdecode *heap = *ret = calloc(1, sizeof(*heap));
	bool is_twice;
	int copy = -1;
	int err;

	if (!heap)
		return -ENOMEM;
	heap->wanted = parse_at(at);
	is_twice = heap->wanted.kind != END && heap->wanted.kind != TIME;
	if (is_twice && lseek(fd, 0, SEEK_CUR) < 0) {
		copy = spool_copy(fd);
		if (copy < 0)
			return fail(heap, copy);
	}
	err = read_file(heap, copy < 0 ? fd : copy);
	if (copy >= 0)
		close(copy);
	return err;
}

void heapdecode_close(struct heapdecode *heap)
{
	if (!heap)
		return;
	heaprun_done(&heap->run);
	reader_close(heap->reader);
	free(heap->remark);
	free(heap);
}

const char *heapdecode_nothing(const struct heapdecode *heap)
{
	/* Where nothing was read there is no more to be said than why not. */
	return heap->nothing[0] || !heap->remark ? heap->nothing : NULL;
}

uint64_t heapdecode_offset(const struct heapdecode *heap)
{
	return heap->reader ? reader_offset(heap->reader) : 0;
}

const char *heapdecode_why(const struct heapdecode *heap)
{
	if (heap->why)
		return heap->why;
	return heap->reader ? reader_why(heap->reader) : "no memory";
}

bool heapdecode_remark(const struct heapdecode *heap, unsigned i, char *line, size_t size)
{
	const struct heaprun_process *process;
	char comm[PLAIN_ROOM];
	const char *text;
	size_t len;

	if (i >= heap->remarks || i > REMARKS_MAX)
		return false;
	if (i == REMARKS_MAX) {
		snprintf(line, size, "%" PRIu32 " more remarks of this kind",
			 heap->remarks - REMARKS_MAX);
		return true;
	}
	process = heaprun_process_at(&heap->run, heap->remark[i].process);
	text = texts_at(&heap->run.texts, process->comm, &len);
	plain_text(comm, text, len);
	if (heap->remark[i].is_lost)
		snprintf(line, size,
			 "%" PRIu64 " allocations or frees of %s[%" PRIu64
			 "] could not be kept: its numbers are wrong by those",
			 process->lost, comm, process->pid);
	else
		snprintf(line, size,
			 "the heap of %s[%" PRIu64
			 "] was not seen: its own allocator, linked statically or "
			 "preloaded before, cannot be hooked",
			 comm, process->pid);
	return true;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static void name_instant(const struct heapdecode *heap, char *text, size_t size)
{
	double at = (double)heap->instant.ns / 1e9;

	switch (heap->wanted.kind) {
	case PEAK:
		snprintf(text, size, "at the tree's peak, %.3f s", at);
		break;
	case END:
		snprintf(text, size, "at the end of each process");
		break;
	case TIME:
		snprintf(text, size, "at %.3f s", at);
		break;
	default:
		snprintf(text, size, "at mark \"%s\", %.3f s", heap->mark, at);
	}
}

static const char *find_info(const struct heapdecode *heap, const char *wanted, size_t *ret_len)
{
	const char *name;
	const char *text;

	for (unsigned i = 0; reader_info(heap->reader, i, &name, &text, ret_len); i++)
		if (!strcmp(name, wanted))
			return text;
	return NULL;
}

/* When the run began, of CLOCK_REALTIME, where that was on this host; else 0. */
static int64_t started_here(const struct heapdecode *heap)
{
	struct utsname own;
	size_t len = 0;
	const char *host = find_info(heap, "host", &len);
	const char *start;

	if (!host || uname(&own) < 0 || strlen(own.nodename) != len ||
	    memcmp(own.nodename, host, len) != 0)
		return 0;
	start = find_info(heap, "start_realtime_ns", &len);
	return start ? parse_number(start, len, NULL) : 0;
}

static int write_pprof(const struct heapdecode *heap, const struct heapview *view,
		       const char *instant, int fd)
{
	struct pprof_about about = {.comment = {NULL, instant},
				    .comment_len = {0, strlen(instant)}};
	char *command = NULL;
	size_t len;
	const char *text = find_info(heap, "start_realtime_ns", &len);
	double end = tick_seconds(heap, heap->run.last_tick);
	int err;

	if (text)
		about.time_ns = strtoull(text, NULL, 10);
	about.duration_ns = heap->instant.is_end ? (uint64_t)(end * 1e9) : heap->instant.ns;
	text = find_info(heap, "command", &len);
	if (text) {
		command = malloc(len + 1);
		if (!command)
			return -ENOMEM;
		/* Each argument ends with a zero byte. */
		len -= len && !text[len - 1];
		for (size_t i = 0; i < len; i++)
			command[i] = text[i] ? text[i] : ' ';
		about.comment[0] = command;
		about.comment_len[0] = len;
	}
	err = pprof_write(view, &about, fd);
	free(command);
	return err;
}

static int write_stream(const struct heapview *view, enum heapdecode_format format,
			const char *instant, int fd)
{
	FILE *to;
	int err = stream_open(fd, &to);

	if (err < 0)
		return err;
	if (format == HEAPDECODE_FOLDED)
		err = heapview_put_folded(view, to);
	else
		err = heapview_put_text(view, instant, to);
	return stream_close(to, err);
}

int heapdecode_write(const struct heapdecode *heap, enum heapdecode_format format, int fd)
{
	char instant[sizeof(heap->mark) + 64];
	struct heapview view;
	int err = heapview_init(&view, &heap->run, started_here(heap));

	name_instant(heap, instant, sizeof(instant));
	if (err == 0)
		err = format == HEAPDECODE_PPROF ? write_pprof(heap, &view, instant, fd)
						 : write_stream(&view, format, instant, fd);
	heapview_done(&view);
	return err;
}

int heapdecode_fold(const struct heapdecode *heap, heapview_each *each,
		    heapdecode_nameless *nameless, void *arg)
{
	struct heapview view;
	int err = heapview_init(&view, &heap->run, started_here(heap));
	uint32_t at = 0;
	const char *path;
	const char *why;
	size_t len;

	if (err == 0)
		err = heapview_fold(&view, each, arg);
	while (err == 0 && (path = heapview_nameless(&view, &at, &len, &why)))
		err = nameless(arg, path, len, why);
	heapview_done(&view);
	return err;
}
