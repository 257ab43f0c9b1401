/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/tick.h"
#include "tools/plain.h"
#include "tools/table.h"

#define BUFFER 65536
/* No piece that is put at once is longer: a number with its sign, an escape. */
#define PIECE 24

struct table {
	int fd; /* borrowed */
	int err;
	enum table_format format;
	unsigned columns;	/* cells in a row */
	unsigned cell;		/* the next one */
	struct table_cell *row; /* owned: the row so far; text is borrowed */
	const char **name;	/* owned; the names are borrowed */
	unsigned *chosen;	/* owned: columns, from left to right; NULL: all */
	unsigned chosen_count;
	bool has_head;	  /* the line of names was written */
	table_sink *sink; /* NULL: it is text */
	void *sink_arg;	  /* borrowed */
	size_t len;
	char buf[BUFFER];

	/* Of a table of rows only. */
	const struct table_schema *schema; /* borrowed */
	struct table_layout *layout;	   /* owned */
	enum scope scope;
	struct table_clock clock;
	char *notes; /* owned; room for the longest list of notes */
	/* Owned: columns of the layout that somebody reads; all, where there are notes of them. */
	unsigned *read;
	unsigned read_count;
	bool reads_notes;
};

#define SOURCE_ROW(id, token, scope, format, file) [id] = {file, scope},
#define FIELD_ROW(id, token, source, key, arg, scale, column) \
	[id] = {column, scale, SOURCE_##source},

static const struct table_source builtin_sources[SOURCE_MAX] = {SOURCE_TABLE(SOURCE_ROW)};
static const struct table_field builtin_fields[FIELD_MAX] = {FIELD_TABLE(FIELD_ROW)};
static const char *const builtin_reasons[REASON_MAX] = {
	reason_table[0], reason_table[1], reason_table[2], reason_table[3], reason_table[4],
	reason_table[5], reason_table[6], reason_table[7], reason_table[8],
};
_Static_assert(REASON_MAX == 9, "builtin_reasons must name every reason");

const struct table_schema table_builtin = {
	.field = builtin_fields,
	.source = builtin_sources,
	.reason = builtin_reasons,
	.fields = FIELD_MAX,
	.sources = SOURCE_MAX,
	.reasons = REASON_MAX,
};

static const char *const tick_heads[] = {"time"};
static const char *const tick_tails[] = {"notes"};
static const char *const sample_heads[] = {"time_ns", "tick", "late_ns", "process", "pid", "comm"};
static const char *const sample_tails[] = {"dropped", "notes"};
#define COUNT(array) (unsigned)(sizeof(array) / sizeof(*(array)))

/* The columns that come first, whether the schema has them or not. */
static const char *const tree_first[] = {"rss", "kernel"};

static bool in_scope(const struct table_schema *schema, unsigned field, uint64_t scope)
{
	return schema->field[field].column &&
	       schema->source[schema->field[field].source].scope == scope;
}

/* Appends the column of that name with its fields, unless it is there; returns the fields' end. */
static uint16_t *layout_add(struct table_layout *layout, const struct table_schema *schema,
			    uint64_t scope, const char *name, uint16_t *at)
{
	struct table_column *column = &layout->column[layout->count];

	for (unsigned i = 0; i < layout->count; i++)
		if (!strcmp(layout->column[i].name, name))
			return at;
	*column = (struct table_column){.name = name, .fields = at};
	for (unsigned id = 0; id < schema->fields; id++) {
		if (in_scope(schema, id, scope) && !strcmp(schema->field[id].column, name)) {
			*at++ = (uint16_t)id;
			column->count++;
		}
	}
	layout->count++;
	return at;
}

int table_lay_out(const struct table_schema *schema, uint64_t scope, struct table_layout **ret)
{
	size_t firsts = scope == SCOPE_TREE ? sizeof(tree_first) / sizeof(*tree_first) : 0;
	size_t max = firsts;
	struct table_layout *layout;
	uint16_t *at;

	for (unsigned id = 0; id < schema->fields; id++)
		max += in_scope(schema, id, scope);
	layout = calloc(1, sizeof(*layout) + max * (sizeof(layout->column[0]) + sizeof(*at)));
	if (!layout)
		return -ENOMEM;
	at = (uint16_t *)&layout->column[max];
	for (size_t i = 0; i < firsts; i++)
		at = layout_add(layout, schema, scope, tree_first[i], at);
	for (unsigned id = 0; id < schema->fields; id++)
		if (in_scope(schema, id, scope))
			at = layout_add(layout, schema, scope, schema->field[id].column, at);
	*ret = layout;
	return 0;
}

bool table_value(const struct table_schema *schema, const struct table_column *column,
		 const struct table_row *row, int64_t *ret_value, unsigned *ret_field)
{
	for (unsigned i = 0; i < column->count; i++) {
		unsigned id = column->fields[i];

		if (!(row->present[id / 64] >> (id % 64) & 1))
			continue;
		*ret_value = (int64_t)((uint64_t)row->value[id] * schema->field[id].scale);
		*ret_field = id;
		return true;
	}
	return false;
}

/* What is in the buffer goes out; after an error it is dropped. */
static void flush(struct table *table)
{
	size_t done = 0;

	while (done < table->len && !table->err) {
		ssize_t n = write(table->fd, table->buf + done, table->len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			table->err = n ? -errno : -EIO;
		else if (errno == EAGAIN) /* whoever shares our output made it non-blocking */
			poll(&(struct pollfd){.fd = table->fd, .events = POLLOUT}, 1, -1);
	}
	table->len = 0;
}

/* Room for a piece. */
static char *room(struct table *table)
{
	if (BUFFER - table->len < PIECE)
		flush(table);
	return table->buf + table->len;
}

static void put_char(struct table *table, char c)
{
	*room(table) = c;
	table->len++;
}

static void put_raw(struct table *table, const char *text, size_t len)
{
	while (len) {
		size_t n = BUFFER - table->len < len ? BUFFER - table->len : len;

		memcpy(table->buf + table->len, text, n);
		table->len += n;
		text += n;
		len -= n;
		if (len)
			flush(table);
	}
}

static void put_number(struct table *table, uint64_t v, bool negative)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	char *out = room(table);
	char digits[20];
	size_t n = sizeof(digits);

	for (; v >= 100; v /= 100)
		memcpy(digits + (n -= 2), pairs + v % 100 * 2, 2);
	if (v >= 10)
		memcpy(digits + (n -= 2), pairs + v * 2, 2);
	else
		digits[--n] = (char)('0' + v);
	if (negative)
		*out++ = '-';
	memcpy(out, digits + n, sizeof(digits) - n);
	table->len += negative + sizeof(digits) - n;
}

static void put_hex(struct table *table, const char *prefix, uint8_t byte)
{
	static const char hex[] = "0123456789abcdef";

	put_raw(table, prefix, strlen(prefix));
	put_char(table, hex[byte >> 4]);
	put_char(table, hex[byte & 15]);
}

static bool is_control(char c)
{
	return (uint8_t)c < ' ' || c == 0x7f;
}

/* How much of the text a reader and a terminal take as it is; 0: its first byte is to be escaped. */
static size_t bare_len(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= ' ' && text[n] < 0x7f && text[n] != '\\')
		n++;
	return n || *text == '\\' ? n : plain_len((const uint8_t *)text, len);
}

