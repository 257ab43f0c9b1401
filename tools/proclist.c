/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "core/rows.h"
#include "tools/blockrows.h"
#include "tools/proclist.h"

struct name {
	struct proclist_name is;
	struct name *older; /* owned: its pid or comm was another */
	char text[];
};

/* All that is known; its strings are in text. */
struct detail {
	struct rows_process is;
	char text[];
};

struct cell {
	bool known;
	int64_t value;
};

struct process {
	uint64_t id;
	struct name *name;     /* owned; the newest */
	struct detail *detail; /* owned; NULL: not wanted */
	struct cell *life;     /* owned, by column of the layout; NULL: nothing was told */
};

struct proclist {
	const struct table_schema *schema; /* borrowed */
	void *processes;		   /* tsearch(3) tree of struct process by id, owned */
	bool details;
	struct table_layout *life; /* owned: the columns of a whole life; with details */
	struct blockrows *rows;	   /* owned; with details */
};

static int compare_ids(const void *left, const void *right)
{
	const struct process *a = left;
	const struct process *b = right;

	return a->id < b->id ? -1 : a->id > b->id;
}

static struct process *find(const struct proclist *list, uint64_t id)
{
	struct process key = {.id = id};
	void *node = tfind(&key, &list->processes, compare_ids);

	return node ? *(struct process **)node : NULL;
}

static void process_free(void *arg)
{
	struct process *process = arg;

	for (struct name *name = process->name, *older; name; name = older) {
		older = name->older;
		free(name);
	}
	free(process->detail);
	free(process->life);
	free(process);
}

int proclist_open(const struct table_schema *schema, bool details, struct proclist **ret)
{
	struct proclist *list = calloc(1, sizeof(*list));
	int err = 0;

	if (!list)
		return -ENOMEM;
	list->schema = schema;
	list->details = details;
	if (details)
		err = table_lay_out(schema, SCOPE_LIFE, &list->life);
	if (details && err == 0)
		err = blockrows_open(schema, SCOPE_LIFE, &list->rows);
	if (err < 0)
		proclist_close(list);
	else
		*ret = list;
	return err;
}

void proclist_close(struct proclist *list)
{
	if (!list)
		return;
	tdestroy(list->processes, process_free);
	blockrows_close(list->rows);
	free(list->life);
	free(list);
}

/* The process of that id, new where it is not there; NULL: no memory. */
static struct process *get(struct proclist *list, uint64_t id)
{
	struct process *process = find(list, id);

	if (process)
		return process;
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->id = id;
	if (!tsearch(process, &list->processes, compare_ids)) {
		free(process);
		return NULL;
	}
	return process;
}

/* Rows of this block may point to what was before, so that stays. */
static int set_name(struct process *process, const struct rows_process *is)
{
	const struct name *known = process->name;
	struct name *name;

	if (known && known->is.pid == is->pid && known->is.comm_len == is->comm_len &&
	    !memcmp(known->is.comm, is->comm, is->comm_len))
		return 0;
	name = malloc(sizeof(*name) + is->comm_len);
	if (!name)
		return -ENOMEM;
	name->is = (struct proclist_name){is->pid, name->text, is->comm_len};
	memcpy(name->text, is->comm, is->comm_len);
	name->older = process->name;
	process->name = name;
	return 0;
}

static const char *keep_text(char **at, const char *text, size_t len)
{
	char *kept = *at;

	*at = mempcpy(kept, text, len);
	return kept;
}

static int set_detail(struct process *process, const struct rows_process *is)
{
	struct detail *detail =
		malloc(sizeof(*detail) + is->comm_len + is->exe_len + is->argv_len + is->how_len);
	char *at;

	if (!detail)
		return -ENOMEM;
	detail->is = *is;
	at = detail->text;
	detail->is.comm = keep_text(&at, is->comm, is->comm_len);
	detail->is.exe = keep_text(&at, is->exe, is->exe_len);
	detail->is.argv = keep_text(&at, is->argv, is->argv_len);
	detail->is.how = keep_text(&at, is->how, is->how_len);
	free(process->detail);
	process->detail = detail;
	return 0;
}

/* Without texts: they are as they were. */
static void keep_texts(struct rows_process *is, const struct process *known)
{
	if (is->comm_len || is->exe_len || is->argv_len)
		return;
	if (known->detail) {
		is->exe = known->detail->is.exe;
		is->exe_len = known->detail->is.exe_len;
		is->argv = known->detail->is.argv;
		is->argv_len = known->detail->is.argv_len;
	}
	if (known->name) {
		is->comm = known->name->is.comm;
		is->comm_len = known->name->is.comm_len;
	}
}

