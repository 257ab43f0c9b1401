/* SPDX-License-Identifier: ISC */
/*
 * The one table of everything that mstat records, and where the kernel tells it.
 *
 * The sampler and the collector parse by it, the run file carries a copy of it, the decoder names
 * its columns by it. To record one more value of a source that is read already, add a FIELD line.
 * Ids are part of the wire and of the run file: they are never reused and never renumbered.
 */
#ifndef MSTAT_CORE_FIELD_H
#define MSTAT_CORE_FIELD_H

#include <stdint.h>

/* How the text (or struct) of a source is read; see source_parse() in parse.h. */
enum source_format {
	FORMAT_NONE,	   /* not read: worked out by mstat itself */
	FORMAT_KEYED,	   /* lines "Key: 12 kB" or "key 12"; a field's key is the word */
	FORMAT_POSITIONAL, /* words; a field's arg is the word's number, from 1 (proc(5)) */
	FORMAT_SINGLE,	   /* one number, or "max" */
	FORMAT_PRESSURE,   /* lines "some avg10=.. total=12"; key is the first word (psi.rst) */
	FORMAT_TASKSTATS,  /* struct taskstats; arg is the member's offset (linux/taskstats.h) */
};

/* What a row speaks of. */
enum scope {
	SCOPE_PROCESS, /* one process, sampled inside or outside */
	SCOPE_TREE,    /* the whole tree at one tick */
	SCOPE_RUN,     /* the run as a whole: the summary */
	SCOPE_LIFE,    /* one process, from its start to its end */
};

/*
 * SOURCE(id, NAME, scope, format, "file"): what is read in one go, and so known or unknown in one
 * go. For processes the file is one of /proc/PID, for the tree one of the memory cgroup.
 */
#define SOURCE_TABLE(SOURCE)                                                                   \
	SOURCE(0, SAMPLER, SCOPE_PROCESS, FORMAT_NONE, "sampler")                              \
	SOURCE(1, STATUS, SCOPE_PROCESS, FORMAT_KEYED, "status")                               \
	SOURCE(2, ROLLUP, SCOPE_PROCESS, FORMAT_KEYED, "smaps_rollup")                         \
	SOURCE(3, TASKSTATS_PID, SCOPE_PROCESS, FORMAT_TASKSTATS, "taskstats_pid")             \
	SOURCE(4, TASKSTATS_TGID, SCOPE_PROCESS, FORMAT_TASKSTATS, "taskstats_tgid")           \
	SOURCE(5, COLLECTOR_PID, SCOPE_PROCESS, FORMAT_TASKSTATS, "collector_taskstats_pid")   \
	SOURCE(6, COLLECTOR_TGID, SCOPE_PROCESS, FORMAT_TASKSTATS, "collector_taskstats_tgid") \
	SOURCE(7, STAT, SCOPE_PROCESS, FORMAT_POSITIONAL, "stat")                              \
	SOURCE(8, IO, SCOPE_PROCESS, FORMAT_KEYED, "io")                                       \
	SOURCE(9, SCHEDSTAT, SCOPE_PROCESS, FORMAT_POSITIONAL, "schedstat")                    \
	SOURCE(10, EXIT, SCOPE_LIFE, FORMAT_TASKSTATS, "exit_record")                          \
	SOURCE(11, LAST, SCOPE_LIFE, FORMAT_NONE, "last_sample")                               \
	SOURCE(12, ENDED, SCOPE_LIFE, FORMAT_NONE, "exit_status")                              \
	SOURCE(13, HEAP, SCOPE_PROCESS, FORMAT_NONE, "heap")                                   \
	SOURCE(14, AREAS, SCOPE_PROCESS, FORMAT_NONE, "mincore")                               \
	SOURCE(16, V2_CURRENT, SCOPE_TREE, FORMAT_SINGLE, "memory.current")                    \
	SOURCE(17, V2_PEAK, SCOPE_TREE, FORMAT_SINGLE, "memory.peak")                          \
	SOURCE(18, V2_SWAP, SCOPE_TREE, FORMAT_SINGLE, "memory.swap.current")                  \
	SOURCE(19, V2_STAT, SCOPE_TREE, FORMAT_KEYED, "memory.stat")                           \
	SOURCE(20, V2_EVENTS, SCOPE_TREE, FORMAT_KEYED, "memory.events")                       \
	SOURCE(21, V2_PRESSURE, SCOPE_TREE, FORMAT_PRESSURE, "memory.pressure")                \
	SOURCE(22, V1_USAGE, SCOPE_TREE, FORMAT_SINGLE, "memory.usage_in_bytes")               \
	SOURCE(23, V1_PEAK, SCOPE_TREE, FORMAT_SINGLE, "memory.max_usage_in_bytes")            \
	SOURCE(24, V1_KERNEL, SCOPE_TREE, FORMAT_SINGLE, "memory.kmem.usage_in_bytes")         \
	SOURCE(25, V1_SOCKET, SCOPE_TREE, FORMAT_SINGLE, "memory.kmem.tcp.usage_in_bytes")     \
	SOURCE(26, V1_STAT, SCOPE_TREE, FORMAT_KEYED, "v1:memory.stat")                        \
	SOURCE(27, V1_OOM, SCOPE_TREE, FORMAT_KEYED, "memory.oom_control")                     \
	SOURCE(32, TREE, SCOPE_TREE, FORMAT_NONE, "tree")                                      \
	SOURCE(33, TREE_PSS, SCOPE_TREE, FORMAT_NONE, "tree_pss")                              \
	SOURCE(34, BALANCE, SCOPE_TREE, FORMAT_NONE, "balance")                                \
	SOURCE(35, STATES, SCOPE_TREE, FORMAT_NONE, "task_states")                             \
	SOURCE(36, TREE_HEAP, SCOPE_TREE, FORMAT_NONE, "tree_heap")                            \
	SOURCE(37, TREE_AREAS, SCOPE_TREE, FORMAT_NONE, "tree_mincore")                        \
	SOURCE(40, RUN, SCOPE_RUN, FORMAT_NONE, "run")                                         \
	SOURCE(41, GO, SCOPE_PROCESS, FORMAT_NONE, "go_memstats")                              \
	SOURCE(42, JVM, SCOPE_PROCESS, FORMAT_NONE, "hsperfdata")                              \
	SOURCE(43, GLIBC, SCOPE_PROCESS, FORMAT_NONE, "glibc_malloc")                          \
	SOURCE(44, PYTHON, SCOPE_PROCESS, FORMAT_NONE, "cpython")                              \
	SOURCE(45, ALLOCATOR, SCOPE_PROCESS, FORMAT_NONE, "allocator")

