/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "collector/runtimes/go/memstats.h"

/* heapStats.stats: two are written to in turn, one is being cleared. */
#define DELTAS 3
/* No member is further away: sums with it do not overflow. */
#define MEMBER_MAX (1u << 30)
/* More than a process can have. */
#define BYTES_MAX ((uint64_t)1 << 47)
/* What two accounts may differ by while one change is in the one and not yet in the other. */
#define CHANGE_MAX (4u << 20)
/* heapGoal() of runtime/mgcpacer.go. */
#define RUNWAY		 (64u << 10)
#define HEADROOM_MIN	 (1u << 20)
#define HEADROOM_PERCENT 3
/* The first Go whose headroom is a percentage. */
#define MINOR_OF_PERCENT 21

/* Sizes of objects by class, since Go 1.16; that they are these is held against sums. */
static const uint16_t class_sizes[] = {
	0,     8,     16,    24,    32,	   48,	  64,	 80,	96,    112,   128,   144,
	160,   176,   192,   208,   224,   240,	  256,	 288,	320,   352,   384,   416,
	448,   480,   512,   576,   640,   704,	  768,	 896,	1024,  1152,  1280,  1408,
	1536,  1792,  2048,  2304,  2688,  3072,  3200,	 3456,	4096,  4864,  5376,  6144,
	6528,  6784,  6912,  8192,  9472,  9728,  10240, 10880, 12288, 13568, 14336, 16384,
	18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768,
};
#define CLASSES (sizeof(class_sizes) / sizeof(class_sizes[0]))

/* ---- what a layout must have ----------------------------------------------------------------- */

#define GO_MEMBER_TEXT(name, within, path) #name,

static const char *const member_names[] = {GO_MEMBER_LIST(GO_MEMBER_TEXT)};

/* A member that ends before `end`. */
struct need {
	enum go_member member;
	uint32_t size;
};

#define NEED(name, size)        \
	{                       \
		GO_##name, size \
	}

static const struct need of_mstats[] = {
	NEED(STACKS_SYS, 8),
	NEED(MSPAN_SYS, 8),
	NEED(MCACHE_SYS, 8),
	NEED(BUCKHASH_SYS, 8),
	NEED(GC_MISC_SYS, 8),
	NEED(OTHER_SYS, 8),
	NEED(LAST_GC, 8),
	NEED(PAUSE_TOTAL, 8),
	NEED(PAUSE_NS, 8 * GO_PAUSES),
	NEED(PAUSE_END, 8 * GO_PAUSES),
	NEED(NUM_GC, 4),
	NEED(NUM_FORCED_GC, 4),
	NEED(GC_CPU_FRACTION, 8),
};
static const struct need of_old_mstats[] = {
	NEED(HEAP_SYS, 8),
	NEED(HEAP_INUSE, 8),
	NEED(HEAP_RELEASED, 8),
};
static const struct need of_delta[] = {
	NEED(DELTA_RELEASED, 8),     NEED(DELTA_IN_HEAP, 8),	 NEED(DELTA_IN_STACKS, 8),
	NEED(DELTA_IN_WORK_BUFS, 8), NEED(DELTA_LARGE_ALLOC, 8), NEED(DELTA_LARGE_ALLOCS, 8),
	NEED(DELTA_LARGE_FREE, 8),   NEED(DELTA_LARGE_FREES, 8),
};
static const struct need of_controller[] = {
	NEED(GC_HEAP_GOAL, 8),	   NEED(GC_MEMORY_LIMIT, 8), NEED(GC_SWEEP_TRIGGER, 8),
	NEED(GC_TRIGGERED, 8),	   NEED(GC_HEAP_MARKED, 8),  NEED(GC_HEAP_INUSE, 8),
	NEED(GC_HEAP_RELEASED, 8), NEED(GC_HEAP_FREE, 8),    NEED(GC_TOTAL_ALLOC, 8),
	NEED(GC_TOTAL_FREE, 8),	   NEED(GC_MAPPED_READY, 8),
};
static const struct need of_rest[] = {
	NEED(STATS, 1),
	NEED(DELTA_SIZE, 0),
	NEED(HEAP_SPANS_INUSE, 8),
	NEED(HEAP_CACHES_INUSE, 8),
	NEED(SCHED_NGSYS, 4),
	NEED(P_MCACHE, 8),
	NEED(MCACHE_ALLOC, 8),
	NEED(MCACHE_TINY_ALLOCS, 8),
	NEED(MCACHE_ALLOC_SIZE, 0),
	NEED(MSPAN_COUNT, 2),
	NEED(MSPAN_ELEM_SIZE, 8),
};

