/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "collector/peak.h"

static const struct {
	unsigned from, to;
} heap_fields[PEAK_HEAP_FIELDS] = {
	{FIELD_SUM_LIVE, FIELD_PEAK_LIVE},	     {FIELD_SUM_LIVE_SE, FIELD_PEAK_LIVE_SE},
	{FIELD_SUM_INHERITED, FIELD_PEAK_INHERITED}, {FIELD_SUM_SLACK, FIELD_PEAK_SLACK},
	{FIELD_SUM_STACKS, FIELD_PEAK_STACKS},	     {FIELD_SUM_REST, FIELD_PEAK_REST},
	{FIELD_SUM_MAPPED, FIELD_PEAK_MAPPED},
};

static int64_t held(int64_t anon, int64_t shmem)
{
	return (int64_t)((uint64_t)anon + (uint64_t)shmem);
}

static void fill(struct rows_holder *holder, const struct process *process, uint64_t now_ns)
{
	const struct process_values *v = &process->values;

	*holder = (struct rows_holder){
		.id = process->id,
		.rss_anon = v->rss_anon,
		.rss_shmem = v->rss_shmem,
		.has_pss = v->has_pss,
		.pss = v->pss,
		.pss_age_ns = v->has_pss && now_ns > v->pss_ns ? now_ns - v->pss_ns : 0,
		.pid = process->info.pid,
	};
	holder->comm_len = strnlen(process->comm, sizeof(holder->comm));
	memcpy(holder->comm, process->comm, holder->comm_len);
}

void peak_note(struct peak *peak, const struct merge *merge, uint64_t now_ns)
{
	const struct process *top[ROWS_HOLDERS_MAX];
	unsigned n = 0;

	for (size_t i = 0; i < merge->live_count; i++) {
		const struct process *process = merge->live[i];
		int64_t size = held(process->values.rss_anon, process->values.rss_shmem);
		unsigned at = n;

		while (at > 0 &&
		       held(top[at - 1]->values.rss_anon, top[at - 1]->values.rss_shmem) < size)
			at--;
		if (at == ROWS_HOLDERS_MAX)
			continue;
		n = n < ROWS_HOLDERS_MAX ? n + 1 : n;
		memmove(&top[at + 1], &top[at], (n - at - 1) * sizeof(*top));
		top[at] = process;
	}
	peak->count = n;
	for (unsigned i = 0; i < n; i++)
		fill(&peak->holder[i], top[i], now_ns);
}

void peak_note_heap(struct peak *peak, const struct record *row, uint64_t now_ns)
{
	for (unsigned i = 0; i < PEAK_HEAP_FIELDS; i++) {
		if (!record_has(row, heap_fields[i].from))
			continue;
		peak->newest[i].is_known = true;
		peak->newest[i].value = row->value[heap_fields[i].from];
		peak->newest[i].ns = now_ns;
	}
}

/* The row's own value is the newest; an older one counts only where the row's is stale. */
static bool counts(const struct peak *peak, unsigned i, const struct record *row, uint64_t now_ns)
{
	unsigned from = heap_fields[i].from;

	if (record_has(row, from))
		return true;
	return peak->newest[i].is_known && row->reason[field_table[from].source] == REASON_STALE &&
	       now_ns - peak->newest[i].ns <= MERGE_STALE_NS;
}

/* By the kernel RSS is RssAnon + RssFile + RssShmem, read at once. */
static void tell_rss(const struct record *row, struct record *summary)
{
	uint64_t rss = (uint64_t)row->value[FIELD_SUM_RSS];
	uint64_t shmem = (uint64_t)row->value[FIELD_SUM_RSS_SHMEM];

	record_set(summary, FIELD_PEAK_RSS, (int64_t)rss);
	record_set(summary, FIELD_PEAK_RSS_FILE,
		   (int64_t)(rss - (uint64_t)row->value[FIELD_SUM_RSS_ANON] - shmem));
	record_set(summary, FIELD_PEAK_RSS_SHMEM, (int64_t)shmem);
}

void peak_tell_heap(const struct peak *peak, const struct record *row, uint64_t now_ns,
		    struct record *summary)
{
	record_unset(summary, FIELD_PEAK_RSS);
	record_unset(summary, FIELD_PEAK_RSS_FILE);
	record_unset(summary, FIELD_PEAK_RSS_SHMEM);
	for (unsigned i = 0; i < PEAK_HEAP_FIELDS; i++) {
		if (counts(peak, i, row, now_ns))
			record_set(summary, heap_fields[i].to, peak->newest[i].value);
		else
			record_unset(summary, heap_fields[i].to);
	}
	if (record_has(summary, FIELD_PEAK_LIVE) && record_has(row, FIELD_SUM_RSS))
		tell_rss(row, summary);
}
