/* SPDX-License-Identifier: ISC */
/* mstat-get: who descends from whom, what is read of a process, and how it is shown. */
#include "tests/unit/folder.h"

#include <errno.h>
#include <fcntl.h>

#include "core/taskstats.h"
#include "tools/getlive.h"
#include "tools/getoptions.h"
#include "tools/getproc.h"
#include "tools/getread.h"
#include "tools/getstats.h"
#include "tools/gettree.h"
#include "tools/getview.h"

#define BEGAN 1000

/* ---- the tree ---- */

/* The tree of what is given, as "pid:depth ". */
static const char *tree(struct gettree_node *nodes, size_t n)
{
	static char text[512];
	size_t order[64], count, len = 0;

	assert_true(n <= UNIT_COUNT(order));
	count = gettree_build(nodes, n, BEGAN, order);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%d:%u ",
					(int)nodes[order[i]].pid, nodes[order[i]].depth);
	return text;
}

static void descendants_follow_their_parent(void **state)
{
	struct gettree_node nodes[] = {
		{.pid = 1, .ppid = 0, .start_ticks = 1},
		{.pid = 10, .ppid = 1, .start_ticks = 10, .is_given = true},
		{.pid = 11, .ppid = 10, .start_ticks = 11},
		{.pid = 12, .ppid = 10, .start_ticks = 12},
		{.pid = 13, .ppid = 11, .start_ticks = 13},
		{.pid = 14, .ppid = 1, .start_ticks = 14},
		{.pid = 15, .ppid = 14, .start_ticks = 15},
	};

	(void)state;
	assert_string_equal(tree(nodes, UNIT_COUNT(nodes)), "10:0 11:1 13:2 12:1 ");
}

static void pids_wrap_around(void **state)
{
	struct gettree_node nodes[] = {
		{.pid = 300, .ppid = 400, .start_ticks = 30},
		{.pid = 400, .ppid = 32000, .start_ticks = 20},
		{.pid = 32000, .ppid = 1, .start_ticks = 10, .is_given = true},
	};

	(void)state;
	assert_string_equal(tree(nodes, UNIT_COUNT(nodes)), "32000:0 400:1 300:2 ");
}

static void one_given_below_another_counts_once(void **state)
{
	struct gettree_node nodes[] = {
		{.pid = 10, .ppid = 1, .start_ticks = 10, .is_given = true},
		{.pid = 11, .ppid = 10, .start_ticks = 11},
		{.pid = 12, .ppid = 11, .start_ticks = 12, .is_given = true},
		{.pid = 20, .ppid = 1, .start_ticks = 12, .is_given = true},
	};

	(void)state;
	assert_string_equal(tree(nodes, UNIT_COUNT(nodes)), "10:0 11:1 12:2 20:0 ");
}

static void younger_parents_are_none(void **state)
{
	/* 11 ended after 12 was seen, and another has its pid. */
	struct gettree_node nodes[] = {
		{.pid = 10, .ppid = 1, .start_ticks = 10, .is_given = true},
		{.pid = 11, .ppid = 10, .start_ticks = 50},
		{.pid = 12, .ppid = 11, .start_ticks = 12},
	};

	(void)state;
	assert_string_equal(tree(nodes, UNIT_COUNT(nodes)), "10:0 11:1 ");
}

static void what_came_after_the_pass_began_is_left_out(void **state)
{
	/* When 12 was started, 11 may have had another owner already. */
	struct gettree_node nodes[] = {
		{.pid = 10, .ppid = 1, .start_ticks = 10, .is_given = true},
		{.pid = 11, .ppid = 10, .start_ticks = BEGAN},
		{.pid = 12, .ppid = 11, .start_ticks = BEGAN + 1},
		{.pid = 13, .ppid = 1, .start_ticks = BEGAN + 9, .is_given = true},
	};

	(void)state;
	assert_string_equal(tree(nodes, UNIT_COUNT(nodes)), "10:0 11:1 13:0 ");
}