static bool fits(const struct go_layout *layout, enum go_member member, uint64_t size, uint64_t end)
{
	return layout->has[member] && layout->member[member] + size <= end;
}

#define MISSING(layout, needs, end) \
	missing_of(layout, needs, sizeof(needs) / sizeof((needs)[0]), end)

static const char *missing_of(const struct go_layout *layout, const struct need *needs,
			      size_t count, uint64_t end)
{
	for (size_t i = 0; i < count; i++)
		if (!fits(layout, needs[i].member, needs[i].size, end))
			return member_names[needs[i].member];
	return NULL;
}

/* Of these, what there is of another Go is read with the rest: it must be no further away. */
static const char *missing_room(const struct go_layout *layout, enum go_member first,
				enum go_member last, uint64_t end)
{
	for (enum go_member i = first; i <= last; i++)
		if (layout->has[i] && !fits(layout, i, 8, end))
			return member_names[i];
	return NULL;
}

static const char *missing_global(const struct go_layout *layout, bool is_new)
{
	if (layout->global[GO_GLOBAL_MEMSTATS] == 0)
		return "MEMSTATS";
	if (layout->global[GO_GLOBAL_MHEAP] == 0)
		return "MHEAP";
	if (layout->global[GO_GLOBAL_SCHED] == 0)
		return "SCHED";
	if (layout->global[GO_GLOBAL_ALLP] == 0)
		return "ALLP";
	if (layout->global[GO_GLOBAL_ALLGLEN] == 0)
		return "ALLGLEN";
	return is_new && layout->global[GO_GLOBAL_CONTROLLER] == 0 ? "CONTROLLER" : NULL;
}

static const char *missing_counts(const struct go_layout *layout)
{
	uint64_t delta = layout->member[GO_DELTA_SIZE];
	uint64_t small = layout->member[GO_DELTA_SMALL_SIZE];

	if (layout->member[GO_STATS] + delta * DELTAS > GO_MSTATS_MAX)
		return "DELTA_SIZE";
	if (!layout->has[GO_DELTA_SMALL_SIZE] || small == 0 || small % 8 ||
	    small / 8 > GO_CLASSES_MAX)
		return "DELTA_SMALL_SIZE";
	if (!fits(layout, GO_DELTA_SMALL_ALLOCS, small, delta))
		return "DELTA_SMALL_ALLOCS";
	if (!fits(layout, GO_DELTA_SMALL_FREES, small, delta))
		return "DELTA_SMALL_FREES";
	/* Each class has spans with pointers and spans without. */
	if (layout->member[GO_MCACHE_ALLOC_SIZE] != 2 * small)
		return "MCACHE_ALLOC_SIZE";
	if (layout->member[GO_PAUSE_NS_SIZE] != 8 * GO_PAUSES ||
	    layout->member[GO_PAUSE_END_SIZE] != 8 * GO_PAUSES)
		return "PAUSE_NS_SIZE";
	return NULL;
}

static const char *missing_free(const struct go_layout *layout)
{
	if (!layout->has[GO_SCHED_FREE_N] &&
	    !(layout->has[GO_SCHED_FREE_STACK] && layout->has[GO_SCHED_FREE_NO_STACK]))
		return "SCHED_FREE_N";
	if (!layout->has[GO_P_FREE_N] && !layout->has[GO_P_FREE_SIZE])
		return "P_FREE_N";
	return NULL;
}

/* Up to 1.18: of memstats, and sums of classes, which must be those that are known. */
static const char *missing_old(const struct go_layout *layout)
{
	const char *name = MISSING(layout, of_old_mstats, GO_MSTATS_MAX);

	if (name)
		return name;
	if (layout->member[GO_DELTA_SMALL_SIZE] != CLASSES * 8)
		return "DELTA_SMALL_SIZE";
	if (layout->has[GO_NEXT_GC])
		return fits(layout, GO_NEXT_GC, 8, GO_MSTATS_MAX) ? NULL : "NEXT_GC";
	if (!fits(layout, GO_HEAP_GOAL, 8, GO_CONTROLLER_MAX) ||
	    layout->global[GO_GLOBAL_CONTROLLER] == 0)
		return "HEAP_GOAL";
	return NULL;
}

/* The caches' spans, by what they count: see cached_of() of memread.c. */
static const char *missing_span(const struct go_layout *layout)
{
	if (layout->has[GO_MSPAN_COUNT_BEFORE])
		return NULL;
	return layout->has[GO_MSPAN_ELEMS] && (layout->member[GO_MSPAN_ELEMS_SIZE] == 8 ||
					       layout->member[GO_MSPAN_ELEMS_SIZE] == 2)
		       ? NULL
		       : "MSPAN_ELEMS";
}

