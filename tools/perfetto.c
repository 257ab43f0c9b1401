/* SPDX-License-Identifier: ISC */
/* Written by hand, as pprof.c is and why: what is needed of the format are the few fields below. */
#include <errno.h>
#include <poll.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/bytes.h"
#include "core/rows.h"
#include "tools/perfetto.h"
#include "tools/plain.h"

#define BUFFER	   65536
#define PACKET_MAX 2048
/* Bytes of a text that are shown. */
#define TEXT_MAX     256
#define NAME_MAX_LEN 64

/* perfetto_trace.proto: message Trace, and what is in it. */
enum {
	TRACE_PACKET = 1,

	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE = 10,
	PACKET_EVENT = 11,
	PACKET_TRACK = 60,

	TRACK_UUID = 1,
	TRACK_NAME = 2,
	TRACK_PROCESS = 3,
	TRACK_PARENT = 5,
	TRACK_COUNTER = 8,

	PROCESS_PID = 1,
	PROCESS_NAME = 6,

	COUNTER_UNIT = 3,
	UNIT_BYTES = 3,

	EVENT_TYPE = 9,
	EVENT_TRACK = 11,
	EVENT_NAME = 23,
	EVENT_VALUE = 30,
	TYPE_INSTANT = 3,
	TYPE_COUNTER = 4,
};

enum { WIRE_NUMBER = 0, WIRE_BYTES = 2 };

/* All packets are of one writer. */
#define SEQUENCE 1

/* The counters of a process, or of the tree, which is number 0. */
#define COUNTERS 3

/* A process that has a track. */
struct process {
	uint64_t id, pid;
	bool is_told, has_start, has_end;
	size_t name_len;
	char name[NAME_MAX_LEN]; /* of its track */
};

/* Which of a table's columns are read. */
struct columns {
	unsigned time, process, pid, comm; /* of ticks the time alone */
	unsigned counter[COUNTERS];
};

struct perfetto {
	int fd;				/* borrowed */
	const struct rowfilter *filter; /* borrowed */
	int err;			/* the first */
	void *processes;		/* tsearch(3) tree of struct process by id, owned */
	bool has_tree;			/* its tracks were told */
	struct columns ticks, samples;
	unsigned id, pid, start, end, ended, comm; /* columns of processes */
	size_t len;
	uint8_t buf[BUFFER];
};

/* ---- bytes ------------------------------------------------------------------------------------- */

static void flush(struct perfetto *perfetto)
{
	size_t done = 0;

	while (done < perfetto->len && !perfetto->err) {
		ssize_t n = write(perfetto->fd, perfetto->buf + done, perfetto->len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			perfetto->err = n ? -errno : -EIO;
		else if (errno == EAGAIN) /* whoever shares our output made it non-blocking */
			poll(&(struct pollfd){.fd = perfetto->fd, .events = POLLOUT}, 1, -1);
	}
	perfetto->len = 0;
}

static void put_number(struct bytes_out *out, unsigned field, uint64_t v)
{
	bytes_put_varint(out, field << 3 | WIRE_NUMBER);
	bytes_put_varint(out, v);
}

static void put_blob(struct bytes_out *out, unsigned field, const void *src, size_t len)
{
	bytes_put_varint(out, field << 3 | WIRE_BYTES);
	bytes_put_blob(out, src, len);
}

/* A string has to be UTF-8. */
static void put_text(struct bytes_out *out, unsigned field, const char *text, size_t len)
{
	char plain[3 * TEXT_MAX];
	char *at = plain;

	if (len > TEXT_MAX)
		len = TEXT_MAX;
	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		n = plain_utf8_len((const unsigned char *)text + i, len - i);
		at = n ? mempcpy(at, text + i, n) : mempcpy(at, "\xef\xbf\xbd", 3);
	}
	put_blob(out, field, plain, (size_t)(at - plain));
}

/* A message being made, to be put into another. */
struct message {
	struct bytes_out out;
	uint8_t bytes[PACKET_MAX];
};

static void begin(struct message *message)
{
	message->out = (struct bytes_out){.p = message->bytes,
					  .end = message->bytes + sizeof(message->bytes)};
}

static size_t message_len(const struct message *message)
{
	return (size_t)(message->out.p - message->bytes);
}

