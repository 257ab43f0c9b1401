/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "collector/merge.h"
#include "core/tick.h"

/* Its place in what is told of the heap: it does not add up as the others do. */
#define LIVE_SE 1

/* What a process tells of its heap, and the tree's sum of it. */
static const struct {
	unsigned of_process, of_tree; /* sources */
	unsigned count;
	struct {
		unsigned of_process, of_tree;
	} field[PROCESS_PART_VALUES];
} parts[PROCESS_PARTS] = {
	[PROCESS_HEAP] = {SOURCE_HEAP,
			  SOURCE_TREE_HEAP,
			  4,
			  {{FIELD_HEAP_LIVE, FIELD_SUM_LIVE},
			   [LIVE_SE] = {FIELD_HEAP_LIVE_SE, FIELD_SUM_LIVE_SE},
			   {FIELD_HEAP_INHERITED, FIELD_SUM_INHERITED},
			   {FIELD_HEAP_MAPPED, FIELD_SUM_MAPPED}}},
	[PROCESS_AREAS] = {SOURCE_AREAS,
			   SOURCE_TREE_AREAS,
			   3,
			   {{FIELD_HEAP_SLACK, FIELD_SUM_SLACK},
			    {FIELD_HEAP_STACKS, FIELD_SUM_STACKS},
			    {FIELD_HEAP_REST, FIELD_SUM_REST}}},
};

static void *grow(void *array, size_t count, size_t *size, size_t each)
{
	size_t more = *size ? *size * 2 : 64;
	void *bigger;

	if (count < *size)
		return array;
	bigger = reallocarray(array, more, each);
	if (bigger)
		*size = more;
	return bigger;
}

static struct merge_item *add_item(struct merge *merge, struct process *process, uint64_t tick)
{
	struct merge_item *items =
		grow(merge->items, merge->items_count, &merge->items_size, sizeof(*items));
	struct merge_item *item;

	if (!items)
		return NULL;
	merge->items = items;
	item = &items[merge->items_count++];
	memset(item, 0, sizeof(*item));
	item->process = process;
	process->waiting++;
	item->tick = tick;
	item->order = merge->order++;
	return item;
}

static int64_t value_of(const struct record *rec, unsigned field)
{
	return record_has(rec, field) ? rec->value[field] : 0;
}

static void note_part(struct process_told *told, enum process_part part, const struct record *rec,
		      uint64_t ns)
{
	told->is_told = rec->reason[parts[part].of_process] == REASON_OK;
	told->ns = ns;
	for (unsigned i = 0; i < parts[part].count; i++) {
		unsigned field = parts[part].field[i].of_process;

		told->value[i] = value_of(rec, field);
		told->known |= (uint8_t)(record_has(rec, field) << i);
	}
}

void merge_sample(struct merge *merge, struct process *process, const struct record *rec)
{
	bool next = rec->tick == process->merged_tick ||
		    rec->late_us >= TICK_SECOND / 2000 / merge->freq;
	struct merge_item *item = add_item(merge, process, rec->tick + next);
	struct process_values *v;

	if (!item)
		return;
	process->merged_tick = rec->tick;
	v = &item->values;
	v->has_rss = record_has(rec, FIELD_RSS);
	v->rss = value_of(rec, FIELD_RSS);
	v->rss_anon = value_of(rec, FIELD_RSS_ANON);
	v->rss_shmem = value_of(rec, FIELD_RSS_SHMEM);
	v->has_pss = record_has(rec, FIELD_PSS);
	v->pss = value_of(rec, FIELD_PSS);
	v->pss_anon = value_of(rec, FIELD_PSS_ANON);
	v->pss_file = value_of(rec, FIELD_PSS_FILE);
	v->pss_shmem = value_of(rec, FIELD_PSS_SHMEM);
	v->pss_ns = tick_ns(rec->tick, merge->freq);
	v->walk_anon = v->rss_anon;
	v->walk_shmem = v->rss_shmem;
	for (unsigned part = 0; part < PROCESS_PARTS; part++)
		note_part(&v->told[part], part, rec, v->pss_ns);
	v->is_outside = rec->reason[SOURCE_SAMPLER] == REASON_ABSENT;
	v->self = record_has(rec, FIELD_SELF_BYTES) ? rec->value[FIELD_SELF_BYTES] : -1;
}

