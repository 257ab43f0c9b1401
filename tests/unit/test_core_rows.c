/* SPDX-License-Identifier: ISC */
/* Rows by column, and the other sections of a block. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "core/rows.h"

/* Rows of one section as they are read back, all columns at once. */
struct table {
	uint64_t subject;
	size_t n;
	uint64_t tick[ROWS_MAX], late_us[ROWS_MAX], dropped[ROWS_MAX];
	uint8_t reason[SOURCE_MAX][ROWS_MAX];
	uint8_t present[FIELD_MAX][ROWS_MAX];
	int64_t value[FIELD_MAX][ROWS_MAX];
};

static struct table table;
static uint8_t block[ROWS_BLOCK_MAX + 1];
static struct record pool[ROWS_MAX];

static int read_columns(struct bytes_in *in)
{
	static uint8_t reason[ROWS_MAX], present[ROWS_MAX];
	static int64_t value[ROWS_MAX];
	uint64_t id;
	int more;

	while ((more = rows_next_source(in, table.n, &id, reason)) > 0)
		if (id < SOURCE_MAX)
			memcpy(table.reason[id], reason, table.n);
	if (more < 0)
		return more;
	while ((more = rows_next_field(in, table.n, &id, present, value)) > 0) {
		if (id >= FIELD_MAX)
			continue;
		memcpy(table.present[id], present, table.n);
		memcpy(table.value[id], value, table.n * sizeof(value[0]));
	}
	return more;
}

static int read_rows(const uint8_t *bytes, size_t len)
{
	struct bytes_in in = {.p = bytes, .end = bytes + len};
	int err;

	memset(table.reason, REASON_UNKNOWN, sizeof(table.reason));
	memset(table.present, 0, sizeof(table.present));
	err = rows_open(&in, &table.subject, &table.n);
	if (!err)
		err = rows_get_heads(&in, table.n, table.tick, table.late_us, table.dropped);
	if (!err)
		err = read_columns(&in);
	if (!err && bytes_left(&in))
		return -E2BIG;
	return err;
}

/* The content of the section that begins there. */
static struct bytes_in section_of(const uint8_t *bytes, size_t len, uint64_t kind)
{
	struct bytes_in in = {.p = bytes, .end = bytes + len};
	struct bytes_in content;
	uint64_t got;

	assert_true(rows_next_section(&in, &got, &content));
	assert_int_equal(got, kind);
	assert_int_equal(bytes_left(&in), 0);
	return content;
}

static void random_row(struct record *rec, uint64_t tick, const unsigned *density)
{
	record_init(rec);
	rec->tick = tick;
	rec->late_us = unit_below(4) ? unit_below(1000) : unit_random();
	rec->dropped = unit_below(16) ? 0 : unit_random();
	for (unsigned s = 0; s < SOURCE_MAX; s++)
		if (source_table[s].known)
			rec->reason[s] = (uint8_t)unit_below(REASON_MAX);
	for (unsigned f = 0; f < FIELD_MAX; f++)
		if (field_table[f].known && unit_below(8) < density[f])
			record_set(rec, f, unit_value());
}

static void same_row(const struct record *rec, size_t i)
{
	assert_true(table.tick[i] == rec->tick && table.late_us[i] == rec->late_us);
	assert_true(table.dropped[i] == rec->dropped);
	for (unsigned s = 0; s < SOURCE_MAX; s++)
		if (table.reason[s][i] != rec->reason[s])
			fail_msg("row %zu: reason of source %u", i, s);
	for (unsigned f = 0; f < FIELD_MAX; f++) {
		if (table.present[f][i] != record_has(rec, f))
			fail_msg("row %zu: presence of field %u", i, f);
		if (record_has(rec, f) && table.value[f][i] != rec->value[f])
			fail_msg("row %zu: value of field %u", i, f);
	}
}

static size_t pack_pool(size_t n, uint64_t subject)
{
	static const struct record *rows[ROWS_MAX];
	struct bytes_out out = {.p = block, .end = block + sizeof(block)};

	for (size_t i = 0; i < n; i++)
		rows[i] = &pool[i];
	rows_pack(&out, SECTION_ROWS, subject, rows, n);
	assert_false(out.full);
	return (size_t)(out.p - block);
}

