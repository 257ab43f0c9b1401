/* SPDX-License-Identifier: ISC */
/* The tables of text: every cell as it is promised, live rows as decoded ones. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>

#include "tests/unit/runfile_make.h"
#include "tools/blockrows.h"
#include "tools/reader.h"
#include "tools/table.h"

static const struct table_clock clock10 = {.freq = 10, .start_ns = 1000000000000};

/* All that was written to fd, as a string; the caller's to free. Closes fd. */
static char *written(int fd, size_t *ret_len)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, (size_t)len + 1);

	assert_non_null(text);
	assert_int_equal(pread(fd, text, (size_t)len, 0), len);
	close(fd);
	if (ret_len)
		*ret_len = (size_t)len;
	return text;
}

static void expect(int fd, const char *want)
{
	char *got = written(fd, NULL);

	assert_string_equal(got, want);
	free(got);
}

#define TEXT(literal) literal, sizeof(literal) - 1

static void text_cells(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *tsv, *csv, *json;
	} cells[] = {
		{TEXT("plain"), "plain", "plain", "\"plain\""},
		{TEXT(""), "", "", "\"\""},
		{TEXT("a\tb\nc\rd\\e"), "a\\tb\\nc\\rd\\\\e", "\"a\tb\nc\rd\\e\"",
		 "\"a\\tb\\nc\\rd\\\\e\""},
		{TEXT("\x01\x1b\x7f"), "\\x01\\x1b\\x7f", "\"\x01\x1b\x7f\"",
		 "\"\\u0001\\u001b\\u007f\""},
		{TEXT("say \"hi\", all"), "say \"hi\", all", "\"say \"\"hi\"\", all\"",
		 "\"say \\\"hi\\\", all\""},
		{TEXT("\b\f/"), "\\x08\\x0c/", "\"\b\f/\"", "\"\\b\\f/\""},
		{TEXT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
		 "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		 "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
		/* cut short, overlong, a surrogate, above U+10FFFF, a lone continuation */
		{TEXT("x\xe2\x82"), "x\\xe2\\x82", "x\xe2\x82", "\"x\xef\xbf\xbd\xef\xbf\xbd\""},
		{TEXT("\xc0\xaf!"), "\\xc0\\xaf!", "\xc0\xaf!", "\"\xef\xbf\xbd\xef\xbf\xbd!\""},
		{TEXT("\xed\xa0\x80"), "\\xed\\xa0\\x80", "\xed\xa0\x80",
		 "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{TEXT("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80", "\xf4\x90\x80\x80",
		 "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{TEXT("\xff\x80y"), "\\xff\\x80y", "\xff\x80y", "\"\xef\xbf\xbd\xef\xbf\xbdy\""},
		/* U+009B begins a control sequence */
		{TEXT("\xc2\x9b"), "\\xc2\\x9b", "\xc2\x9b", "\"\xc2\x9b\""},
	};
	static const char *const names[] = {"a", "b"};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cells); i++) {
		const char *const want[] = {cells[i].tsv, cells[i].csv, cells[i].json};
		static const char *const shape[] = {"a\tb\n%s\t\n", "a,b\n%s,\n",
						    "{\"a\":%s,\"b\":null}\n"};

		for (int format = TABLE_TSV; format <= TABLE_JSONL; format++) {
			int fd = make_fd(NULL, 0);
			struct table *table;
			char text[256];
			char *at = strstr(shape[format], "%s");

			assert_int_equal(
				table_open(fd, (enum table_format)format, names, 2, &table), 0);
			table_put_text(table, cells[i].text, cells[i].len);
			table_put_unknown(table);
			assert_int_equal(table_close(table), 0);
			snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - shape[format]),
				 shape[format], want[format], at + 2);
			expect(fd, text);
		}
	}
}