static void put_escape(struct table *table, char c)
{
	static const char plain[] = "\t\n\r\\";
	static const char named[] = "tnr\\";
	const char *at = c ? strchr(plain, c) : NULL;

	if (at) {
		put_char(table, '\\');
		put_char(table, named[at - plain]);
	} else {
		put_hex(table, "\\x", (uint8_t)c);
	}
}

static void put_tsv(struct table *table, const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = bare_len(text + i, len - i);
		if (n)
			put_raw(table, text + i, n);
		else
			put_escape(table, text[i]);
		n += n == 0;
	}
}

static void put_csv(struct table *table, const char *text, size_t len)
{
	bool quoted = false;

	for (size_t i = 0; i < len && !quoted; i++)
		quoted = text[i] == ',' || text[i] == '"' || is_control(text[i]);
	if (quoted)
		put_char(table, '"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"')
			put_char(table, '"');
		put_char(table, text[i]);
	}
	if (quoted)
		put_char(table, '"');
}

static void put_json_char(struct table *table, char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t";
	static const char named[] = "\"\\bfnrt";
	const char *at = c ? strchr(plain, c) : NULL;

	if (at) {
		put_char(table, '\\');
		put_char(table, named[at - plain]);
	} else if (is_control(c)) {
		put_hex(table, "\\u00", (uint8_t)c);
	} else {
		put_char(table, c);
	}
}