static void equal_ticks_leave_a_doubt(void **state)
{
	struct gettree_node nodes[] = {
		{.pid = 10, .ppid = 20, .start_ticks = 10},
		{.pid = 20, .ppid = 1, .start_ticks = 10, .is_given = true},
		{.pid = 21, .ppid = 20, .start_ticks = 10},
		{.pid = 22, .ppid = 20, .start_ticks = BEGAN},
	};

	(void)state;
	assert_string_equal(tree(nodes, UNIT_COUNT(nodes)), "20:0 10:1 21:1 22:1 ");
	assert_true(nodes[0].is_doubtful);
	assert_false(nodes[2].is_doubtful);
	assert_true(nodes[3].is_doubtful);
}

static void circles_end(void **state)
{
	struct gettree_node nodes[] = {
		{.pid = 10, .ppid = 11, .start_ticks = 10, .is_given = true},
		{.pid = 11, .ppid = 10, .start_ticks = 10},
		{.pid = 12, .ppid = 12, .start_ticks = 10, .is_given = true},
	};

	(void)state;
	tree(nodes, UNIT_COUNT(nodes));
	assert_true(nodes[0].is_in && nodes[2].is_in);
}

/* ---- a process's files ---- */

#define STAT(comm)                                                                          \
	"42 (" comm ") S 7 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 99 100 0 0 0 0" \
	" 0 0 0 0 0 0 17 1 0 0 0 0 0\n"
#define STATUS                                                                              \
	"Name:\tprog\nTgid:\t42\nPid:\t42\nVmPeak:\t900 kB\nVmHWM:\t80 kB\nVmRSS:\t70 kB\n" \
	"RssAnon:\t40 kB\nRssFile:\t20 kB\nRssShmem:\t10 kB\nVmPTE:\t8 kB\nVmSwap:\t5 kB\n" \
	"HugetlbPages:\t0 kB\nThreads:\t1\n"
#define SMAPS                                                                          \
	"5500-5600 r--p 00000000 08:01 1 /Pss:\nSize: 4 kB\nPss: 30 kB\nPss_Dirty: 3 " \
	"kB\nSwapPss: 2 kB\n"                                                          \
	"5600-5700 rw-p 00000000 08:01 1\nSize: 4 kB\nPss: 12 kB\nVmFlags: rd\n"

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int open_tmp(void)
{
	int dir = open(tmp, O_PATH | O_DIRECTORY);

	assert_true(dir >= 0);
	return dir;
}

static void a_name_may_hold_anything(void **state)
{
	struct getproc_id id;
	int dir = open_tmp();

	(void)state;
	put(at("stat"), STAT("a) Z 1 (b"));
	assert_int_equal(getproc_identify(dir, &id), 0);
	assert_int_equal(id.pid, 42);
	assert_int_equal(id.ppid, 7);
	assert_int_equal(id.start_ticks, 4711);
	assert_int_equal(id.state, 'S');
	assert_false(id.is_kernel);
	assert_int_equal(id.comm_len, 9);
	assert_memory_equal(id.comm, "a) Z 1 (b", 9);
	close(dir);
}

static void memory_is_read(void **state)
{
	static const int64_t want[] = {50 << 10, 70 << 10, 5 << 10, 40 << 10,
				       20 << 10, 10 << 10, 80 << 10};
	struct getproc_memory memory;
	int dir = open_tmp();

	(void)state;
	put(at("status"), STATUS);
	put(at("smaps_rollup"),
	    "5500-5600 ---p 00000000 00:00 0 [rollup]\nRss: 70 kB\nPss: 50 kB\n");
	assert_int_equal(getproc_measure(dir, &memory), 0);
	assert_memory_equal(memory.bytes, want, sizeof(want));
	assert_int_equal(memory.leader, 42);
	close(dir);
}

