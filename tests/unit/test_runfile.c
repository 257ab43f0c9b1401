/* SPDX-License-Identifier: ISC */
/* Run files as the collector writes them, read back by the tools' reader. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/runfile.h"
#include "tools/reader.h"

/* What is found in a file. */
static struct {
	size_t blocks, sections[16], rows;
	size_t most; /* bytes of the largest block */
	uint64_t last_tick, ticks;
	struct rows_process process;
	struct rows_event event;
	int err;
	uint64_t offset;
} found;

static void read_section(uint64_t kind, struct bytes_in *section)
{
	static uint64_t tick[ROWS_MAX], late[ROWS_MAX], dropped[ROWS_MAX];
	uint64_t subject;
	size_t n;

	assert_true(kind < 16);
	found.sections[kind]++;
	if (kind == SECTION_PROCESS)
		assert_int_equal(rows_unpack_process(section, &found.process), 0);
	if (kind == SECTION_EVENT)
		assert_int_equal(rows_unpack_event(section, &found.event), 0);
	if (kind != SECTION_ROWS)
		return;
	assert_int_equal(rows_open(section, &subject, &n), 0);
	assert_int_equal(rows_get_heads(section, n, tick, late, dropped), 0);
	found.rows += n;
	for (size_t i = 0; i < n; i++)
		found.ticks += tick[i];
	found.last_tick = tick[n - 1];
}

static void read_back(int fd)
{
	struct reader *reader;
	struct bytes_in block;

	memset(&found, 0, sizeof(found));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	found.err = reader_open(fd, &reader);
	while (found.err == 0 && (found.err = reader_next(reader, &block)) > 0) {
		struct bytes_in section;
		uint64_t kind;

		found.blocks++;
		if (bytes_left(&block) > found.most)
			found.most = bytes_left(&block);
		while (rows_next_section(&block, &kind, &section))
			read_section(kind, &section);
		assert_false(block.bad);
		found.err = 0;
	}
	found.offset = reader_offset(reader);
	reader_close(reader);
}

