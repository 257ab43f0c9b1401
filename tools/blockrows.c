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
	const uint64_t *tick, *late_us, *dropped;
	struct column *columns;
	struct reasons *reasons;
};

/* A row's place in the order of all rows. */
struct place {
	uint64_t tick, process;
	unsigned order;
	struct piece *piece;
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
	struct chunk *chunks;
	struct place *place; /* owned */
	size_t places, places_size, given;

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

void blockrows_clear(struct blockrows *rows)
{
	while (rows->chunks) {
		struct chunk *chunk = rows->chunks;

		rows->chunks = chunk->next;
		free(chunk);
	}
	rows->places = 0;
	rows->given = 0;
}

void blockrows_close(struct blockrows *rows)
{
	if (!rows)
		return;
	blockrows_clear(rows);
	free(rows->place);
	free(rows);
}

static bool wants_source(const struct blockrows *rows, uint64_t source)
{
	return source < rows->schema->sources && rows->schema->source[source].file &&
	       rows->schema->source[source].scope == rows->scope;
}

static bool wants_field(const struct blockrows *rows, uint64_t field)
{
	return field < rows->schema->fields && rows->schema->field[field].column &&
	       wants_source(rows, rows->schema->field[field].source);
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

static int add_places(struct blockrows *rows, struct piece *piece)
{
	size_t need = rows->places + piece->n;

	if (need > rows->places_size) {
		size_t size = need + need / 2;
		struct place *place = reallocarray(rows->place, size, sizeof(*place));

		if (!place)
			return -ENOMEM;
		rows->place = place;
		rows->places_size = size;
	}
	for (size_t i = 0; i < piece->n; i++, rows->places++)
		rows->place[rows->places] = (struct place){.tick = piece->tick[i],
							   .process = piece->head.process,
							   .order = (unsigned)rows->places,
							   .piece = piece};
	return 0;
}

int blockrows_add(struct blockrows *rows, struct bytes_in *in, uint64_t pid, const char *comm,
		  size_t comm_len)
{
	struct piece *piece = keep(rows, sizeof(*piece));
	uint64_t id;
	uint64_t subject;
	size_t n;
	int got;

	if (!piece)
		return -ENOMEM;
	if (rows_open(in, &subject, &n) < 0)
		return -EBADMSG;
	*piece = (struct piece){.n = (unsigned)n};
	piece->head.process = subject;
	piece->head.pid = pid;
	piece->head.comm = comm;
	piece->head.comm_len = comm_len;
	got = add_heads(rows, in, piece);
	if (got < 0)
		return got;
	while ((got = rows_next_source(in, n, &id, rows->bytes)) > 0) {
		int err = wants_source(rows, id) ? add_reasons(rows, piece, (unsigned)id) : 0;

		if (err < 0)
			return err;
	}
	if (got < 0)
		return got;
	while ((got = rows_next_field(in, n, &id, rows->bytes, rows->values)) > 0) {
		int err = wants_field(rows, id) ? add_column(rows, piece, (unsigned)id) : 0;

		if (err < 0)
			return err;
	}
	return got < 0 ? got : add_places(rows, piece);
}

static int compare_places(const void *left, const void *right)
{
	const struct place *a = left;
	const struct place *b = right;

	if (a->tick != b->tick)
		return a->tick < b->tick ? -1 : 1;
	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

void blockrows_sort(struct blockrows *rows)
{
	if (rows->places)
		qsort(rows->place, rows->places, sizeof(*rows->place), compare_places);
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

	if (rows->given == rows->places)
		return false;
	piece = rows->place[rows->given++].piece;
	i = piece->given;
	give_row(rows, piece);
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
	blockrows_sort(rows);
	while (blockrows_next(rows, ret))
		;
	return 0;
}