static void put_json(struct table *table, const char *text, size_t len)
{
	put_char(table, '"');
	for (size_t i = 0, n; i < len; i += n) {
		n = plain_utf8_len((const uint8_t *)text + i, len - i);
		if (n == 1)
			put_json_char(table, text[i]);
		else if (n)
			put_raw(table, text + i, n);
		else
			put_raw(table, "\xef\xbf\xbd", 3);
		n += n == 0;
	}
	put_char(table, '"');
}

static void cell_begin(struct table *table, const char *name, bool is_first)
{
	if (table->format == TABLE_JSONL) {
		put_raw(table, is_first ? "{\"" : ",\"", 2);
		put_raw(table, name, strlen(name));
		put_raw(table, "\":", 2);
	} else if (!is_first) {
		put_char(table, table->format == TABLE_TSV ? '\t' : ',');
	}
}

static void put_text(struct table *table, const char *text, size_t len)
{
	if (table->format == TABLE_TSV)
		put_tsv(table, text, len);
	else if (table->format == TABLE_CSV)
		put_csv(table, text, len);
	else
		put_json(table, text, len);
}

static size_t word_len(const char *words, size_t left)
{
	const char *end = memchr(words, 0, left);

	return end ? (size_t)(end - words) : left;
}

static void put_array(struct table *table, const char *words, size_t len)
{
	put_char(table, '[');
	for (size_t i = 0, n; i < len; i += n + 1) {
		n = word_len(words + i, len - i);
		if (i)
			put_char(table, ',');
		put_json(table, words + i, n);
	}
	put_char(table, ']');
}

/* Whether a shell would take the word as it stands. */
static bool is_plain_word(const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = word[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      (c && strchr("_@%+=:,./-", c)) || (uint8_t)c >= 0x80))
			return false;
	}
	return len > 0;
}

/* Appends the word in single quotes, where ' is '\'' ; returns the end. */
static char *quote_word(char *out, const char *word, size_t len)
{
	*out++ = '\'';
	for (size_t i = 0; i < len; i++) {
		if (word[i] == '\'') {
			memcpy(out, "'\\'", 3);
			out += 3;
		}
		*out++ = word[i];
	}
	*out++ = '\'';
	return out;
}

size_t table_line(const char *words, size_t len, char *line)
{
	char *out = line;

	for (size_t i = 0, n; i < len; i += n + 1) {
		n = word_len(words + i, len - i);
		if (i)
			*out++ = ' ';
		if (is_plain_word(words + i, n))
			out = mempcpy(out, words + i, n);
		else
			out = quote_word(out, words + i, n);
	}
	return (size_t)(out - line);
}

static void put_line(struct table *table, const char *words, size_t len)
{
	/* A byte becomes at most four ('\''), a word gains two quotes and a blank. */
	char *line = malloc(7 * len + 3);
	size_t line_len;

	if (!line) {
		table->err = table->err ? table->err : -ENOMEM;
		return;
	}
	line_len = table_line(words, len, line);
	put_text(table, line, line_len);
	free(line);
}

static void write_cell(struct table *table, const struct table_cell *cell)
{
	switch (cell->kind) {
	case TABLE_INT:
		put_number(table,
			   cell->number < 0 ? 0 - (uint64_t)cell->number : (uint64_t)cell->number,
			   cell->number < 0);
		break;
	case TABLE_UINT:
		put_number(table, (uint64_t)cell->number, false);
		break;
	case TABLE_TEXT:
		put_text(table, cell->text, cell->len);
		break;
	case TABLE_WORDS:
		if (table->format == TABLE_JSONL)
			put_array(table, cell->text, cell->len);
		else
			put_line(table, cell->text, cell->len);
		break;
	case TABLE_UNKNOWN:
		if (table->format == TABLE_JSONL)
			put_raw(table, "null", 4);
		break;
	}
}

