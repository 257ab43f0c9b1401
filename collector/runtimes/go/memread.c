/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/runtimes/go/memory.h"
#include "collector/runtimes/go/memstats.h"

/* GOMAXPROCS is no larger, nor are there more spans in caches: what lies is read with 40 MB, not more. */
#define PROCESSORS_MAX 2048
#define SPANS_MAX      (1u << 17)
/* What is between a structure's members that are read: some 1100 and 64 bytes. */
#define CACHE_MAX 4096
#define SPAN_MAX  128
/* Readings before something that moves is given up, or taken as it is. */
#define ATTEMPTS 8

struct span {
	unsigned class;
	size_t place; /* in the caches */
	uint64_t address;
	uint8_t bytes[SPAN_MAX];
	uint32_t sweepgen; /* after the counters: see is_leaving() */
};

/* A piece of a structure: what is needed of it. */
struct piece {
	uint32_t from, size;
};

struct reading {
	const struct go_layout *layout; /* borrowed */
	const struct go_memory *memory; /* borrowed */
	struct piece cache, span;
	size_t count;	    /* of processors */
	uint64_t *caches;   /* owned; addresses, 0: none */
	int32_t *ended;	    /* owned; goroutines that wait there for a new life */
	uint8_t *before;    /* owned; the caches */
	uint8_t *after;	    /* owned; the same, once more */
	struct span *spans; /* owned */
	size_t spans_count;
	uint64_t total_alloc; /* after all else was read */
	struct go_raw raw;
	struct go_batch batch;
};

static uint64_t global(const struct reading *r, enum go_global which)
{
	return r->layout->global[which] + r->memory->bias;
}

static uint64_t number(const uint8_t *from, size_t at, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, from + at, size);
	return value;
}

/* Makes a piece have [member, member + size), too. */
static void widen(const struct go_layout *layout, enum go_member member, uint32_t size,
		  struct piece *piece)
{
	uint32_t from = layout->member[member];
	uint32_t end = piece->from + piece->size;

	if (!layout->has[member])
		return;
	if (piece->size == 0)
		*piece = (struct piece){from, size};
	if (from < piece->from)
		piece->from = from;
	if (from + size > end)
		end = from + size;
	piece->size = end - piece->from;
}

/* ---- processors ------------------------------------------------------------------------------ */

static int read_processors(struct reading *r)
{
	bool has_n = r->layout->has[GO_P_FREE_N];
	uint32_t ended = r->layout->member[has_n ? GO_P_FREE_N : GO_P_FREE_SIZE];
	uint64_t slice[2]; /* allp: address, length */
	uint64_t *list;
	int err = go_memory_read(r->memory, global(r, GO_GLOBAL_ALLP), slice, sizeof(slice));

	if (err < 0)
		return err;
	if (slice[0] == 0 || slice[1] == 0 || slice[1] > PROCESSORS_MAX)
		return -EAGAIN;
	r->count = slice[1];
	list = calloc(r->count, sizeof(*list));
	r->caches = calloc(r->count, sizeof(*r->caches));
	r->ended = calloc(r->count, sizeof(*r->ended));
	err = list && r->caches && r->ended ? 0 : -ENOMEM;
	if (err == 0)
		err = go_memory_read(r->memory, slice[0], list, r->count * sizeof(*list));
	go_batch_begin(&r->batch, r->memory);
	for (size_t i = 0; err == 0 && i < r->count; i++) {
		if (list[i] == 0)
			err = -EAGAIN;
		go_batch_add(&r->batch, list[i] + r->layout->member[GO_P_MCACHE], &r->caches[i],
			     sizeof(*r->caches));
		go_batch_add(&r->batch, list[i] + ended, &r->ended[i], sizeof(*r->ended));
	}
	if (err == 0)
		err = go_batch_end(&r->batch);
	free(list);
	return err;
}

/* ---- counters and caches --------------------------------------------------------------------- */

static void add_caches(struct reading *r, uint8_t *to)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->caches[i])
			go_batch_add(&r->batch, r->caches[i] + r->cache.from,
				     to + i * r->cache.size, r->cache.size);
}

static uint32_t size_of_mstats(const struct go_layout *layout)
{
	struct piece piece = {0};

	widen(layout, GO_STATS, 3 * layout->member[GO_DELTA_SIZE], &piece);
	for (unsigned i = GO_STATS + 1; i <= GO_TINY_ALLOCS; i++)
		if (i != GO_PAUSE_NS_SIZE && i != GO_PAUSE_END_SIZE)
			widen(layout, i, i == GO_PAUSE_NS || i == GO_PAUSE_END ? 8 * GO_PAUSES : 8,
			      &piece);
	return piece.from + piece.size;
}

static uint32_t size_of_controller(const struct go_layout *layout)
{
	struct piece piece = {0};

	for (unsigned i = GO_HEAP_GOAL; i <= GO_GC_MAPPED_READY; i++)
		widen(layout, i, 8, &piece);
	return piece.from + piece.size;
}

