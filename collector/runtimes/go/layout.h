/* SPDX-License-Identifier: ISC */
/*
 * What is looked for in a Go program: members of the runtime's structures, and its variables. A member of
 * an older or a newer Go that is not there is no error here: who needs it decides.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_LAYOUT_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

/* X(NAME, "name in DWARF") */
#define GO_STRUCT_LIST(X)                          \
	X(MSTATS, "runtime.mstats")                \
	X(DELTA, "runtime.heapStatsDelta")         \
	X(CONTROLLER, "runtime.gcControllerState") \
	X(HEAP, "runtime.mheap")                   \
	X(SCHED, "runtime.schedt")                 \
	X(P, "runtime.p")                          \
	X(MCACHE, "runtime.mcache")                \
	X(MSPAN, "runtime.mspan")                  \
	X(G, "runtime.g")                          \
	X(M, "runtime.m")

/*
 * X(NAME, STRUCT, "path"): the offset of a member, through members and arrays' first elements; what is wrapped
 * into a structure (atomic.Uint64) begins where that does. With a '#' at its end: the size of what is there,
 * of the structure itself where nothing else is.
 */
#define GO_MEMBER_LIST(X)                                                      \
	X(STATS, MSTATS, "heapStats.stats")                                    \
	X(STACKS_SYS, MSTATS, "stacks_sys")                                    \
	X(MSPAN_SYS, MSTATS, "mspan_sys")                                      \
	X(MCACHE_SYS, MSTATS, "mcache_sys")                                    \
	X(BUCKHASH_SYS, MSTATS, "buckhash_sys")                                \
	X(GC_MISC_SYS, MSTATS, "gcMiscSys")                                    \
	X(OTHER_SYS, MSTATS, "other_sys")                                      \
	X(LAST_GC, MSTATS, "last_gc_unix")                                     \
	X(PAUSE_TOTAL, MSTATS, "pause_total_ns")                               \
	X(PAUSE_NS, MSTATS, "pause_ns")                                        \
	X(PAUSE_NS_SIZE, MSTATS, "pause_ns#")                                  \
	X(PAUSE_END, MSTATS, "pause_end")                                      \
	X(PAUSE_END_SIZE, MSTATS, "pause_end#")                                \
	X(NUM_GC, MSTATS, "numgc")                                             \
	X(NUM_FORCED_GC, MSTATS, "numforcedgc")                                \
	X(GC_CPU_FRACTION, MSTATS, "gc_cpu_fraction")                          \
	/* up to 1.18 */                                                       \
	X(HEAP_SYS, MSTATS, "heap_sys")                                        \
	X(HEAP_INUSE, MSTATS, "heap_inuse")                                    \
	X(HEAP_RELEASED, MSTATS, "heap_released")                              \
	X(NEXT_GC, MSTATS, "next_gc")	     /* 1.16 */                        \
	X(TINY_ALLOCS, MSTATS, "tinyallocs") /* 1.16 */                        \
	X(DELTA_SIZE, DELTA, "#")                                              \
	X(DELTA_COMMITTED, DELTA, "committed")                                 \
	X(DELTA_RELEASED, DELTA, "released")                                   \
	X(DELTA_IN_HEAP, DELTA, "inHeap")                                      \
	X(DELTA_IN_STACKS, DELTA, "inStacks")                                  \
	X(DELTA_IN_WORK_BUFS, DELTA, "inWorkBufs")                             \
	X(DELTA_IN_PTR_BITS, DELTA, "inPtrScalarBits") /* up to 1.24 */        \
	X(DELTA_TINY_ALLOCS, DELTA, "tinyAllocCount")  /* since 1.17 */        \
	X(DELTA_LARGE_ALLOC, DELTA, "largeAlloc")                              \
	X(DELTA_LARGE_ALLOCS, DELTA, "largeAllocCount")                        \
	X(DELTA_SMALL_ALLOCS, DELTA, "smallAllocCount")                        \
	X(DELTA_SMALL_SIZE, DELTA, "smallAllocCount#")                         \
	X(DELTA_LARGE_FREE, DELTA, "largeFree")                                \
	X(DELTA_LARGE_FREES, DELTA, "largeFreeCount")                          \
	X(DELTA_SMALL_FREES, DELTA, "smallFreeCount")                          \
	X(HEAP_GOAL, CONTROLLER, "heapGoal") /* 1.17 and 1.18 */               \
	/* since 1.19 */                                                       \
	X(GC_HEAP_GOAL, CONTROLLER, "gcPercentHeapGoal")                       \
	X(GC_MEMORY_LIMIT, CONTROLLER, "memoryLimit")                          \
	X(GC_SWEEP_TRIGGER, CONTROLLER, "sweepDistMinTrigger")                 \
	X(GC_TRIGGERED, CONTROLLER, "triggered")                               \
	X(GC_HEAP_MARKED, CONTROLLER, "heapMarked")                            \
	X(GC_HEAP_INUSE, CONTROLLER, "heapInUse")                              \
	X(GC_HEAP_RELEASED, CONTROLLER, "heapReleased")                        \
	X(GC_HEAP_FREE, CONTROLLER, "heapFree")                                \
	X(GC_TOTAL_ALLOC, CONTROLLER, "totalAlloc")                            \
	X(GC_TOTAL_FREE, CONTROLLER, "totalFree")                              \
	X(GC_MAPPED_READY, CONTROLLER, "mappedReady")                          \
	X(HEAP_SPANS_INUSE, HEAP, "spanalloc.inuse")                           \
	X(HEAP_CACHES_INUSE, HEAP, "cachealloc.inuse")                         \
	X(SCHED_NGSYS, SCHED, "ngsys")                                         \
	X(SCHED_FREE_N, SCHED, "gFree.n")		    /* up to 1.24 */   \
	X(SCHED_FREE_STACK, SCHED, "gFree.stack.size")	    /* since 1.25 */   \
	X(SCHED_FREE_NO_STACK, SCHED, "gFree.noStack.size") /* since 1.25 */   \
	X(P_MCACHE, P, "mcache")                                               \
	X(P_FREE_N, P, "gFree.n")	/* up to 1.24 */                       \
	X(P_FREE_SIZE, P, "gFree.size") /* since 1.25 */                       \
	X(MCACHE_ALLOC, MCACHE, "alloc")                                       \
	X(MCACHE_ALLOC_SIZE, MCACHE, "alloc#")                                 \
	X(MCACHE_TINY_ALLOCS, MCACHE, "tinyAllocs")                            \
	X(MSPAN_COUNT, MSPAN, "allocCount")                                    \
	X(MSPAN_COUNT_BEFORE, MSPAN, "allocCountBeforeCache") /* since 1.19 */ \
	X(MSPAN_SWEEPGEN, MSPAN, "sweepgen")                                   \
	X(MSPAN_ELEMS, MSPAN, "nelems")                                        \
	X(MSPAN_ELEMS_SIZE, MSPAN, "nelems#")                                  \
	X(MSPAN_ELEM_SIZE, MSPAN, "elemsize")                                  \
	X(G_STATUS, G, "atomicstatus")                                         \
	X(G_ID, G, "goid")                                                     \
	X(G_STACK_LO, G, "stack.lo")                                           \
	X(G_STACK_HI, G, "stack.hi")                                           \
	X(G_SCHED_PC, G, "sched.pc")                                           \
	X(G_SCHED_SP, G, "sched.sp")                                           \
	X(G_SCHED_BP, G, "sched.bp")                                           \
	X(G_SYSCALL_PC, G, "syscallpc")                                        \
	X(G_SYSCALL_SP, G, "syscallsp")                                        \
	X(G_WAIT_REASON, G, "waitreason")                                      \
	X(G_WAIT_SINCE, G, "waitsince")                                        \
	X(G_LOCKED_M, G, "lockedm")                                            \
	X(G_GO_PC, G, "gopc")                                                  \
	X(G_START_PC, G, "startpc")                                            \
	X(G_TRACKING_SEQ, G, "trackingSeq") /* since 1.17 */                   \
	X(G_PARENT, G, "parentGoid")	    /* since 1.21 */                   \
	X(G_M, G, "m")                                                         \
	X(M_SYSCALL_TICK, M, "syscalltick")

