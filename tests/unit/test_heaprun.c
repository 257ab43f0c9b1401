/* SPDX-License-Identifier: ISC */
/* What a run's heap was at an instant: what counts, for whom, and where it is in which file. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/tick.h"
#include "tests/unit/heap_make.h"
#include "tests/unit/runfile_make.h"
#include "tools/heapdecode.h"
#include "tools/heaprun.h"
#include "tools/quantity.h"

static uint8_t buf[1 << 20];
static struct bytes_out out;
static struct heaprun run;

/* Ticks of this test are seconds. */
static uint64_t at(uint64_t second)
{
	return second * TICK_SECOND;
}

static const uint64_t stack_a[] = {HEAP_CODE + 0x10, HEAP_CODE + 0x20, HEAP_CODE + 0x30, 0};
static const uint64_t stack_b[] = {HEAP_CODE + 0x18, HEAP_CODE + 0x20, HEAP_CODE + 0x30, 0};

static int begin(void **state)
{
	(void)state;
	out = (struct bytes_out){.p = buf, .end = buf + sizeof(buf)};
	return 0;
}

/* What was composed, up to a second; UINT64_MAX: the end. */
static void take(uint64_t second)
{
	struct bytes_in in = {.p = buf, .end = out.p};
	struct heaprun_instant until = {second == UINT64_MAX, second, at(second)};
	struct bytes_in section;
	uint64_t kind;

	assert_false(out.full);
	if (until.is_end)
		until.ns = UINT64_MAX;
	assert_int_equal(heaprun_init(&run, &until), 0);
	while (rows_next_section(&in, &kind, &section))
		assert_int_equal(heaprun_take(&run, kind, section), 0);
	assert_false(in.bad);
	assert_int_equal(heaprun_settle(&run), 0);
}

/* What of process id is live; 0: of all. */
static int64_t live_of(uint64_t id)
{
	struct heaprun_cursor cursor = {0};
	struct heaprun_sample sample;
	int64_t sum = 0;

	while (heaprun_next(&run, &cursor, &sample))
		if (!id || sample.process->id == id)
			sum += sample.sums.live_bytes;
	return sum;
}

static int64_t live_at(uint64_t second, uint64_t id)
{
	int64_t sum;

	take(second);
	sum = live_of(id);
	heaprun_done(&run);
	return sum;
}

/* A process that has one stack. */
static void put_one(uint64_t id, uint64_t ppid, uint64_t first, uint64_t end, uint64_t flags)
{
	heap_process(&out, id, ppid, at(first), at(end));
	heap_list(&out, id, HEAPWIRE_RESTART);
	heap_stack(&out, id, 0, flags, stack_a);
}

static void test_up_to_a_tick(void **state)
{
	(void)state;
	put_one(1, 0, 0, 30, 0);
	heap_change(&out, 1, 5, 0, 100);
	heap_change(&out, 1, 10, 0, 1000);
	heap_change(&out, 1, 20, 0, -600);
	assert_int_equal(live_at(4, 0), 0);
	assert_int_equal(live_at(5, 0), 100);
	assert_int_equal(live_at(9, 0), 100);
	assert_int_equal(live_at(10, 0), 1100);
	assert_int_equal(live_at(20, 0), 500);
	assert_int_equal(live_at(30, 0), 500);
	/* It has ended; what it held is what it leaked. */
	assert_int_equal(live_at(31, 0), 0);
	assert_int_equal(live_at(UINT64_MAX, 0), 500);
}