static unsigned column_at(const struct table *table, unsigned i)
{
	return table->chosen ? table->chosen[i] : i;
}

static void line_end(struct table *table)
{
	if (table->format == TABLE_JSONL)
		put_char(table, '}');
	put_char(table, '\n');
}

/* The line of names, which waits for the choice of columns. */
static void write_head(struct table *table)
{
	if (table->has_head)
		return;
	table->has_head = true;
	if (table->format == TABLE_JSONL || table->sink)
		return;
	for (unsigned i = 0; i < table->chosen_count; i++) {
		const char *name = table->name[column_at(table, i)];

		cell_begin(table, name, i == 0);
		put_text(table, name, strlen(name));
	}
	line_end(table);
}

/* Whether it is one empty cell: readers of CSV pass over an empty line. */
static bool is_blank(const struct table *table)
{
	const struct table_cell *cell = &table->row[column_at(table, 0)];

	return table->chosen_count == 1 &&
	       (cell->kind == TABLE_UNKNOWN || (cell->kind >= TABLE_TEXT && !cell->len));
}

static void write_row(struct table *table)
{
	write_head(table);
	if (table->format == TABLE_CSV && is_blank(table))
		put_raw(table, "\"\"", 2);
	for (unsigned i = 0; i < table->chosen_count; i++) {
		unsigned column = column_at(table, i);

		cell_begin(table, table->name[column], i == 0);
		write_cell(table, &table->row[column]);
	}
	line_end(table);
}

static void put_cell(struct table *table, const struct table_cell *cell)
{
	table->row[table->cell++] = *cell;
	if (table->cell < table->columns)
		return;
	table->cell = 0;
	if (!table->sink) {
		write_row(table);
	} else if (table->err == 0) {
		table->err = table->sink(table->sink_arg, table->row, table->columns);
	}
}

void table_put_int(struct table *table, int64_t v)
{
	put_cell(table, &(struct table_cell){.kind = TABLE_INT, .number = v});
}

void table_put_uint(struct table *table, uint64_t v)
{
	put_cell(table, &(struct table_cell){.kind = TABLE_UINT, .number = (int64_t)v});
}

void table_put_text(struct table *table, const char *text, size_t len)
{
	put_cell(table, &(struct table_cell){.kind = TABLE_TEXT, .text = text, .len = len});
}

void table_put_unknown(struct table *table)
{
	put_cell(table, &(struct table_cell){.kind = TABLE_UNKNOWN});
}

void table_put_words(struct table *table, const char *words, size_t len)
{
	put_cell(table, &(struct table_cell){.kind = TABLE_WORDS, .text = words, .len = len});
}

int table_open(int fd, enum table_format format, const char *const *names, unsigned n,
	       struct table **ret)
{
	struct table *table = malloc(sizeof(*table));

	if (!table)
		return -ENOMEM;
	/* The buffer is left as it is. */
	memset(table, 0, offsetof(struct table, buf));
	memset(&table->schema, 0, sizeof(*table) - offsetof(struct table, schema));
	table->fd = fd;
	table->format = format;
	table->columns = table->chosen_count = n;
	table->row = calloc(n, sizeof(*table->row));
	table->name = calloc(n, sizeof(*table->name));
	if (!table->row || !table->name) {
		table_close(table);
		return -ENOMEM;
	}
	memcpy(table->name, names, n * sizeof(*names));
	*ret = table;
	return 0;
}

const char *const *table_names(const struct table *table, unsigned *ret_n)
{
	*ret_n = table->columns;
	return table->name;
}

static bool find_name(const struct table *table, const char *name, unsigned *ret)
{
	for (unsigned i = 0; i < table->columns; i++) {
		if (strcmp(table->name[i], name))
			continue;
		*ret = i;
		return true;
	}
	return false;
}

bool table_is_chosen(const struct table *table, unsigned column)
{
	for (unsigned i = 0; i < table->chosen_count; i++)
		if (column_at(table, i) == column)
			return true;
	return false;
}