void merge_gone(struct merge *merge, struct process *process, uint64_t last_tick)
{
	struct merge_item *item = add_item(merge, process, last_tick + 1);

	if (item)
		item->gone = true;
}

void merge_tick(struct merge *merge, const struct record *row)
{
	struct record *ticks =
		grow(merge->ticks, merge->ticks_count, &merge->ticks_size, sizeof(*ticks));

	if (!ticks)
		return;
	merge->ticks = ticks;
	ticks[merge->ticks_count++] = *row;
}

static void count_in(struct merge *merge, struct process *process)
{
	struct process **live =
		grow(merge->live, merge->live_count, &merge->live_size, sizeof(struct process *));

	if (!live)
		return;
	merge->live = live;
	live[merge->live_count++] = process;
	process->live_at = merge->live_count;
}

static void count_out(struct merge *merge, struct process *process)
{
	struct process *last = merge->live[merge->live_count - 1];

	merge->live[process->live_at - 1] = last;
	last->live_at = process->live_at;
	process->live_at = 0;
	merge->live_count--;
	process->values = (struct process_values){0};
}

/* What was not read at this tick keeps its newest value; PSS carries its age. */
static void take_in(struct merge *merge, const struct merge_item *item)
{
	struct process_values *v = &item->process->values;

	item->process->waiting--;
	if (item->gone) {
		if (item->process->live_at)
			count_out(merge, item->process);
		return;
	}
	if (!item->process->live_at)
		count_in(merge, item->process);
	v->is_outside = item->values.is_outside;
	if (item->values.has_rss) {
		v->has_rss = true;
		v->rss = item->values.rss;
		v->rss_anon = item->values.rss_anon;
		v->rss_shmem = item->values.rss_shmem;
	}
	if (item->values.has_pss) {
		v->has_pss = true;
		v->pss = item->values.pss;
		v->pss_anon = item->values.pss_anon;
		v->pss_file = item->values.pss_file;
		v->pss_shmem = item->values.pss_shmem;
		v->pss_ns = item->values.pss_ns;
		v->walk_anon = item->values.walk_anon;
		v->walk_shmem = item->values.walk_shmem;
	}
	for (unsigned part = 0; part < PROCESS_PARTS; part++)
		if (item->values.told[part].is_told)
			v->told[part] = item->values.told[part];
	if (item->values.self >= 0)
		v->self = item->values.self;
}

struct sums {
	int64_t processes, outside;
	bool stale; /* a PSS is missing or too old */
	uint64_t age;
	struct process_values total;
	bool shmem_moved;
	unsigned shmem_holders;
	int64_t moved_anon, moved_shmem; /* KiB of RSS since the PSS in the sums was read */
	/* Of those that tell of a heap: what one has told is missing or too old. */
	bool is_old[PROCESS_PARTS];
	uint8_t unknown[PROCESS_PARTS]; /* fields that one of them does not know: a bit each */
	double live_variance;
};

/* Unsigned: the values are a peer's word, and may be anything. */
static void add(int64_t *sum, int64_t value)
{
	*sum = (int64_t)((uint64_t)*sum + (uint64_t)value);
}

/* Those of which nothing is told, for want of a sampler that could, are in no sum. */
static void sum_heap(struct sums *sums, const struct process_values *v, uint64_t now_ns)
{
	double se = (double)v->told[PROCESS_HEAP].value[LIVE_SE];

	if (!v->told[PROCESS_HEAP].is_told)
		return;
	for (unsigned part = 0; part < PROCESS_PARTS; part++) {
		const struct process_told *told = &v->told[part];
		struct process_told *total = &sums->total.told[part];

		total->is_told = true;
		if (!told->is_told || (now_ns > told->ns && now_ns - told->ns > MERGE_STALE_NS))
			sums->is_old[part] = true;
		sums->unknown[part] |= (uint8_t)~told->known;
		for (unsigned i = 0; i < parts[part].count; i++)
			add(&total->value[i], told->value[i]);
	}
	sums->live_variance += se * se;
}