static void without_a_rollup_mappings_are_added_up(void **state)
{
	struct getproc_memory memory;
	int dir = open_tmp();

	(void)state;
	put(at("status"), STATUS);
	put(at("smaps"), SMAPS);
	assert_int_equal(getproc_measure(dir, &memory), 0);
	assert_int_equal(memory.bytes[GETPROC_PSS], 42 << 10);
	close(dir);
}

/* More than is read at a time, so that lines are cut. */
static void mappings_may_be_many(void **state)
{
	struct getproc_memory memory;
	int dir = open_tmp();
	FILE *file = fopen(at("smaps"), "w");

	(void)state;
	assert_non_null(file);
	for (int i = 0; i < 5000; i++)
		fprintf(file, "%x-%x rw-p 00000000 00:00 0\nPss:  %d kB\n", i, i + 1, i % 100);
	fclose(file);
	put(at("status"), STATUS);
	assert_int_equal(getproc_measure(dir, &memory), 0);
	assert_int_equal(memory.bytes[GETPROC_PSS], 5000 / 100 * 4950 << 10);
	close(dir);
}

static void pss_alone_may_be_unknown(void **state)
{
	struct getproc_memory memory;
	int dir = open_tmp();

	(void)state;
	put(at("status"), STATUS);
	assert_int_equal(getproc_measure(dir, &memory), 0);
	assert_int_equal(memory.bytes[GETPROC_PSS], GETPROC_UNKNOWN);
	assert_int_equal(memory.pss_error, -ENOENT);
	assert_int_equal(memory.bytes[GETPROC_RSS], 70 << 10);
	close(dir);
}

static void what_is_gone_is_not_zero(void **state)
{
	struct getproc_memory memory;
	struct getproc_id id;
	int dir = open_tmp();

	(void)state;
	assert_int_equal(getproc_identify(dir, &id), -ESRCH);
	assert_int_equal(getproc_measure(dir, &memory), -ESRCH);
	/* A zombie. */
	put(at("status"), "Name:\tprog\nState:\tZ (zombie)\nTgid:\t42\nThreads:\t1\n");
	assert_int_equal(getproc_measure(dir, &memory), -ESRCH);
	close(dir);
}

static void another_thread_tells_for_a_main_one_that_ended(void **state)
{
	struct getproc_memory memory;
	int dir = open_tmp();

	(void)state;
	put(at("status"), "Name:\tprog\nState:\tZ (zombie)\nTgid:\t42\nThreads:\t2\n");
	mkdir(at("task"), 0700);
	mkdir(at("task/43"), 0700);
	put(at("task/43/status"), STATUS);
	put(at("task/43/smaps_rollup"), "Pss: 50 kB\n");
	assert_int_equal(getproc_measure(dir, &memory), 0);
	assert_int_equal(memory.bytes[GETPROC_PSS], 50 << 10);
	assert_int_equal(memory.bytes[GETPROC_RSS], 70 << 10);
	close(dir);
}

/* ---- what is shown ---- */

static struct getread_row rows[] = {
	{.id = {.pid = 42, .comm = "prog", .comm_len = 4},
	 .memory = {.bytes = {1 << 20, 2 << 20, 0, 3 << 10, 4 << 10, 5, 3 << 20}},
	 .is_given = true},
	{.id = {.pid = 12345, .comm = "\033[2Jx", .comm_len = 5},
	 .memory = {.bytes = {GETPROC_UNKNOWN, 10, 0, 10, 0, 0, 10}, .pss_error = -EACCES},
	 .depth = 1},
	{.id = {.pid = 43}, .state = GETREAD_GONE, .is_given = true},
};
static const struct getread_shot shot = {rows, UNIT_COUNT(rows)};

static const char *printed(bool table, struct getview_style style)
{
	static char text[2048];
	struct getread_total total;
	FILE *to = fmemopen(text, sizeof(text), "w");

	assert_non_null(to);
	getread_add_up(&shot, &total);
	if (table)
		getview_print_table(to, &style, &shot);
	else
		getview_print_total(to, &style, &total);
	fclose(to);
	return text;
}

