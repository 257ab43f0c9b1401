/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/rows.h"
#include "tools/columns.h"

/* Fields that are columns of ours: some columns have a handful of fields each. */
#define FIELDS_MAX 96

struct wanted {
	uint64_t scale;
	unsigned column;
	bool is_told; /* by the section that is being read */
};

struct columns {
	unsigned n, fields;
	uint8_t field_of[TABLE_FIELD_MAX]; /* number + 1; 0: of no interest */
	struct wanted field[FIELDS_MAX];   /* of a column the first known one counts */
	uint64_t tick[ROWS_MAX], head[ROWS_MAX];
	uint8_t present[FIELDS_MAX][ROWS_MAX];
	int64_t raw[FIELDS_MAX][ROWS_MAX];
	int64_t value[COLUMNS_MAX][ROWS_MAX];
};

static void want_column(struct columns *columns, const struct table_schema *schema, uint64_t scope,
			const char *name, unsigned column)
{
	for (unsigned id = 0; id < schema->fields && columns->fields < FIELDS_MAX - 1; id++) {
		const struct table_field *field = &schema->field[id];

		if (!field->column || schema->source[field->source].scope != scope ||
		    strcmp(field->column, name))
			continue;
		columns->field[columns->fields++] =
			(struct wanted){.scale = field->scale, .column = column};
		columns->field_of[id] = (uint8_t)columns->fields;
	}
}

int columns_open(const struct table_schema *schema, uint64_t scope, const char *const *names,
		 unsigned n, struct columns **ret)
{
	struct columns *columns = malloc(sizeof(*columns));

	if (!columns)
		return -ENOMEM;
	/* The arrays are left as they are. */
	memset(columns, 0, offsetof(struct columns, tick));
	columns->n = n;
	for (unsigned i = 0; i < n; i++)
		want_column(columns, schema, scope, names[i], i);
	*ret = columns;
	return 0;
}

void columns_close(struct columns *columns)
{
	free(columns);
}

static int read_heads(struct columns *columns, struct bytes_in *in, size_t n)
{
	uint64_t source;
	int got;

	if (rows_get_heads(in, n, columns->tick, columns->head, columns->head) < 0)
		return -EBADMSG;
	for (size_t i = 1; i < n; i++)
		if (columns->tick[i] < columns->tick[i - 1])
			return -EBADMSG;
	while ((got = rows_next_source(in, n, &source, columns->present[FIELDS_MAX - 1])) > 0)
		;
	return got;
}

static int read_fields(struct columns *columns, struct bytes_in *in, size_t n)
{
	uint64_t id;
	int got;

	for (unsigned i = 0; i < columns->fields; i++)
		columns->field[i].is_told = false;
	while ((got = rows_next_id(in, &id)) > 0) {
		unsigned place = id < TABLE_FIELD_MAX ? columns->field_of[id] : 0;
		int err = place ? rows_get_values(in, n, columns->present[place - 1],
						  columns->raw[place - 1])
				: rows_pass_values(in, n);

		if (err < 0)
			return err;
		if (place)
			columns->field[place - 1].is_told = true;
	}
	return got;
}

static void settle_column(struct columns *columns, const struct wanted *field, unsigned place,
			  size_t n, bool is_first)
{
	int64_t *value = columns->value[field->column];

	for (size_t i = 0; i < n; i++) {
		if (is_first)
			value[i] = COLUMNS_UNKNOWN;
		if (value[i] == COLUMNS_UNKNOWN && columns->present[place][i])
			value[i] = (int64_t)((uint64_t)columns->raw[place][i] * field->scale);
	}
}

int columns_take(struct columns *columns, struct bytes_in *in, struct columns_rows *ret)
{
	*ret = (struct columns_rows){.tick = columns->tick};
	if (rows_open(in, &ret->subject, &ret->n) < 0 || read_heads(columns, in, ret->n) < 0 ||
	    read_fields(columns, in, ret->n) < 0)
		return -EBADMSG;
	for (unsigned i = 0; i < columns->fields; i++) {
		const struct wanted *field = &columns->field[i];

		if (!field->is_told)
			continue;
		settle_column(columns, field, i, ret->n, !ret->value[field->column]);
		ret->value[field->column] = columns->value[field->column];
	}
	return 0;
}