static void add_sched(struct reading *r)
{
	const struct go_layout *layout = r->layout;
	bool has_n = layout->has[GO_SCHED_FREE_N];
	uint64_t sched = global(r, GO_GLOBAL_SCHED);

	r->raw.sched_free[1] = 0;
	go_batch_add(&r->batch, sched + layout->member[GO_SCHED_NGSYS], &r->raw.ngsys, 4);
	go_batch_add(&r->batch,
		     sched + layout->member[has_n ? GO_SCHED_FREE_N : GO_SCHED_FREE_STACK],
		     &r->raw.sched_free[0], 4);
	if (!has_n)
		go_batch_add(&r->batch, sched + layout->member[GO_SCHED_FREE_NO_STACK],
			     &r->raw.sched_free[1], 4);
	go_batch_add(&r->batch, global(r, GO_GLOBAL_ALLGLEN), &r->raw.allglen, 8);
}

static void add_counters(struct reading *r)
{
	const struct go_layout *layout = r->layout;
	uint64_t heap = global(r, GO_GLOBAL_MHEAP);
	uint32_t pacer = size_of_controller(layout);

	go_batch_add(&r->batch, global(r, GO_GLOBAL_MEMSTATS), r->raw.mstats,
		     size_of_mstats(layout));
	if (pacer > 0)
		go_batch_add(&r->batch, global(r, GO_GLOBAL_CONTROLLER), r->raw.controller, pacer);
	go_batch_add(&r->batch, heap + layout->member[GO_HEAP_SPANS_INUSE], &r->raw.spans_inuse, 8);
	go_batch_add(&r->batch, heap + layout->member[GO_HEAP_CACHES_INUSE], &r->raw.caches_inuse,
		     8);
	add_sched(r);
}

/*
 * The counters, what the caches hold after that, in which state those spans are, and whether one came into the
 * counters meanwhile.
 */
static void add_rest(struct reading *r)
{
	uint32_t sweepgen = r->layout->member[GO_MSPAN_SWEEPGEN];

	add_counters(r);
	for (size_t i = 0; r->layout->has[GO_MSPAN_SWEEPGEN] && i < r->spans_count; i++)
		go_batch_add(&r->batch, r->spans[i].address + sweepgen, &r->spans[i].sweepgen, 4);
	add_caches(r, r->after);
	if (r->layout->has[GO_GC_TOTAL_ALLOC])
		go_batch_add(&r->batch,
			     global(r, GO_GLOBAL_CONTROLLER) + r->layout->member[GO_GC_TOTAL_ALLOC],
			     &r->total_alloc, 8);
}

/* ---- spans ----------------------------------------------------------------------------------- */

/* Where an mcache's span of that number stands among what is read of them. */
static size_t place_of(const struct reading *r, size_t i, size_t k)
{
	return i * r->cache.size + r->layout->member[GO_MCACHE_ALLOC] - r->cache.from + k * 8;
}

/* Calls for each span of the caches: counts them, or with `spans` writes them there. */
static size_t list_spans(const struct reading *r, struct span *spans)
{
	size_t classes = r->layout->member[GO_MCACHE_ALLOC_SIZE] / 8;
	uint64_t empty = r->layout->global[GO_GLOBAL_EMPTY_SPAN];
	size_t n = 0;

	if (empty)
		empty += r->memory->bias;
	for (size_t i = 0; i < r->count; i++)
		for (size_t k = 0; r->caches[i] && k < classes; k++) {
			uint64_t span = number(r->before, place_of(r, i, k), 8);

			if (span == 0 || span == empty)
				continue;
			if (spans) {
				spans[n].class = (unsigned)k / 2;
				spans[n].place = place_of(r, i, k);
				spans[n].address = span;
			}
			n++;
		}
	return n;
}

static bool is_there(const struct reading *r, const struct span *span)
{
	return number(r->after, span->place, 8) == span->address;
}

/*
 * A full span is given back (its sweepgen is even then), counted, and replaced when there is another, which is
 * searched for: most of the time it stands in its cache and is counted.
 */
static bool is_leaving(const struct reading *r, const struct span *span)
{
	return r->layout->has[GO_MSPAN_SWEEPGEN] && span->sweepgen % 2 == 0;
}

/* No span came into the counters since they were read. */
static bool is_quiet(const struct reading *r)
{
	return !r->layout->has[GO_GC_TOTAL_ALLOC] ||
	       r->total_alloc == number(r->raw.controller, r->layout->member[GO_GC_TOTAL_ALLOC], 8);
}

/* And none is about to. */
static bool is_settled(const struct reading *r)
{
	for (size_t i = 0; i < r->spans_count; i++)
		if (is_there(r, &r->spans[i]) && is_leaving(r, &r->spans[i]))
			return false;
	return is_quiet(r);
}

/*
 * The spans of the caches, and then the counters. A span that has left its cache by then is in the counters; one
 * that is still there is not. That is certain only where no span came between counters and caches: these are
 * read again, which takes less time than it takes to fill a span.
 */