static void test_sums(void **state)
{
	struct heaprun_cursor cursor = {0};
	struct heaprun_sample sample;

	(void)state;
	put_one(1, 0, 0, 0, 0);
	heap_change(&out, 1, 1, 0, 100);
	heap_change(&out, 1, 1, 0, 50);
	heap_change(&out, 1, 1, 0, -60);
	take(1);
	assert_int_equal(heaprun_interval(&run), HEAP_INTERVAL);
	assert_true(heaprun_next(&run, &cursor, &sample));
	assert_int_equal(sample.sums.blocks, 2 * HEAPWIRE_BLOCK);
	assert_int_equal(sample.sums.bytes, 150);
	assert_int_equal(sample.sums.live_blocks, HEAPWIRE_BLOCK);
	assert_int_equal(sample.sums.live_bytes, 90);
	/* One of 256 256ths of the interval's square. */
	assert_true(sample.live_square == (double)HEAP_INTERVAL * HEAP_INTERVAL);
	assert_false(heaprun_next(&run, &cursor, &sample));
	heaprun_done(&run);
}

/* A connection anew: the same program tells all again. */
static void test_restart(void **state)
{
	(void)state;
	put_one(1, 0, 0, 0, 0);
	heap_change(&out, 1, 1, 0, 100);
	heap_list(&out, 1, HEAPWIRE_RESTART);
	heap_stack(&out, 1, 0, 0, stack_b);
	heap_change(&out, 1, 3, 0, 90);
	assert_int_equal(live_at(1, 0), 100);
	assert_int_equal(live_at(2, 0), 100);
	assert_int_equal(live_at(3, 0), 90);
	assert_int_equal(live_at(UINT64_MAX, 0), 90);
}

static void test_exec(void **state)
{
	(void)state;
	put_one(1, 0, 0, 0, 0);
	heap_change(&out, 1, 1, 0, 100);
	heap_event(&out, EVENT_EXEC, 1, at(2), 0, "");
	heap_list(&out, 1, HEAPWIRE_RESTART);
	heap_stack(&out, 1, 0, 0, stack_b);
	heap_change(&out, 1, 4, 0, 90);
	assert_int_equal(live_at(1, 0), 100);
	/* Another program, which has told nothing yet. */
	assert_int_equal(live_at(2, 0), 0);
	assert_int_equal(live_at(3, 0), 0);
	assert_int_equal(live_at(4, 0), 90);
	/* And one that never does. */
	heap_event(&out, EVENT_EXEC, 1, at(6), 0, "");
	assert_int_equal(live_at(5, 0), 90);
	assert_int_equal(live_at(6, 0), 0);
	assert_int_equal(live_at(UINT64_MAX, 0), 0);
}

/* The frame of a stack's node, i from the innermost. */
static const struct heaprun_frame *frame_of(uint32_t node, unsigned i)
{
	while (i-- > 0)
		node = heaprun_node_at(&run, node)->parent;
	return heaprun_frame_at(&run, heaprun_node_at(&run, node)->frame);
}

static void test_frames(void **state)
{
	static const uint64_t edge[] = {HEAP_CODE, HEAP_CODE + 0x10000, HEAP_CODE + 0x10001, 0};
	struct heaprun_cursor cursor = {0};
	struct heaprun_sample sample;
	const char *path;

	(void)state;
	put_one(1, 0, 0, 0, 0);
	heap_stack(&out, 1, 1, HEAPWIRE_HOMELESS, stack_a);
	heap_stack(&out, 1, 2, HEAPWIRE_MAPPING, edge);
	for (uint64_t i = 0; i < 3; i++)
		heap_change(&out, 1, 1, i, 10);
	take(1);
	assert_true(heaprun_next(&run, &cursor, &sample));
	assert_int_equal(frame_of(sample.node, 0)->offset, 0x1010);
	assert_int_equal(frame_of(sample.node, 2)->offset, 0x1030);
	path = texts_at(&run.texts, heaprun_module_at(&run, frame_of(sample.node, 0)->module)->path,
			NULL);
	assert_string_equal(path, "/bin/tree");
	assert_true(heaprun_next(&run, &cursor, &sample));
	assert_int_equal(sample.flags, HEAPWIRE_HOMELESS);
	assert_int_equal(frame_of(sample.node, 0)->offset, stack_a[0]);
	assert_int_equal(frame_of(sample.node, 0)->module, 0);
	/* A call is before where it returns to. */
	assert_true(heaprun_next(&run, &cursor, &sample));
	assert_int_equal(sample.flags, HEAPWIRE_MAPPING);
	assert_int_equal(frame_of(sample.node, 0)->module, 0);
	assert_int_equal(frame_of(sample.node, 1)->offset, 0x11000);
	assert_int_not_equal(frame_of(sample.node, 1)->module, 0);
	assert_int_equal(frame_of(sample.node, 2)->module, 0);
	heaprun_done(&run);
}

