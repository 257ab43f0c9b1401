/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/blockrows.h"
#include "tools/infolist.h"

struct infolist {
	const struct reader *reader; /* borrowed */
	bool is_object;
	struct table_layout *layout; /* owned */
	struct blockrows *rows;	     /* owned */
	/* What the newest section has told. */
	uint64_t present[TABLE_FIELD_MAX / 64];
	int64_t value[TABLE_FIELD_MAX];
};

int infolist_open(const struct reader *reader, bool is_object, struct infolist **ret)
{
	struct infolist *list = calloc(1, sizeof(*list));
	int err;

	if (!list)
		return -ENOMEM;
	list->reader = reader;
	list->is_object = is_object;
	err = table_lay_out(reader_schema(reader), SCOPE_RUN, &list->layout);
	if (err == 0)
		err = blockrows_open(reader_schema(reader), SCOPE_RUN, &list->rows);
	if (err < 0)
		infolist_close(list);
	else
		*ret = list;
	return err;
}

void infolist_close(struct infolist *list)
{
	if (!list)
		return;
	blockrows_close(list->rows);
	free(list->layout);
	free(list);
}

int infolist_take(struct infolist *list, struct bytes_in *section)
{
	struct table_row row;
	int err = blockrows_only(list->rows, section, &row);

	if (err < 0)
		return err;
	memcpy(list->present, row.present, sizeof(list->present));
	memcpy(list->value, row.value, sizeof(list->value));
	return 0;
}

/* INFO that is a number, and so stands without quotes in JSON. */
static bool is_number(const char *name, const char *text, size_t len)
{
	static const char *const names[] = {"freq",	 "start_monotonic_ns", "start_realtime_ns",
					    "page_size", "clock_ticks",	       "pid"};

	if (len == 0 || len > 18 || (len > 1 && *text == '0') || strspn(text, "0123456789") != len)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static void put_info(struct table *table, const char *name, const char *text, size_t len)
{
	if (!strcmp(name, "command"))
		table_put_words(table, text, len);
	else if (is_number(name, text, len))
		table_put_uint(table, strtoull(text, NULL, 10));
	else
		table_put_text(table, text, len);
}

/* The names of all that the summary tells, for an object's keys; the caller's to free. */
static const char **object_names(const struct infolist *list, unsigned *ret_n)
{
	const struct table_layout *layout = list->layout;
	const char *name;
	const char *text;
	size_t len;
	unsigned n = 0;
	const char **names;

	while (reader_info(list->reader, n, &name, &text, &len))
		n++;
	names = calloc(n + layout->count + 1, sizeof(*names));
	*ret_n = n + layout->count;
	for (unsigned i = 0; names && i < n; i++)
		reader_info(list->reader, i, &names[i], &text, &len);
	for (unsigned i = 0; names && i < layout->count; i++)
		names[n + i] = layout->column[i].name;
	return names;
}

int infolist_open_table(const struct infolist *list, enum table_format format, struct table **ret)
{
	static const char *const pair[] = {"name", "value"};
	const char **names;
	unsigned n;
	int err;

	if (!list->is_object)
		return table_open(-1, format, pair, 2, ret);
	names = object_names(list, &n);
	err = names ? table_open(-1, format, names, n, ret) : -ENOMEM;
	free(names);
	return err;
}

void infolist_put(const struct infolist *list, struct table *table)
{
	struct table_row row = {.present = list->present, .value = list->value};
	const struct table_layout *layout = list->layout;
	const char *name;
	const char *text;
	size_t len;

	for (unsigned i = 0; reader_info(list->reader, i, &name, &text, &len); i++) {
		if (!list->is_object)
			table_put_text(table, name, strlen(name));
		put_info(table, name, text, len);
	}
	for (unsigned i = 0; i < layout->count; i++) {
		unsigned field;
		int64_t v;

		name = layout->column[i].name;
		if (!list->is_object)
			table_put_text(table, name, strlen(name));
		if (table_value(reader_schema(list->reader), &layout->column[i], &row, &v, &field))
			table_put_int(table, v);
		else
			table_put_unknown(table);
	}
}