static const char *missing_tiny(const struct go_layout *layout)
{
	if (layout->has[GO_DELTA_TINY_ALLOCS])
		return fits(layout, GO_DELTA_TINY_ALLOCS, 8, layout->member[GO_DELTA_SIZE])
			       ? NULL
			       : "DELTA_TINY_ALLOCS";
	return fits(layout, GO_TINY_ALLOCS, 8, GO_MSTATS_MAX) ? NULL : "TINY_ALLOCS";
}

const char *go_memstats_missing(const struct go_layout *layout)
{
	bool is_new = layout->has[GO_GC_HEAP_GOAL];
	const char *name = missing_global(layout, is_new);

	if (!name)
		name = MISSING(layout, of_rest, MEMBER_MAX);
	if (!name)
		name = missing_room(layout, GO_MSPAN_COUNT, GO_MSPAN_ELEM_SIZE, MEMBER_MAX);
	if (!name)
		name = MISSING(layout, of_mstats, GO_MSTATS_MAX);
	if (!name)
		name = MISSING(layout, of_delta, layout->member[GO_DELTA_SIZE]);
	if (!name && layout->has[GO_DELTA_IN_PTR_BITS] &&
	    !fits(layout, GO_DELTA_IN_PTR_BITS, 8, layout->member[GO_DELTA_SIZE]))
		name = "DELTA_IN_PTR_BITS";
	if (!name)
		name = missing_room(layout, GO_STACKS_SYS, GO_TINY_ALLOCS, GO_MSTATS_MAX);
	if (!name)
		name = missing_room(layout, GO_HEAP_GOAL, GO_GC_MAPPED_READY, GO_CONTROLLER_MAX);
	if (!name)
		name = missing_counts(layout);
	if (!name)
		name = missing_free(layout);
	if (!name)
		name = missing_tiny(layout);
	if (!name)
		name = missing_span(layout);
	if (!name)
		name = is_new ? MISSING(layout, of_controller, GO_CONTROLLER_MAX)
			      : missing_old(layout);
	return name;
}

/* ---- reckoning ------------------------------------------------------------------------------- */

static uint64_t number(const uint8_t *from, uint32_t at)
{
	uint64_t value;

	memcpy(&value, from + at, sizeof(value));
	return value;
}

static uint64_t of_memstats(const struct go_layout *layout, const struct go_raw *raw,
			    enum go_member member)
{
	return number(raw->mstats, layout->member[member]);
}

static uint64_t of_pacer(const struct go_layout *layout, const struct go_raw *raw,
			 enum go_member member)
{
	return number(raw->controller, layout->member[member]);
}

/* A member of all heapStatsDelta, the i-th of an array: they are to be added, whichever is current. */
static uint64_t sum(const struct go_layout *layout, const struct go_raw *raw, enum go_member member,
		    size_t i)
{
	uint32_t at = layout->member[GO_STATS] + layout->member[member] + (uint32_t)(i * 8);
	uint64_t total = 0;

	for (uint32_t k = 0; k < DELTAS; k++)
		total += number(raw->mstats, at + k * layout->member[GO_DELTA_SIZE]);
	return total;
}

/* What the counters know: the caches' part is added later. */
struct counted {
	uint64_t alloc, free; /* bytes, by classes */
	uint64_t mallocs, frees;
};

static struct counted count_classes(const struct go_layout *layout, const struct go_raw *raw,
				    struct go_memstats *ret)
{
	struct counted c = {
		.alloc = sum(layout, raw, GO_DELTA_LARGE_ALLOC, 0),
		.free = sum(layout, raw, GO_DELTA_LARGE_FREE, 0),
		.mallocs = sum(layout, raw, GO_DELTA_LARGE_ALLOCS, 0),
		.frees = sum(layout, raw, GO_DELTA_LARGE_FREES, 0),
	};

	ret->by_size_count = layout->member[GO_DELTA_SMALL_SIZE] / 8;
	for (size_t i = 0; i < ret->by_size_count; i++) {
		struct go_by_size *class = &ret->by_size[i];

		class->size = i < CLASSES ? class_sizes[i] : 0;
		class->mallocs = sum(layout, raw, GO_DELTA_SMALL_ALLOCS, i);
		class->frees = sum(layout, raw, GO_DELTA_SMALL_FREES, i);
		c.alloc += class->mallocs * class->size;
		c.free += class->frees * class->size;
		c.mallocs += class->mallocs;
		c.frees += class->frees;
		class->mallocs += (uint64_t)raw->cached[i];
	}
	return c;
}