/* Cells that nobody reads are not filled: of samples' seventy columns few are wanted at a time. */
static void settle_read(struct table *table)
{
	unsigned first = table->scope == SCOPE_TREE ? COUNT(tick_heads) : COUNT(sample_heads);

	table->reads_notes = table->sink || table_is_chosen(table, table->columns - 1);
	table->read_count = 0;
	for (unsigned i = 0; table->schema && i < table->layout->count; i++)
		if (table->reads_notes || table_is_chosen(table, first + i))
			table->read[table->read_count++] = i;
}

int table_choose(struct table *table, const char *const *names, unsigned n, unsigned *ret_bad)
{
	unsigned *chosen = calloc(n, sizeof(*chosen));

	if (!chosen)
		return -ENOMEM;
	for (*ret_bad = 0; *ret_bad < n; ++*ret_bad) {
		if (!find_name(table, names[*ret_bad], &chosen[*ret_bad])) {
			free(chosen);
			return -ENOENT;
		}
	}
	free(table->chosen);
	table->chosen = chosen;
	table->chosen_count = n;
	settle_read(table);
	return 0;
}

bool table_reads_all(const struct table *table)
{
	return table->reads_notes;
}

void table_read_fields(const struct table *table, uint64_t *ret)
{
	memset(ret, 0, TABLE_FIELD_MAX / 8);
	for (unsigned i = 0; i < table->read_count; i++) {
		const struct table_column *column = &table->layout->column[table->read[i]];

		for (unsigned k = 0; k < column->count; k++)
			ret[column->fields[k] / 64] |= (uint64_t)1 << column->fields[k] % 64;
	}
}

void table_aim(struct table *table, int fd)
{
	table->fd = fd;
}

void table_feed(struct table *table, table_sink *sink, void *arg)
{
	table->sink = sink;
	table->sink_arg = arg;
	settle_read(table);
}

/* How long a list of notes can become: every source and every column in it. */
static size_t notes_max(const struct table_schema *schema, const struct table_layout *layout)
{
	size_t source = 0;
	size_t reason = PIECE;
	size_t max = 0;

	for (unsigned i = 0; i < schema->reasons; i++)
		if (strlen(schema->reason[i]) > reason)
			reason = strlen(schema->reason[i]);
	for (unsigned i = 0; i < schema->sources; i++) {
		size_t len = schema->source[i].file ? strlen(schema->source[i].file) : 0;

		if (len)
			max += len + reason + 2;
		if (len > source)
			source = len;
	}
	for (unsigned i = 0; i < layout->count; i++)
		max += strlen(layout->column[i].name) + source + 2;
	return max + PIECE;
}

/* All names of a table of rows, from left to right; the caller's to free, NULL: no memory. */
static const char **row_names(const struct table_layout *layout, enum scope scope, unsigned *ret_n)
{
	bool tick = scope == SCOPE_TREE;
	const char *const *heads = tick ? tick_heads : sample_heads;
	const char *const *tails = tick ? tick_tails : sample_tails;
	unsigned head = tick ? COUNT(tick_heads) : COUNT(sample_heads);
	unsigned tail = tick ? COUNT(tick_tails) : COUNT(sample_tails);
	const char **names = calloc(head + layout->count + tail, sizeof(*names));
	unsigned n = 0;

	for (unsigned i = 0; names && i < head; i++)
		names[n++] = heads[i];
	for (unsigned i = 0; names && i < layout->count; i++)
		names[n++] = layout->column[i].name;
	for (unsigned i = 0; names && i < tail; i++)
		names[n++] = tails[i];
	*ret_n = n;
	return names;
}

int table_open_rows(int fd, enum table_format format, const struct table_schema *schema,
		    enum scope scope, const struct table_clock *clock, struct table **ret)
{
	struct table_layout *layout;
	const char **names;
	unsigned *read;
	char *notes;
	unsigned n;
	int err = table_lay_out(schema, scope, &layout);

	if (err < 0)
		return err;
	names = row_names(layout, scope, &n);
	notes = malloc(notes_max(schema, layout));
	read = calloc(layout->count, sizeof(*read));
	err = names && notes && read ? table_open(fd, format, names, n, ret) : -ENOMEM;
	free(names);
	if (err < 0) {
		free(read);
		free(notes);
		free(layout);
		return err;
	}
	(*ret)->schema = schema;
	(*ret)->layout = layout;
	(*ret)->scope = scope;
	(*ret)->clock = *clock;
	(*ret)->notes = notes;
	(*ret)->read = read;
	settle_read(*ret);
	return 0;
}