/* X(NAME, "name in DWARF and in the symbol table") */
#define GO_GLOBAL_LIST(X)                     \
	X(MEMSTATS, "runtime.memstats")       \
	X(MHEAP, "runtime.mheap_")            \
	X(CONTROLLER, "runtime.gcController") \
	X(SCHED, "runtime.sched")             \
	X(ALLP, "runtime.allp")               \
	X(ALLGLEN, "runtime.allglen")         \
	X(ALLGPTR, "runtime.allgptr")         \
	X(EMPTY_SPAN, "runtime.emptymspan")   \
	X(WAIT_REASONS, "runtime.waitReasonStrings")

#define GO_STRUCT_ENUM(name, text)	   GO_STRUCT_##name,
#define GO_MEMBER_ENUM(name, within, path) GO_##name,
#define GO_GLOBAL_ENUM(name, text)	   GO_GLOBAL_##name,

enum go_struct { GO_STRUCT_LIST(GO_STRUCT_ENUM) GO_STRUCTS };
enum go_member { GO_MEMBER_LIST(GO_MEMBER_ENUM) GO_MEMBERS };
enum go_global { GO_GLOBAL_LIST(GO_GLOBAL_ENUM) GO_GLOBALS };

struct go_layout {
	uint32_t member[GO_MEMBERS];
	bool has[GO_MEMBERS];
	uint64_t global[GO_GLOBALS]; /* as linked; 0: not there */
};

#endif