/* A zero byte ends no string of a table. */
static void zero_bytes(void **state)
{
	static const char *const names[] = {"a"};
	static const char *const want[] = {"a\n\\x00z\n", NULL, "{\"a\":\"\\u0000z\"}\n"};

	(void)state;
	for (int format = TABLE_TSV; format <= TABLE_JSONL; format++) {
		int fd = make_fd(NULL, 0);
		struct table *table;

		assert_int_equal(table_open(fd, (enum table_format)format, names, 1, &table), 0);
		table_put_text(table, "\0z", 2);
		assert_int_equal(table_close(table), 0);
		if (want[format]) {
			expect(fd, want[format]);
		} else {
			size_t len;
			char *got = written(fd, &len);

			assert_int_equal(len, 7);
			assert_memory_equal(got, "a\n\"\0z\"\n", 7);
			free(got);
		}
	}
}

static void numbers(void **state)
{
	static const char *const names[] = {"i", "u"};
	int fd = make_fd(NULL, 0);
	struct table *table;

	(void)state;
	assert_int_equal(table_open(fd, TABLE_TSV, names, 2, &table), 0);
	table_put_int(table, 0);
	table_put_uint(table, 0);
	table_put_int(table, INT64_MIN);
	table_put_uint(table, UINT64_MAX);
	table_put_int(table, -1);
	table_put_uint(table, 10);
	table_put_int(table, INT64_MAX);
	table_put_uint(table, 1);
	assert_int_equal(table_close(table), 0);
	expect(fd, "i\tu\n0\t0\n-9223372036854775808\t18446744073709551615\n-1\t10\n"
		   "9223372036854775807\t1\n");
}

static void words(void **state)
{
	static const struct {
		const char *words;
		size_t len;
		const char *line, *array;
	} cells[] = {
		{TEXT("make\0-j\0"), "make -j", "[\"make\",\"-j\"]"},
		{TEXT("make\0-j"), "make -j", "[\"make\",\"-j\"]"},
		{TEXT("sh\0-c\0it's $x\0"), "sh -c 'it'\\''s $x'", "[\"sh\",\"-c\",\"it's $x\"]"},
		{TEXT("a\0\0b\0"), "a '' b", "[\"a\",\"\",\"b\"]"},
		{TEXT("''''\0"), "''\\'''\\'''\\'''\\'''", "[\"''''\"]"},
		{TEXT("\0"), "''", "[\"\"]"},
		{TEXT(""), "", "[]"},
		{TEXT("\xc3\xa4\0~\0"), "\xc3\xa4 '~'", "[\"\xc3\xa4\",\"~\"]"},
	};
	static const char *const names[] = {"argv"};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cells); i++) {
		struct table *table;
		char text[128];
		int fd = make_fd(NULL, 0);

		assert_int_equal(table_open(fd, TABLE_CSV, names, 1, &table), 0);
		table_put_words(table, cells[i].words, cells[i].len);
		assert_int_equal(table_close(table), 0);
		snprintf(text, sizeof(text), "argv\n%s\n", *cells[i].line ? cells[i].line : "\"\"");
		expect(fd, text);
		fd = make_fd(NULL, 0);
		assert_int_equal(table_open(fd, TABLE_JSONL, names, 1, &table), 0);
		table_put_words(table, cells[i].words, cells[i].len);
		assert_int_equal(table_close(table), 0);
		snprintf(text, sizeof(text), "{\"argv\":%s}\n", cells[i].array);
		expect(fd, text);
	}
}

/* Of CSV an empty line is no row to many readers. */
static void blank_lines(void **state)
{
	static const char *const names[] = {"a", "b"};
	unsigned bad;
	struct table *table;
	int fd = make_fd(NULL, 0);

	(void)state;
	assert_int_equal(table_open(fd, TABLE_CSV, names, 2, &table), 0);
	assert_int_equal(table_choose(table, names + 1, 1, &bad), 0);
	table_put_int(table, 1);
	table_put_unknown(table);
	table_put_int(table, 2);
	table_put_text(table, "", 0);
	table_put_unknown(table);
	table_put_int(table, 3);
	assert_int_equal(table_close(table), 0);
	expect(fd, "b\n\"\"\n\"\"\n3\n");
}