/* A stack is of the list that was told before it. */
static void test_lists(void **state)
{
	const struct heapwire_module more = {
		.start = 0x900000, .end = 0x901000, .path = "/lib/x", .path_len = 6};
	const struct heapwire_module lie = {
		.start = 0x900800, .end = 0x902000, .path = "/lib/lie", .path_len = 8};
	const struct heapwire_module other = {
		.start = HEAP_CODE, .end = HEAP_CODE + 0x1000, .path = "/lib/y", .path_len = 6};
	static const uint64_t in_more[] = {0x900010, 0};
	static const uint64_t in_lie[] = {0x901010, 0};
	struct heaprun_cursor cursor = {0};
	struct heaprun_sample sample;
	static const char *const paths[] = {"/bin/tree", "/lib/x", "", "/lib/y"};

	(void)state;
	put_one(1, 0, 0, 0, 0);
	heap_modules(&out, 1, WIRE_MODULES_MORE, 0, &more, 1);
	heap_modules(&out, 1, WIRE_MODULES_MORE, 0, &lie, 1);
	heap_stack(&out, 1, 1, 0, in_more);
	heap_stack(&out, 1, 2, 0, in_lie);
	heap_modules(&out, 1, WIRE_MODULES, 0, &other, 1);
	heap_stack(&out, 1, 3, 0, stack_a);
	for (uint64_t i = 0; i < 4; i++)
		heap_change(&out, 1, 1, i, 10);
	take(1);
	for (int i = 0; i < 4; i++) {
		uint64_t module;

		assert_true(heaprun_next(&run, &cursor, &sample));
		module = frame_of(sample.node, 0)->module;
		assert_string_equal(
			texts_at(&run.texts, heaprun_module_at(&run, module)->path, NULL),
			paths[i]);
	}
	heaprun_done(&run);
}

/* The same program at other addresses: nothing is kept twice. */
static void test_shared(void **state)
{
	uint32_t nodes, frames;

	(void)state;
	put_one(1, 0, 0, 0, 0);
	heap_stack(&out, 1, 1, 0, stack_b);
	heap_change(&out, 1, 1, 0, 10);
	take(1);
	nodes = run.nodes.count;
	frames = run.frames.count;
	assert_int_equal(nodes, 5);
	heaprun_done(&run);
	for (uint64_t id = 2; id < 9; id++) {
		const struct heapwire_module moved = {.start = HEAP_CODE + (id << 32),
						      .end = HEAP_CODE + (id << 32) + 0x10000,
						      .offset = 0x1000,
						      .path = "/bin/tree",
						      .path_len = 9,
						      .build_id =
							      (const uint8_t *)"\xde\xad\xbe\xef",
						      .build_id_len = 4};
		uint64_t frame[4] = {0};

		for (int i = 0; i < 3; i++)
			frame[i] = stack_a[i] + (id << 32);
		heap_process(&out, id, 0, 0, 0);
		heap_modules(&out, id, WIRE_MODULES, HEAPWIRE_RESTART, &moved, 1);
		heap_stack(&out, id, 0, 0, frame);
		heap_change(&out, id, 1, 0, 10);
	}
	take(1);
	assert_int_equal(run.nodes.count, nodes);
	assert_int_equal(run.frames.count, frames);
	assert_int_equal(live_of(0), 80);
	heaprun_done(&run);
}