static void reckon_objects(const struct go_layout *layout, const struct go_raw *raw, bool is_new,
			   struct go_memstats *ret)
{
	struct counted c = count_classes(layout, raw, ret);
	uint64_t tiny = layout->has[GO_DELTA_TINY_ALLOCS]
				? sum(layout, raw, GO_DELTA_TINY_ALLOCS, 0)
				: of_memstats(layout, raw, GO_TINY_ALLOCS);
	uint64_t alloc = is_new ? of_pacer(layout, raw, GO_GC_TOTAL_ALLOC) : c.alloc;
	uint64_t free = is_new ? of_pacer(layout, raw, GO_GC_TOTAL_FREE) : c.free;

	/* Classes of other sizes than are known, or they moved meanwhile. */
	if (alloc != c.alloc || free != c.free)
		ret->by_size_count = 0;
	tiny += raw->cached_tiny;
	ret->total_alloc = alloc + (uint64_t)raw->cached_bytes;
	ret->alloc = ret->heap_alloc = ret->total_alloc - free;
	ret->mallocs = c.mallocs + tiny;
	for (size_t i = 0; i < layout->member[GO_DELTA_SMALL_SIZE] / 8; i++)
		ret->mallocs += (uint64_t)raw->cached[i];
	ret->frees = c.frees + tiny;
	ret->heap_objects = ret->mallocs - ret->frees;
}

static void reckon_heap(const struct go_layout *layout, const struct go_raw *raw, bool is_new,
			struct go_memstats *ret)
{
	if (is_new) {
		ret->heap_inuse = of_pacer(layout, raw, GO_GC_HEAP_INUSE);
		ret->heap_released = of_pacer(layout, raw, GO_GC_HEAP_RELEASED);
		ret->heap_idle = of_pacer(layout, raw, GO_GC_HEAP_FREE) + ret->heap_released;
		ret->heap_sys = ret->heap_inuse + ret->heap_idle;
		return;
	}
	ret->heap_inuse = of_memstats(layout, raw, GO_HEAP_INUSE);
	ret->heap_released = of_memstats(layout, raw, GO_HEAP_RELEASED);
	ret->heap_sys = of_memstats(layout, raw, GO_HEAP_SYS);
	ret->heap_idle = ret->heap_sys - ret->heap_inuse;
}

static void reckon_system(const struct go_layout *layout, const struct go_raw *raw,
			  struct go_memstats *ret)
{
	ret->stack_inuse = sum(layout, raw, GO_DELTA_IN_STACKS, 0);
	ret->stack_sys = ret->stack_inuse + of_memstats(layout, raw, GO_STACKS_SYS);
	ret->mspan_inuse = raw->spans_inuse;
	ret->mspan_sys = of_memstats(layout, raw, GO_MSPAN_SYS);
	ret->mcache_inuse = raw->caches_inuse;
	ret->mcache_sys = of_memstats(layout, raw, GO_MCACHE_SYS);
	ret->buckhash_sys = of_memstats(layout, raw, GO_BUCKHASH_SYS);
	ret->gc_sys = of_memstats(layout, raw, GO_GC_MISC_SYS) +
		      sum(layout, raw, GO_DELTA_IN_WORK_BUFS, 0);
	if (layout->has[GO_DELTA_IN_PTR_BITS])
		ret->gc_sys += sum(layout, raw, GO_DELTA_IN_PTR_BITS, 0);
	ret->other_sys = of_memstats(layout, raw, GO_OTHER_SYS);
	ret->sys = ret->heap_sys + ret->stack_sys + ret->mspan_sys + ret->mcache_sys +
		   ret->buckhash_sys + ret->gc_sys + ret->other_sys;
}

/* memoryLimitHeapGoal() */
static uint64_t limit_goal(const struct go_layout *layout, unsigned minor, const struct go_raw *raw,
			   uint64_t heap_alloc)
{
	uint64_t limit = of_pacer(layout, raw, GO_GC_MEMORY_LIMIT);
	uint64_t marked = of_pacer(layout, raw, GO_GC_HEAP_MARKED);
	uint64_t ready = of_pacer(layout, raw, GO_GC_MAPPED_READY);
	uint64_t over = ready > limit ? ready - limit : 0;
	uint64_t other = ready - of_pacer(layout, raw, GO_GC_HEAP_FREE) - heap_alloc;
	uint64_t headroom = HEADROOM_MIN, goal;

	if (other + over >= limit)
		return marked;
	goal = limit - (other + over);
	if ((minor == 0 || minor >= MINOR_OF_PERCENT) && goal / 100 * HEADROOM_PERCENT > headroom)
		headroom = goal / 100 * HEADROOM_PERCENT;
	goal = goal < headroom || goal - headroom < headroom ? headroom : goal - headroom;
	return goal < marked ? marked : goal;
}