/* A text longer than any buffer comes out whole. */
static void long_text(void **state)
{
	static const char *const names[] = {"a"};
	size_t len = 300000;
	char *text = malloc(len);
	size_t got_len;
	char *got;
	struct table *table;
	int fd = make_fd(NULL, 0);

	(void)state;
	assert_non_null(text);
	memset(text, '\t', len);
	assert_int_equal(table_open(fd, TABLE_TSV, names, 1, &table), 0);
	table_put_text(table, text, len);
	assert_int_equal(table_close(table), 0);
	got = written(fd, &got_len);
	assert_int_equal(got_len, 2 * len + 3);
	for (size_t i = 2; i + 1 < got_len; i += 2)
		assert_memory_equal(got + i, "\\t", 2);
	free(got);
	free(text);
}

/* A small table of its own: two sources for one column, one column of another scope. */
static const struct table_source sources[] = {
	{"first", SCOPE_TREE}, {"second", SCOPE_TREE}, {NULL, 0}, {"other", SCOPE_PROCESS}};
static const struct table_field fields[] = {
	{"late_bytes", 1024, 0}, {"rss", 1, 0},	       {NULL, 0, 0},
	{"rss", 2, 1},		 {"of_process", 1, 3}, {"rss", 3, 0},
};
static const char *const reasons[] = {"ok", "not_due"};
static const struct table_schema schema = {.field = fields,
					   .source = sources,
					   .reason = reasons,
					   .fields = UNIT_COUNT(fields),
					   .sources = UNIT_COUNT(sources),
					   .reasons = UNIT_COUNT(reasons)};

static void put(struct table *table, uint64_t tick, uint64_t present, const uint8_t *reason)
{
	static const int64_t value[] = {10, 11, 12, 13, 14, INT64_MAX};

	table_put_row(table,
		      &(struct table_row){
			      .tick = tick, .present = &present, .value = value, .reason = reason});
}

/* rss and kernel stand first even where the table has them late, or not at all. */
static void ticks(void **state)
{
	static const uint8_t fine[] = {REASON_OK, REASON_UNKNOWN, 1, 1};
	static const uint8_t due[] = {REASON_NOT_DUE, 200, 1, 1};
	int fd = make_fd(NULL, 0);
	struct table *table;

	(void)state;
	assert_int_equal(table_open_rows(fd, TABLE_TSV, &schema, SCOPE_TREE, &clock10, &table), 0);
	put(table, 10000, 0, fine);
	put(table, 10001, 0x3f, fine);
	put(table, 9999, 1 << 3, fine);
	put(table, 10002, 1 << 5, fine);
	put(table, 10003, 1 << 3, due);
	assert_int_equal(table_close(table), 0);
	expect(fd, "time\trss\tkernel\tlate_bytes\tnotes\n"
		   "0\t\t\t\t\n"
		   "100000000\t11\t\t10240\t\n"
		   "-100000000\t26\t\t\trss@second\n"
		   "200000000\t9223372036854775805\t\t\t\n" /* INT64_MAX * 3, wrapped */
		   "300000000\t26\t\t\tfirst:not_due,second:200,rss@second\n");
	fd = make_fd(NULL, 0);
	assert_int_equal(table_open_rows(fd, TABLE_JSONL, &schema, SCOPE_TREE, &clock10, &table),
			 0);
	put(table, 10003, 1 << 3, due);
	assert_int_equal(table_close(table), 0);
	expect(fd, "{\"time\":300000000,\"rss\":26,\"kernel\":null,\"late_bytes\":null,"
		   "\"notes\":\"first:not_due,second:200,rss@second\"}\n");
}

static void samples(void **state)
{
	static const uint8_t due[] = {1, 1, 1, 1};
	static const int64_t value[] = {0, 0, 0, 0, -5};
	uint64_t present = 1 << 4;
	struct table_row row = {.tick = 10001,
				.late_us = 3,
				.dropped = 2,
				.process = 9,
				.pid = 1234,
				.comm = "a,b",
				.comm_len = 3,
				.present = &present,
				.value = value,
				.reason = due};
	int fd = make_fd(NULL, 0);
	struct table *table;

	(void)state;
	assert_int_equal(table_open_rows(fd, TABLE_CSV, &schema, SCOPE_PROCESS, &clock10, &table),
			 0);
	table_put_row(table, &row);
	row.comm = NULL;
	present = 0;
	table_put_row(table, &row);
	assert_int_equal(table_close(table), 0);
	expect(fd, "time_ns,tick,late_ns,process,pid,comm,of_process,dropped,notes\n"
		   "100000000,10001,3000,9,1234,\"a,b\",-5,2,other:not_due\n"
		   "100000000,10001,3000,9,,,,2,other:not_due\n");
}