static void test_lies(void **state)
{
	(void)state;
	heap_list(&out, 7, HEAPWIRE_RESTART); /* of nobody */
	heap_change(&out, 7, 1, 0, 10);
	heap_process(&out, 1, 0, 0, 0);
	heap_stack(&out, 1, 0, 0, stack_a); /* before any list */
	heap_change(&out, 1, 1, 0, 10);
	heap_list(&out, 1, HEAPWIRE_RESTART);
	heap_stack(&out, 1, 5, 0, stack_a); /* there are no five before it */
	heap_change(&out, 1, 1, 5, 10);
	heap_change(&out, 1, 1, 0, 10);
	assert_int_equal(live_at(1, 0), 0);
	heap_stack(&out, 1, 0, 0, stack_a);
	heap_stack(&out, 1, 0, 0, stack_b); /* told already */
	heap_change(&out, 1, 1, 0, 10);
	heap_change(&out, 1, 1, 1, 10);
	heap_change(&out, 1, 1, (1 << 24) - 1, 10);
	assert_int_equal(live_at(1, 0), 10);
}

static void test_malformed(void **state)
{
	struct heaprun_instant until = {.is_end = true, .tick = UINT64_MAX, .ns = UINT64_MAX};
	static const uint8_t bodies[][4] = {{1, WIRE_MODULES, 1, 0},
					    {1, WIRE_STACKS, 0x80, 0x80},
					    {1, WIRE_HEAP, 0, 0x80},
					    {0x80, 0x80, 0x80, 0x80}};
	struct bytes_in section;

	(void)state;
	heap_process(&out, 1, 0, 0, 0);
	take(1);
	heaprun_done(&run);
	assert_int_equal(heaprun_init(&run, &until), 0);
	section = (struct bytes_in){.p = buf + 5, .end = out.p};
	assert_int_equal(heaprun_take(&run, SECTION_PROCESS, section), 0);
	for (size_t i = 0; i < UNIT_COUNT(bodies); i++) {
		section = (struct bytes_in){.p = bodies[i], .end = bodies[i] + 4};
		assert_int_equal(heaprun_take(&run, SECTION_HEAP, section), -EBADMSG);
	}
	/* Of a newer version. */
	section = (struct bytes_in){.p = (const uint8_t *)"\x01\x09",
				    .end = (const uint8_t *)"\x01\x09" + 2};
	heaprun_done(&run);
}

/* One with what it has inherited, and with something of its own. */
static void put_child(uint64_t id, uint64_t ppid, uint64_t first, uint64_t end)
{
	put_one(id, ppid, first, end, 0);
	heap_stack(&out, id, 1, HEAPWIRE_INHERITED, stack_b);
	heap_change(&out, id, first, 0, 1);
	heap_change(&out, id, first, 1, 1000);
}

static void test_inherited(void **state)
{
	(void)state;
	put_one(1, 0, 0, 10, 0);
	heap_change(&out, 1, 1, 0, 1000);
	put_child(3, 1001, 3, 30);
	put_child(2, 1001, 4, 20);
	put_child(4, 1003, 5, 40); /* a child of 3 */
	/* Who has allocated it lives. */
	assert_int_equal(live_at(5, 0), 1003);
	assert_int_equal(live_at(5, 2), 1);
	/* Then it is the first heir's, and the next one's. */
	assert_int_equal(live_at(15, 2), 1001);
	assert_int_equal(live_at(15, 0), 1003);
	assert_int_equal(live_at(25, 3), 1001);
	assert_int_equal(live_at(25, 4), 1);
	assert_int_equal(live_at(35, 0), 1001);
	/* At the end of each it is told of who has allocated it. */
	assert_int_equal(live_at(UINT64_MAX, 0), 1003);
}

/* A fork, and another program in the parent: what was there before is the child's alone. */
static void test_inherited_exec(void **state)
{
	(void)state;
	put_one(1, 0, 0, 0, 0);
	heap_change(&out, 1, 1, 0, 1000);
	put_child(2, 1001, 3, 0);
	assert_int_equal(live_at(4, 0), 1001);
	heap_event(&out, EVENT_EXEC, 1, at(5), 0, "");
	heap_list(&out, 1, HEAPWIRE_RESTART);
	heap_stack(&out, 1, 0, 0, stack_a);
	heap_change(&out, 1, 6, 0, 7);
	assert_int_equal(live_at(4, 0), 1001);
	assert_int_equal(live_at(6, 2), 1001);
	assert_int_equal(live_at(6, 0), 1008);
}

