/* SPDX-License-Identifier: ISC */
#include <stdbool.h>

#include "core/rollup.h"

/* Before it was ever measured: 9 to 11.5 us per MiB of 4 KiB pages were seen. */
#define NS_PER_MIB 12000u
#define NS_MIN	   10000u
/* From this size on a walk's cost is that of its pages: below, of its mappings. */
#define KIB_TELLING 16384u
#define PPM	    1000000u
/* How old the PSS of memory that does not change may become: after a second no sum is made of it. */
#define IDLE_NS 500000000u
/* A part of its memory that counts as none. */
#define HARDLY 128u
/* Shares of the budget at least: one process has no more than half of it. */
#define SHARES 2u

static uint64_t rss_of(const struct record *rec)
{
	return record_has(rec, FIELD_RSS) ? (uint64_t)rec->value[FIELD_RSS] : 0;
}

/*
 * What a walk would cost: as the last one did, and for memory that has come since, as if it were
 * the dearest pages. The last one's cost per page says nothing of them where it was a small
 * process's, which is that of its mappings: a program that grows fast would look too large for ever.
 */
static uint64_t predict(const struct rollup *last, uint64_t rss)
{
	uint64_t per_mib = NS_PER_MIB;

	if (rss < last->rss_kib)
		return last->cost_ns * rss / last->rss_kib;
	if (last->rss_kib >= KIB_TELLING && last->cost_ns * 1024 / last->rss_kib > per_mib)
		per_mib = last->cost_ns * 1024 / last->rss_kib;
	return last->cost_ns + (rss - last->rss_kib) / 1024 * per_mib;
}

/*
 * How long all walks together rest for one that took so long. A walk is paid by the process itself:
 * half a percent, beside the half that ticks take, was more than 1% of one that faults all the time.
 */
static uint64_t rest_ns(uint64_t cost_ns, const struct rollup_limits *limits)
{
	uint64_t all = cost_ns * (limits->live < SHARES ? SHARES : limits->live);

	/* In two parts: seconds of ten thousand processes, times a million, do not fit. */
	return all / limits->budget_ppm * PPM + all % limits->budget_ppm * PPM / limits->budget_ppm;
}

uint64_t rollup_predict(const struct rollup *rollup, const struct record *rec)
{
	uint64_t predicted = predict(rollup, rss_of(rec));

	return predicted < NS_MIN ? NS_MIN : predicted;
}

static void read_parts(const struct record *rec, uint64_t *ret_kib)
{
	static const uint8_t fields[] = {FIELD_RSS_ANON, FIELD_RSS_FILE, FIELD_RSS_SHMEM};

	for (unsigned i = 0; i < sizeof(fields); i++)
		ret_kib[i] = record_has(rec, fields[i]) ? (uint64_t)rec->value[fields[i]] : 0;
}

static bool has_moved(const struct rollup *rollup, const struct record *rec)
{
	uint64_t now[3];
	uint64_t moved = 0;

	read_parts(rec, now);
	for (unsigned i = 0; i < 3; i++)
		moved += now[i] > rollup->parts_kib[i] ? now[i] - rollup->parts_kib[i]
						       : rollup->parts_kib[i] - now[i];
	return moved > rollup->rss_kib / HARDLY;
}

enum reason rollup_reason(const struct rollup *rollup, const struct record *rec, uint64_t now_ns,
			  const struct rollup_limits *limits)
{
	/* A tick may be older than the end of a walk that took longer. */
	uint64_t since_ns = now_ns > rollup->walked_ns ? now_ns - rollup->walked_ns : 0;

	if (limits->live == 0 || limits->budget_ppm == 0)
		return REASON_NOT_DUE;
	/* Of those that live now: in a tree that grows, all would else walk as if it were small still. */
	if (rollup->walked_ns && since_ns < rest_ns(rollup->cost_ns, limits))
		return REASON_NOT_DUE;
	if (rollup->walked_ns && since_ns < IDLE_NS && !has_moved(rollup, rec))
		return REASON_NOT_DUE;
	return rollup_predict(rollup, rec) > limits->stall_ns ? REASON_STALL : REASON_OK;
}

void rollup_done(struct rollup *rollup, struct record *rec, uint64_t cost_ns, uint64_t now_ns)
{
	rollup->cost_ns = cost_ns;
	rollup->rss_kib = rss_of(rec);
	rollup->walked_ns = now_ns;
	read_parts(rec, rollup->parts_kib);
	if (rec->reason[SOURCE_ROLLUP] == REASON_OK)
		record_set(rec, FIELD_ROLLUP_COST, (int64_t)cost_ns);
}