static void random_rows(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65, 1000, 4095, 4096};

	(void)state;
	unit_random_init();
	for (unsigned round = 0; round < 80; round++) {
		size_t n = round < UNIT_COUNT(sizes) ? sizes[round] : 1 + unit_below(300);
		uint64_t subject = unit_random() >> unit_below(64);
		uint64_t tick = unit_random() >> 20;
		unsigned density[FIELD_MAX];
		struct bytes_in in;
		size_t len;

		/* Columns of none, of all, and of some; of the large ones, fewer. */
		for (unsigned f = 0; f < FIELD_MAX; f++)
			density[f] = n > 2000 && f % 8 ? 0 : (unsigned)unit_below(10);
		for (size_t i = 0; i < n; i++, tick += 1 + unit_below(3))
			random_row(&pool[i], tick, density);
		len = pack_pool(n, subject);
		in = section_of(block, len, SECTION_ROWS);
		assert_int_equal(read_rows(in.p, bytes_left(&in)), 0);
		assert_true(table.subject == subject && table.n == n);
		for (size_t i = 0; i < n; i++)
			same_row(&pool[i], i);
	}
}

static void extremes(void **state)
{
	static const int64_t values[] = {INT64_MAX, INT64_MIN, INT64_MIN, 0, INT64_MAX, -1, 1};
	struct bytes_in in;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(values); i++) {
		record_init(&pool[i]);
		pool[i].tick = i == UNIT_COUNT(values) - 1 ? UINT64_MAX : i;
		pool[i].late_us = pool[i].dropped = UINT64_MAX;
		pool[i].reason[SOURCE_STATUS] = REASON_OK;
		record_set(&pool[i], FIELD_RSS, values[i]);
	}
	in = section_of(block, pack_pool(UNIT_COUNT(values), UINT64_MAX), SECTION_ROWS);
	assert_int_equal(read_rows(in.p, bytes_left(&in)), 0);
	for (size_t i = 0; i < UNIT_COUNT(values); i++)
		same_row(&pool[i], i);
}

/* A row of steady values costs a byte for each column. */
static void steady_rows_are_small(void **state)
{
	size_t two, many;

	(void)state;
	for (size_t i = 0; i < 102; i++) {
		record_init(&pool[i]);
		pool[i].tick = 1000 + i;
		pool[i].reason[SOURCE_STATUS] = REASON_OK;
		for (unsigned f = FIELD_RSS; f <= FIELD_THREADS; f++)
			record_set(&pool[i], f, 123456);
	}
	two = pack_pool(2, 1);
	many = pack_pool(102, 1);
	assert_int_equal(many - two, 100 * (3 + FIELD_THREADS - FIELD_RSS + 1));
}

/* In memory of exactly the size. */
static int read_copy(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	int err;

	memcpy(copy, bytes, len);
	err = read_rows(copy, len);
	free(copy);
	return err;
}

static void cuts(void **state)
{
	unsigned density[FIELD_MAX];
	struct bytes_in in;

	(void)state;
	for (unsigned f = 0; f < FIELD_MAX; f++)
		density[f] = f % 3 ? 0 : 4;
	for (size_t i = 0; i < 19; i++)
		random_row(&pool[i], i, density);
	in = section_of(block, pack_pool(19, 3), SECTION_ROWS);
	for (size_t cut = 0; cut < bytes_left(&in); cut++)
		assert_int_equal(read_copy(in.p, cut), -EBADMSG);
	assert_int_equal(read_copy(in.p, bytes_left(&in)), 0);
}

