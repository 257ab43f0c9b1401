/* SPDX-License-Identifier: ISC */
/* Go's runtime.MemStats and number of goroutines, read out of the program's memory: collector/runtimes/go/. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/runtimes/go/image.h"
#include "collector/runtimes/go/library.h"
#include "collector/runtimes/go/memory.h"
#include "collector/runtimes/go/memstats.h"
#include "collector/runtimes/runtime.h"

/* A goal for the next collection that is beyond any memory: none is to come (GOGC=off). */
#define GOAL_MAX ((uint64_t)1 << 47)
#define PPB	 1e9

struct go {
	const struct go_image *image; /* owned */
	struct go_memory memory;
	/*
	 * Counters of the reading before: they never go back, but a span that changes hands while it is read
	 * may be counted once too much.
	 */
	uint64_t total_alloc, mallocs, frees;
	uint32_t num_gc;
};

static void go_detach(void *state)
{
	struct go *go = state;

	go_image_close(go->image);
	free(go);
}

/* The program that it runs, where it may be looked at. */
static int open_image(const struct runtime_target *target, struct go *go, char *text)
{
	int fd = openat(target->dir, "exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err;

	/* Who may not be looked at is none of our kind, as far as is known. */
	if (fd < 0)
		return -ENOEXEC;
	err = go_image_open(fd, &go->image, text);
	close(fd);
	if (err == -ENOEXEC && go_library_find(target->dir, text) == 0)
		err = -EOPNOTSUPP;
	return err;
}

/* Whether it can be read: it is read once. */
static int try(const struct runtime_target *target, struct go *go, char *text)
{
	const struct go_image *image = go->image;
	struct go_memstats *stats = malloc(sizeof(*stats));
	int err = stats ? go_memory_open(target->pid, target->dir, image->is_pie, image->entry,
					 &go->memory)
			: -ENOMEM;

	if (err == 0)
		err = go_memstats_read(&image->layout, image->minor, &go->memory, stats);
	/* Accounts that agree are the proof that it is what it is taken for. */
	if (err == 0 && !stats->is_agreed)
		err = -EAGAIN;
	free(stats);
	if (err == -EAGAIN)
		snprintf(text, RUNTIME_TEXT_MAX,
			 "%s: its runtime is not up, or its numbers do not agree", image->version);
	else if (err == -EPERM || err == -EACCES)
		snprintf(text, RUNTIME_TEXT_MAX,
			 "%s: its memory may not be read: that takes the same user, or "
			 "CAP_SYS_PTRACE",
			 image->version);
	else if (err < 0 && err != -ESRCH && err != -ENOENT)
		snprintf(text, RUNTIME_TEXT_MAX, "%s: its memory cannot be read: %s",
			 image->version, strerror(-err));
	return err;
}

static int go_attach(const struct runtime_target *target, void **ret, char *text)
{
	struct go *go = calloc(1, sizeof(*go));
	int err;

	text[0] = '\0';
	if (!go)
		return -ENOMEM;
	err = open_image(target, go, text);
	if (err == 0)
		err = try(target, go, text);
	if (err < 0) {
		go_detach(go);
		return err;
	}
	*ret = go;
	return 0;
}

static void set(struct record *rec, unsigned field, uint64_t value)
{
	if (value <= INT64_MAX)
		record_set(rec, field, (int64_t)value);
}

static void set_heap(struct record *rec, const struct go_memstats *stats)
{
	set(rec, FIELD_GO_HEAP_ALLOC, stats->heap_alloc);
	set(rec, FIELD_GO_HEAP_SYS, stats->heap_sys);
	set(rec, FIELD_GO_HEAP_IDLE, stats->heap_idle);
	set(rec, FIELD_GO_HEAP_INUSE, stats->heap_inuse);
	set(rec, FIELD_GO_HEAP_RELEASED, stats->heap_released);
	set(rec, FIELD_GO_HEAP_OBJECTS, stats->heap_objects);
	set(rec, FIELD_GO_STACK_INUSE, stats->stack_inuse);
	set(rec, FIELD_GO_STACK_SYS, stats->stack_sys);
	set(rec, FIELD_GO_MSPAN_INUSE, stats->mspan_inuse);
	set(rec, FIELD_GO_MSPAN_SYS, stats->mspan_sys);
	set(rec, FIELD_GO_MCACHE_INUSE, stats->mcache_inuse);
	set(rec, FIELD_GO_MCACHE_SYS, stats->mcache_sys);
	set(rec, FIELD_GO_BUCKHASH_SYS, stats->buckhash_sys);
	set(rec, FIELD_GO_GC_SYS, stats->gc_sys);
	set(rec, FIELD_GO_OTHER_SYS, stats->other_sys);
	set(rec, FIELD_GO_SYS, stats->sys);
	set(rec, FIELD_GO_GOROUTINES, (uint64_t)stats->goroutines);
}

static void set_counter(struct record *rec, unsigned field, uint64_t value, uint64_t *last)
{
	if (*last < value)
		*last = value;
	set(rec, field, *last);
}

/* The longest pause of the collections since the reading before, as far as they are kept; 0: there was none. */
static uint64_t longest_pause(const struct go_memstats *stats, uint32_t since)
{
	uint32_t n = stats->num_gc - since;
	uint64_t longest = 0;

	for (uint32_t i = 0; i < n && i < GO_PAUSES; i++) {
		uint64_t pause = stats->pause_ns[(stats->num_gc - 1 - i) % GO_PAUSES];

		if (pause > longest)
			longest = pause;
	}
	return longest;
}

static void set_gc(struct record *rec, const struct go_memstats *stats, struct go *go)
{
	double fraction = stats->gc_cpu_fraction;

	if (stats->next_gc < GOAL_MAX)
		set(rec, FIELD_GO_NEXT_GC, stats->next_gc);
	set(rec, FIELD_GO_NUM_GC, stats->num_gc);
	set(rec, FIELD_GO_FORCED_GC, stats->num_forced_gc);
	set(rec, FIELD_GO_PAUSE_TOTAL, stats->pause_total_ns);
	set(rec, FIELD_GO_PAUSE_MAX, longest_pause(stats, go->num_gc));
	if (fraction >= 0 && fraction <= 1)
		set(rec, FIELD_GO_GC_CPU, (uint64_t)(fraction * PPB));
	go->num_gc = stats->num_gc;
	if (stats->num_gc == 0)
		return;
	set(rec, FIELD_GO_LAST_GC, stats->last_gc);
	set(rec, FIELD_GO_PAUSE_LAST, stats->pause_ns[(stats->num_gc - 1) % GO_PAUSES]);
}

static int go_read(void *state, const struct runtime_target *target, struct record *rec)
{
	struct go *go = state;
	struct go_memstats stats;
	int err = go_memstats_read(&go->image->layout, go->image->minor, &go->memory, &stats);

	(void)target;
	if (err < 0)
		return err;
	set_heap(rec, &stats);
	set_counter(rec, FIELD_GO_TOTAL_ALLOC, stats.total_alloc, &go->total_alloc);
	set_counter(rec, FIELD_GO_MALLOCS, stats.mallocs, &go->mallocs);
	set_counter(rec, FIELD_GO_FREES, stats.frees, &go->frees);
	set_gc(rec, &stats, go);
	rec->reason[SOURCE_GO] = REASON_OK;
	return 0;
}

const struct runtime_reader runtime_go = {
	.name = "go",
	.source = SOURCE_GO,
	.attach = go_attach,
	.read = go_read,
	.detach = go_detach,
};