/*
 * FIELD(id, NAME, source, "key", arg, scale, "column"): a value is kept as the kernel gives it, and
 * column = value * scale, in the unit that the column's name ends with. Columns of one name are one
 * column: the entry that stands first in this table and is known at that row gives the value.
 */
#define FIELD_TABLE(FIELD)                                                                   \
	FIELD(0, SELF_CPU, SAMPLER, "", 0, 1, "self_cpu_ns")                                 \
	FIELD(1, SELF_BYTES, SAMPLER, "", 0, 1, "self_bytes")                                \
	FIELD(2, RSS, STATUS, "VmRSS", 0, 1024, "rss_bytes")                                 \
	FIELD(3, HWM, STATUS, "VmHWM", 0, 1024, "hwm_bytes")                                 \
	FIELD(4, RSS_ANON, STATUS, "RssAnon", 0, 1024, "rss_anon_bytes")                     \
	FIELD(5, RSS_FILE, STATUS, "RssFile", 0, 1024, "rss_file_bytes")                     \
	FIELD(6, RSS_SHMEM, STATUS, "RssShmem", 0, 1024, "rss_shmem_bytes")                  \
	FIELD(7, PTE, STATUS, "VmPTE", 0, 1024, "page_tables_bytes")                         \
	FIELD(8, SWAP, STATUS, "VmSwap", 0, 1024, "swap_bytes")                              \
	FIELD(9, HUGETLB, STATUS, "HugetlbPages", 0, 1024, "hugetlb_bytes")                  \
	FIELD(10, VSIZE, STATUS, "VmSize", 0, 1024, "virtual_bytes")                         \
	FIELD(11, THREADS, STATUS, "Threads", 0, 1, "threads")                               \
	FIELD(12, PSS, ROLLUP, "Pss", 0, 1024, "pss_bytes")                                  \
	FIELD(13, PSS_ANON, ROLLUP, "Pss_Anon", 0, 1024, "pss_anon_bytes")                   \
	FIELD(14, PSS_FILE, ROLLUP, "Pss_File", 0, 1024, "pss_file_bytes")                   \
	FIELD(15, PSS_SHMEM, ROLLUP, "Pss_Shmem", 0, 1024, "pss_shmem_bytes")                \
	FIELD(16, SHARED_CLEAN, ROLLUP, "Shared_Clean", 0, 1024, "shared_clean_bytes")       \
	FIELD(17, SHARED_DIRTY, ROLLUP, "Shared_Dirty", 0, 1024, "shared_dirty_bytes")       \
	FIELD(18, PRIVATE_CLEAN, ROLLUP, "Private_Clean", 0, 1024, "private_clean_bytes")    \
	FIELD(19, PRIVATE_DIRTY, ROLLUP, "Private_Dirty", 0, 1024, "private_dirty_bytes")    \
	FIELD(20, LAZY_FREE, ROLLUP, "LazyFree", 0, 1024, "lazy_free_bytes")                 \
	FIELD(21, HUGE_ANON, ROLLUP, "AnonHugePages", 0, 1024, "anon_huge_bytes")            \
	FIELD(22, SWAP_PSS, ROLLUP, "SwapPss", 0, 1024, "swap_pss_bytes")                    \
	FIELD(23, ROLLUP_COST, ROLLUP, "", 0, 1, "rollup_cost_ns")                           \
	FIELD(24, BEGIN, TASKSTATS_PID, "", 344, 1000000000, "begin_ns")                     \
	FIELD(25, ELAPSED, TASKSTATS_PID, "", 144, 1000, "elapsed_ns")                       \
	FIELD(26, HIWATER, TASKSTATS_PID, "", 200, 1024, "hiwater_rss_bytes")                \
	FIELD(27, USER, TASKSTATS_TGID, "", 152, 1000, "user_ns")                            \
	FIELD(28, SYSTEM, TASKSTATS_TGID, "", 160, 1000, "system_ns")                        \
	FIELD(29, CPU, TASKSTATS_TGID, "", 72, 1, "cpu_ns")                                  \
	FIELD(30, CPU_DELAYS, TASKSTATS_TGID, "", 16, 1, "cpu_delay_count")                  \
	FIELD(31, CPU_DELAY, TASKSTATS_TGID, "", 24, 1, "cpu_delay_ns")                      \
	FIELD(32, BLKIO_DELAYS, TASKSTATS_TGID, "", 32, 1, "blkio_delay_count")              \
	FIELD(33, BLKIO_DELAY, TASKSTATS_TGID, "", 40, 1, "blkio_delay_ns")                  \
	FIELD(34, SWAPIN_DELAYS, TASKSTATS_TGID, "", 48, 1, "swapin_delay_count")            \
	FIELD(35, SWAPIN_DELAY, TASKSTATS_TGID, "", 56, 1, "swapin_delay_ns")                \
	FIELD(36, FREEPAGES_DELAYS, TASKSTATS_TGID, "", 312, 1, "freepages_delay_count")     \
	FIELD(37, FREEPAGES_DELAY, TASKSTATS_TGID, "", 320, 1, "freepages_delay_ns")         \
	FIELD(38, THRASHING_DELAYS, TASKSTATS_TGID, "", 328, 1, "thrashing_delay_count")     \
	FIELD(39, THRASHING_DELAY, TASKSTATS_TGID, "", 336, 1, "thrashing_delay_ns")         \
	FIELD(40, COMPACT_DELAYS, TASKSTATS_TGID, "", 352, 1, "compact_delay_count")         \
	FIELD(41, COMPACT_DELAY, TASKSTATS_TGID, "", 360, 1, "compact_delay_ns")             \
	FIELD(42, WPCOPY_DELAYS, TASKSTATS_TGID, "", 400, 1, "wpcopy_delay_count")           \
	FIELD(43, WPCOPY_DELAY, TASKSTATS_TGID, "", 408, 1, "wpcopy_delay_ns")               \
	FIELD(44, IRQ_DELAYS, TASKSTATS_TGID, "", 416, 1, "irq_delay_count")                 \
	FIELD(45, IRQ_DELAY, TASKSTATS_TGID, "", 424, 1, "irq_delay_ns")                     \
	FIELD(46, C_BEGIN, COLLECTOR_PID, "", 344, 1000000000, "begin_ns")                   \
	FIELD(47, C_ELAPSED, COLLECTOR_PID, "", 144, 1000, "elapsed_ns")                     \
	FIELD(48, C_HIWATER, COLLECTOR_PID, "", 200, 1024, "hiwater_rss_bytes")              \
	FIELD(49, C_USER, COLLECTOR_TGID, "", 152, 1000, "user_ns")                          \
	FIELD(50, C_SYSTEM, COLLECTOR_TGID, "", 160, 1000, "system_ns")                      \
	FIELD(51, C_CPU, COLLECTOR_TGID, "", 72, 1, "cpu_ns")                                \
	FIELD(52, C_CPU_DELAYS, COLLECTOR_TGID, "", 16, 1, "cpu_delay_count")                \
	FIELD(53, C_CPU_DELAY, COLLECTOR_TGID, "", 24, 1, "cpu_delay_ns")                    \
	FIELD(54, C_BLKIO_DELAYS, COLLECTOR_TGID, "", 32, 1, "blkio_delay_count")            \
	FIELD(55, C_BLKIO_DELAY, COLLECTOR_TGID, "", 40, 1, "blkio_delay_ns")                \
	FIELD(56, C_SWAPIN_DELAYS, COLLECTOR_TGID, "", 48, 1, "swapin_delay_count")          \
	FIELD(57, C_SWAPIN_DELAY, COLLECTOR_TGID, "", 56, 1, "swapin_delay_ns")              \
	FIELD(58, C_FREEPAGES_DELAYS, COLLECTOR_TGID, "", 312, 1, "freepages_delay_count")   \
	FIELD(59, C_FREEPAGES_DELAY, COLLECTOR_TGID, "", 320, 1, "freepages_delay_ns")       \
	FIELD(60, C_THRASHING_DELAYS, COLLECTOR_TGID, "", 328, 1, "thrashing_delay_count")   \
	FIELD(61, C_THRASHING_DELAY, COLLECTOR_TGID, "", 336, 1, "thrashing_delay_ns")       \
	FIELD(62, C_COMPACT_DELAYS, COLLECTOR_TGID, "", 352, 1, "compact_delay_count")       \
	FIELD(63, C_COMPACT_DELAY, COLLECTOR_TGID, "", 360, 1, "compact_delay_ns")           \
	FIELD(64, C_WPCOPY_DELAYS, COLLECTOR_TGID, "", 400, 1, "wpcopy_delay_count")         \
	FIELD(65, C_WPCOPY_DELAY, COLLECTOR_TGID, "", 408, 1, "wpcopy_delay_ns")             \
	FIELD(66, C_IRQ_DELAYS, COLLECTOR_TGID, "", 416, 1, "irq_delay_count")               \
	FIELD(67, C_IRQ_DELAY, COLLECTOR_TGID, "", 424, 1, "irq_delay_ns")                   \
	FIELD(68, S_USER, STAT, "", 14, 10000000, "user_ns")                                 \
	FIELD(69, S_SYSTEM, STAT, "", 15, 10000000, "system_ns")                             \
	FIELD(70, MINOR_FAULTS, STAT, "", 10, 1, "minor_faults")                             \
	FIELD(71, MAJOR_FAULTS, STAT, "", 12, 1, "major_faults")                             \
	FIELD(73, READ_CHARS, IO, "rchar", 0, 1, "read_chars_bytes")                         \
	FIELD(74, WRITE_CHARS, IO, "wchar", 0, 1, "write_chars_bytes")                       \
	FIELD(75, READ_BYTES, IO, "read_bytes", 0, 1, "read_bytes")                          \
	FIELD(76, WRITE_BYTES, IO, "write_bytes", 0, 1, "write_bytes")                       \
	FIELD(77, S_CPU, SCHEDSTAT, "", 1, 1, "cpu_ns")                                      \
	FIELD(78, S_CPU_DELAY, SCHEDSTAT, "", 2, 1, "cpu_delay_ns")                          \
	FIELD(79, S_CPU_DELAYS, SCHEDSTAT, "", 3, 1, "cpu_delay_count")                      \
	FIELD(80, EVERY, STATUS, "", 0, 1, "ticks_per_sample")                               \
	FIELD(81, HEAP_LIVE, HEAP, "", 0, 1, "heap_live_bytes")                              \
	FIELD(82, HEAP_LIVE_SE, HEAP, "", 0, 1, "heap_live_se_bytes")                        \
	FIELD(83, HEAP_INHERITED, HEAP, "", 0, 1, "heap_inherited_bytes")                    \
	FIELD(84, HEAP_MAPPED, HEAP, "", 0, 1, "heap_mapped_bytes")                          \
	FIELD(85, HEAP_SLACK, AREAS, "", 0, 1, "heap_slack_bytes")                           \
	FIELD(86, HEAP_STACKS, AREAS, "", 0, 1, "heap_stacks_bytes")                         \
	FIELD(87, HEAP_REST, AREAS, "", 0, 1, "heap_rest_bytes")                             \
	FIELD(96, V2_USAGE, V2_CURRENT, "", 0, 1, "rss")                                     \
	FIELD(97, V1_USAGE, V1_USAGE, "", 0, 1, "rss")                                       \
	FIELD(98, V2_KERNEL, V2_STAT, "kernel", 0, 1, "kernel")                              \
	FIELD(99, V1_KERNEL, V1_KERNEL, "", 0, 1, "kernel")                                  \
	FIELD(100, V2_ANON, V2_STAT, "anon", 0, 1, "anon_bytes")                             \
	FIELD(101, V1_ANON, V1_STAT, "total_rss", 0, 1, "anon_bytes")                        \
	FIELD(102, V2_FILE, V2_STAT, "file", 0, 1, "file_bytes")                             \
	FIELD(103, V1_FILE, V1_STAT, "total_cache", 0, 1, "file_bytes")                      \
	FIELD(104, V2_SHMEM, V2_STAT, "shmem", 0, 1, "shmem_bytes")                          \
	FIELD(105, V1_SHMEM, V1_STAT, "total_shmem", 0, 1, "shmem_bytes")                    \
	FIELD(106, V2_MAPPED, V2_STAT, "file_mapped", 0, 1, "file_mapped_bytes")             \
	FIELD(107, V1_MAPPED, V1_STAT, "total_mapped_file", 0, 1, "file_mapped_bytes")       \
	FIELD(108, V2_INACTIVE, V2_STAT, "inactive_file", 0, 1, "inactive_file_bytes")       \
	FIELD(109, V1_INACTIVE, V1_STAT, "total_inactive_file", 0, 1, "inactive_file_bytes") \
	FIELD(110, V2_SLAB, V2_STAT, "slab", 0, 1, "slab_bytes")                             \
	FIELD(111, V2_PTES, V2_STAT, "pagetables", 0, 1, "page_tables_bytes")                \
	FIELD(112, V2_STACKS, V2_STAT, "kernel_stack", 0, 1, "kernel_stack_bytes")           \
	FIELD(113, V2_SOCK, V2_STAT, "sock", 0, 1, "sock_bytes")                             \
	FIELD(114, V1_SOCK, V1_SOCKET, "", 0, 1, "sock_bytes")                               \
	FIELD(115, V2_HUGETLB, V2_STAT, "hugetlb", 0, 1, "hugetlb_bytes")                    \
	FIELD(116, V2_SWAP, V2_SWAP, "", 0, 1, "swap_bytes")                                 \
	FIELD(117, V1_SWAP, V1_STAT, "total_swap", 0, 1, "swap_bytes")                       \
	FIELD(118, V2_PEAK, V2_PEAK, "", 0, 1, "peak_bytes")                                 \
	FIELD(119, V1_PEAK, V1_PEAK, "", 0, 1, "peak_bytes")                                 \
	FIELD(120, V2_OOM_KILLS, V2_EVENTS, "oom_kill", 0, 1, "oom_kills")                   \
	FIELD(121, V1_OOM_KILLS, V1_OOM, "oom_kill", 0, 1, "oom_kills")                      \
	FIELD(122, V2_LIMIT_HITS, V2_EVENTS, "max", 0, 1, "limit_hits")                      \
	FIELD(123, V2_PSI_SOME, V2_PRESSURE, "some", 0, 1000, "pressure_some_ns")            \
	FIELD(124, V2_PSI_FULL, V2_PRESSURE, "full", 0, 1000, "pressure_full_ns")            \
	FIELD(125, V2_PERCPU, V2_STAT, "percpu", 0, 1, "percpu_bytes")                       \
	FIELD(126, NO_CGROUP, TREE, "", 0, 1024, "rss")                                      \
	FIELD(127, OUTSIDE, TREE, "", 0, 1, "processes_outside")                             \
	FIELD(128, PEAK_RSS, RUN, "", 0, 1024, "peak_sum_rss_bytes")                         \
	FIELD(129, PEAK_RSS_FILE, RUN, "", 0, 1024, "peak_sum_rss_file_bytes")               \
	FIELD(130, PEAK_RSS_SHMEM, RUN, "", 0, 1024, "peak_sum_rss_shmem_bytes")             \
	FIELD(131, PEAK_LIVE, RUN, "", 0, 1, "peak_heap_live_bytes")                         \
	FIELD(132, PEAK_LIVE_SE, RUN, "", 0, 1, "peak_heap_live_se_bytes")                   \
	FIELD(133, PEAK_INHERITED, RUN, "", 0, 1, "peak_heap_inherited_bytes")               \
	FIELD(134, PEAK_SLACK, RUN, "", 0, 1, "peak_heap_slack_bytes")                       \
	FIELD(135, PEAK_STACKS, RUN, "", 0, 1, "peak_heap_stacks_bytes")                     \
	FIELD(136, PEAK_REST, RUN, "", 0, 1, "peak_heap_rest_bytes")                         \
	FIELD(137, PEAK_MAPPED, RUN, "", 0, 1, "peak_heap_mapped_bytes")                     \
	FIELD(140, PROCESSES, TREE, "", 0, 1, "processes")                                   \
	FIELD(141, SUM_RSS, TREE, "", 0, 1024, "sum_rss_bytes")                              \
	FIELD(142, SUM_RSS_ANON, TREE, "", 0, 1024, "sum_rss_anon_bytes")                    \
	FIELD(143, SUM_RSS_SHMEM, TREE, "", 0, 1024, "sum_rss_shmem_bytes")                  \
	FIELD(144, SUM_SELF, TREE, "", 0, 1, "mstat_bytes")                                  \
	FIELD(145, SUM_PSS, TREE_PSS, "", 0, 1024, "sum_pss_bytes")                          \
	FIELD(146, SUM_PSS_ANON, TREE_PSS, "", 0, 1024, "sum_pss_anon_bytes")                \
	FIELD(147, SUM_PSS_FILE, TREE_PSS, "", 0, 1024, "sum_pss_file_bytes")                \
	FIELD(148, SUM_PSS_SHMEM, TREE_PSS, "", 0, 1024, "sum_pss_shmem_bytes")              \
	FIELD(149, PSS_AGE, TREE_PSS, "", 0, 1, "pss_age_ns")                                \
	FIELD(150, LOOSE_ANON, TREE_PSS, "", 0, 1, "unattributed_anon_bytes")                \
	FIELD(151, LOOSE_SHMEM, TREE_PSS, "", 0, 1, "unattributed_shmem_bytes")              \
	FIELD(152, RESIDUAL, BALANCE, "", 0, 1, "residual_bytes")                            \
	FIELD(153, SLEEPING, STATES, "", 0, 1, "tasks_sleeping")                             \
	FIELD(154, RUNNING, STATES, "", 0, 1, "tasks_running")                               \
	FIELD(155, STOPPED, STATES, "", 0, 1, "tasks_stopped")                               \
	FIELD(156, UNINTERRUPTIBLE, STATES, "", 0, 1, "tasks_uninterruptible")               \
	FIELD(157, IOWAIT, STATES, "", 0, 1, "tasks_iowait")                                 \
	FIELD(158, NO_CACHE, BALANCE, "", 0, 1, "without_cache_bytes")                       \
	FIELD(160, DURATION, RUN, "", 0, 1, "duration_ns")                                   \
	FIELD(161, EXIT_STATUS, RUN, "", 0, 1, "exit_status")                                \
	FIELD(162, PEAK_EXACT, RUN, "", 0, 1, "peak_exact_bytes")                            \
	FIELD(163, PEAK_SAMPLED, RUN, "", 0, 1, "peak_sampled_bytes")                        \
	FIELD(164, PEAK_TIME, RUN, "", 0, 1, "peak_time_ns")                                 \
	FIELD(165, PEAK_MSTAT, RUN, "", 0, 1, "peak_mstat_bytes")                            \
	FIELD(166, RUN_PROCESSES, RUN, "", 0, 1, "processes")                                \
	FIELD(167, RUN_TICKS, RUN, "", 0, 1, "ticks")                                        \
	FIELD(168, RUN_SAMPLES, RUN, "", 0, 1, "samples")                                    \
	FIELD(169, RUN_DROPPED, RUN, "", 0, 1, "samples_dropped")                            \
	FIELD(170, RUN_REFUSED, RUN, "", 0, 1, "peers_refused")                              \
	FIELD(171, SAMPLER_CPU, RUN, "", 0, 1, "sampler_cpu_ns")                             \
	FIELD(172, COLLECTOR_CPU, RUN, "", 0, 1, "collector_cpu_ns")                         \
	FIELD(173, MISSED_TICKS, RUN, "", 0, 1, "missed_ticks")                              \
	FIELD(174, RUN_SAMPLED, RUN, "", 0, 1, "processes_sampled")                          \
	FIELD(175, RUN_INSIDE, RUN, "", 0, 1, "processes_inside")                            \
	FIELD(176, RUN_OUTSIDE, RUN, "", 0, 1, "processes_outside")                          \
	FIELD(177, RUN_BY_RECORD, RUN, "", 0, 1, "processes_by_exit_record")                 \
	FIELD(178, RECORDS_LOST, RUN, "", 0, 1, "exit_records_lost")                         \
	FIELD(179, FORKS_LOST, RUN, "", 0, 1, "fork_events_lost")                            \
	FIELD(180, PEAK_NO_CACHE, RUN, "", 0, 1, "peak_without_cache_bytes")                 \
	FIELD(181, PEAK_LOOSE_ANON, RUN, "", 0, 1, "peak_unattributed_anon_bytes")           \
	FIELD(182, PEAK_LOOSE_SHMEM, RUN, "", 0, 1, "peak_unattributed_shmem_bytes")         \
	FIELD(183, PEAK_RESIDUAL, RUN, "", 0, 1, "peak_residual_bytes")                      \
	FIELD(184, RUN_OOM_KILLS, RUN, "", 0, 1, "oom_kills")                                \
	FIELD(185, LIMIT, RUN, "", 0, 1, "memory_max_bytes")                                 \
	FIELD(186, PEAK_GAP, RUN, "", 0, 1, "peak_gap_bytes")                                \
	FIELD(191, LIFE_STATUS, ENDED, "", 0, 1, "exit_status")                              \
	FIELD(192, X_ELAPSED, EXIT, "", 144, 1000, "elapsed_ns")                             \
	FIELD(193, X_HWM, EXIT, "", 200, 1024, "hwm_bytes")                                  \
	FIELD(194, X_PEAK_VIRTUAL, EXIT, "", 208, 1024, "peak_virtual_bytes")                \
	FIELD(195, X_CPU, EXIT, "", 72, 1, "cpu_ns")                                         \
	FIELD(196, X_USER, EXIT, "", 152, 1000, "user_ns")                                   \
	FIELD(197, X_SYSTEM, EXIT, "", 160, 1000, "system_ns")                               \
	FIELD(198, X_MINOR_FAULTS, EXIT, "", 168, 1, "minor_faults")                         \
	FIELD(199, X_MAJOR_FAULTS, EXIT, "", 176, 1, "major_faults")                         \
	FIELD(200, X_READ_CHARS, EXIT, "", 216, 1, "read_chars_bytes")                       \
	FIELD(201, X_WRITE_CHARS, EXIT, "", 224, 1, "write_chars_bytes")                     \
	FIELD(202, X_READ_BYTES, EXIT, "", 248, 1, "read_bytes")                             \
	FIELD(203, X_WRITE_BYTES, EXIT, "", 256, 1, "write_bytes")                           \
	FIELD(204, X_CPU_DELAYS, EXIT, "", 16, 1, "cpu_delay_count")                         \
	FIELD(205, X_CPU_DELAY, EXIT, "", 24, 1, "cpu_delay_ns")                             \
	FIELD(206, X_BLKIO_DELAYS, EXIT, "", 32, 1, "blkio_delay_count")                     \
	FIELD(207, X_BLKIO_DELAY, EXIT, "", 40, 1, "blkio_delay_ns")                         \
	FIELD(208, X_SWAPIN_DELAYS, EXIT, "", 48, 1, "swapin_delay_count")                   \
	FIELD(209, X_SWAPIN_DELAY, EXIT, "", 56, 1, "swapin_delay_ns")                       \
	FIELD(210, X_FREEPAGES_DELAYS, EXIT, "", 312, 1, "freepages_delay_count")            \
	FIELD(211, X_FREEPAGES_DELAY, EXIT, "", 320, 1, "freepages_delay_ns")                \
	FIELD(212, X_THRASHING_DELAYS, EXIT, "", 328, 1, "thrashing_delay_count")            \
	FIELD(213, X_THRASHING_DELAY, EXIT, "", 336, 1, "thrashing_delay_ns")                \
	FIELD(214, X_COMPACT_DELAYS, EXIT, "", 352, 1, "compact_delay_count")                \
	FIELD(215, X_COMPACT_DELAY, EXIT, "", 360, 1, "compact_delay_ns")                    \
	FIELD(216, X_WPCOPY_DELAYS, EXIT, "", 400, 1, "wpcopy_delay_count")                  \
	FIELD(217, X_WPCOPY_DELAY, EXIT, "", 408, 1, "wpcopy_delay_ns")                      \
	FIELD(218, X_IRQ_DELAYS, EXIT, "", 416, 1, "irq_delay_count")                        \
	FIELD(219, X_IRQ_DELAY, EXIT, "", 424, 1, "irq_delay_ns")                            \
	FIELD(220, L_ELAPSED, LAST, "", 0, 1, "elapsed_ns")                                  \
	FIELD(221, L_HWM, LAST, "", 0, 1, "hwm_bytes")                                       \
	FIELD(222, L_PEAK_VIRTUAL, LAST, "", 0, 1, "peak_virtual_bytes")                     \
	FIELD(223, L_CPU, LAST, "", 0, 1, "cpu_ns")                                          \
	FIELD(224, L_USER, LAST, "", 0, 1, "user_ns")                                        \
	FIELD(225, L_SYSTEM, LAST, "", 0, 1, "system_ns")                                    \
	FIELD(226, L_MINOR_FAULTS, LAST, "", 0, 1, "minor_faults")                           \
	FIELD(227, L_MAJOR_FAULTS, LAST, "", 0, 1, "major_faults")                           \
	FIELD(228, L_READ_CHARS, LAST, "", 0, 1, "read_chars_bytes")                         \
	FIELD(229, L_WRITE_CHARS, LAST, "", 0, 1, "write_chars_bytes")                       \
	FIELD(230, L_READ_BYTES, LAST, "", 0, 1, "read_bytes")                               \
	FIELD(231, L_WRITE_BYTES, LAST, "", 0, 1, "write_bytes")                             \
	FIELD(232, L_CPU_DELAYS, LAST, "", 0, 1, "cpu_delay_count")                          \
	FIELD(233, L_CPU_DELAY, LAST, "", 0, 1, "cpu_delay_ns")                              \
	FIELD(234, L_BLKIO_DELAYS, LAST, "", 0, 1, "blkio_delay_count")                      \
	FIELD(235, L_BLKIO_DELAY, LAST, "", 0, 1, "blkio_delay_ns")                          \
	FIELD(236, L_SWAPIN_DELAYS, LAST, "", 0, 1, "swapin_delay_count")                    \
	FIELD(237, L_SWAPIN_DELAY, LAST, "", 0, 1, "swapin_delay_ns")                        \
	FIELD(238, L_FREEPAGES_DELAYS, LAST, "", 0, 1, "freepages_delay_count")              \
	FIELD(239, L_FREEPAGES_DELAY, LAST, "", 0, 1, "freepages_delay_ns")                  \
	FIELD(240, L_THRASHING_DELAYS, LAST, "", 0, 1, "thrashing_delay_count")              \
	FIELD(241, L_THRASHING_DELAY, LAST, "", 0, 1, "thrashing_delay_ns")                  \
	FIELD(242, L_COMPACT_DELAYS, LAST, "", 0, 1, "compact_delay_count")                  \
	FIELD(243, L_COMPACT_DELAY, LAST, "", 0, 1, "compact_delay_ns")                      \
	FIELD(244, L_WPCOPY_DELAYS, LAST, "", 0, 1, "wpcopy_delay_count")                    \
	FIELD(245, L_WPCOPY_DELAY, LAST, "", 0, 1, "wpcopy_delay_ns")                        \
	FIELD(246, L_IRQ_DELAYS, LAST, "", 0, 1, "irq_delay_count")                          \
	FIELD(247, L_IRQ_DELAY, LAST, "", 0, 1, "irq_delay_ns")                              \
	FIELD(248, SUM_LIVE, TREE_HEAP, "", 0, 1, "heap_live_bytes")                         \
	FIELD(249, SUM_LIVE_SE, TREE_HEAP, "", 0, 1, "heap_live_se_bytes")                   \
	FIELD(250, SUM_INHERITED, TREE_HEAP, "", 0, 1, "heap_inherited_bytes")               \
	FIELD(251, SUM_MAPPED, TREE_HEAP, "", 0, 1, "heap_mapped_bytes")                     \
	FIELD(252, SUM_SLACK, TREE_AREAS, "", 0, 1, "heap_slack_bytes")                      \
	FIELD(253, SUM_STACKS, TREE_AREAS, "", 0, 1, "heap_stacks_bytes")                    \
	FIELD(254, SUM_REST, TREE_AREAS, "", 0, 1, "heap_rest_bytes")                        \
	FIELD(256, GO_HEAP_ALLOC, GO, "", 0, 1, "go_heap_alloc_bytes")                       \
	FIELD(257, GO_HEAP_SYS, GO, "", 0, 1, "go_heap_sys_bytes")                           \
	FIELD(258, GO_HEAP_IDLE, GO, "", 0, 1, "go_heap_idle_bytes")                         \
	FIELD(259, GO_HEAP_INUSE, GO, "", 0, 1, "go_heap_inuse_bytes")                       \
	FIELD(260, GO_HEAP_RELEASED, GO, "", 0, 1, "go_heap_released_bytes")                 \
	FIELD(261, GO_HEAP_OBJECTS, GO, "", 0, 1, "go_heap_objects")                         \
	FIELD(262, GO_TOTAL_ALLOC, GO, "", 0, 1, "go_total_alloc_bytes")                     \
	FIELD(263, GO_MALLOCS, GO, "", 0, 1, "go_mallocs")                                   \
	FIELD(264, GO_FREES, GO, "", 0, 1, "go_frees")                                       \
	FIELD(265, GO_STACK_INUSE, GO, "", 0, 1, "go_stack_inuse_bytes")                     \
	FIELD(266, GO_STACK_SYS, GO, "", 0, 1, "go_stack_sys_bytes")                         \
	FIELD(267, GO_MSPAN_INUSE, GO, "", 0, 1, "go_mspan_inuse_bytes")                     \
	FIELD(268, GO_MSPAN_SYS, GO, "", 0, 1, "go_mspan_sys_bytes")                         \
	FIELD(269, GO_MCACHE_INUSE, GO, "", 0, 1, "go_mcache_inuse_bytes")                   \
	FIELD(270, GO_MCACHE_SYS, GO, "", 0, 1, "go_mcache_sys_bytes")                       \
	FIELD(271, GO_BUCKHASH_SYS, GO, "", 0, 1, "go_buckhash_sys_bytes")                   \
	FIELD(272, GO_GC_SYS, GO, "", 0, 1, "go_gc_sys_bytes")                               \
	FIELD(273, GO_OTHER_SYS, GO, "", 0, 1, "go_other_sys_bytes")                         \
	FIELD(274, GO_SYS, GO, "", 0, 1, "go_sys_bytes")                                     \
	FIELD(275, GO_NEXT_GC, GO, "", 0, 1, "go_next_gc_bytes")                             \
	FIELD(276, GO_LAST_GC, GO, "", 0, 1, "go_last_gc_ns")                                \
	FIELD(277, GO_NUM_GC, GO, "", 0, 1, "go_num_gc")                                     \
	FIELD(278, GO_FORCED_GC, GO, "", 0, 1, "go_num_forced_gc")                           \
	FIELD(279, GO_PAUSE_TOTAL, GO, "", 0, 1, "go_pause_total_ns")                        \
	FIELD(280, GO_PAUSE_LAST, GO, "", 0, 1, "go_pause_last_ns")                          \
	FIELD(281, GO_PAUSE_MAX, GO, "", 0, 1, "go_pause_max_ns")                            \
	FIELD(282, GO_GC_CPU, GO, "", 0, 1, "go_gc_cpu_fraction_ppb")                        \
	FIELD(283, GO_GOROUTINES, GO, "", 0, 1, "go_goroutines")                             \
	FIELD(288, JVM_HEAP_USED, JVM, "", 0, 1, "jvm_heap_used_bytes")                      \
	FIELD(289, JVM_HEAP_COMMITTED, JVM, "", 0, 1, "jvm_heap_committed_bytes")            \
	FIELD(290, JVM_HEAP_MAX, JVM, "", 0, 1, "jvm_heap_max_bytes")                        \
	FIELD(291, JVM_EDEN_USED, JVM, "", 0, 1, "jvm_eden_used_bytes")                      \
	FIELD(292, JVM_SURVIVOR_USED, JVM, "", 0, 1, "jvm_survivor_used_bytes")              \
	FIELD(293, JVM_OLD_USED, JVM, "", 0, 1, "jvm_old_used_bytes")                        \
	FIELD(294, JVM_META_USED, JVM, "", 0, 1, "jvm_metaspace_used_bytes")                 \
	FIELD(295, JVM_META_COMMITTED, JVM, "", 0, 1, "jvm_metaspace_committed_bytes")       \
	FIELD(296, JVM_GCS, JVM, "", 0, 1, "jvm_gc_count")                                   \
	FIELD(297, JVM_GC_TIME, JVM, "", 0, 1, "jvm_gc_time_ns")                             \
	FIELD(298, JVM_THREADS, JVM, "", 0, 1, "jvm_threads")                                \
	FIELD(304, GLIBC_ARENAS, GLIBC, "", 0, 1, "glibc_arenas")                            \
	FIELD(305, GLIBC_ARENA_BYTES, GLIBC, "", 0, 1, "glibc_arena_bytes")                  \
	FIELD(306, GLIBC_MAPPED, GLIBC, "", 0, 1, "glibc_mapped_bytes")                      \
	FIELD(308, PYTHON_ARENAS, PYTHON, "", 0, 1, "python_arenas")                         \
	FIELD(309, PYTHON_ARENA_BYTES, PYTHON, "", 0, 1, "python_arena_bytes")               \
	FIELD(310, PYTHON_BLOCKS, PYTHON, "", 0, 1, "python_blocks")                         \
	FIELD(312, ALLOCATOR_ALLOCATED, ALLOCATOR, "", 0, 1, "allocator_allocated_bytes")    \
	FIELD(313, ALLOCATOR_ACTIVE, ALLOCATOR, "", 0, 1, "allocator_active_bytes")          \
	FIELD(314, ALLOCATOR_RESIDENT, ALLOCATOR, "", 0, 1, "allocator_resident_bytes")