#define READ(...) read_copy((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void malformed(void **state)
{
	(void)state;
	assert_int_equal(READ(1, 0), -EBADMSG);
	assert_int_equal(READ(1, 0x81, 0x20), -EBADMSG); /* 4097 rows */
	assert_int_equal(READ(1, 2, 0, 1, 0, 0, 0, 0, 0, 0), 0);
	/* Runs of reasons that are too long, too short, of none; a reason of more than a byte. */
	assert_int_equal(READ(1, 2, 0, 1, 0, 0, 0, 0, 2, 0, 3, 0, 0), -EBADMSG);
	assert_int_equal(READ(1, 2, 0, 1, 0, 0, 0, 0, 2, 0, 1, 0, 0), -EBADMSG);
	assert_int_equal(READ(1, 2, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0), -EBADMSG);
	assert_int_equal(READ(1, 2, 0, 1, 0, 0, 0, 0, 2, 0x80, 2, 2, 0, 0), -EBADMSG);
	assert_int_equal(READ(1, 2, 0, 1, 0, 0, 0, 0, 2, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			      0xff, 0xff, 0xff, 0x01, 0, 0),
			 -EBADMSG);
	/* A shift of 64; one of 63 leaves a single bit. */
	assert_int_equal(READ(1, 2, 0, 1, 0, 0, 0, 0, 0, 3, 0x80, 2, 0, 0), -EBADMSG);
	assert_int_equal(READ(1, 2, 0, 1, 0, 0, 0, 0, 0, 3, 0x7e, 1, 0, 0), 0);
	assert_int_equal(table.value[FIELD_RSS][0], INT64_MIN);
	/* Sources and fields of the future are read, and of no consequence; spare bits as well. */
	assert_int_equal(READ(1, 2, 0, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			      0xff, 0xff, 0x01, 9, 2, 0, 0xff, 0xff, 0x7f, 1, 0xfd, 4, 3, 0, 4, 6,
			      0),
			 0);
	assert_int_equal(table.value[FIELD_RSS][0], 2);
	assert_int_equal(table.value[FIELD_RSS][1], 5);
}

static void process_round_trip(void **state)
{
	struct rows_process process = {
		.id = 1,
		.pid = UINT64_MAX,
		.ppid = 2,
		.start_ticks = 3,
		.uid = UINT32_MAX,
		.gid = 5,
		.first_ns = 6,
		.last_ns = 7,
		.ended = 1,
		.samples = 8,
		.dropped = 9,
		.comm = "c\nomm",
		.exe = "/e",
		.argv = "a\0b\0",
		.how = "",
		.comm_len = 5,
		.exe_len = 2,
		.argv_len = 4,
	};
	struct bytes_out out = {.p = block, .end = block + 256};
	struct rows_process got;
	struct bytes_in in;

	(void)state;
	rows_pack_process(&out, &process);
	assert_false(out.full);
	in = section_of(block, (size_t)(out.p - block), SECTION_PROCESS);
	for (size_t cut = 1; cut <= bytes_left(&in); cut++) {
		struct bytes_in part = {.p = in.p, .end = in.end - cut};

		assert_int_equal(rows_unpack_process(&part, &got), -EBADMSG);
	}
	assert_int_equal(rows_unpack_process(&in, &got), 0);
	assert_int_equal(bytes_left(&in), 0);
	assert_true(got.id == 1 && got.pid == UINT64_MAX && got.ppid == 2 && got.start_ticks == 3);
	assert_true(got.uid == UINT32_MAX && got.gid == 5 && got.first_ns == 6);
	assert_true(got.last_ns == 7 && got.ended == 1 && got.samples == 8 && got.dropped == 9);
	assert_true(got.comm_len == 5 && !memcmp(got.comm, "c\nomm", 5));
	assert_true(got.exe_len == 2 && !memcmp(got.exe, "/e", 2));
	assert_true(got.argv_len == 4 && !memcmp(got.argv, "a\0b\0", 4));
	assert_int_equal(got.how_len, 0);
}

static void event_round_trip(void **state)
{
	struct rows_event event = {.time_ns = UINT64_MAX,
				   .kind = EVENT_GAP,
				   .process = 0,
				   .number = INT64_MIN,
				   .text = "suspend",
				   .text_len = 7};
	struct bytes_out out = {.p = block, .end = block + 64};
	struct rows_event got;
	struct bytes_in in;

	(void)state;
	rows_pack_event(&out, &event);
	in = section_of(block, (size_t)(out.p - block), SECTION_EVENT);
	assert_int_equal(rows_unpack_event(&in, &got), 0);
	assert_true(got.time_ns == UINT64_MAX && got.kind == EVENT_GAP && got.process == 0);
	assert_true(got.number == INT64_MIN && got.text_len == 7);
	assert_memory_equal(got.text, "suspend", 7);
}

