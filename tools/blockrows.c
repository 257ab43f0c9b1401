/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/blockrows.h"

/* A field's values in one section: only the present ones are kept. */
struct column {
	struct column *next;
	unsigned field;
	const uint8_t *bits;  /* which rows have one; NULL: all */
	const int64_t *value; /* the next row's, as the rows are given out in order */
};

/* A source's reasons in one section, as runs: two bytes in the file may be those of 4096 rows. */
struct run {
	struct run *next;
	unsigned left;
	uint8_t reason;
};

struct reasons {
	struct reasons *next;
	unsigned source;
	struct run *run;
};

/* A section of rows, unpacked. */
struct piece {
	struct table_row head; /* what all its rows have in common */
	unsigned n, given;
	unsigned order; /* as added */
	const uint64_t *tick, *late_us, *dropped;
	struct column *columns;
	struct reasons *reasons;
};

/* Memory for one block's rows: taken bit by bit, given back all at once. */
struct chunk {
	struct chunk *next;
	size_t size, used;
	_Alignas(max_align_t) uint8_t bytes[];
};

struct blockrows {
	const struct table_schema *schema; /* borrowed */
	uint64_t scope;
	const uint64_t *chosen; /* borrowed: fields, a bit each; NULL: all, and reasons */
	struct chunk *chunks;
	/*
	 * Sections that have rows left, as a heap: of the first one is the next row. Rows of a section
	 * are in order already, and sorting all of a block took eight times as long.
	 */
	struct piece **heap; /* owned, of pieces in chunks */
	size_t pieces, pieces_size;
	unsigned added;

	/* The row being given out, by the schema's ids. */
	uint64_t present[TABLE_FIELD_MAX / 64];
	int64_t value[TABLE_FIELD_MAX];
	uint8_t reason[TABLE_SOURCE_MAX];

	/* Where a section is unpacked to. */
	uint64_t head[3][ROWS_MAX];
	uint8_t bytes[ROWS_MAX];
	int64_t values[ROWS_MAX];
};

#define CHUNK (256u << 10)

static void *keep(struct blockrows *rows, size_t size)
{
	struct chunk *chunk = rows->chunks;

	size = (size + 7) & ~(size_t)7;
	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK ? size : CHUNK;

		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		*chunk = (struct chunk){.next = rows->chunks, .size = room};
		rows->chunks = chunk;
	}
	chunk->used += size;
	return chunk->bytes + chunk->used - size;
}

static void *keep_copy(struct blockrows *rows, const void *src, size_t size)
{
	void *dst = keep(rows, size);

	return dst ? memcpy(dst, src, size) : NULL;
}

