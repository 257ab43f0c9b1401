/* SPDX-License-Identifier: ISC */
/*
 * The run file's reader and all that unpacks its sections. Checksums would refuse nearly all that a
 * fuzzer thinks of, so the first byte says where the rest is put: it is a file as it stands, the
 * header of a file that is otherwise good, or the content of a block of one.
 */
#include <fcntl.h>

#include "tests/unit/runfile_make.h"
#include "tools/blockrows.h"
#include "tools/reader.h"
#include "tools/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	AS_FILE,
	AS_HEADER,
	AS_BLOCK,
	AS_MANY,
};

static void build(struct make *make, const uint8_t *data, size_t len)
{
	unsigned as = len ? data[0] % AS_MANY : AS_FILE;

	if (len) {
		data++;
		len--;
	}
	if (as == AS_FILE) {
		make_raw(make, data, len);
		return;
	}
	if (as == AS_HEADER) {
		make_magic(make, ROWS_FORMAT_VERSION);
		make_info(make, "freq", "10");
		make_info(make, "start_monotonic_ns", "1");
		bytes_put_raw(&make->out, data, len);
		make_skippable(make);
	} else {
		make_header(make);
	}
	bytes_put_raw(&make->out, data, len);
	make_block(make);
	make_index(make);
}

static void unpack_texts(uint64_t kind, struct bytes_in section)
{
	struct rows_process process;
	struct rows_event event;

	if (kind == SECTION_PROCESS)
		rows_unpack_process(&section, &process);
	if (kind == SECTION_EVENT)
		rows_unpack_event(&section, &event);
}

static void unpack(struct reader *reader, enum scope scope, struct blockrows *rows,
		   struct bytes_in block, int fd)
{
	enum table_format format = (enum table_format)(reader_offset(reader) % 3);
	struct bytes_in section;
	struct table_row row;
	struct table *table;
	uint64_t kind;

	if (table_open_rows(fd, format, reader_schema(reader), scope, reader_clock(reader), &table))
		return;
	blockrows_clear(rows);
	while (rows_next_section(&block, &kind, &section)) {
		unpack_texts(kind, section);
		if ((kind == SECTION_ROWS || kind == SECTION_SUMMARY) &&
		    blockrows_add(rows, &section, 1, "a\xff", 2) < 0)
			break;
	}
	blockrows_sort(rows);
	while (blockrows_next(rows, &row))
		table_put_row(table, &row);
	table_close(table);
}

static void read_all(struct reader *reader, int out)
{
	struct blockrows *rows[2] = {NULL, NULL};
	struct bytes_in block;

	for (int i = 0; i < 2; i++)
		if (blockrows_open(reader_schema(reader), (uint64_t)i, &rows[i]) < 0)
			abort();
	while (reader_next(reader, &block) > 0)
		for (int i = 0; i < 2; i++)
			unpack(reader, (enum scope)i, rows[i], block, out);
	blockrows_close(rows[0]);
	blockrows_close(rows[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct make make; /* kept: to allocate it takes longer than all the rest */
	static int out = -1;
	struct reader *reader;
	int fd;

	if (out < 0) {
		out = open("/dev/null", O_WRONLY | O_CLOEXEC);
		make_init(&make);
	}
	if (len > ROWS_HEADER_MAX / 2)
		return 0;
	make_restart(&make);
	build(&make, data, len);
	fd = make_fd(make.buf, make.len);
	if (reader_open(fd, &reader) == 0)
		read_all(reader, out);
	reader_close(reader);
	close(fd);
	return 0;
}