/* Two orphans of somebody who was never heard of: whose it was is not known, so it counts once. */
static void test_inherited_unknown(void **state)
{
	(void)state;
	put_child(1, 77, 0, 0);
	put_child(2, 77, 0, 0);
	assert_int_equal(live_at(1, 0), 1002);
	assert_int_equal(live_at(1, 1), 1001);
}

/* ---- whole files ------------------------------------------------------------------------------- */

static struct make make;

static void put_summary(uint64_t peak_ns)
{
	struct record summary;
	const struct record *rows[] = {&summary};

	record_init(&summary);
	summary.reason[field_table[FIELD_PEAK_TIME].source] = REASON_OK;
	record_set(&summary, FIELD_PEAK_TIME, (int64_t)peak_ns);
	rows_pack(&make.out, SECTION_SUMMARY, 0, rows, 1);
}

/* 10 ticks a second, from 1000 s on. */
static void make_run(bool with_heap)
{
	make_init(&make);
	make_header(&make);
	heap_process(&make.out, 1, 0, 0, at(30));
	if (with_heap) {
		heap_list(&make.out, 1, HEAPWIRE_RESTART | HEAPWIRE_BYPASSED);
		heap_stack(&make.out, 1, 0, 0, stack_a);
		heap_change(&make.out, 1, 10010, 0, 100);
	}
	put_summary(at(1));
	make_block(&make);
	heap_event(&make.out, EVENT_MARK, 0, at(5), 1, "load");
	heap_event(&make.out, EVENT_MARK, 0, at(8), 2, "load");
	heap_event(&make.out, EVENT_MARK, 0, at(9), 3, "\x1b[1m");
	if (with_heap) {
		heap_change(&make.out, 1, 10040, 0, 1000);
		heap_change(&make.out, 1, 10080, 0, 10000);
		heap_change(&make.out, 1, 10200, 0, -50);
	}
	put_summary(at(20) - 1);
	make_block(&make);
	make_index(&make);
}

static struct heapdecode *heap;

static const char *open_at(const char *instant, int expected)
{
	int fd = make_fd(make.buf, make.len);

	assert_int_equal(heapdecode_open(fd, instant, &heap), expected);
	close(fd);
	return heapdecode_nothing(heap);
}

/* The number at the end of the only line. */
static int64_t folded_at(const char *instant)
{
	int to = make_fd(NULL, 0);
	char text[256] = "";

	assert_null(open_at(instant, 0));
	assert_int_equal(heapdecode_write(heap, HEAPDECODE_FOLDED, to), 0);
	heapdecode_close(heap);
	assert_true(pread(to, text, sizeof(text) - 1, 0) > 0);
	close(to);
	assert_memory_equal(text, "p1;tree+0x1030;tree+0x1020;tree+0x1010 ", 39);
	return atoll(strrchr(text, ' '));
}

static void test_instants(void **state)
{
	(void)state;
	make_run(true);
	assert_int_equal(folded_at("peak"), 11100);
	assert_int_equal(folded_at("end"), 11050);
	assert_int_equal(folded_at("1"), 100);
	assert_int_equal(folded_at("4.0s"), 1100);
	assert_int_equal(folded_at("0m20s"), 11050);
	assert_int_equal(folded_at("load"), 1100);
	assert_int_equal(folded_at("#2"), 11100);
	assert_string_equal(open_at("0.5", 0),
			    "at 0.500 s nothing had been told of the heap: that began at 1.000 s");
	heapdecode_close(heap);
	assert_non_null(strstr(open_at("1h", 0), "no process lived"));
	heapdecode_close(heap);
	assert_string_equal(open_at("save\n", 0),
			    "it has no mark \"save\\x0a\"; there are \"load\", \"load\", "
			    "\"\\x1b[1m\"");
	heapdecode_close(heap);
	assert_string_equal(open_at("#9", 0),
			    "it has no mark #9; there are \"load\", \"load\", \"\\x1b[1m\"");
	heapdecode_close(heap);
	make_done(&make);
}