static void the_total_tells_what_it_lacks(void **state)
{
	(void)state;
	assert_string_equal(printed(false, (struct getview_style){.bytes = true, .peak = true}),
			    "PSS 1048576  RSS 2097162  swap 0  anon 3082  file 4096  shmem 5  "
			    "peak 3145738  processes 2; lacks PSS of 1 process (not permitted)\n");
	assert_string_equal(printed(false, (struct getview_style){0}),
			    "PSS 1.0 MiB  RSS 2.0 MiB  swap 0 B  anon 3.0 KiB  file 4.0 KiB  "
			    "shmem 5 B  processes 2; lacks PSS of 1 process (not permitted)\n");
}

static void columns_are_aligned(void **state)
{
	(void)state;
	assert_string_equal(
		printed(true, (struct getview_style){0}),
		"    PID      PSS      RSS  swap     anon     file  shmem  name\n"
		"     42  1.0 MiB  2.0 MiB   0 B  3.0 KiB  4.0 KiB    5 B  prog\n"
		"  12345        -     10 B   0 B     10 B      0 B    0 B    \\x1b[2Jx\n"
		"     43        -        -     -        -        -      -  (gone)\n");
	rows[0].delays = (struct getstats_delays){true, {1234567890, 0, 5000000, 999999}};
	rows[1].delays = (struct getstats_delays){.is_known = true};
	assert_string_equal(printed(true, (struct getview_style){.delays = "delays"}),
			    "    PID      PSS      RSS  swap     anon     file  shmem"
			    "                    delays  name\n"
			    "     42  1.0 MiB  2.0 MiB   0 B  3.0 KiB  4.0 KiB    5 B"
			    "  cpu=1.234s,swapin=0.005s  prog\n"
			    "  12345        -     10 B   0 B     10 B      0 B    0 B"
			    "                         0    \\x1b[2Jx\n"
			    "     43        -        -     -        -        -      -"
			    "                         -  (gone)\n");
}

static void failures_are_counted(void **state)
{
	struct getread_row failed[] = {
		{.id = {.pid = 1}, .state = GETREAD_FAILED, .error = -EPERM},
		{.id = {.pid = 2}, .state = GETREAD_KERNEL, .is_given = true},
	};
	const struct getread_shot both = {failed, 2};
	struct getread_total total;

	(void)state;
	getread_add_up(&both, &total);
	assert_int_equal(total.processes, 0);
	assert_int_equal(total.failed, 1);
	assert_int_equal(total.error, -EPERM);
	assert_int_equal(total.missed, 1);
	assert_int_equal(total.bytes[GETPROC_RSS], GETPROC_UNKNOWN);
}

static const char *drawn(const char *lines, size_t height, size_t width, size_t before,
			 size_t *ret_count)
{
	static char text[512];
	FILE *to = fmemopen(text, sizeof(text), "w");

	assert_non_null(to);
	*ret_count = getlive_draw(to, lines, height, width, before);
	fclose(to);
	return text;
}

static void frames_fit_into_the_window(void **state)
{
	size_t n;

	(void)state;
	assert_string_equal(drawn("a\nbcdef\n", 5, 5, 0, &n), "\ra\033[K\nbcde\033[K\n\033[J");
	assert_int_equal(n, 2);
	assert_string_equal(drawn("a\nb\nc\nd\ne\n", 5, 9, 3, &n),
			    "\033[3A\ra\033[K\nb\033[K\n... 2 more\033[K\ne\033[K\n\033[J");
	assert_int_equal(n, 4);
	assert_string_equal(drawn("a\nb\nc\n", 2, 9, 1, &n), "\033[1A\rc\033[K\n\033[J");
	assert_int_equal(n, 1);
	assert_string_equal(drawn("a\nb\nc\n", 3, 20, 0, &n),
			    "\r... 2 more\033[K\nc\033[K\n\033[J");
	assert_int_equal(n, 2);
}

