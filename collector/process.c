/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/process.h"
#include "collector/readings.h"

static int compare(const void *left, const void *right)
{
	const struct process *a = left;
	const struct process *b = right;

	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

static bool make_room(struct processes *all)
{
	size_t size = all->size ? all->size * 2 : 64;
	struct process **list;

	if (all->count < all->size)
		return true;
	list = reallocarray(all->list, size, sizeof(struct process *));
	if (!list)
		return false;
	all->list = list;
	all->size = size;
	return true;
}

struct process *processes_find(const struct processes *all, pid_t pid)
{
	struct process key = {.pid = pid};
	struct process **found = tfind(&key, &all->tree, compare);

	return found ? *found : NULL;
}

struct process *processes_add(struct processes *all, pid_t pid)
{
	struct process *process = make_room(all) ? calloc(1, sizeof(*process)) : NULL;
	struct process **node;

	if (!process)
		return NULL;
	process->pid = pid;
	memset(process->unread, REASON_UNKNOWN, sizeof(process->unread));
	node = tsearch(process, &all->tree, compare);
	if (!node) {
		free(process);
		return NULL;
	}
	if (*node != process) {
		process->before = *node;
		process->before->after = process;
	}
	*node = process;
	all->list[all->count++] = process;
	process->id = process->info.id = ++all->ids;
	process->info.pid = (uint64_t)pid;
	processes_reopen(all, process);
	return process;
}

void processes_lose(struct processes *all, struct process *process)
{
	tdelete(process, &all->tree, compare);
}

void processes_reopen(struct processes *all, struct process *process)
{
	process->prev_open = NULL;
	process->next_open = all->open;
	if (all->open)
		all->open->prev_open = process;
	all->open = process;
}

void processes_close(struct processes *all, struct process *process)
{
	if (process->prev_open)
		process->prev_open->next_open = process->next_open;
	else
		all->open = process->next_open;
	if (process->next_open)
		process->next_open->prev_open = process->prev_open;
	process->next_open = process->prev_open = NULL;
}

/* ---- what it is called ------------------------------------------------------------------------- */

struct process_text {
	unsigned owners;
	char bytes[];
};

struct process_next {
	uint64_t time_ns;
	struct life_name name; /* borrowed from what follows */
	char comm[WIRE_COMM_MAX];
	char bytes[];
};

static void let_go(struct process_text *text)
{
	if (text && --text->owners == 0)
		free(text);
}

static const char *append(char **at, const char *text, size_t len)
{
	char *start = *at;

	if (len)
		memcpy(start, text, len);
	*at += len;
	return start;
}

/* The name may be borrowed from the text that it replaces. */
static int set_text(struct process *process, const struct life_name *name)
{
	struct process_text *text =
		malloc(sizeof(*text) + name->comm_len + name->exe_len + name->argv_len);
	struct rows_process *info = &process->info;
	char *at;

	if (!text)
		return -ENOMEM;
	text->owners = 1;
	at = text->bytes;
	info->comm = append(&at, name->comm, info->comm_len = name->comm_len);
	info->exe = append(&at, name->exe, info->exe_len = name->exe_len);
	info->argv = append(&at, name->argv, info->argv_len = name->argv_len);
	let_go(process->text);
	process->text = text;
	process->is_told = false;
	snprintf(process->comm, sizeof(process->comm), "%.*s", (int)info->comm_len, info->comm);
	return 0;
}

int process_describe(struct process *process, const struct wire_hello *hello)
{
	const struct life_name name = {hello->comm,	hello->exe,	hello->argv,
				       hello->comm_len, hello->exe_len, hello->argv_len};
	int err = set_text(process, &name);

	if (err)
		return err;
	/* Who forked it is its parent, and stays so; else who is now. */
	if (hello->ppid && !process->start_ns)
		process->info.ppid = hello->ppid;
	process->info.uid = hello->uid;
	process->info.gid = hello->gid;
	return 0;
}

int process_name(struct process *process, const char *comm, size_t len)
{
	const struct rows_process *info = &process->info;
	const struct life_name name = {comm, info->exe,	    info->argv,
				       len,  info->exe_len, info->argv_len};
	struct process_next *next = process->next;

	if (!next)
		return set_text(process, &name);
	next->name.comm = memcpy(next->comm, comm, next->name.comm_len = len);
	return 0;
}

/* What it runs now, as far as told, planned or not. */
static struct life_name name_of(const struct process *process)
{
	const struct rows_process *info = &process->info;
	struct life_name name = {info->comm,	 info->exe,	info->argv,
				 info->comm_len, info->exe_len, info->argv_len};

	if (!process->next)
		return name;
	/* Its comm the exit record will tell; its arguments are not those of the program before. */
	if (process->next->name.comm_len) {
		name.comm = process->next->name.comm;
		name.comm_len = process->next->name.comm_len;
	}
	name.exe = process->next->name.exe;
	name.exe_len = process->next->name.exe_len;
	name.argv = process->next->name.argv;
	name.argv_len = process->next->name.argv_len;
	return name;
}

void process_inherit(struct process *process, const struct process *parent)
{
	struct rows_process *info = &process->info;

	info->uid = parent->info.uid;
	info->gid = parent->info.gid;
	if (parent->next) {
		const struct life_name name = name_of(parent);

		set_text(process, &name);
		return;
	}
	let_go(process->text);
	process->text = parent->text;
	process->is_told = false;
	memcpy(process->comm, parent->comm, sizeof(process->comm));
	info->comm_len = info->exe_len = info->argv_len = 0;
	if (!process->text)
		return;
	process->text->owners++;
	info->comm = parent->info.comm;
	info->comm_len = parent->info.comm_len;
	info->exe = parent->info.exe;
	info->exe_len = parent->info.exe_len;
	info->argv = parent->info.argv;
	info->argv_len = parent->info.argv_len;
}

void process_plan(struct process *process, uint64_t time_ns, const struct life_name *name)
{
	static const struct life_name unknown;
	const struct life_name *from = name ? name : &unknown;
	struct process_next *next = malloc(sizeof(*next) + from->exe_len + from->argv_len);
	char *at;

	process_drop_plan(process);
	process->next = next;
	if (!next)
		return;
	next->time_ns = time_ns;
	at = next->comm;
	next->name.comm = append(&at, from->comm, next->name.comm_len = from->comm_len);
	at = next->bytes;
	next->name.exe = append(&at, from->exe, next->name.exe_len = from->exe_len);
	next->name.argv = append(&at, from->argv, next->name.argv_len = from->argv_len);
}

void process_plan_same(struct process *process)
{
	const struct life_name name = name_of(process);

	process_plan(process, process->named_ns, &name);
}

uint64_t process_turns_at(const struct process *process)
{
	return process->next ? process->next->time_ns : UINT64_MAX;
}

bool process_turn(struct process *process)
{
	const struct life_name name = name_of(process);

	if (!process->next)
		return false;
	if (set_text(process, &name) == 0)
		process->named_ns = process->next->time_ns;
	process_drop_plan(process);
	return true;
}

bool process_is_newest(const struct process *process, uint64_t said_ns)
{
	return said_ns >= (process->next ? process->next->time_ns : process->named_ns);
}

void process_drop_plan(struct process *process)
{
	free(process->next);
	process->next = NULL;
}

/* ------------------------------------------------------------------------------------------------ */

void process_set_how(struct process *process, const char *how, const char *why)
{
	snprintf(process->how, sizeof(process->how), "%s%s%s", how, why ? ", " : "",
		 why ? why : "");
	process->info.how = process->how;
	process->info.how_len = strlen(process->how);
	process->is_told = false;
}

struct record *process_life(struct process *process)
{
	if (process->life)
		return process->life;
	process->life = malloc(sizeof(*process->life));
	if (process->life)
		record_init(process->life);
	return process->life;
}

void process_note_outside(struct process *process, uint64_t tick)
{
	uint64_t n = tick - process->outside_tick;

	for (uint64_t i = n < PROCESS_OUTSIDE_TICKS ? n : PROCESS_OUTSIDE_TICKS; i > 0; i--) {
		uint64_t at = (tick - i + 1) % PROCESS_OUTSIDE_TICKS;

		process->outside_ticks[at / 64] &= ~((uint64_t)1 << at % 64);
	}
	tick %= PROCESS_OUTSIDE_TICKS;
	process->outside_ticks[tick / 64] |= (uint64_t)1 << tick % 64;
	process->outside_tick += n;
}

bool process_was_outside_at(const struct process *process, uint64_t tick)
{
	uint64_t at = tick % PROCESS_OUTSIDE_TICKS;

	return tick <= process->outside_tick &&
	       process->outside_tick - tick < PROCESS_OUTSIDE_TICKS &&
	       process->outside_ticks[at / 64] >> at % 64 & 1;
}

void process_forget(struct process *process)
{
	struct rows_process *info = &process->info;

	info->comm_len = info->exe_len = info->argv_len = 0;
	let_go(process->text);
	process->text = NULL;
	process_drop_plan(process);
	free(process->life);
	process->life = NULL;
	if (process->has_rows)
		return;
	process_drop_rows(process, process->rows_count);
}

bool process_add_row(struct process *process, const struct record *rec)
{
	struct row *row = row_new(rec);
	size_t at = process->rows_count;

	if (!row)
		return false;
	if (at == process->rows_size) {
		size_t size = at ? at * 2 : 4;
		struct row **rows = reallocarray(process->rows, size, sizeof(struct row *));

		if (!rows) {
			free(row);
			return false;
		}
		process->rows = rows;
		process->rows_size = size;
	}
	/* Around an exec or a set*id the old connection may be read after the new one. */
	while (at > 0 && process->rows[at - 1]->tick > rec->tick)
		at--;
	memmove(&process->rows[at + 1], &process->rows[at],
		(process->rows_count - at) * sizeof(struct row *));
	process->rows[at] = row;
	process->rows_count++;
	return true;
}

bool process_merge_row(struct process *process, const struct record *rec)
{
	struct record row;
	struct row *merged;
	size_t at = process->rows_count;

	while (at > 0 && process->rows[at - 1]->tick > rec->tick)
		at--;
	if (at == 0 || process->rows[at - 1]->tick != rec->tick)
		return false;
	row_unpack(process->rows[at - 1], &row);
	readings_merge(&row, rec);
	merged = row_new(&row);
	if (!merged)
		return false;
	free(process->rows[at - 1]);
	process->rows[at - 1] = merged;
	return true;
}

void process_drop_rows(struct process *process, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(process->rows[i]);
	process->rows_count -= n;
	if (process->rows_count) {
		memmove(process->rows, process->rows + n,
			process->rows_count * sizeof(struct row *));
	} else if (process->info.ended) {
		free(process->rows);
		process->rows = NULL;
		process->rows_size = 0;
	}
}

static void free_process(struct process *process)
{
	let_go(process->text);
	free(process->next);
	process_drop_rows(process, process->rows_count);
	free(process->rows);
	readings_free(process->readings);
	free(process->life);
	free(process);
}

void processes_drop(struct processes *all, size_t at)
{
	struct process *process = all->list[at];

	if (processes_find(all, process->pid) == process)
		processes_lose(all, process);
	if (process->before)
		process->before->after = NULL;
	if (process->after)
		process->after->before = NULL;
	all->list[at] = all->list[--all->count];
	free_process(process);
}

static void keep(void *node)
{
	(void)node; /* the list owns them */
}

void processes_done(struct processes *all)
{
	tdestroy(all->tree, keep);
	for (size_t i = 0; i < all->count; i++)
		free_process(all->list[i]);
	free(all->list);
	*all = (struct processes){0};
}
