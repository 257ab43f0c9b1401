/* SPDX-License-Identifier: ISC */
/*
 * runtime.MemStats of a live Go program, and its number of goroutines, as runtime.ReadMemStats and
 * runtime.NumGoroutine would give them; but nothing is stopped for it, and nothing flushed: what the
 * processors' caches (mcache) have not yet told the counters is added by us.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_MEMSTATS_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_MEMSTATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/runtimes/go/layout.h"

struct go_memory;

#define GO_PAUSES 256
/* Size classes that a runtime may have; all that are known have 68. */
#define GO_CLASSES_MAX 128
/* What is read of memstats and of gcController: from their beginnings. */
#define GO_MSTATS_MAX	  16384
#define GO_CONTROLLER_MAX 1024

/* X(member, "field of runtime.MemStats") */
#define GO_MEMSTATS_LIST(X)              \
	X(alloc, "Alloc")                \
	X(total_alloc, "TotalAlloc")     \
	X(sys, "Sys")                    \
	X(lookups, "Lookups")            \
	X(mallocs, "Mallocs")            \
	X(frees, "Frees")                \
	X(heap_alloc, "HeapAlloc")       \
	X(heap_sys, "HeapSys")           \
	X(heap_idle, "HeapIdle")         \
	X(heap_inuse, "HeapInuse")       \
	X(heap_released, "HeapReleased") \
	X(heap_objects, "HeapObjects")   \
	X(stack_inuse, "StackInuse")     \
	X(stack_sys, "StackSys")         \
	X(mspan_inuse, "MSpanInuse")     \
	X(mspan_sys, "MSpanSys")         \
	X(mcache_inuse, "MCacheInuse")   \
	X(mcache_sys, "MCacheSys")       \
	X(buckhash_sys, "BuckHashSys")   \
	X(gc_sys, "GCSys")               \
	X(other_sys, "OtherSys")         \
	X(next_gc, "NextGC")             \
	X(last_gc, "LastGC")             \
	X(pause_total_ns, "PauseTotalNs")

struct go_by_size {
	uint64_t size, mallocs, frees;
};

struct go_memstats {
#define GO_MEMSTATS_MEMBER(name, text) uint64_t name;
	GO_MEMSTATS_LIST(GO_MEMSTATS_MEMBER)
#undef GO_MEMSTATS_MEMBER
	uint64_t pause_ns[GO_PAUSES], pause_end[GO_PAUSES]; /* circular: see num_gc */
	uint32_t num_gc, num_forced_gc;
	double gc_cpu_fraction;
	int64_t goroutines;
	size_t by_size_count; /* 0: not known */
	struct go_by_size by_size[GO_CLASSES_MAX];
	bool is_agreed; /* the runtime's accounts: in the middle of a change they differ by it */
	bool is_still;	/* nothing moved while it was read, and they agree */
};

/* What is read of a process, before anything is reckoned of it. */
struct go_raw {
	uint8_t mstats[GO_MSTATS_MAX];
	uint8_t controller[GO_CONTROLLER_MAX];
	uint64_t spans_inuse, caches_inuse; /* bytes */
	uint64_t allglen;
	int32_t ngsys;
	int32_t sched_free[2]; /* goroutines that have ended */
	int64_t p_free;
	/* By the processors' caches: objects of a class (negative where they were counted too early) and bytes. */
	int64_t cached[GO_CLASSES_MAX], cached_bytes;
	uint64_t cached_tiny;
};

/* What a layout lacks, or has out of bounds: a name of layout.h; NULL where all is there that is needed. */
const char *go_memstats_missing(const struct go_layout *layout);

/*
 * Reckons. The layout lacks nothing; minor is that of "go1.19", 0 where it is not known. Returns 0, or -EAGAIN:
 * it cannot be so.
 */
int go_memstats_reckon(const struct go_layout *layout, unsigned minor, const struct go_raw *raw,
		       struct go_memstats *ret);

/*
 * Reads. The layout lacks nothing. Returns 0; -EAGAIN: the runtime is not up yet, or moves too fast; or what
 * reading said (go_memory_read()).
 */
int go_memstats_read(const struct go_layout *layout, unsigned minor, const struct go_memory *memory,
		     struct go_memstats *ret);

#endif
