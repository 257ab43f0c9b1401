/* SPDX-License-Identifier: ISC */
/* The reader: what was written is read, what is cut or corrupt is said to be, nothing crashes. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "tests/unit/runfile_make.h"
#include "tools/blockrows.h"
#include "tools/reader.h"

#define ROWS	  40
#define PROCESSES 3
#define BLOCKS	  4
#define ROWS_KEY  0x9e3779b97f4a7c15

static uint64_t mix(uint64_t hash, uint64_t v)
{
	return (hash ^ v) * ROWS_KEY + (hash >> 29);
}

/* All that is known of a row, as a number. */
static uint64_t row_hash(const struct table_schema *schema, uint64_t scope, uint64_t process,
			 const struct table_row *row)
{
	uint64_t hash = mix(mix(mix(mix(1, process), row->tick), row->late_us), row->dropped);

	for (unsigned i = 0; i < schema->sources; i++)
		if (schema->source[i].file && schema->source[i].scope == scope)
			hash = mix(hash, row->reason[i]);
	for (unsigned i = 0; i < schema->fields; i++) {
		if (!schema->field[i].column || !(row->present[i / 64] >> (i % 64) & 1))
			continue;
		if (schema->source[schema->field[i].source].scope == scope)
			hash = mix(mix(hash, i), (uint64_t)row->value[i]);
	}
	return hash;
}

static uint64_t record_hash(uint64_t scope, uint64_t process, const struct record *rec)
{
	struct table_row row = {.tick = rec->tick,
				.late_us = rec->late_us,
				.dropped = rec->dropped,
				.present = rec->present,
				.value = rec->value,
				.reason = rec->reason};

	return row_hash(&table_builtin, scope, process, &row);
}

/* One field of `sparse` is present. */
static void random_record(struct record *rec, uint64_t scope, uint64_t tick, uint64_t sparse)
{
	record_init(rec);
	rec->tick = tick;
	rec->late_us = unit_below(1000);
	rec->dropped = unit_below(8) ? 0 : unit_below(100);
	for (unsigned i = 0; i < SOURCE_MAX; i++)
		if (source_table[i].known && source_table[i].scope == scope && unit_below(4))
			rec->reason[i] =
				(uint8_t)(unit_below(3) ? REASON_OK : unit_below(REASON_MAX));
	for (unsigned i = 0; i < FIELD_MAX; i++)
		if (field_table[i].known && source_table[field_table[i].source].scope == scope &&
		    unit_below(sparse) == 0)
			record_set(rec, i, unit_value());
}

static void put_rows(struct make *make, uint64_t process, const struct record *rows, size_t n)
{
	const struct record *pointers[ROWS];

	for (size_t i = 0; i < n; i++)
		pointers[i] = &rows[i];
	rows_pack(&make->out, SECTION_ROWS, process, pointers, n);
}

/* The hashes of the samples that a small file of random records holds, in no order. */
static uint64_t sample_hash[BLOCKS * PROCESSES * ROWS];
static size_t sample_count;

/* A small file of two to `most` rows a process and block; the ticks of blocks do not overlap. */
static void make_small(struct make *make, size_t most, uint64_t sparse)
{
	static struct record rows[ROWS];

	sample_count = 0;
	make_init(make);
	make_header(make);
	for (uint64_t block = 0; block < BLOCKS; block++) {
		for (uint64_t process = 0; process < PROCESSES; process++) {
			uint64_t scope = process ? SCOPE_PROCESS : SCOPE_TREE;
			size_t n = 2 + unit_below(most - 1);

			for (size_t i = 0; i < n; i++) {
				random_record(&rows[i], scope, block * ROWS + i, sparse);
				if (process)
					sample_hash[sample_count++] =
						record_hash(scope, process, &rows[i]);
			}
			put_rows(make, process, rows, n);
		}
		make_block(make);
	}
	make_index(make);
}

/* What a file was found to hold. */
struct found {
	int err;
	uint64_t offset;
	size_t blocks, rows;
	uint64_t hash;	/* of all rows in their order */
	uint64_t *each; /* where to put each row's hash, or NULL */
};