/* Every note at once fits. */
static void all_notes(void **state)
{
	struct record rec;
	int fd = make_fd(NULL, 0);
	struct table *table;

	(void)state;
	record_init(&rec);
	for (unsigned i = 0; i < SOURCE_MAX; i++)
		rec.reason[i] = 255;
	for (unsigned i = FIELD_MAX; i-- > 0;)
		if (field_table[i].known)
			record_set(&rec, i, 1);
	/* Of each column that has a choice, not the first. */
	for (unsigned i = 0; i < FIELD_MAX; i++)
		for (unsigned j = 0; j < i; j++)
			if (field_table[i].known &&
			    !strcmp(field_table[i].column, field_table[j].column))
				record_unset(&rec, j);
	for (int format = TABLE_TSV; format <= TABLE_JSONL; format++) {
		for (enum scope scope = SCOPE_PROCESS; scope <= SCOPE_TREE; scope++) {
			assert_int_equal(table_open_rows(fd, (enum table_format)format,
							 &table_builtin, scope, &clock10, &table),
					 0);
			table_put_record(table, &rec);
			assert_int_equal(table_close(table), 0);
		}
	}
	close(fd);
}

/* What the launcher prints live is what the decoder prints of the file. */
static void live_as_decoded(void **state)
{
	static struct record records[64];
	const struct record *pointers[64];
	struct blockrows *rows;
	struct reader *reader;
	struct bytes_in block;
	struct bytes_in section;
	struct table_row row;
	struct table *table;
	struct make make;
	uint64_t kind;
	int live = make_fd(NULL, 0);
	int later = make_fd(NULL, 0);
	int run;
	char *want;

	(void)state;
	assert_int_equal(
		table_open_rows(live, TABLE_TSV, &table_builtin, SCOPE_TREE, &clock10, &table), 0);
	for (size_t i = 0; i < 64; i++) {
		pointers[i] = &records[i];
		record_init(&records[i]);
		records[i].tick = 10000 + i * 2;
		for (unsigned s = 0; s < SOURCE_MAX; s++)
			if (source_table[s].known)
				records[i].reason[s] = (uint8_t)unit_below(REASON_MAX);
		for (unsigned f = 0; f < FIELD_MAX; f++)
			if (field_table[f].known && unit_below(2))
				record_set(&records[i], f, unit_value());
		table_put_record(table, &records[i]);
	}
	assert_int_equal(table_close(table), 0);

	make_init(&make);
	make_header(&make);
	rows_pack(&make.out, SECTION_ROWS, 0, pointers, 64);
	make_block(&make);
	make_index(&make);
	run = make_fd(make.buf, make.len);
	make_done(&make);
	assert_int_equal(reader_open(run, &reader), 0);
	assert_int_equal(blockrows_open(reader_schema(reader), SCOPE_TREE, &rows), 0);
	assert_int_equal(table_open_rows(later, TABLE_TSV, reader_schema(reader), SCOPE_TREE,
					 reader_clock(reader), &table),
			 0);
	assert_int_equal(reader_next(reader, &block), 1);
	assert_true(rows_next_section(&block, &kind, &section));
	assert_int_equal(blockrows_add(rows, &section, 0, NULL, 0), 0);
	while (blockrows_next(rows, &row))
		table_put_row(table, &row);
	assert_int_equal(reader_next(reader, &block), 0);
	assert_int_equal(table_close(table), 0);
	blockrows_close(rows);
	reader_close(reader);
	close(run);
	want = written(live, NULL);
	expect(later, want);
	free(want);
}