/* A packet with that message in it. time_ns -1: it has none. */
static void emit(struct perfetto *perfetto, int64_t time_ns, unsigned field,
		 const struct message *message)
{
	struct message packet;
	struct bytes_out out;

	begin(&packet);
	if (time_ns >= 0)
		put_number(&packet.out, PACKET_TIMESTAMP, (uint64_t)time_ns);
	put_number(&packet.out, PACKET_SEQUENCE, SEQUENCE);
	put_blob(&packet.out, field, message->bytes, message_len(message));
	if (BUFFER - perfetto->len < PACKET_MAX + 2 * BYTES_VARINT_MAX)
		flush(perfetto);
	out = (struct bytes_out){.p = perfetto->buf + perfetto->len, .end = perfetto->buf + BUFFER};
	put_blob(&out, TRACE_PACKET, packet.bytes, message_len(&packet));
	if (message->out.full || packet.out.full || out.full)
		perfetto->err = perfetto->err ? perfetto->err : -ENOBUFS;
	else
		perfetto->len = (size_t)(out.p - perfetto->buf);
}

/* ---- tracks ------------------------------------------------------------------------------------ */

/* A number for each track: of process id (0: the tree) the first, and its counters' behind it. */
static uint64_t track_of(uint64_t id, unsigned counter)
{
	return (id << 3) + 1 + counter;
}

static void emit_counter_tracks(struct perfetto *perfetto, uint64_t id, const char *const *names)
{
	for (unsigned i = 0; i < COUNTERS; i++) {
		struct message counter;
		struct message track;

		begin(&counter);
		put_number(&counter.out, COUNTER_UNIT, UNIT_BYTES);
		begin(&track);
		put_number(&track.out, TRACK_UUID, track_of(id, i + 1));
		put_number(&track.out, TRACK_PARENT, track_of(id, 0));
		put_text(&track.out, TRACK_NAME, names[i], strlen(names[i]));
		put_blob(&track.out, TRACK_COUNTER, counter.bytes, message_len(&counter));
		emit(perfetto, -1, PACKET_TRACK, &track);
	}
}

static const char *const tree_counters[COUNTERS] = {"rss", "sum of pss", "anon"};
static const char *const process_counters[COUNTERS] = {"rss", "pss", "anon"};

static void need_tree(struct perfetto *perfetto)
{
	struct message track;

	if (perfetto->has_tree)
		return;
	perfetto->has_tree = true;
	begin(&track);
	put_number(&track.out, TRACK_UUID, track_of(0, 0));
	put_text(&track.out, TRACK_NAME, "tree", 4);
	emit(perfetto, -1, PACKET_TRACK, &track);
	emit_counter_tracks(perfetto, 0, tree_counters);
}

static void emit_process(struct perfetto *perfetto, const struct process *process)
{
	struct message message;
	struct message track;

	begin(&message);
	put_number(&message.out, PROCESS_PID, process->pid);
	put_text(&message.out, PROCESS_NAME, process->name, process->name_len);
	begin(&track);
	put_number(&track.out, TRACK_UUID, track_of(process->id, 0));
	put_blob(&track.out, TRACK_PROCESS, message.bytes, message_len(&message));
	emit(perfetto, -1, PACKET_TRACK, &track);
}

static int compare_ids(const void *left, const void *right)
{
	const struct process *a = left;
	const struct process *b = right;

	return a->id < b->id ? -1 : a->id > b->id;
}

/* The process of that id, new and without a pid where it is not there; NULL: no memory. */
static struct process *process_get(struct perfetto *perfetto, uint64_t id)
{
	struct process key = {.id = id};
	void *node = tfind(&key, &perfetto->processes, compare_ids);
	struct process *process;

	if (node)
		return *(struct process **)node;
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->id = id;
	if (!tsearch(process, &perfetto->processes, compare_ids)) {
		free(process);
		return NULL;
	}
	return process;
}

/*
 * Its tracks, and its name again where that is another: what was told last counts. pid 0, len 0: not
 * known.
 */
static int need_process(struct perfetto *perfetto, uint64_t id, uint64_t pid, const char *name,
			size_t len)
{
	struct process *process = process_get(perfetto, id);
	bool was_told;

	if (!process)
		return -ENOMEM;
	if (len > NAME_MAX_LEN)
		len = NAME_MAX_LEN;
	was_told = process->is_told;
	if (was_told && (!pid || process->pid == pid) &&
	    (!len || (process->name_len == len && !memcmp(process->name, name, len))))
		return 0;
	process->is_told = true;
	if (pid)
		process->pid = pid;
	if (len)
		memcpy(process->name, name, len);
	process->name_len = len ? len : process->name_len;
	emit_process(perfetto, process);
	if (!was_told)
		emit_counter_tracks(perfetto, id, process_counters);
	return 0;
}