static int open_file(struct runfile **ret)
{
	int fd = memfd_create("run", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(runfile_new(fd, ret), 0);
	return fd;
}

static void begin(struct runfile *file)
{
	runfile_info(file, "freq", "10", 2);
	runfile_info(file, "start_monotonic_ns", "0", 1);
	runfile_begin(file);
}

/* A record with every field of a process, of numbers that do not compress. */
static void wild_record(struct record *rec, uint64_t tick)
{
	record_init(rec);
	rec->tick = tick;
	rec->late_us = unit_random();
	rec->dropped = unit_random();
	for (unsigned i = 0; i < SOURCE_MAX; i++)
		if (source_table[i].known && source_table[i].scope == SCOPE_PROCESS)
			rec->reason[i] = REASON_OK;
	for (unsigned i = 0; i < FIELD_MAX; i++)
		if (field_table[i].known && rec->reason[field_table[i].source] == REASON_OK)
			record_set(rec, i, (int64_t)unit_random());
}

static void whole(void **state)
{
	struct rows_process process = {
		.id = 1, .pid = 42, .comm = "sh", .comm_len = 2, .how = "inside", .how_len = 6};
	struct rows_event event = {
		.time_ns = 5, .kind = EVENT_NOTE, .text = "hello", .text_len = 5};
	struct record rows[3], summary;
	struct runfile *file;
	int fd = open_file(&file);

	(void)state;
	begin(file);
	for (uint64_t i = 0; i < 3; i++)
		wild_record(&rows[i], 100 + i);
	runfile_process(file, &process);
	runfile_rows(file, 1, rows, 3);
	runfile_flush(file);
	runfile_flush(file);
	runfile_event(file, &event);
	record_init(&summary);
	runfile_summary(file, &summary);
	runfile_finish(file);
	assert_int_equal(runfile_error(file), 0);
	runfile_free(file);
	read_back(fd);
	assert_int_equal(found.err, 0);
	/* An empty block is not written. */
	assert_int_equal(found.blocks, 2);
	assert_int_equal(found.rows, 3);
	assert_int_equal(found.ticks, 303);
	assert_int_equal(found.process.pid, 42);
	assert_int_equal(found.event.kind, EVENT_NOTE);
	assert_int_equal(found.sections[SECTION_SUMMARY], 1);
	close(fd);
}

static void nothing_recorded(void **state)
{
	struct runfile *file;
	int fd = open_file(&file);

	(void)state;
	begin(file);
	runfile_finish(file);
	runfile_free(file);
	read_back(fd);
	assert_int_equal(found.err, 0);
	assert_int_equal(found.blocks, 0);
	close(fd);
	runfile_free(NULL);
}

/* A whole tree at once: what is put in between two flushes has no bound, a block has. */
static void huge(void **state)
{
	enum { SUBJECTS = 300, ROWS = 100 };
	static struct record rows[ROWS];
	static char argv[4096];
	struct runfile *file;
	int fd = open_file(&file);

	(void)state;
	begin(file);
	for (size_t i = 0; i < sizeof(argv); i++)
		argv[i] = (char)unit_random();
	for (uint64_t i = 0; i < ROWS; i++)
		wild_record(&rows[i], 1000 + i);
	for (uint64_t id = 1; id <= SUBJECTS; id++) {
		struct rows_process process = {.id = id, .argv = argv, .argv_len = sizeof(argv)};

		runfile_process(file, &process);
		runfile_rows(file, id, rows, ROWS);
	}
	runfile_rows(file, 0, rows, ROWS);
	runfile_finish(file);
	assert_int_equal(runfile_error(file), 0);
	runfile_free(file);
	read_back(fd);
	assert_int_equal(found.err, 0);
	assert_int_equal(found.rows, (SUBJECTS + 1) * ROWS);
	assert_int_equal(found.sections[SECTION_PROCESS], SUBJECTS);
	assert_true(found.blocks > 1);
	assert_true(found.most <= ROWS_BLOCK_MAX / 2);
	close(fd);
}

/* More rows of one subject than a section may hold. */
static void long_subject(void **state)
{
	enum { ROWS = 3 * ROWS_MAX + 7 };
	struct record *rows = calloc(ROWS, sizeof(*rows));
	struct runfile *file;
	int fd = open_file(&file);

	(void)state;
	assert_non_null(rows);
	begin(file);
	for (uint64_t i = 0; i < ROWS; i++) {
		record_init(&rows[i]);
		rows[i].tick = 7 + i;
	}
	runfile_rows(file, 1, rows, ROWS);
	runfile_finish(file);
	runfile_free(file);
	read_back(fd);
	assert_int_equal(found.err, 0);
	assert_int_equal(found.rows, ROWS);
	assert_int_equal(found.last_tick, 7 + ROWS - 1);
	free(rows);
	close(fd);
}

/* Cut at any byte: all blocks before are whole, and that it is cut is said. */
static void cut(void **state)
{
	struct record rows[20];
	struct runfile *file;
	off_t end[3], size;
	int fd = open_file(&file);

	(void)state;
	begin(file);
	for (uint64_t i = 0; i < 20; i++)
		wild_record(&rows[i], 100 + i);
	for (int i = 0; i < 3; i++) {
		runfile_rows(file, 1, rows, 20);
		runfile_flush(file);
		end[i] = lseek(fd, 0, SEEK_CUR);
	}
	runfile_finish(file);
	runfile_free(file);
	size = lseek(fd, 0, SEEK_END);
	while (size-- > 0) {
		size_t blocks = (size_t)((size >= end[0]) + (size >= end[1]) + (size >= end[2]));

		/* Near the ends of blocks every byte, else some. */
		if (size % 61 && size != end[0] && size != end[1] && size != end[2])
			continue;
		assert_int_equal(ftruncate(fd, size), 0);
		read_back(fd);
		if (size == 0)
			assert_int_not_equal(found.err, 0);
		else
			assert_int_equal(found.err, -ENODATA);
		assert_int_equal(found.blocks, blocks);
	}
	close(fd);
}

/* A full disk: what was written before it stays, nothing is written after it, nobody dies. */
static void no_space(void **state)
{
	struct rlimit before, limit;
	struct record rows[50];
	struct runfile *file;
	char path[] = "/tmp/mstat-unit-runfile.XXXXXX";
	int fd = mkstemp(path);
	off_t first;

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(runfile_new(fd, &file), 0);
	begin(file);
	for (uint64_t i = 0; i < 50; i++)
		wild_record(&rows[i], 100 + i);
	runfile_rows(file, 1, rows, 50);
	runfile_flush(file);
	first = lseek(fd, 0, SEEK_CUR);
	/* EFBIG, and half a block, as ENOSPC has it. */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = (rlim_t)first + 1000;
	setrlimit(RLIMIT_FSIZE, &limit);
	runfile_rows(file, 1, rows, 50);
	runfile_flush(file);
	assert_int_equal(runfile_error(file), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &before);
	for (int i = 0; i < 100; i++)
		runfile_rows(file, 1, rows, 50);
	runfile_finish(file);
	assert_int_equal(runfile_error(file), -EFBIG);
	runfile_free(file);
	assert_int_equal(lseek(fd, 0, SEEK_END), first + 1000);
	read_back(fd);
	assert_int_equal(found.err, -ENODATA);
	assert_int_equal(found.offset, first);
	assert_int_equal(found.rows, 50);
	close(fd);
}

/* Names of any length are refused as a whole: a header is never written by halves. */
static void long_header(void **state)
{
	char *text = calloc(1, ROWS_BLOCK_MAX);
	struct runfile *file;
	int fd = open_file(&file);

	(void)state;
	assert_non_null(text);
	runfile_info(file, "command", text, ROWS_BLOCK_MAX);
	runfile_begin(file);
	assert_int_equal(runfile_error(file), -EFBIG);
	runfile_finish(file);
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	runfile_free(file);
	free(text);
	close(fd);
}

/* A reader that went away. */
static void broken_pipe(void **state)
{
	struct runfile *file;
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(runfile_new(ends[1], &file), 0);
	begin(file);
	runfile_finish(file);
	assert_int_equal(runfile_error(file), -EPIPE);
	runfile_free(file);
	close(ends[1]);
}

/* Messages of any size go where there is room: a block is written before it has grown too large. */
static void much_heap(void **state)
{
	static uint8_t body[WIRE_MESSAGE_MAX - 1];
	struct runfile *file;
	int fd = open_file(&file);

	(void)state;
	begin(file);
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)unit_random();
	for (int i = 0; i < 1000; i++)
		runfile_heap(file, 1, WIRE_HEAP, body, sizeof(body));
	runfile_finish(file);
	assert_int_equal(runfile_error(file), 0);
	runfile_free(file);
	read_back(fd);
	assert_int_equal(found.err, 0);
	assert_int_equal(found.sections[SECTION_HEAP], 1000);
	assert_true(found.blocks >= 7 && found.most < (1 << 20) + 10000);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),       cmocka_unit_test(nothing_recorded),
		cmocka_unit_test(huge),	       cmocka_unit_test(long_subject),
		cmocka_unit_test(cut),	       cmocka_unit_test(no_space),
		cmocka_unit_test(long_header), cmocka_unit_test(broken_pipe),
		cmocka_unit_test(much_heap),
	};

	unit_random_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