/* The columns that others rely on. */
static void first_columns(void **state)
{
	int fd = make_fd(NULL, 0);
	struct table *table;
	char *text;
	char *last;

	(void)state;
	assert_int_equal(
		table_open_rows(fd, TABLE_TSV, &table_builtin, SCOPE_TREE, &clock10, &table), 0);
	assert_int_equal(table_close(table), 0);
	text = written(fd, NULL);
	assert_int_equal(strncmp(text, TEXT("time\trss\tkernel\t")), 0);
	last = strrchr(text, '\t');
	assert_string_equal(last, "\tnotes\n");
	for (char *a = strtok(text, "\t\n"); a; a = strtok(NULL, "\t\n"))
		for (char *b = text; b < a; b += strlen(b) + 1)
			assert_string_not_equal(a, b);
	free(text);
}

/* Columns in the order in which they were asked for; what is not shown costs nothing. */
static void chosen(void **state)
{
	static const char *const names[] = {"a", "b", "c"};
	static const char *const some[] = {"c", "a"};
	static const char *const bad[] = {"c", "d"};
	static const char *const want[] = {"c\ta\nz\t1\n", "c,a\nz,1\n", "{\"c\":\"z\",\"a\":1}\n"};

	(void)state;
	for (int format = TABLE_TSV; format <= TABLE_JSONL; format++) {
		int fd = make_fd(NULL, 0);
		struct table *table;
		unsigned i;

		assert_int_equal(table_open(-1, (enum table_format)format, names, 3, &table), 0);
		table_aim(table, fd);
		assert_int_equal(table_choose(table, bad, 2, &i), -ENOENT);
		assert_int_equal(i, 1);
		assert_true(table_is_chosen(table, 1));
		assert_int_equal(table_choose(table, some, 2, &i), 0);
		assert_false(table_is_chosen(table, 1));
		assert_true(table_is_chosen(table, 2));
		table_put_int(table, 1);
		table_put_text(table, "y", 1);
		table_put_text(table, "z", 1);
		assert_int_equal(table_close(table), 0);
		expect(fd, want[format]);
	}
}

static int take_cells(void *arg, const struct table_cell *cells, unsigned n)
{
	unsigned *rows = arg;

	assert_int_equal(n, 3);
	assert_int_equal(cells[0].kind, TABLE_UINT);
	assert_int_equal(cells[0].number, 7);
	assert_int_equal(cells[1].kind, TABLE_UNKNOWN);
	assert_int_equal(cells[2].kind, TABLE_WORDS);
	assert_memory_equal(cells[2].text, "x\0y", 3);
	return ++*rows == 2 ? -EDOM : 0;
}

/* Rows go to who wants them, until he has had enough. */
static void fed(void **state)
{
	static const char *const names[] = {"a", "b", "c"};
	unsigned rows = 0;
	struct table *table;

	(void)state;
	assert_int_equal(table_open(-1, TABLE_TSV, names, 3, &table), 0);
	table_feed(table, take_cells, &rows);
	for (int i = 0; i < 5; i++) {
		table_put_uint(table, 7);
		table_put_unknown(table);
		table_put_words(table, "x\0y", 3);
	}
	assert_int_equal(rows, 2);
	assert_int_equal(table_close(table), -EDOM);
}

/* The first error stays, and what comes after it is dropped. */
static void full_disk(void **state)
{
	static const char *const names[] = {"a"};
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct table *table;

	(void)state;
	assert_int_equal(table_open(fd, TABLE_TSV, names, 1, &table), 0);
	assert_int_equal(table_error(table), 0);
	for (int i = 0; i < 100000; i++)
		table_put_int(table, i);
	assert_int_equal(table_error(table), -ENOSPC);
	assert_int_equal(table_flush(table), -ENOSPC);
	assert_int_equal(table_close(table), -ENOSPC);
	assert_int_equal(table_close(NULL), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_cells),	 cmocka_unit_test(zero_bytes),
		cmocka_unit_test(numbers),	 cmocka_unit_test(words),
		cmocka_unit_test(blank_lines),	 cmocka_unit_test(long_text),
		cmocka_unit_test(ticks),	 cmocka_unit_test(samples),
		cmocka_unit_test(all_notes),	 cmocka_unit_test(live_as_decoded),
		cmocka_unit_test(first_columns), cmocka_unit_test(chosen),
		cmocka_unit_test(fed),		 cmocka_unit_test(full_disk),
	};

	unit_random_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