/* ---- rows -------------------------------------------------------------------------------------- */

static void put_counter(struct perfetto *perfetto, int64_t time_ns, uint64_t track, int64_t value)
{
	struct message event;

	begin(&event);
	put_number(&event.out, EVENT_TYPE, TYPE_COUNTER);
	put_number(&event.out, EVENT_TRACK, track);
	put_number(&event.out, EVENT_VALUE, (uint64_t)value);
	emit(perfetto, time_ns, PACKET_EVENT, &event);
}

static void put_instant(struct perfetto *perfetto, int64_t time_ns, uint64_t track,
			const char *name, size_t len)
{
	struct message event;

	/* The summary and the processes tell of all times. */
	if (!rowfilter_takes_time(perfetto->filter, time_ns))
		return;
	begin(&event);
	put_number(&event.out, EVENT_TYPE, TYPE_INSTANT);
	put_number(&event.out, EVENT_TRACK, track);
	put_text(&event.out, EVENT_NAME, name, len);
	emit(perfetto, time_ns, PACKET_EVENT, &event);
}

static const struct table_cell *cell_at(const struct table_cell *cells, unsigned n, unsigned i)
{
	static const struct table_cell unknown = {.kind = TABLE_UNKNOWN};

	return i < n ? &cells[i] : &unknown;
}

static void put_counters(struct perfetto *perfetto, const struct columns *columns, uint64_t id,
			 const struct table_cell *cells, unsigned n)
{
	int64_t time_ns = cell_at(cells, n, columns->time)->number;

	for (unsigned i = 0; i < COUNTERS; i++) {
		const struct table_cell *cell = cell_at(cells, n, columns->counter[i]);

		if (cell->kind == TABLE_INT)
			put_counter(perfetto, time_ns, track_of(id, i + 1), cell->number);
	}
}

static int take_tick(void *arg, const struct table_cell *cells, unsigned n)
{
	struct perfetto *perfetto = arg;

	need_tree(perfetto);
	put_counters(perfetto, &perfetto->ticks, 0, cells, n);
	return perfetto->err;
}

static int take_sample(void *arg, const struct table_cell *cells, unsigned n)
{
	struct perfetto *perfetto = arg;
	const struct columns *columns = &perfetto->samples;
	uint64_t id = (uint64_t)cell_at(cells, n, columns->process)->number;
	const struct table_cell *comm = cell_at(cells, n, columns->comm);
	int err = need_process(perfetto, id, (uint64_t)cell_at(cells, n, columns->pid)->number,
			       comm->text, comm->len);

	if (err == 0)
		put_counters(perfetto, columns, id, cells, n);
	return err < 0 ? err : perfetto->err;
}

static bool is_text(const struct table_cell *cell, const char *text)
{
	return cell->len == strlen(text) && !memcmp(cell->text, text, cell->len);
}

static bool is_kind(const struct table_cell *cell, enum event kind)
{
	return is_text(cell, event_table[kind]);
}

/* Of a start and an exec the text is the name, and how the process is measured. */
static size_t name_len(const struct table_cell *text)
{
	const char *end = memmem(text->text, text->len, ", ", 2);

	return end ? (size_t)(end - text->text) : text->len;
}

static int take_process_event(struct perfetto *perfetto, const struct table_cell *cells)
{
	const struct table_cell *kind = &cells[1];
	const struct table_cell *text = &cells[5];
	uint64_t id = (uint64_t)cells[2].number;
	bool has_name = is_kind(kind, EVENT_START) || is_kind(kind, EVENT_EXEC);
	bool has_pid = has_name || is_kind(kind, EVENT_END);
	uint64_t pid = (uint64_t)(has_pid ? cells[4].number : cells[3].number);
	int err = need_process(perfetto, id, pid, text->text, has_name ? name_len(text) : 0);
	struct process *process;

	if (err < 0)
		return err;
	put_instant(perfetto, cells[0].number, track_of(id, 0), kind->text, kind->len);
	process = process_get(perfetto, id);
	process->has_start = process->has_start || is_kind(kind, EVENT_START);
	process->has_end = process->has_end || is_kind(kind, EVENT_END);
	return 0;
}