int proclist_take(struct proclist *list, struct bytes_in *section)
{
	struct rows_process is;
	struct process *process;
	int err;

	if (rows_unpack_process(section, &is) < 0)
		return -EBADMSG;
	process = get(list, is.id);
	if (!process)
		return -ENOMEM;
	keep_texts(&is, process);
	err = set_name(process, &is);
	return err == 0 && list->details ? set_detail(process, &is) : err;
}

/* Of a life told twice the second says what is new. */
int proclist_take_life(struct proclist *list, struct bytes_in *section)
{
	struct bytes_in subject = *section;
	struct process *process = find(list, bytes_get_varint(&subject));
	const struct table_layout *layout = list->life;
	struct table_row row;
	int err;

	if (!process)
		return 0;
	if (!process->life)
		process->life = calloc(layout->count + 1, sizeof(*process->life));
	if (!process->life)
		return -ENOMEM;
	err = blockrows_only(list->rows, section, &row);
	for (unsigned i = 0; i < layout->count && err == 0; i++) {
		unsigned field;
		int64_t v;

		if (table_value(list->schema, &layout->column[i], &row, &v, &field))
			process->life[i] = (struct cell){true, v};
	}
	return err;
}

const struct proclist_name *proclist_find(const struct proclist *list, uint64_t id)
{
	const struct process *process = find(list, id);

	return process && process->name ? &process->name->is : NULL;
}

static const char *const columns[] = {"id",	 "pid",	     "ppid",   "start_ticks", "uid",
				      "gid",	 "start_ns", "end_ns", "ended",	      "how",
				      "samples", "dropped",  "comm",   "exe",	      "argv"};

int proclist_open_table(const struct proclist *list, enum table_format format, struct table **ret)
{
	unsigned fixed = sizeof(columns) / sizeof(*columns);
	const char **names = calloc(fixed + list->life->count, sizeof(*names));
	int err;

	if (!names)
		return -ENOMEM;
	memcpy(names, columns, sizeof(columns));
	for (unsigned i = 0; i < list->life->count; i++)
		names[fixed + i] = list->life->column[i].name;
	err = table_open(-1, format, names, fixed + list->life->count, ret);
	free(names);
	return err;
}

static void put_detail(struct table *table, const struct rows_process *is)
{
	table_put_uint(table, is->id);
	table_put_uint(table, is->pid);
	table_put_uint(table, is->ppid);
	table_put_uint(table, is->start_ticks);
	table_put_uint(table, is->uid);
	table_put_uint(table, is->gid);
	table_put_uint(table, is->first_ns);
	table_put_uint(table, is->last_ns);
	table_put_uint(table, is->ended);
	table_put_text(table, is->how, is->how_len);
	table_put_uint(table, is->samples);
	table_put_uint(table, is->dropped);
	table_put_text(table, is->comm, is->comm_len);
	table_put_text(table, is->exe, is->exe_len);
	table_put_words(table, is->argv, is->argv_len);
}

static void put_life(struct table *table, const struct cell *life, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (life && life[i].known)
			table_put_int(table, life[i].value);
		else
			table_put_unknown(table);
	}
}

/* twalk(3) hands nothing through to its callback (twalk_r(3) is not everywhere). */
static struct {
	const struct proclist *list;
	const struct rowfilter *filter;
	struct table *table;
} walk;

static void put_process(const struct process *process)
{
	const struct rows_process *is = &process->detail->is;

	if (!rowfilter_takes(walk.filter, is->pid, is->comm, is->comm_len) ||
	    !rowfilter_takes_span(walk.filter, is->first_ns, is->last_ns))
		return;
	put_detail(walk.table, is);
	put_life(walk.table, process->life, walk.list->life->count);
}

static void walk_process(const void *node, VISIT visit, int depth)
{
	const struct process *process = *(struct process *const *)node;

	(void)depth;
	if ((visit == postorder || visit == leaf) && process->detail)
		put_process(process);
}

void proclist_put(const struct proclist *list, const struct rowfilter *filter, struct table *table)
{
	walk.list = list;
	walk.filter = filter;
	walk.table = table;
	twalk(list->processes, walk_process);
}