static void sections(void **state)
{
	static const uint8_t cut[] = {SECTION_EVENT, 5, 1, 2, 3};
	struct bytes_out out = {.p = block, .end = block + 64};
	struct bytes_in in = {.p = block}, content;
	uint8_t *at = rows_begin(&out, SECTION_EVENT);
	uint64_t kind;

	(void)state;
	bytes_put_u8(&out, 7);
	rows_end(&out, at);
	assert_int_equal(out.p - block, 6);
	bytes_put_varint(&out, 12345); /* a kind of the future, its length in one byte */
	bytes_put_blob(&out, "ab", 2);
	in.end = out.p;
	assert_true(rows_next_section(&in, &kind, &content));
	assert_true(kind == SECTION_EVENT && bytes_left(&content) == 1 && *content.p == 7);
	assert_true(rows_next_section(&in, &kind, &content));
	assert_true(kind == 12345 && bytes_left(&content) == 2);
	assert_false(rows_next_section(&in, &kind, &content));
	assert_false(in.bad);

	in = (struct bytes_in){.p = cut, .end = cut + sizeof(cut)};
	assert_false(rows_next_section(&in, &kind, &content));
	assert_true(in.bad);
	assert_false(rows_next_section(&in, &kind, &content));
	/* No room: nothing is written outside. */
	for (size_t room = 0; room < 6; room++) {
		out = (struct bytes_out){.p = block, .end = block + room};
		at = rows_begin(&out, SECTION_EVENT);
		bytes_put_u8(&out, 7);
		rows_end(&out, at);
		assert_true(out.full);
	}
}

static void check_text(struct bytes_in *in, const char *text)
{
	size_t len;
	const uint8_t *p = bytes_get_blob(in, &len);

	assert_int_equal(len, strlen(text));
	assert_memory_equal(p, text, len);
}

/* The tables of a header say what this table says. */
static void tables(void **state)
{
	struct bytes_out out = {.p = block, .end = block + ROWS_HEADER_MAX};
	struct bytes_in in = {.p = block}, content;
	uint64_t kind;

	(void)state;
	rows_pack_tables(&out);
	assert_false(out.full);
	in.end = out.p;
	assert_true(rows_next_section(&in, &kind, &content) && kind == SECTION_SOURCES);
	for (unsigned i = 0; i < SOURCE_MAX; i++) {
		if (!source_table[i].known)
			continue;
		assert_int_equal(bytes_get_varint(&content), i);
		assert_int_equal(bytes_get_varint(&content), source_table[i].scope);
		check_text(&content, source_table[i].file);
	}
	assert_true(!content.bad && !bytes_left(&content));
	assert_true(rows_next_section(&in, &kind, &content) && kind == SECTION_FIELDS);
	for (unsigned i = 0; i < FIELD_MAX; i++) {
		if (!field_table[i].known)
			continue;
		assert_int_equal(bytes_get_varint(&content), i);
		assert_int_equal(bytes_get_varint(&content), field_table[i].source);
		assert_int_equal(bytes_get_varint(&content), field_table[i].scale);
		check_text(&content, field_table[i].key);
		check_text(&content, field_table[i].column);
	}
	assert_true(!content.bad && !bytes_left(&content));
	assert_true(rows_next_section(&in, &kind, &content) && kind == SECTION_REASONS);
	for (unsigned i = 0; i < REASON_MAX; i++)
		check_text(&content, reason_table[i]);
	assert_true(!content.bad && !bytes_left(&content));
	assert_false(rows_next_section(&in, &kind, &content));
	assert_false(in.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_rows),
		cmocka_unit_test(extremes),
		cmocka_unit_test(steady_rows_are_small),
		cmocka_unit_test(cuts),
		cmocka_unit_test(malformed),
		cmocka_unit_test(process_round_trip),
		cmocka_unit_test(event_round_trip),
		cmocka_unit_test(sections),
		cmocka_unit_test(tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