/* time_ns, kind, process, pid, number, text */
static int take_event(void *arg, const struct table_cell *cells, unsigned n)
{
	struct perfetto *perfetto = arg;
	const struct table_cell *kind = &cells[1];
	const struct table_cell *text = &cells[5];
	int err = 0;

	(void)n;
	if (cells[2].number != 0) {
		err = take_process_event(perfetto, cells);
	} else {
		/* A mark is what it says. */
		const struct table_cell *name = is_kind(kind, EVENT_MARK) ? text : kind;

		need_tree(perfetto);
		put_instant(perfetto, cells[0].number, track_of(0, 0), name->text, name->len);
	}
	return err < 0 ? err : perfetto->err;
}

static void put_end_of(struct perfetto *perfetto, const struct table_cell *time, uint64_t id,
		       enum event kind)
{
	put_instant(perfetto, time->number, track_of(id, 0), event_table[kind],
		    strlen(event_table[kind]));
}

/* At the end: its last name, and of what no event has told when it began and ended. */
static int take_process(void *arg, const struct table_cell *cells, unsigned n)
{
	struct perfetto *perfetto = arg;
	uint64_t id = (uint64_t)cell_at(cells, n, perfetto->id)->number;
	const struct table_cell *comm = cell_at(cells, n, perfetto->comm);
	int err = need_process(perfetto, id, (uint64_t)cell_at(cells, n, perfetto->pid)->number,
			       comm->text, comm->len);
	const struct process *process;

	if (err < 0)
		return err;
	process = process_get(perfetto, id);
	if (!process->has_start)
		put_end_of(perfetto, cell_at(cells, n, perfetto->start), id, EVENT_START);
	if (!process->has_end && cell_at(cells, n, perfetto->ended)->number)
		put_end_of(perfetto, cell_at(cells, n, perfetto->end), id, EVENT_END);
	return perfetto->err;
}

/* Of all names and values of the summary the peak's. */
static int take_pair(void *arg, const struct table_cell *cells, unsigned n)
{
	struct perfetto *perfetto = arg;

	(void)n;
	if (cells[1].kind != TABLE_INT)
		return 0;
	if (is_text(&cells[0], "peak_time_ns")) {
		need_tree(perfetto);
		put_instant(perfetto, cells[1].number, track_of(0, 0), "peak", 4);
	}
	return perfetto->err;
}

/* ---- the whole --------------------------------------------------------------------------------- */

int perfetto_open(int fd, const struct rowfilter *filter, struct perfetto **ret)
{
	struct perfetto *perfetto = calloc(1, sizeof(*perfetto));

	if (!perfetto)
		return -ENOMEM;
	perfetto->fd = fd;
	perfetto->filter = filter;
	*ret = perfetto;
	return 0;
}

void perfetto_close(struct perfetto *perfetto)
{
	if (!perfetto)
		return;
	tdestroy(perfetto->processes, free);
	free(perfetto);
}

static unsigned find_column(const struct table *table, const char *name)
{
	unsigned n;
	const char *const *names = table_names(table, &n);
	unsigned i = 0;

	while (i < n && strcmp(names[i], name))
		i++;
	return i;
}

void perfetto_feed(struct perfetto *perfetto, struct table *ticks, struct table *samples,
		   struct table *events, struct table *processes, struct table *summary)
{
	perfetto->id = find_column(processes, "id");
	perfetto->pid = find_column(processes, "pid");
	perfetto->start = find_column(processes, "start_ns");
	perfetto->end = find_column(processes, "end_ns");
	perfetto->ended = find_column(processes, "ended");
	perfetto->comm = find_column(processes, "comm");
	perfetto->ticks = (struct columns){
		.time = find_column(ticks, "time"),
		.counter = {find_column(ticks, "rss"), find_column(ticks, "sum_pss_bytes"),
			    find_column(ticks, "anon_bytes")},
	};
	perfetto->samples = (struct columns){
		.time = find_column(samples, "time_ns"),
		.process = find_column(samples, "process"),
		.pid = find_column(samples, "pid"),
		.comm = find_column(samples, "comm"),
		.counter = {find_column(samples, "rss_bytes"), find_column(samples, "pss_bytes"),
			    find_column(samples, "rss_anon_bytes")},
	};
	table_feed(ticks, take_tick, perfetto);
	table_feed(samples, take_sample, perfetto);
	table_feed(events, take_event, perfetto);
	table_feed(processes, take_process, perfetto);
	table_feed(summary, take_pair, perfetto);
}

int perfetto_finish(struct perfetto *perfetto)
{
	flush(perfetto);
	return perfetto->err;
}