static void sum_up(struct sums *sums, const struct merge *merge, uint64_t now_ns)
{
	for (size_t i = 0; i < merge->live_count; i++) {
		const struct process_values *v = &merge->live[i]->values;
		uint64_t age = now_ns > v->pss_ns ? now_ns - v->pss_ns : 0;

		sums->processes++;
		sums->outside += v->is_outside;
		add(&sums->total.rss, v->rss);
		add(&sums->total.rss_anon, v->rss_anon);
		add(&sums->total.rss_shmem, v->rss_shmem);
		add(&sums->total.self, v->self);
		if (!v->has_pss || age > MERGE_STALE_NS)
			sums->stale = true;
		if (v->has_pss && age > sums->age)
			sums->age = age;
		add(&sums->total.pss, v->pss);
		add(&sums->total.pss_anon, v->pss_anon);
		add(&sums->total.pss_file, v->pss_file);
		add(&sums->total.pss_shmem, v->pss_shmem);
		add(&sums->moved_anon, v->rss_anon);
		add(&sums->moved_anon, (int64_t)(0 - (uint64_t)v->walk_anon));
		sums->shmem_moved = sums->shmem_moved || v->rss_shmem != v->walk_shmem;
		sums->shmem_holders += v->rss_shmem || v->walk_shmem;
		add(&sums->moved_shmem, v->rss_shmem);
		add(&sums->moved_shmem, (int64_t)(0 - (uint64_t)v->walk_shmem));
		sum_heap(sums, v, now_ns);
	}
}

static bool first_of(const struct record *row, unsigned v2, unsigned v1, int64_t *ret)
{
	unsigned field = record_has(row, v2) ? v2 : v1;

	if (!record_has(row, field))
		return false;
	*ret = row->value[field];
	return true;
}

/* What is to be taken off, in bytes: the PSS, and what has come (less what has gone) since. */
static int64_t loss(int64_t pss, int64_t moved)
{
	return (int64_t)(0 - ((uint64_t)pss + (uint64_t)moved) * 1024);
}

static void put_pss(struct record *row, const struct sums *sums)
{
	const struct process_values *t = &sums->total;
	int64_t cgroup;

	if (sums->stale) {
		row->reason[SOURCE_TREE_PSS] = REASON_STALE;
		return;
	}
	row->reason[SOURCE_TREE_PSS] = REASON_OK;
	record_set(row, FIELD_SUM_PSS, t->pss);
	record_set(row, FIELD_SUM_PSS_ANON, t->pss_anon);
	record_set(row, FIELD_SUM_PSS_FILE, t->pss_file);
	record_set(row, FIELD_SUM_PSS_SHMEM, t->pss_shmem);
	record_set(row, FIELD_PSS_AGE, (int64_t)sums->age);
	if (first_of(row, FIELD_V2_ANON, FIELD_V1_ANON, &cgroup)) {
		add(&cgroup, loss(t->pss_anon, sums->moved_anon));
		record_set(row, FIELD_LOOSE_ANON, cgroup);
	}
	/* What several share, and has moved since, moved once; but each of them tells of it. */
	if ((!sums->shmem_moved || sums->shmem_holders < 2) &&
	    first_of(row, FIELD_V2_SHMEM, FIELD_V1_SHMEM, &cgroup)) {
		add(&cgroup, loss(t->pss_shmem, sums->moved_shmem));
		record_set(row, FIELD_LOOSE_SHMEM, cgroup);
	}
}

/* By Newton, from above: a library of mathematics for one root a tick would be much. */
static int64_t root_of(double square)
{
	double root, next = square;

	if (square < 1)
		return 0;
	do {
		root = next;
		next = (root + square / root) / 2;
	} while (next < root);
	return root < (double)INT64_MAX ? (int64_t)(root + 0.5) : INT64_MAX;
}

