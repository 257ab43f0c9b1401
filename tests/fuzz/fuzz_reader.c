/* SPDX-License-Identifier: ISC */
/*
 * The run file's reader and all that unpacks its sections. Checksums would refuse nearly all that a
 * fuzzer thinks of, so the first byte says where the rest is put: it is a file as it stands, the
 * header of a file that is otherwise good, the content of a block or of the index of one, or all that
 * is behind a good header; and what is read of it.
 */
#include <fcntl.h>

#include "core/heapwire.h"
#include "tests/unit/runfile_make.h"
#include "tools/blockrows.h"
#include "tools/reader.h"
#include "tools/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	AS_FILE,
	AS_HEADER,
	AS_BLOCK,
	AS_REST,
	AS_INDEX,
	AS_MANY,
};

/* A source or three of each scope, each with a field or two: the more there are, the slower it is. */
static bool is_in_header(unsigned source)
{
	unsigned before = 0;

	for (unsigned s = 0; s < source; s++)
		before += source_table[s].known &&
			  source_table[s].scope == source_table[source].scope;
	return source_table[source].known && before < 3;
}

static void pack_small_header(struct make *make)
{
	unsigned count[SOURCE_MAX] = {0};
	uint8_t *at;

	make_magic(make, ROWS_FORMAT_VERSION);
	make_info(make, "freq", "10");
	make_info(make, "start_monotonic_ns", "1000000000000");
	at = rows_begin(&make->out, SECTION_SOURCES);
	for (unsigned s = 0; s < SOURCE_MAX; s++)
		if (is_in_header(s))
			make_source(make, s, source_table[s].scope, source_table[s].file);
	rows_end(&make->out, at);
	at = rows_begin(&make->out, SECTION_FIELDS);
	for (unsigned f = 0; f < FIELD_MAX; f++)
		if (field_table[f].known && is_in_header(field_table[f].source) &&
		    count[field_table[f].source]++ < 2)
			make_field(make, f, field_table[f].source, field_table[f].scale,
				   field_table[f].column);
	rows_end(&make->out, at);
}

/* Made once: the same for all. */
static void make_small_header(struct make *make)
{
	static struct make header;

	if (!header.len) {
		make_init(&header);
		pack_small_header(&header);
		make_skippable(&header);
	}
	make_raw(make, header.buf, header.len);
}

static void build(struct make *make, unsigned as, const uint8_t *data, size_t len)
{
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
		make_small_header(make);
	}
	if (as == AS_REST) {
		make_raw(make, data, len);
		return;
	}
	if (as == AS_BLOCK)
		bytes_put_raw(&make->out, data, len);
	make_block(make);
	if (as == AS_INDEX) {
		bytes_put_raw(&make->out, data, len);
		make_skippable(make);
	} else {
		make_index(make);
	}
}

/* What is read of one scope, and where it is printed. */
struct output {
	struct blockrows *rows;
	struct table *table; /* NULL: the header has nothing for it */
};

static void unpack_heap(struct bytes_in section)
{
	uint8_t kind;
	uint64_t id;

	if (rows_unpack_heap(&section, &id, &kind) == 0)
		heapwire_is_sound((enum wire_kind)kind, section);
}

static void unpack_texts(uint64_t kind, struct bytes_in section)
{
	struct rows_holder holders[ROWS_HOLDERS_MAX];
	struct rows_process process;
	struct rows_event event;
	struct rows_phase phase;

	if (kind == SECTION_PROCESS)
		rows_unpack_process(&section, &process);
	if (kind == SECTION_EVENT)
		rows_unpack_event(&section, &event);
	if (kind == SECTION_PHASE)
		rows_unpack_phase(&section, &phase);
	if (kind == SECTION_HEAP)
		unpack_heap(section);
	if (kind == SECTION_HOLDERS)
		rows_unpack_holders(&section, holders);
}

static void unpack(struct output *output, struct bytes_in block)
{
	struct bytes_in section;
	struct table_row row;
	uint64_t kind;

	blockrows_clear(output->rows);
	while (rows_next_section(&block, &kind, &section)) {
		unpack_texts(kind, section);
		if ((kind == SECTION_ROWS || kind == SECTION_SUMMARY || kind == SECTION_LIFE) &&
		    blockrows_add(output->rows, &section, 1, "a\xff", 2) < 0)
			break;
	}
	while (output->table && blockrows_next(output->rows, &row))
		table_put_row(output->table, &row);
}

static void read_all(struct reader *reader, enum table_format format, enum scope first, int out)
{
	struct output outputs[2] = {0};
	struct bytes_in block;

	for (int i = 0; i < 2; i++) {
		enum scope scope = (enum scope)(first + i);

		if (blockrows_open(reader_schema(reader), scope, &outputs[i].rows) < 0)
			abort();
		if (table_open_rows(out, format, reader_schema(reader), scope, reader_clock(reader),
				    &outputs[i].table))
			outputs[i].table = NULL;
	}
	while (reader_next(reader, &block) > 0)
		for (int i = 0; i < 2; i++)
			unpack(&outputs[i], block);
	for (int i = 0; i < 2; i++) {
		if (outputs[i].table)
			table_close(outputs[i].table);
		blockrows_close(outputs[i].rows);
	}
}

static void read_infos(struct reader *reader)
{
	const char *name, *text;
	size_t len;

	for (unsigned i = 0; reader_info(reader, i, &name, &text, &len); i++)
		if (!*name || text[len])
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct make make; /* kept: to allocate it takes longer than all the rest */
	static int out = -1;
	struct reader *reader;
	unsigned how = len ? *data : 0;
	int fd;

	if (len) {
		data++;
		len--;
	}
	if (out < 0) {
		out = open("/dev/null", O_WRONLY | O_CLOEXEC);
		make_init(&make);
	}
	if (len > ROWS_HEADER_MAX / 2)
		return 0;
	make_restart(&make);
	build(&make, how % AS_MANY, data, len);
	fd = make_fd(make.buf, make.len);
	if (reader_open(fd, &reader) == 0) {
		read_infos(reader);
		read_all(reader, (enum table_format)(how / AS_MANY % 3),
			 how / AS_MANY / 3 % 2 ? SCOPE_RUN : SCOPE_PROCESS, out);
	}
	if (!reader || strlen(reader_why(reader)) > 95 || reader_offset(reader) > make.len)
		__builtin_trap();
	reader_close(reader);
	close(fd);
	return 0;
}