static int read_rows(struct blockrows *rows, const struct table_schema *schema,
		     struct bytes_in *block, struct found *found)
{
	struct table_row row;
	struct bytes_in section;
	uint64_t kind;
	uint64_t tick = 0;

	blockrows_clear(rows);
	while (rows_next_section(block, &kind, &section)) {
		struct bytes_in peek = section;

		if (kind != SECTION_ROWS || bytes_get_varint(&peek) == 0)
			continue;
		int err = blockrows_add(rows, &section, 7, "comm", 4);

		if (err < 0)
			return err;
	}
	while (blockrows_next(rows, &row)) {
		uint64_t hash = row_hash(schema, SCOPE_PROCESS, row.process, &row);

		assert_true(row.tick >= tick);
		tick = row.tick;
		if (found->each)
			found->each[found->rows] = hash;
		found->hash = mix(found->hash, hash);
		found->rows++;
	}
	return block->bad ? -EBADMSG : 0;
}

/* Reads all of a file. */
static struct found find(int fd, uint64_t *each)
{
	struct found found = {.each = each};
	struct blockrows *rows = NULL;
	struct bytes_in block;
	struct reader *reader;
	int got;

	found.err = reader_open(fd, &reader);
	if (found.err == 0) {
		assert_int_equal(blockrows_open(reader_schema(reader), SCOPE_PROCESS, &rows), 0);
		while ((got = reader_next(reader, &block)) > 0) {
			got = read_rows(rows, reader_schema(reader), &block, &found);
			if (got < 0)
				break;
			found.blocks++;
		}
		found.err = got;
	}
	found.offset = reader_offset(reader);
	blockrows_close(rows);
	reader_close(reader);
	close(fd);
	return found;
}

static struct found find_in(const struct make *make, size_t len)
{
	return find(make_fd(make->buf, len), NULL);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void round_trip(void **state)
{
	static uint64_t each[BLOCKS * PROCESSES * ROWS];

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct make make;
		struct found found;

		make_small(&make, ROWS, 2);
		found = find(make_fd(make.buf, make.len), each);
		assert_int_equal(found.err, 0);
		assert_int_equal(found.rows, sample_count);
		qsort(each, sample_count, sizeof(*each), compare_u64);
		qsort(sample_hash, sample_count, sizeof(*each), compare_u64);
		assert_memory_equal(each, sample_hash, sample_count * sizeof(*each));
		make_done(&make);
	}
}