/* heapGoal() */
static uint64_t heap_goal(const struct go_layout *layout, unsigned minor, const struct go_raw *raw,
			  uint64_t heap_alloc)
{
	uint64_t goal = of_pacer(layout, raw, GO_GC_HEAP_GOAL);
	uint64_t limited = limit_goal(layout, minor, raw, heap_alloc);
	uint64_t sweep = of_pacer(layout, raw, GO_GC_SWEEP_TRIGGER);
	uint64_t triggered = of_pacer(layout, raw, GO_GC_TRIGGERED);

	if (limited < goal)
		return limited;
	if (sweep > goal)
		goal = sweep;
	if (triggered != UINT64_MAX && goal < triggered + RUNWAY)
		goal = triggered + RUNWAY;
	return goal;
}

static void reckon_gc(const struct go_layout *layout, unsigned minor, const struct go_raw *raw,
		      bool is_new, struct go_memstats *ret)
{
	if (is_new)
		ret->next_gc = heap_goal(layout, minor, raw, ret->heap_alloc);
	else if (layout->has[GO_NEXT_GC])
		ret->next_gc = of_memstats(layout, raw, GO_NEXT_GC);
	else
		ret->next_gc = of_pacer(layout, raw, GO_HEAP_GOAL);
	ret->last_gc = of_memstats(layout, raw, GO_LAST_GC);
	ret->pause_total_ns = of_memstats(layout, raw, GO_PAUSE_TOTAL);
	memcpy(ret->pause_ns, raw->mstats + layout->member[GO_PAUSE_NS], sizeof(ret->pause_ns));
	memcpy(ret->pause_end, raw->mstats + layout->member[GO_PAUSE_END], sizeof(ret->pause_end));
	memcpy(&ret->num_gc, raw->mstats + layout->member[GO_NUM_GC], sizeof(ret->num_gc));
	memcpy(&ret->num_forced_gc, raw->mstats + layout->member[GO_NUM_FORCED_GC],
	       sizeof(ret->num_forced_gc));
	memcpy(&ret->gc_cpu_fraction, raw->mstats + layout->member[GO_GC_CPU_FRACTION],
	       sizeof(ret->gc_cpu_fraction));
}

/* gcount() */
static int64_t goroutines(const struct go_raw *raw)
{
	uint64_t gone = (uint64_t)raw->p_free;
	int64_t n;

	gone += (uint64_t)(int64_t)raw->sched_free[0] + (uint64_t)(int64_t)raw->sched_free[1] +
		(uint64_t)(int64_t)raw->ngsys;
	n = (int64_t)(raw->allglen - gone);
	return n < 1 ? 1 : n;
}

static bool is_near(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= CHANGE_MAX;
}

/* A thread that lost its processor between the two accounts of a change may stay there for long. */
static bool is_true(const struct go_layout *layout, const struct go_raw *raw,
		    struct go_memstats *stats)
{
	uint64_t inuse = sum(layout, raw, GO_DELTA_IN_HEAP, 0);
	uint64_t released = sum(layout, raw, GO_DELTA_RELEASED, 0);

	/* What is not the runtime's at all may well be zeros that are equal. */
	stats->is_agreed = stats->heap_inuse == inuse && stats->heap_released == released &&
			   stats->heap_alloc > 0 && stats->heap_alloc <= stats->heap_inuse;
	return is_near(stats->heap_inuse, inuse) && is_near(stats->heap_released, released) &&
	       stats->heap_alloc < BYTES_MAX && stats->heap_inuse <= stats->heap_sys &&
	       stats->heap_released <= stats->heap_idle && stats->heap_sys < BYTES_MAX &&
	       stats->stack_inuse < BYTES_MAX && stats->sys < BYTES_MAX &&
	       stats->heap_objects < BYTES_MAX && stats->goroutines < (int64_t)BYTES_MAX &&
	       isfinite(stats->gc_cpu_fraction);
}

int go_memstats_reckon(const struct go_layout *layout, unsigned minor, const struct go_raw *raw,
		       struct go_memstats *ret)
{
	bool is_new = layout->has[GO_GC_HEAP_GOAL];

	*ret = (struct go_memstats){0};
	reckon_heap(layout, raw, is_new, ret);
	reckon_system(layout, raw, ret);
	reckon_objects(layout, raw, is_new, ret);
	reckon_gc(layout, minor, raw, is_new, ret);
	ret->goroutines = goroutines(raw);
	return is_true(layout, raw, ret) ? 0 : -EAGAIN;
}
