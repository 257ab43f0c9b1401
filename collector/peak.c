/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "collector/peak.h"

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