static void put_part(struct record *row, const struct sums *sums, enum process_part part)
{
	const struct process_told *total = &sums->total.told[part];

	if (!total->is_told)
		return;
	if (sums->is_old[part]) {
		row->reason[parts[part].of_tree] = REASON_STALE;
		return;
	}
	row->reason[parts[part].of_tree] = REASON_OK;
	for (unsigned i = 0; i < parts[part].count; i++)
		if (!(sums->unknown[part] >> i & 1))
			record_set(row, parts[part].field[i].of_tree, total->value[i]);
}

/* Processes guess independently of each other: their variances add up. */
static void put_heap(struct record *row, struct sums *sums)
{
	sums->total.told[PROCESS_HEAP].value[LIVE_SE] = root_of(sums->live_variance);
	for (unsigned part = 0; part < PROCESS_PARTS; part++)
		put_part(row, sums, part);
}

/* What the cgroup's own classes leave over: sockets, per-CPU batches of charges. */
static void put_balance(struct record *row)
{
	int64_t usage, anon, file, kernel, shmem;

	if (!first_of(row, FIELD_V2_USAGE, FIELD_V1_USAGE, &usage) ||
	    !first_of(row, FIELD_V2_ANON, FIELD_V1_ANON, &anon) ||
	    !first_of(row, FIELD_V2_FILE, FIELD_V1_FILE, &file) ||
	    !first_of(row, FIELD_V2_KERNEL, FIELD_V1_KERNEL, &kernel)) {
		row->reason[SOURCE_BALANCE] = REASON_ABSENT;
		return;
	}
	row->reason[SOURCE_BALANCE] = REASON_OK;
	if (first_of(row, FIELD_V2_SHMEM, FIELD_V1_SHMEM, &shmem))
		record_set(row, FIELD_NO_CACHE,
			   (int64_t)((uint64_t)anon + (uint64_t)kernel + (uint64_t)shmem));
	record_set(row, FIELD_RESIDUAL,
		   (int64_t)((uint64_t)usage - (uint64_t)anon - (uint64_t)file - (uint64_t)kernel));
}

static void complete(struct record *row, const struct merge *merge)
{
	struct sums sums = {0};

	sum_up(&sums, merge, tick_ns(row->tick, merge->freq));
	row->reason[SOURCE_TREE] = REASON_OK;
	record_set(row, FIELD_PROCESSES, sums.processes);
	record_set(row, FIELD_OUTSIDE, sums.outside);
	record_set(row, FIELD_SUM_RSS, sums.total.rss);
	record_set(row, FIELD_SUM_RSS_ANON, sums.total.rss_anon);
	record_set(row, FIELD_SUM_RSS_SHMEM, sums.total.rss_shmem);
	record_set(row, FIELD_SUM_SELF, sums.total.self);
	if (!record_has(row, FIELD_V2_USAGE) && !record_has(row, FIELD_V1_USAGE))
		record_set(row, FIELD_NO_CGROUP, sums.total.rss);
	put_pss(row, &sums);
	put_heap(row, &sums);
	put_balance(row);
}

static int by_tick(const void *left, const void *right)
{
	const struct merge_item *a = left;
	const struct merge_item *b = right;

	if (a->tick != b->tick)
		return a->tick < b->tick ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

void merge_run(struct merge *merge, uint64_t until, void (*done)(void *arg, struct record *row),
	       void *arg)
{
	size_t item = 0;
	size_t tick = 0;

	if (merge->items_count)
		qsort(merge->items, merge->items_count, sizeof(*merge->items), by_tick);
	for (; tick < merge->ticks_count && merge->ticks[tick].tick < until; tick++) {
		while (item < merge->items_count &&
		       merge->items[item].tick <= merge->ticks[tick].tick)
			take_in(merge, &merge->items[item++]);
		complete(&merge->ticks[tick], merge);
		done(arg, &merge->ticks[tick]);
	}
	merge->items_count -= item;
	merge->ticks_count -= tick;
	if (item)
		memmove(merge->items, merge->items + item,
			merge->items_count * sizeof(*merge->items));
	if (tick)
		memmove(merge->ticks, merge->ticks + tick,
			merge->ticks_count * sizeof(*merge->ticks));
}

void merge_done(struct merge *merge)
{
	free(merge->items);
	free(merge->ticks);
	free(merge->live);
	*merge = (struct merge){0};
}