/* One past the highest ids; arrays are indexed by id, with holes where no field stands. */
#define FIELD_MAX  320
#define SOURCE_MAX 48

#define SOURCE_ENUM(id, token, scope, format, file) SOURCE_##token = (id),
enum source { SOURCE_TABLE(SOURCE_ENUM) };
#undef SOURCE_ENUM

#define FIELD_ENUM(id, token, source, key, arg, scale, column) FIELD_##token = (id),
enum field { FIELD_TABLE(FIELD_ENUM) };
#undef FIELD_ENUM

/* Why a source has no value at a row. The numbers are part of the wire and of the run file. */
enum reason {
	REASON_OK = 0,	    /* it has: not a reason */
	REASON_NOT_DUE = 1, /* read at a lower rate than the ticks */
	REASON_STALL = 2,   /* reading would hold mmap_lock longer than -pss-stall */
	REASON_DENIED = 3,  /* the kernel forbids it: EPERM, EACCES */
	REASON_ABSENT = 4,  /* this kernel or configuration does not have it */
	REASON_FAILED = 5,  /* the read failed otherwise */
	REASON_STALE = 6,   /* a part of the sum is older than a second, or missing */
	REASON_UNKNOWN = 7, /* never told */
	REASON_THREADS = 8, /* the kernel tells it by thread, and there is more than one */
};
#define REASON_MAX 9

/* Text is held in arrays, not behind pointers: the preload then needs no relocation for it. */
struct source_info {
	uint8_t known; /* 0 in the table's holes */
	uint8_t scope; /* enum scope */
	uint8_t format;
	char file[33];
};

struct field_info {
	uint8_t known; /* 0 in the table's holes */
	uint8_t source;
	uint16_t arg;
	uint32_t scale;
	char key[24];
	char column[32];
};

/* A field's source + 1, 0 in the table's holes: three cache lines, where the table takes 200. */
extern const uint8_t field_owner[FIELD_MAX];

/* The source of a field that the table has; -1 for one that it has not. */
static inline int field_source(unsigned field)
{
	return field_owner[field] - 1;
}

extern const struct source_info source_table[SOURCE_MAX];
extern const struct field_info field_table[FIELD_MAX];
extern const char reason_table[REASON_MAX][12];

#endif