static void test_remarks(void **state)
{
	char line[512];

	(void)state;
	make_run(true);
	assert_null(open_at("peak", 0));
	assert_true(heapdecode_remark(heap, 0, line, sizeof(line)));
	assert_non_null(strstr(line, "p1[1001]"));
	assert_false(heapdecode_remark(heap, 1, line, sizeof(line)));
	heapdecode_close(heap);
	make_done(&make);
}

static void test_without_heap(void **state)
{
	(void)state;
	make_run(false);
	assert_non_null(strstr(open_at("peak", 0), "mstat -heap"));
	heapdecode_close(heap);
	assert_non_null(strstr(open_at("load", 0), "mstat -heap"));
	heapdecode_close(heap);
	make_done(&make);
}

static void test_damaged(void **state)
{
	size_t whole;

	(void)state;
	make_run(true);
	whole = make.len;
	make.len -= 5;
	assert_null(open_at("peak", -ENODATA));
	heapdecode_close(heap);
	make.len = 20;
	assert_string_equal(open_at("peak", -ENODATA), "");
	heapdecode_close(heap);
	make.len = whole;
	make.buf[9] ^= 1;
	assert_string_equal(open_at("end", -EBADMSG), "");
	heapdecode_close(heap);
	make_done(&make);
}

static void test_pipe(void **state)
{
	static const char *const instants[] = {"peak", "end", "1"};
	int fd[2];
	pid_t child;

	(void)state;
	make_run(true);
	for (size_t i = 0; i < UNIT_COUNT(instants); i++) {
		assert_int_equal(pipe(fd), 0);
		child = fork();
		if (child == 0) {
			_exit(write(fd[1], make.buf, make.len) != (ssize_t)make.len);
		}
		close(fd[1]);
		assert_int_equal(heapdecode_open(fd[0], instants[i], &heap), 0);
		assert_null(heapdecode_nothing(heap));
		heapdecode_close(heap);
		close(fd[0]);
		assert_int_equal(waitpid(child, NULL, 0), child);
	}
	make_done(&make);
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {{"0", 0},
		    {"12.5", 12500000000},
		    {"12.5s", 12500000000},
		    {"1m30s", 90 * TICK_SECOND},
		    {"1h", 3600 * TICK_SECOND},
		    {"1h2m3.5s", 3723500000000},
		    {"1h1s", 3601 * TICK_SECOND}};
	static const char *const bad[] = {"",	  "s",	  "1x", "1s1m", "1m1m", "-1", "1m30",
					  "load", "1e99", "#1", "1 s",	"1ms",	"nan"};
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(good); i++) {
		assert_true(quantity_instant(good[i].text, &ns));
		assert_int_equal(ns, good[i].ns);
	}
	for (size_t i = 0; i < UNIT_COUNT(bad); i++)
		if (quantity_instant(bad[i], &ns))
			fail_msg("%s is taken for a time", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_up_to_a_tick, begin),
		cmocka_unit_test_setup(test_sums, begin),
		cmocka_unit_test_setup(test_restart, begin),
		cmocka_unit_test_setup(test_exec, begin),
		cmocka_unit_test_setup(test_frames, begin),
		cmocka_unit_test_setup(test_lists, begin),
		cmocka_unit_test_setup(test_shared, begin),
		cmocka_unit_test_setup(test_lies, begin),
		cmocka_unit_test_setup(test_malformed, begin),
		cmocka_unit_test_setup(test_inherited, begin),
		cmocka_unit_test_setup(test_inherited_exec, begin),
		cmocka_unit_test_setup(test_inherited_unknown, begin),
		cmocka_unit_test(test_instants),
		cmocka_unit_test(test_remarks),
		cmocka_unit_test(test_without_heap),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