/* SOURCE:REASON for each source of the table's scope that has no value for a reason it told. */
static char *note_reasons(const struct table *table, const struct table_row *row, char *out)
{
	const struct table_schema *schema = table->schema;

	for (unsigned i = 0; i < schema->sources; i++) {
		unsigned reason = row->reason[i];

		if (reason == REASON_OK || reason == REASON_UNKNOWN ||
		    schema->source[i].scope != table->scope || !schema->source[i].file)
			continue;
		out = stpcpy(stpcpy(out, schema->source[i].file), ":");
		if (reason < schema->reasons) {
			out = stpcpy(out, schema->reason[reason]);
		} else { /* of a newer mstat; at most 255 */
			*out++ = (char)('0' + reason / 100);
			*out++ = (char)('0' + reason / 10 % 10);
			*out++ = (char)('0' + reason % 10);
		}
		*out++ = ',';
	}
	return out;
}

/* The columns of fields, and a note COLUMN@SOURCE where another source spoke for the first one. */
static char *put_fields(struct table *table, const struct table_row *row, char *out)
{
	const struct table_schema *schema = table->schema;

	for (unsigned i = 0; i < table->read_count; i++) {
		const struct table_column *column = &table->layout->column[table->read[i]];
		struct table_cell *cell = &table->row[table->cell + table->read[i]];
		unsigned field;
		unsigned first;

		cell->kind = TABLE_UNKNOWN;
		if (!table_value(schema, column, row, &cell->number, &field))
			continue;
		cell->kind = TABLE_INT;
		field = schema->field[field].source;
		first = schema->field[column->fields[0]].source;
		/* What this host does not have (the other cgroup version) needs no note. */
		if (field == first || row->reason[first] == REASON_UNKNOWN)
			continue;
		out = stpcpy(stpcpy(out, column->name), "@");
		out = stpcpy(out, schema->source[field].file);
		*out++ = ',';
	}
	table->cell += table->layout->count;
	return out;
}

static void put_sample_heads(struct table *table, const struct table_row *row)
{
	table_put_uint(table, row->tick);
	table_put_uint(table, row->late_us * 1000);
	table_put_uint(table, row->process);
	if (row->comm) {
		table_put_uint(table, row->pid);
		table_put_text(table, row->comm, row->comm_len);
	} else {
		table_put_unknown(table);
		table_put_unknown(table);
	}
}

int64_t table_time(const struct table_clock *clock, const struct table_row *row)
{
	/* A hostile file's tick may lie before the start, or wrap around: it is told as it is. */
	return (int64_t)(tick_ns(row->tick, clock->freq) - clock->start_ns);
}

void table_put_row(struct table *table, const struct table_row *row)
{
	bool sample = table->scope != SCOPE_TREE;
	char *out;

	table_put_int(table, table_time(&table->clock, row));
	if (sample)
		put_sample_heads(table, row);
	out = table->reads_notes ? note_reasons(table, row, table->notes) : table->notes;
	out = put_fields(table, row, out);
	if (sample)
		table_put_uint(table, row->dropped);
	if (out > table->notes)
		out--;
	table_put_text(table, table->notes, (size_t)(out - table->notes));
}

void table_put_record(struct table *table, const struct record *rec)
{
	table_put_row(table, &(struct table_row){
				     .tick = rec->tick,
				     .late_us = rec->late_us,
				     .dropped = rec->dropped,
				     .present = rec->present,
				     .value = rec->value,
				     .reason = rec->reason,
			     });
}

int table_error(const struct table *table)
{
	return table->err;
}

int table_flush(struct table *table)
{
	write_head(table);
	flush(table);
	return table->err;
}

int table_close(struct table *table)
{
	int err;

	if (!table)
		return 0;
	err = table->row && table->name ? table_flush(table) : -ENOMEM;
	free(table->row);
	free(table->name);
	free(table->chosen);
	free(table->layout);
	free(table->notes);
	free(table->read);
	free(table);
	return err;
}