static int read_spans(struct reading *r)
{
	size_t n = list_spans(r, NULL);
	int err;

	if (n > SPANS_MAX)
		return -EAGAIN;
	free(r->spans);
	r->spans = malloc((n + 1) * sizeof(*r->spans));
	if (!r->spans)
		return -ENOMEM;
	r->spans_count = list_spans(r, r->spans);
	go_batch_begin(&r->batch, r->memory);
	for (size_t i = 0; i < n; i++)
		go_batch_add(&r->batch, r->spans[i].address + r->span.from, r->spans[i].bytes,
			     r->span.size);
	add_rest(r);
	err = go_batch_end(&r->batch);
	for (unsigned i = 0; err == 0 && !is_settled(r) && i < ATTEMPTS; i++) {
		go_batch_begin(&r->batch, r->memory);
		add_rest(r);
		err = go_batch_end(&r->batch);
	}
	return err;
}

static uint64_t of_span(const struct reading *r, const struct span *span, enum go_member member,
			size_t size)
{
	return number(span->bytes, r->layout->member[member] - r->span.from, size);
}

/*
 * The objects of a span that the counters do not know of. Since 1.19 these count them when the span leaves the
 * cache; before, they had counted all of its room when it came.
 */
static int64_t cached_of(const struct reading *r, const struct span *span)
{
	int64_t have = (int64_t)of_span(r, span, GO_MSPAN_COUNT, 2);

	if (r->layout->has[GO_MSPAN_COUNT_BEFORE])
		return have - (int64_t)of_span(r, span, GO_MSPAN_COUNT_BEFORE, 2);
	return have - (int64_t)(uint16_t)of_span(r, span, GO_MSPAN_ELEMS,
						 r->layout->member[GO_MSPAN_ELEMS_SIZE]);
}

static bool is_held(const struct reading *r, const struct span *span)
{
	return is_there(r, span) && !is_leaving(r, span);
}

static void count_cached(struct reading *r)
{
	size_t tiny = r->layout->member[GO_MCACHE_TINY_ALLOCS] - r->cache.from;

	memset(r->raw.cached, 0, sizeof(r->raw.cached));
	r->raw.cached_bytes = 0;
	r->raw.cached_tiny = 0;
	r->raw.p_free = 0;
	for (size_t i = 0; i < r->spans_count; i++) {
		int64_t n = is_held(r, &r->spans[i]) ? cached_of(r, &r->spans[i]) : 0;
		uint16_t size = (uint16_t)of_span(r, &r->spans[i], GO_MSPAN_ELEM_SIZE, 8);

		r->raw.cached[r->spans[i].class] += n;
		r->raw.cached_bytes += n * size;
	}
	for (size_t i = 0; i < r->count; i++) {
		if (r->caches[i])
			r->raw.cached_tiny += number(r->after, i * r->cache.size + tiny, 8);
		r->raw.p_free += r->ended[i];
	}
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Once. */
static int read_once(struct reading *r, unsigned minor, struct go_memstats *ret)
{
	int err;

	go_batch_begin(&r->batch, r->memory);
	add_caches(r, r->before);
	err = go_batch_end(&r->batch);
	if (err == 0)
		err = read_spans(r);
	if (err < 0)
		return err;
	count_cached(r);
	err = go_memstats_reckon(r->layout, minor, &r->raw, ret);
	ret->is_still = ret->is_agreed && is_quiet(r) &&
			memcmp(r->before, r->after, r->count * r->cache.size) == 0;
	return err;
}

static int read_all(struct reading *r, unsigned minor, struct go_memstats *ret)
{
	int err = read_processors(r);

	if (err < 0)
		return err;
	r->before = calloc(r->count, r->cache.size);
	r->after = calloc(r->count, r->cache.size);
	if (!r->before || !r->after)
		return -ENOMEM;
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		err = read_once(r, minor, ret);
		if ((err < 0 && err != -EAGAIN) || (err == 0 && ret->is_agreed && is_quiet(r)))
			return err;
	}
	return err;
}

int go_memstats_read(const struct go_layout *layout, unsigned minor, const struct go_memory *memory,
		     struct go_memstats *ret)
{
	struct reading r = {.layout = layout, .memory = memory};
	int err;

	widen(layout, GO_MCACHE_ALLOC, layout->member[GO_MCACHE_ALLOC_SIZE], &r.cache);
	widen(layout, GO_MCACHE_TINY_ALLOCS, 8, &r.cache);
	widen(layout, GO_MSPAN_COUNT, 2, &r.span);
	widen(layout, GO_MSPAN_COUNT_BEFORE, 2, &r.span);
	widen(layout, GO_MSPAN_ELEMS, 8, &r.span);
	widen(layout, GO_MSPAN_ELEM_SIZE, 8, &r.span);
	if (r.cache.size > CACHE_MAX || r.span.size > SPAN_MAX ||
	    size_of_mstats(layout) > GO_MSTATS_MAX ||
	    size_of_controller(layout) > GO_CONTROLLER_MAX)
		return -EOPNOTSUPP;
	err = read_all(&r, minor, ret);
	free(r.caches);
	free(r.ended);
	free(r.before);
	free(r.after);
	free(r.spans);
	/* Before its runtime is up, pointers point nowhere. */
	return err == -EFAULT ? -EAGAIN : err;
}