static void characters_are_not_cut(void **state)
{
	(void)state;
	assert_int_equal(getlive_clip("abc", 3, 2), 2);
	assert_int_equal(getlive_clip("a\303\244b", 4, 2), 1);
	assert_int_equal(getlive_clip("a\303\244b", 4, 3), 3);
}

/* ---- taskstats ---- */

static void fields_that_the_kernel_has_are_shown(void **state)
{
	uint8_t form[700] = {0};
	struct getstats stats = {.pid = 42};
	char text[16384];
	FILE *to;

	(void)state;
	form[0] = 14;
	strcpy((char *)form + 80, "prog");
	form[9] = (uint8_t)-5;
	form[416] = 7;
	form[432] = 9;
	assert_int_equal(getstats_take(form, 432, form, 432, &stats), 0);
	to = fmemopen(text, sizeof(text), "w");
	assert_non_null(to);
	getstats_print(to, &stats);
	fclose(to);
	assert_non_null(strstr(text, "taskstats of 42: version 14, 432 bytes\n"));
	assert_non_null(strstr(
		text, "\nac_comm                                    prog                     -\n"));
	assert_non_null(strstr(
		text, "\nac_nice                                      -5                     -\n"));
	assert_non_null(strstr(
		text, "\nirq_count                                     7                     7\n"));
	assert_null(strstr(text, "cpu_delay_max"));
	form[0] = 15;
	assert_int_equal(getstats_take(form, 560, form, 560, &stats), -EOPNOTSUPP);
	form[0] = 18;
	assert_int_equal(getstats_take(form, 700, form, 700, &stats), 0);
	to = fmemopen(text, sizeof(text), "w");
	assert_non_null(to);
	getstats_print(to, &stats);
	fclose(to);
	assert_non_null(strstr(text, "\ncpu_delay_max                                 9"));
	assert_non_null(strstr(text, "\nirq_delay_max_ts                    0.000000000"));
	assert_non_null(strstr(text, "\nand 12 bytes of a newer version\n"));
}

static void delays_are_those_of_the_whole_process(void **state)
{
	uint64_t forms[2][52] = {{14}, {14}};
	struct getstats stats;
	struct getstats_delays delays;
	char text[GETSTATS_DELAYS_ROOM];

	(void)state;
	forms[0][24 / 8] = 7000000;	/* cpu, of a thread */
	forms[1][24 / 8] = 1000000;	/* cpu */
	forms[1][320 / 8] = 2000000000; /* freepages */
	forms[1][408 / 8] = 3000000;	/* wpcopy */
	assert_int_equal(getstats_take((uint8_t *)forms[0], 416, (uint8_t *)forms[1], 416, &stats),
			 0);
	getstats_take_delays(&stats, &delays);
	assert_string_equal(getstats_delays_text(&delays, text, sizeof(text)),
			    "cpu=0.001s,freepages=2.000s,wpcopy=0.003s");
	/* A kernel that has fewer. */
	stats.len[1] = 352;
	getstats_take_delays(&stats, &delays);
	assert_string_equal(getstats_delays_text(&delays, text, sizeof(text)),
			    "cpu=0.001s,freepages=2.000s");
	for (size_t i = 0; i < GETSTATS_DELAYS; i++)
		delays.ns[i] = UINT64_MAX;
	assert_true(strlen(getstats_delays_text(&delays, text, sizeof(text))) < sizeof(text) - 1);
	delays.is_known = false;
	assert_string_equal(getstats_delays_text(&delays, text, sizeof(text)), "-");
}

/* ---- the command line ---- */

static enum getoptions_result reads(struct getoptions *ret, const char *line)
{
	/* getopt() remembers where in a word it has stopped: each line's words are others. */
	static char lines[64][64];
	static size_t next;
	char *words = lines[next++];
	char *argv[16] = {"mstat-get"};
	char error[256];
	int argc = 1;