/* A pipe gives what it has, and cannot be sought in. */
static void from_a_pipe(void **state)
{
	struct make make;
	struct found found;
	int ends[2];
	pid_t pid;
	int status;

	(void)state;
	make_small(&make, ROWS, 2);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		for (size_t i = 0, n; i < make.len; i += n) {
			n = 1 + unit_below(9);
			if (n > make.len - i)
				n = make.len - i;
			if (write(ends[1], make.buf + i, n) != (ssize_t)n)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	found = find(ends[0], NULL);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(found.err, 0);
	assert_int_equal(found.rows, sample_count);
	assert_int_equal(found.hash, find_in(&make, make.len).hash);
	make_done(&make);
}

static size_t header_len(const struct make *make)
{
	struct bytes_in in = {.p = make->buf + 4, .end = make->buf + make->len};

	return 8 + bytes_get_u32(&in);
}

struct growing {
	const struct make *make; /* borrowed */
	int fd;			 /* borrowed */
	size_t len, end;
};

/* By a byte, up to its end. */
static int grow(void *arg)
{
	struct growing *growing = arg;

	if (growing->len == growing->end)
		return 0;
	assert_int_equal(
		pwrite(growing->fd, growing->make->buf + growing->len, 1, (off_t)growing->len), 1);
	growing->len++;
	return 1;
}

/* A file that is still being written: each block is given with its last byte, however short it is. */
static void while_it_grows(void **state)
{
	struct make make;
	struct growing growing = {.make = &make};
	struct reader *reader;
	struct bytes_in block;
	size_t ends[4];

	(void)state;
	make_init(&make);
	make_header(&make);
	for (size_t i = 0; i < UNIT_COUNT(ends); i++) {
		/* 0: of thirteen bytes, less than a frame's longest header. */
		bytes_put_raw(&make.out, make.content, i * 50);
		make_block(&make);
		ends[i] = make.len;
	}
	assert_int_equal(ends[0], header_len(&make) + 13);
	make_index(&make);
	for (int cut = 0; cut < 2; cut++) {
		growing.fd = make_fd(make.buf, 0);
		growing.len = 0;
		growing.end = make.len - (size_t)cut;
		assert_int_equal(reader_follow(growing.fd, grow, &growing, &reader), 0);
		assert_int_equal(growing.len, header_len(&make));
		for (size_t i = 0; i < UNIT_COUNT(ends); i++) {
			assert_int_equal(reader_next(reader, &block), 1);
			assert_int_equal(bytes_left(&block), i * 50);
			assert_int_equal(growing.len, ends[i]);
		}
		assert_int_equal(reader_next(reader, &block), cut ? -ENODATA : 0);
		assert_int_equal(growing.len, growing.end);
		reader_close(reader);
		close(growing.fd);
	}
	make_done(&make);
}

static int give_up(void *arg)
{
	(void)arg;
	return -EPIPE;
}

static void not_waited_for(void **state)
{
	struct reader *reader;
	int fd = make_fd((const uint8_t *)"", 0);

	(void)state;
	assert_int_equal(reader_follow(fd, give_up, NULL, &reader), -EPIPE);
	reader_close(reader);
	close(fd);
}

/* Cut anywhere, a file gives its whole blocks, and says where it was cut. */
static void cuts(void **state)
{
	struct make make;
	size_t blocks = 0;

	(void)state;
	make_small(&make, 3, 16);
	for (size_t len = 0; len < make.len; len++) {
		struct found found = find_in(&make, len);

		assert_int_equal(found.err, -ENODATA);
		assert_true(found.offset <= len);
		assert_true(found.blocks == blocks || found.blocks == blocks + 1);
		blocks = found.blocks;
	}
	assert_int_equal(blocks, BLOCKS);
	make_done(&make);
}

/* One wrong byte, anywhere: refused, or of no consequence. */
static void corruptions(void **state)
{
	static const uint8_t flips[] = {0x01, 0x04, 0x10, 0x80, 0xff};
	struct make make;
	struct found good;
	size_t header;
	size_t tried = 0;
	size_t refused = 0;

	(void)state;
	make_small(&make, 3, 16);
	good = find_in(&make, make.len);
	header = header_len(&make);
	for (size_t at = 0; at < make.len; at++) {
		for (size_t i = 0; i < sizeof(flips); i++) {
			struct found found;

			make.buf[at] ^= flips[i];
			found = find_in(&make, make.len);
			make.buf[at] ^= flips[i];
			if (found.err == 0)
				assert_int_equal(found.hash, good.hash);
			else
				assert_true(found.err == -EBADMSG || found.err == -ENODATA);
			refused += found.err != 0;
			tried++;
			if (at >= 16 && at < header)
				break; /* one checksum over all of it: one flip will do */
		}
	}
	/* What may be harmless is a bit or two in each zstd frame's head. */
	assert_true(refused > tried * 99 / 100);
	make_done(&make);
}

/* The header, and what else stands in the file so far. */
static int refusal(struct make *make, const char *why)
{
	int fd = make_fd(make->buf, make->len);
	struct bytes_in block;
	struct reader *reader;
	int err = reader_open(fd, &reader);

	while (err == 0 && (err = reader_next(reader, &block)) == 1)
		err = 0;
	if (err < 0 && !strstr(reader_why(reader), why))
		fail_msg("\"%s\" is not said of \"%s\"", reader_why(reader), why);
	if (err < 0)
		assert_int_equal(reader_next(reader, &block), err);
	reader_close(reader);
	close(fd);
	make_done(make);
	return err;
}

static void newer_version(void **state)
{
	struct make make;

	(void)state;
	make_init(&make);
	make_magic(&make, ROWS_FORMAT_VERSION + 1);
	bytes_put_raw(&make.out, "whatever", 8);
	make_skippable(&make);
	assert_int_equal(refusal(&make, "version 2, this program reads up to version 1"),
			 -EOPNOTSUPP);
}

static void not_a_run_file(void **state)
{
	struct make make;

	(void)state;
	make_init(&make);
	make_raw(&make, "#!/bin/sh\n", 10);
	assert_int_equal(refusal(&make, "not a run file"), -EBADMSG);
	make_init(&make);
	make_raw(&make, "x", 1);
	assert_int_equal(refusal(&make, "not a run file"), -EBADMSG);
	make_init(&make);
	make_magic(&make, 0);
	make_skippable(&make);
	assert_int_equal(refusal(&make, "not a run file"), -EBADMSG);
	make_init(&make);
	make_skippable(&make);
	assert_int_equal(refusal(&make, "not a run file"), -EBADMSG);
	make_init(&make);
	bytes_put_raw(&make.out, "other\r\n\x1a\x01", 9);
	make_skippable(&make);
	assert_int_equal(refusal(&make, "not a run file"), -EBADMSG);
	make_init(&make);
	make_u32(&make, ROWS_SKIPPABLE_MAGIC);
	make_u32(&make, 3);
	make_u32(&make, 0);
	assert_int_equal(refusal(&make, "impossible length"), -EBADMSG);
	make_init(&make);
	make_u32(&make, ROWS_SKIPPABLE_MAGIC);
	make_u32(&make, UINT32_MAX);
	assert_int_equal(refusal(&make, "impossible length"), -EBADMSG);
}

struct header {
	const char *freq, *start;
	uint64_t source, field, of_source;
	const char *file, *column;
	const char *why; /* NULL: accepted */
};

static void bad_headers(void **state)
{
	static const struct header headers[] = {
		{"10", "5", 3, 9, 3, "file", "column", NULL},
		{"4294967295", "18446744073709551615", 1023, 4095, 1023, "f", "c", NULL},
		{"0", "5", 3, 9, 3, "file", "column", "frequency"},
		{"4294967296", "5", 3, 9, 3, "file", "column", "frequency"},
		{"-1", "5", 3, 9, 3, "file", "column", "frequency"},
		{"10x", "5", 3, 9, 3, "file", "column", "frequency"},
		{"", "5", 3, 9, 3, "file", "column", "frequency"},
		{"10", "", 3, 9, 3, "file", "column", "start time"},
		{"10", "18446744073709551616", 3, 9, 3, "file", "column", "start time"},
		{"10", "5", 3, 9, 4, "file", "column", "without a source"},
		{"10", "5", 1024, 9, 3, "file", "column", "malformed"},
		{"10", "5", 3, 4096, 3, "file", "column", "malformed"},
		{"10", "5", 3, UINT64_MAX, 3, "file", "column", "malformed"},
		{"10", "5", 3, 9, UINT64_MAX, "file", "column", "malformed"},
		{"10", "5", 3, 9, 3, "", "column", "malformed"},
		{"10", "5", 3, 9, 3, "file", "", "malformed"},
		{"10", "5", 3, 9, 3, "file", "a\tb", "malformed"},
		{"10", "5", 3, 9, 3, "file", "a,b", "malformed"},
		{"10", "5", 3, 9, 3, "file", "a\"b", "malformed"},
		{"10", "5", 3, 9, 3, "file", "\xc3\xa4", "malformed"},
		{"10", "5", 3, 9, 3, "a b", "column", "malformed"},
		{"10", "5", 3, 9, 3, "file",
		 "a_name_that_is_longer_than_any_column_of_mstat_has_ever_been_named", "malformed"},
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(headers); i++) {
		const struct header *header = &headers[i];
		struct make make;
		uint8_t *at;

		make_init(&make);
		make_magic(&make, ROWS_FORMAT_VERSION);
		make_info(&make, "freq", header->freq);
		make_info(&make, "start_monotonic_ns", header->start);
		at = rows_begin(&make.out, SECTION_SOURCES);
		make_source(&make, header->source, SCOPE_PROCESS, header->file);
		rows_end(&make.out, at);
		at = rows_begin(&make.out, SECTION_FIELDS);
		make_field(&make, header->field, header->of_source, 1, header->column);
		rows_end(&make.out, at);
		make_skippable(&make);
		make_index(&make);
		assert_int_equal(refusal(&make, header->why ? header->why : ""),
				 header->why ? -EBADMSG : 0);
	}
}

/* One id twice, a section cut short, more reasons than a byte counts. */
static void bad_tables(void **state)
{
	(void)state;
	for (int what = 0; what < 4; what++) {
		struct make make;
		uint8_t *at;

		make_init(&make);
		make_magic(&make, ROWS_FORMAT_VERSION);
		make_info(&make, "freq", "1");
		make_info(&make, "start_monotonic_ns", "1");
		at = rows_begin(&make.out, what == 2 ? SECTION_REASONS : SECTION_SOURCES);
		for (int i = 0; i < 2 && what == 0; i++)
			make_source(&make, 1, SCOPE_PROCESS, "file");
		for (int i = 0; i < 1 && what == 1; i++)
			bytes_put_varint(&make.out, 1);
		for (int i = 0; i < 257 && what == 2; i++)
			bytes_put_blob(&make.out, "why", 3);
		rows_end(&make.out, at);
		if (what == 3)
			bytes_put_raw(&make.out, "\x01\x7f", 2);
		make_skippable(&make);
		assert_int_equal(refusal(&make, "section"), -EBADMSG);
	}
}

static void bombs(void **state)
{
	(void)state;
	for (int what = 0; what < 4; what++) {
		static const char *const why[] = {"impossible length", "unknown or impossible",
						  "checksum", ""};
		struct make make;

		make_init(&make);
		make_header(&make);
		memset(make.content, 0, MAKE_MAX);
		make.out.p += what == 0 ? ROWS_BLOCK_MAX + 1 : ROWS_BLOCK_MAX;
		if (what == 1)
			ZSTD_CCtx_setParameter(make.zstd, ZSTD_c_contentSizeFlag, 0);
		if (what == 2)
			ZSTD_CCtx_setParameter(make.zstd, ZSTD_c_checksumFlag, 0);
		make_block(&make);
		make_index(&make);
		assert_int_equal(refusal(&make, why[what]), what == 3 ? 0 : -EBADMSG);
	}
}

/* A frame that says it is short, and is not: its length stands in the last bytes of its head. */
static void longer_than_it_says(void **state)
{
	struct make make;
	size_t frame;

	(void)state;
	make_init(&make);
	make_header(&make);
	frame = make.len;
	memset(make.content, 0, MAKE_MAX);
	make.out.p += ROWS_BLOCK_MAX;
	make_block(&make);
	/* Magic, descriptor, window, then four bytes of length. */
	assert_int_equal(make.buf[frame + 4] >> 6, 2);
	for (size_t i = 0; i < 4; i++)
		make.buf[frame + 5 + !(make.buf[frame + 4] & 0x20) + i] = i == 1;
	assert_int_equal(refusal(&make, ""), -EBADMSG);
}

/* A window as large as a gigabyte is not made room for. */
static void large_window(void **state)
{
	struct make make;
	ZSTD_outBuffer out;
	ZSTD_inBuffer in = {.src = "", .size = 0};
	uint8_t packed[1024];

	(void)state;
	make_init(&make);
	make_header(&make);
	out = (ZSTD_outBuffer){.dst = packed, .size = sizeof(packed)};
	ZSTD_CCtx_setParameter(make.zstd, ZSTD_c_windowLog, 27);
	/* Not knowing the length, zstd writes the window that it was given. */
	assert_false(ZSTD_isError(ZSTD_compressStream2(make.zstd, &out, &in, ZSTD_e_flush)));
	in = (ZSTD_inBuffer){.src = "abc", .size = 3};
	assert_int_equal(ZSTD_compressStream2(make.zstd, &out, &in, ZSTD_e_end), 0);
	make_raw(&make, packed, out.pos);
	assert_int_equal(refusal(&make, "unknown or impossible"), -EBADMSG);
}

/* What may stand beside blocks and index, and what may not. */
static void other_frames(void **state)
{
	struct make make;

	(void)state;
	make_init(&make);
	make_header(&make);
	make_u32(&make, 0x184D2A50); /* somebody else's skippable frame, longer than our buffer */
	make_u32(&make, ROWS_BLOCK_MAX);
	make_raw(&make, make.content, ROWS_BLOCK_MAX);
	make_block(&make); /* an empty one */
	make_index(&make);
	make_u32(&make, 0x184D2A5F);
	make_u32(&make, 0);
	assert_int_equal(refusal(&make, ""), 0);

	make_init(&make);
	make_header(&make);
	make_u32(&make, 0x184D2A50);
	make_u32(&make, UINT32_MAX);
	make_raw(&make, "few", 3);
	assert_int_equal(refusal(&make, "not whole"), -ENODATA);

	make_init(&make);
	make_header(&make);
	make_index(&make);
	make_block(&make);
	assert_int_equal(refusal(&make, "after the index"), -EBADMSG);

	make_init(&make);
	make_header(&make);
	make_raw(&make, "not a frame", 11);
	assert_int_equal(refusal(&make, "no frame"), -EBADMSG);

	make_init(&make);
	make_header(&make);
	make_block(&make);
	make.index[0] = 0xff; /* the block does not stand that far */
	make.index[1] = 0xff;
	make.index[2] = 0x7f;
	make.index[3] = 0;
	make.index_len = 4;
	make_index(&make);
	assert_int_equal(refusal(&make, "another file"), -EBADMSG);
}

/* A file of a newer mstat: fields by names of its own, kinds of sections not known here. */
static void newer_fields(void **state)
{
	const struct table_schema *schema;
	struct blockrows *rows;
	struct reader *reader;
	struct bytes_in block;
	struct bytes_in section;
	struct table_row row;
	uint64_t kind;
	struct make make;
	uint8_t *at;
	int fd;

	(void)state;
	make_init(&make);
	make_magic(&make, ROWS_FORMAT_VERSION);
	make_info(&make, "freq", "10");
	make_info(&make, "start_monotonic_ns", "0");
	at = rows_begin(&make.out, 77);
	bytes_put_raw(&make.out, "news", 4);
	rows_end(&make.out, at);
	at = rows_begin(&make.out, SECTION_FIELDS); /* before the sources that it names */
	make_field(&make, 4000, 900, 7, "new_bytes");
	make_field(&make, 4001, 901, 1, "of_another_scope");
	rows_end(&make.out, at);
	at = rows_begin(&make.out, SECTION_SOURCES);
	make_source(&make, 900, SCOPE_PROCESS, "new_file");
	make_source(&make, 901, 55, "newer_file");
	rows_end(&make.out, at);
	at = rows_begin(&make.out, SECTION_REASONS);
	bytes_put_blob(&make.out, "ok", 2);
	rows_end(&make.out, at);
	make_skippable(&make);
	bytes_put_varint(&make.out, 1u << 30);
	bytes_put_blob(&make.out, "new", 3);
	at = rows_begin(&make.out, SECTION_ROWS);
	bytes_put_varint(&make.out, 5); /* subject */
	bytes_put_varint(&make.out, 1); /* rows */
	bytes_put_varint(&make.out, 100);
	bytes_put_varint(&make.out, 2);
	bytes_put_varint(&make.out, 3);
	for (uint64_t source = 899; source < 903; source++) {
		bytes_put_varint(&make.out, source + 1);
		bytes_put_varint(&make.out, 200);
		bytes_put_varint(&make.out, 1);
	}
	bytes_put_varint(&make.out, 0);
	for (uint64_t field = 3999; field < 4100; field++) {
		bytes_put_varint(&make.out, field + 1);
		bytes_put_u8(&make.out, 0);
		bytes_put_zigzag(&make.out, -(int64_t)field);
	}
	bytes_put_varint(&make.out, 0);
	rows_end(&make.out, at);
	make_block(&make);
	make_index(&make);

	fd = make_fd(make.buf, make.len);
	assert_int_equal(reader_open(fd, &reader), 0);
	schema = reader_schema(reader);
	assert_string_equal(schema->field[4000].column, "new_bytes");
	assert_int_equal(schema->field[4000].scale, 7);
	assert_int_equal(blockrows_open(schema, SCOPE_PROCESS, &rows), 0);
	assert_int_equal(reader_next(reader, &block), 1);
	assert_true(rows_next_section(&block, &kind, &section));
	assert_int_equal(kind, 1u << 30);
	assert_true(rows_next_section(&block, &kind, &section));
	assert_int_equal(blockrows_add(rows, &section, 1, "c", 1), 0);
	assert_true(blockrows_next(rows, &row));
	assert_int_equal(row.value[4000], -4000);
	assert_int_equal(row.reason[900], 200);
	assert_int_equal(row.reason[901], REASON_UNKNOWN);
	for (unsigned i = 0; i < schema->fields; i++)
		assert_int_equal(row.present[i / 64] >> (i % 64) & 1, i == 4000);
	assert_false(blockrows_next(rows, &row));
	assert_int_equal(reader_next(reader, &block), 0);
	assert_int_equal(reader_next(reader, &block), 0);
	blockrows_close(rows);
	reader_close(reader);
	close(fd);
	make_done(&make);
}

/* Rows that cannot be: refused, or at least no crash, at every length. */
static void bad_rows(void **state)
{
	static const uint64_t huge[] = {1, 2, UINT64_MAX - 5, 10, 0, 0, 0, 0, 0, 0};
	struct blockrows *rows;
	struct bytes_in in;
	struct make make;

	(void)state;
	make_init(&make);
	assert_int_equal(blockrows_open(&table_builtin, SCOPE_PROCESS, &rows), 0);
	for (size_t i = 0; i < UNIT_COUNT(huge); i++)
		bytes_put_varint(&make.out, huge[i]);
	in = (struct bytes_in){.p = make.content, .end = make.out.p};
	assert_int_equal(blockrows_add(rows, &in, 0, NULL, 0), -EBADMSG); /* ticks wrap around */
	for (uint64_t n = 0; n <= UINT64_MAX / 2; n = n ? n * 2 : ROWS_MAX + 1) {
		make.out.p = make.content;
		bytes_put_varint(&make.out, 1);
		bytes_put_varint(&make.out, n);
		bytes_put_raw(&make.out, make.content, 64);
		in = (struct bytes_in){.p = make.content, .end = make.out.p};
		assert_int_equal(blockrows_add(rows, &in, 0, NULL, 0), -EBADMSG);
	}
	for (int round = 0; round < 200; round++) {
		static struct record records[ROWS];
		size_t len;

		make.out.p = make.content;
		for (size_t i = 0; i < ROWS; i++)
			random_record(&records[i], SCOPE_PROCESS, i, 2);
		put_rows(&make, 1, records, ROWS);
		len = (size_t)(make.out.p - make.content);
		for (int i = 0; i < 8; i++)
			make.content[5 + unit_below(len - 5)] = (uint8_t)unit_random();
		in = (struct bytes_in){.p = make.content + 5, .end = make.content + len};
		blockrows_clear(rows);
		if (blockrows_add(rows, &in, 0, NULL, 0) == 0) {
			struct table_row row;

			while (blockrows_next(rows, &row))
				row_hash(&table_builtin, SCOPE_PROCESS, 1, &row);
		}
	}
	blockrows_close(rows);
	make_done(&make);
}

/* A failing read is neither a cut nor a corruption. */
static void unreadable(void **state)
{
	struct reader *reader;
	int fd = open("/", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(reader_open(fd, &reader), -EISDIR);
	assert_string_not_equal(reader_why(reader), "");
	reader_close(reader);
	close(fd);
	reader_close(NULL);
	blockrows_close(NULL);
}

/* The header's tables packed: as they come, cut, of impossible size, and packed once more. */
static void packed_header(void **state)
{
	static uint8_t tables[65536], frame[65536], outer[65536];
	const struct {
		const char *why;
		size_t cut;
		bool twice;
	} cases[] = {{NULL, 0, false}, {"malformed", 9, false}, {"malformed", 0, true}};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		struct bytes_out out = {tables, tables + sizeof(tables), false};
		const uint8_t *content = frame;
		struct make make;
		uint8_t *at;
		size_t n;

		rows_pack_tables(&out);
		n = ZSTD_compress(frame, sizeof(frame), tables, (size_t)(out.p - tables), 1);
		if (cases[i].twice) {
			out = (struct bytes_out){tables, tables + sizeof(tables), false};
			at = rows_begin(&out, SECTION_PACKED);
			bytes_put_raw(&out, frame, n);
			rows_end(&out, at);
			n = ZSTD_compress(outer, sizeof(outer), tables, (size_t)(out.p - tables),
					  1);
			content = outer;
		}
		make_init(&make);
		make_magic(&make, ROWS_FORMAT_VERSION);
		make_info(&make, "freq", "10");
		make_info(&make, "start_monotonic_ns", "5");
		at = rows_begin(&make.out, SECTION_PACKED);
		bytes_put_raw(&make.out, content, n - cases[i].cut);
		rows_end(&make.out, at);
		make_skippable(&make);
		make_index(&make);
		assert_int_equal(refusal(&make, cases[i].why ? cases[i].why : ""),
				 cases[i].why ? -EBADMSG : 0);
	}
}

/* ---- section by section --------------------------------------------------------------------------- */

struct taken {
	unsigned n;
	int refuses; /* from the third on */
};

static int take_one(void *arg, uint64_t kind, struct bytes_in *section)
{
	struct taken *taken = arg;

	assert_int_equal(kind, SECTION_EVENT);
	assert_int_equal(bytes_get_varint(section), taken->n++);
	return taken->n < 3 ? 0 : taken->refuses;
}

/* What is told of four of them in two blocks, the last of which may be longer than its block. */
static int take_all(struct taken *taken, bool is_bad, const char *why)
{
	struct make make;
	struct reader *reader;
	int fd, err;

	make_init(&make);
	make_header(&make);
	for (unsigned i = 0; i < 4; i++) {
		uint8_t *at = rows_begin(&make.out, SECTION_EVENT);

		bytes_put_varint(&make.out, i);
		rows_end(&make.out, at);
		if (i == 3 && is_bad)
			make.out.p--;
		if (i % 2)
			make_block(&make);
	}
	make_index(&make);
	fd = make_fd(make.buf, make.len);
	assert_int_equal(reader_open(fd, &reader), 0);
	err = reader_each(reader, take_one, taken);
	assert_string_equal(reader_why(reader), why);
	reader_close(reader);
	close(fd);
	make_done(&make);
	return err;
}

static void each_section(void **state)
{
	struct taken taken = {0};

	(void)state;
	assert_int_equal(take_all(&taken, false, ""), 0);
	assert_int_equal(taken.n, 4);
	taken = (struct taken){0};
	assert_int_equal(take_all(&taken, true, "a malformed section"), -EBADMSG);
	assert_int_equal(taken.n, 3);
	taken = (struct taken){.refuses = -EBADMSG};
	assert_int_equal(take_all(&taken, false, "a malformed section"), -EBADMSG);
	assert_int_equal(taken.n, 3);
	taken = (struct taken){.refuses = -ENOMEM};
	assert_int_equal(take_all(&taken, false, "no memory"), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),	  cmocka_unit_test(from_a_pipe),
		cmocka_unit_test(while_it_grows), cmocka_unit_test(not_waited_for),
		cmocka_unit_test(cuts),		  cmocka_unit_test(corruptions),
		cmocka_unit_test(newer_version),  cmocka_unit_test(not_a_run_file),
		cmocka_unit_test(bad_headers),	  cmocka_unit_test(bad_tables),
		cmocka_unit_test(bombs),	  cmocka_unit_test(longer_than_it_says),
		cmocka_unit_test(large_window),	  cmocka_unit_test(other_frames),
		cmocka_unit_test(newer_fields),	  cmocka_unit_test(bad_rows),
		cmocka_unit_test(unreadable),	  cmocka_unit_test(packed_header),
		cmocka_unit_test(each_section),
	};

	unit_random_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