int blockrows_open(const struct table_schema *schema, uint64_t scope, struct blockrows **ret)
{
	struct blockrows *rows = calloc(1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	rows->schema = schema;
	rows->scope = scope;
	*ret = rows;
	return 0;
}

void blockrows_choose(struct blockrows *rows, const uint64_t *fields)
{
	rows->chosen = fields;
}

void blockrows_clear(struct blockrows *rows)
{
	while (rows->chunks) {
		struct chunk *chunk = rows->chunks;

		rows->chunks = chunk->next;
		free(chunk);
	}
	rows->pieces = 0;
	rows->added = 0;
}

void blockrows_close(struct blockrows *rows)
{
	if (!rows)
		return;
	blockrows_clear(rows);
	free(rows->heap);
	free(rows);
}

static bool has_source(const struct blockrows *rows, uint64_t source)
{
	return source < rows->schema->sources && rows->schema->source[source].file &&
	       rows->schema->source[source].scope == rows->scope;
}

static bool wants_field(const struct blockrows *rows, uint64_t field)
{
	return field < rows->schema->fields && rows->schema->field[field].column &&
	       has_source(rows, rows->schema->field[field].source) &&
	       (!rows->chosen || rows->chosen[field / 64] >> field % 64 & 1);
}

static int add_heads(struct blockrows *rows, struct bytes_in *in, struct piece *piece)
{
	size_t size = piece->n * sizeof(uint64_t);

	if (rows_get_heads(in, piece->n, rows->head[0], rows->head[1], rows->head[2]) < 0)
		return -EBADMSG;
	/* Ticks that wrap around would spoil the order in which columns are walked. */
	for (size_t i = 1; i < piece->n; i++)
		if (rows->head[0][i] < rows->head[0][i - 1])
			return -EBADMSG;
	piece->tick = keep_copy(rows, rows->head[0], size);
	piece->late_us = keep_copy(rows, rows->head[1], size);
	piece->dropped = keep_copy(rows, rows->head[2], size);
	return piece->tick && piece->late_us && piece->dropped ? 0 : -ENOMEM;
}

/* The reasons of a source, unpacked to rows->bytes, as runs. */
static int add_reasons(struct blockrows *rows, struct piece *piece, unsigned source)
{
	struct reasons *reasons = keep(rows, sizeof(*reasons));
	struct run **at;

	if (!reasons)
		return -ENOMEM;
	*reasons = (struct reasons){.next = piece->reasons, .source = source};
	piece->reasons = reasons;
	at = &reasons->run;
	for (unsigned i = 0, from; i < piece->n;) {
		struct run *run = keep(rows, sizeof(*run));

		if (!run)
			return -ENOMEM;
		for (from = i++; i < piece->n && rows->bytes[i] == rows->bytes[from];)
			i++;
		*run = (struct run){.left = i - from, .reason = rows->bytes[from]};
		*at = run;
		at = &run->next;
	}
	return 0;
}

/* The values of a field, unpacked to rows->bytes (present or not) and rows->values. */
static int add_column(struct blockrows *rows, struct piece *piece, unsigned field)
{
	struct column *column = keep(rows, sizeof(*column));
	uint8_t bits[ROWS_MAX / 8] = {0};
	unsigned count = 0;

	if (!column)
		return -ENOMEM;
	for (unsigned i = 0; i < piece->n; i++) {
		if (!rows->bytes[i])
			continue;
		bits[i / 8] |= (uint8_t)(1 << i % 8);
		rows->values[count++] = rows->values[i];
	}
	*column = (struct column){.next = piece->columns, .field = field};
	column->value = keep_copy(rows, rows->values, count * sizeof(*rows->values));
	if (count < piece->n)
		column->bits = keep_copy(rows, bits, (piece->n + 7) / 8);
	piece->columns = column;
	return column->value && (column->bits || count == piece->n) ? 0 : -ENOMEM;
}

static bool is_before(const struct piece *a, const struct piece *b)
{
	if (a->tick[a->given] != b->tick[b->given])
		return a->tick[a->given] < b->tick[b->given];
	if (a->head.process != b->head.process)
		return a->head.process < b->head.process;
	return a->order < b->order;
}

static int push(struct blockrows *rows, struct piece *piece)
{
	size_t i = rows->pieces;

	if (i == rows->pieces_size) {
		size_t size = 2 * i + 16;
		struct piece **heap = reallocarray(rows->heap, size, sizeof(struct piece *));

		if (!heap)
			return -ENOMEM;
		rows->heap = heap;
		rows->pieces_size = size;
	}
	rows->pieces++;
	for (; i > 0 && is_before(piece, rows->heap[(i - 1) / 2]); i = (i - 1) / 2)
		rows->heap[i] = rows->heap[(i - 1) / 2];
	rows->heap[i] = piece;
	return 0;
}

/* The first one has given a row: it goes to where its next one has its place, or away. */
static void settle_first(struct blockrows *rows)
{
	struct piece *piece = rows->heap[0];
	size_t i = 0;

	if (piece->given == piece->n)
		piece = rows->heap[--rows->pieces];
	for (size_t child; (child = 2 * i + 1) < rows->pieces; i = child) {
		if (child + 1 < rows->pieces && is_before(rows->heap[child + 1], rows->heap[child]))
			child++;
		if (is_before(piece, rows->heap[child]))
			break;
		rows->heap[i] = rows->heap[child];
	}
	rows->heap[i] = piece;
}

static int add_sources(struct blockrows *rows, struct bytes_in *in, struct piece *piece)
{
	uint64_t id;
	int got, err = 0;

	while (err == 0 && (got = rows_next_source(in, piece->n, &id, rows->bytes)) > 0)
		if (!rows->chosen && has_source(rows, id))
			err = add_reasons(rows, piece, (unsigned)id);
	return err < 0 ? err : got;
}

static int add_fields(struct blockrows *rows, struct bytes_in *in, struct piece *piece)
{
	uint64_t id;
	int got, err = 0;

	while (err == 0 && (got = rows_next_id(in, &id)) > 0) {
		if (!wants_field(rows, id)) {
			err = rows_pass_values(in, piece->n);
			continue;
		}
		err = rows_get_values(in, piece->n, rows->bytes, rows->values);
		if (err == 0)
			err = add_column(rows, piece, (unsigned)id);
	}
	return err < 0 ? err : got;
}

int blockrows_add(struct blockrows *rows, struct bytes_in *in, uint64_t pid, const char *comm,
		  size_t comm_len)
{
	struct piece *piece = keep(rows, sizeof(*piece));
	uint64_t subject;
	size_t n;
	int err;

	if (!piece)
		return -ENOMEM;
	if (rows_open(in, &subject, &n) < 0)
		return -EBADMSG;
	*piece = (struct piece){.n = (unsigned)n, .order = rows->added++};
	piece->head.process = subject;
	piece->head.pid = pid;
	piece->head.comm = comm;
	piece->head.comm_len = comm_len;
	err = add_heads(rows, in, piece);
	if (err == 0)
		err = add_sources(rows, in, piece);
	if (err == 0)
		err = add_fields(rows, in, piece);
	return err < 0 || n == 0 ? err : push(rows, piece);
}

/* Sets the row's reasons and values, and moves the section's columns on to its next row. */
static void give_row(struct blockrows *rows, struct piece *piece)
{
	unsigned i = piece->given++;

	memset(rows->present, 0, (rows->schema->fields + 63) / 64 * sizeof(uint64_t));
	memset(rows->reason, REASON_UNKNOWN, rows->schema->sources);
	for (struct reasons *reasons = piece->reasons; reasons; reasons = reasons->next) {
		rows->reason[reasons->source] = reasons->run->reason;
		if (--reasons->run->left == 0)
			reasons->run = reasons->run->next;
	}
	for (struct column *column = piece->columns; column; column = column->next) {
		if (column->bits && !(column->bits[i / 8] >> i % 8 & 1))
			continue;
		rows->present[column->field / 64] |= (uint64_t)1 << column->field % 64;
		rows->value[column->field] = *column->value++;
	}
}

bool blockrows_next(struct blockrows *rows, struct table_row *ret)
{
	struct piece *piece;
	unsigned i;

	if (rows->pieces == 0)
		return false;
	piece = rows->heap[0];
	i = piece->given;
	give_row(rows, piece);
	settle_first(rows);
	*ret = piece->head;
	ret->tick = piece->tick[i];
	ret->late_us = piece->late_us[i];
	ret->dropped = piece->dropped[i];
	ret->present = rows->present;
	ret->value = rows->value;
	ret->reason = rows->reason;
	return true;
}

int blockrows_only(struct blockrows *rows, struct bytes_in *section, struct table_row *ret)
{
	int err;

	blockrows_clear(rows);
	err = blockrows_add(rows, section, 0, NULL, 0);
	if (err < 0)
		return err;
	while (blockrows_next(rows, ret))
		;
	return 0;
}