	assert_true(next <= UNIT_COUNT(lines));
	snprintf(words, sizeof(lines[0]), "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	optind = 1;
	return getoptions_read(argc, argv, ret, error, sizeof(error));
}

static void flags_may_stand_in_one_word(void **state)
{
	static const char *const same[] = {"-r -v -w 42", "-rvw 42", "-wvr 42", "-rv -w=true 42",
					   "--r -v=1 -w 42"};
	struct getoptions options;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(same); i++) {
		assert_int_equal(reads(&options, same[i]), GETOPTIONS_RUN);
		assert_true(options.with_children && options.verbose && options.watch);
		assert_int_equal(options.pid_count, 1);
		assert_int_equal(options.pids[0], 42);
		assert_int_equal(options.every_ns, 100000000);
		getoptions_done(&options);
	}
	assert_int_equal(reads(&options, "-n 0.5 -peak -bytes -w=false 1 2"), GETOPTIONS_RUN);
	assert_true(options.peak && options.bytes && !options.watch);
	assert_int_equal(options.every_ns, 500000000);
	assert_int_equal(options.pid_count, 2);
	getoptions_done(&options);
	assert_int_equal(reads(&options, "-o run.mstat -w -n 1 -r 7"), GETOPTIONS_RUN);
	assert_string_equal(options.out, "run.mstat");
	getoptions_done(&options);
	assert_int_equal(reads(&options, "-o run.mstat -w -cgroup /a"), GETOPTIONS_RUN);
	assert_string_equal(options.cgroup, "/a");
	getoptions_done(&options);
	assert_int_equal(reads(&options, "-taskstats 42"), GETOPTIONS_RUN);
	assert_int_equal(options.taskstats, 42);
	getoptions_done(&options);
}

static void other_lines_are_none(void **state)
{
	static const char *const wrong[] = {"",
					    "-x 1",
					    "-pea 1",
					    "-ver",
					    "0",
					    "-1",
					    "1x",
					    "99999999999",
					    "1 -v",
					    "-n 1",
					    "-n 0 1",
					    "-n x 1",
					    "-v=maybe 1",
					    "-rx 1",
					    "-n",
					    "-taskstats x",
					    "-taskstats 1 2",
					    "-cgroup / 1",
					    "-cgroup / -w",
					    "-taskstats 1 -cgroup /",
					    "-o x 1",
					    "-o x -w",
					    "-o x -cgroup /",
					    "-o x -w -taskstats 1",
					    "-o x -w -peak 1",
					    "-o x -w -n 1.1 1",
					    "-o x -w -cgroup / 1"};
	struct getoptions options;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(wrong); i++) {
		if (reads(&options, wrong[i]) != GETOPTIONS_BAD)
			fail_msg("this is taken: %s", wrong[i]);
		getoptions_done(&options);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descendants_follow_their_parent),
		cmocka_unit_test(pids_wrap_around),
		cmocka_unit_test(one_given_below_another_counts_once),
		cmocka_unit_test(younger_parents_are_none),
		cmocka_unit_test(what_came_after_the_pass_began_is_left_out),
		cmocka_unit_test(equal_ticks_leave_a_doubt),
		cmocka_unit_test(circles_end),
		cmocka_unit_test_setup_teardown(a_name_may_hold_anything, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(memory_is_read, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(without_a_rollup_mappings_are_added_up,
						folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(mappings_may_be_many, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(pss_alone_may_be_unknown, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(what_is_gone_is_not_zero, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(another_thread_tells_for_a_main_one_that_ended,
						folder_setup, folder_teardown),
		cmocka_unit_test(the_total_tells_what_it_lacks),
		cmocka_unit_test(columns_are_aligned),
		cmocka_unit_test(failures_are_counted),
		cmocka_unit_test(frames_fit_into_the_window),
		cmocka_unit_test(characters_are_not_cut),
		cmocka_unit_test(fields_that_the_kernel_has_are_shown),
		cmocka_unit_test(delays_are_those_of_the_whole_process),
		cmocka_unit_test(flags_may_stand_in_one_word),
		cmocka_unit_test(other_lines_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
