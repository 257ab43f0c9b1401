/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "collector/process.h"

static int compare(const void *left, const void *right)
{
	const struct process *a = left;
	const struct process *b = right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->start_ticks != b->start_ticks)
		return a->start_ticks < b->start_ticks ? -1 : 1;
	return 0;
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

struct process *processes_get(struct processes *all, pid_t pid, uint64_t start_ticks, bool *ret_new)
{
	struct process key = {.pid = pid, .start_ticks = start_ticks};
	struct process **found = tfind(&key, &all->tree, compare);
	struct process *process;

	*ret_new = !found;
	if (found)
		return *found;
	process = make_room(all) ? calloc(1, sizeof(*process)) : NULL;
	if (!process)
		return NULL;
	process->pid = pid;
	process->start_ticks = start_ticks;
	if (!tsearch(process, &all->tree, compare)) {
		free(process);
		return NULL;
	}
	all->list[all->count++] = process;
	process->id = all->count;
	return process;
}

static const char *append(char **at, const char *text, size_t len)
{
	char *start = *at;

	if (len)
		memcpy(start, text, len);
	*at += len;
	return start;
}

int process_describe(struct process *process, const struct wire_hello *hello, const char *how)
{
	size_t how_len = strlen(how);
	char *text = malloc(hello->comm_len + hello->exe_len + hello->argv_len + how_len + 1);
	struct rows_process *info = &process->info;
	char *at = text;

	if (!text)
		return -ENOMEM;
	info->id = process->id;
	info->pid = (uint64_t)process->pid;
	info->ppid = hello->ppid;
	info->start_ticks = process->start_ticks;
	info->uid = hello->uid;
	info->gid = hello->gid;
	info->comm = append(&at, hello->comm, info->comm_len = hello->comm_len);
	info->exe = append(&at, hello->exe, info->exe_len = hello->exe_len);
	info->argv = append(&at, hello->argv, info->argv_len = hello->argv_len);
	info->how = append(&at, how, info->how_len = how_len);
	free(process->text);
	process->text = text;
	return 0;
}

void process_forget(struct process *process)
{
	struct rows_process *info = &process->info;

	info->comm_len = info->exe_len = info->argv_len = info->how_len = 0;
	free(process->text);
	process->text = NULL;
}

struct record *process_add_row(struct process *process, const struct record *rec)
{
	size_t at = process->rows_count;

	if (at == process->rows_size) {
		size_t size = at ? at * 2 : 4;
		struct record *rows = reallocarray(process->rows, size, sizeof(*rows));

		if (!rows)
			return NULL;
		process->rows = rows;
		process->rows_size = size;
	}
	/* Around an exec or a set*id the old connection may be read after the new one. */
	while (at > 0 && process->rows[at - 1].tick > rec->tick)
		at--;
	memmove(&process->rows[at + 1], &process->rows[at],
		(process->rows_count - at) * sizeof(*process->rows));
	process->rows[at] = *rec;
	process->rows_count++;
	return &process->rows[at];
}

static void keep(void *node)
{
	(void)node; /* the list owns them */
}

void processes_done(struct processes *all)
{
	tdestroy(all->tree, keep);
	for (size_t i = 0; i < all->count; i++) {
		free(all->list[i]->text);
		free(all->list[i]->rows);
		free(all->list[i]);
	}
	free(all->list);
	*all = (struct processes){0};
}
