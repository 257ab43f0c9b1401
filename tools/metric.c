/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "tools/metric.h"

/*
 * Names are in base units: a family's ends with its unit, bytes, seconds or ratio, where it has one. No
 * counter's value ever falls while its process lives (or the run), but that of self_cpu_ns, which begins
 * anew with each sampler: after an exec. What is a high mark or an age is a gauge, for its largest value is
 * what matters.
 */

/* All but the column of a metric whose family has several, told apart by a label. */
#define CGROUP_STAT(value)                                                    \
	"mstat_cgroup_memory_stat_bytes", "type=\"" value "\"", METRIC_GAUGE, \
		"Memory of the cgroup by what it is for."
#define TREE_TASKS(value) \
	"mstat_tree_tasks", "state=\"" value "\"", METRIC_GAUGE, "Threads of the tree by state."
#define PROCESS_RSS(value)                                                         \
	"mstat_process_memory_rss_type_bytes", "type=\"" value "\"", METRIC_GAUGE, \
		"Resident memory by type."
#define PROCESS_PSS(value)                                                         \
	"mstat_process_memory_pss_type_bytes", "type=\"" value "\"", METRIC_GAUGE, \
		"Proportional share of resident memory by type."
#define PROCESS_PAGES(value)                                                    \
	"mstat_process_memory_pages_bytes", "type=\"" value "\"", METRIC_GAUGE, \
		"Resident memory by who else has it and whether it was written."
#define RUN_PEAK(value)                                                         \
	"mstat_run_memory_peak_part_bytes", "part=\"" value "\"", METRIC_GAUGE, \
		"What was known of the sampled peak."
#define RUN_PROCESSES(value)                                               \
	"mstat_run_processes_measured", "how=\"" value "\"", METRIC_GAUGE, \
		"Processes by how they were measured."
#define DELAYS(value) \
	"mstat_process_delays", "cause=\"" value "\"", METRIC_COUNTER, "Waits by cause."
#define DELAY_TIME(value)                                                     \
	"mstat_process_delay_seconds", "cause=\"" value "\"", METRIC_COUNTER, \
		"Time of waiting by cause."

static const struct metric tree_metrics[] = {
	{"rss", "mstat_cgroup_memory_current_bytes", NULL, METRIC_GAUGE,
	 "Memory that the cgroup is charged for; without one, the sum of RSS."},
	{"kernel", CGROUP_STAT("kernel")},
	{"anon_bytes", CGROUP_STAT("anon")},
	{"file_bytes", CGROUP_STAT("file")},
	{"shmem_bytes", CGROUP_STAT("shmem")},
	{"file_mapped_bytes", CGROUP_STAT("file_mapped")},
	{"inactive_file_bytes", CGROUP_STAT("inactive_file")},
	{"slab_bytes", CGROUP_STAT("slab")},
	{"page_tables_bytes", CGROUP_STAT("pagetables")},
	{"kernel_stack_bytes", CGROUP_STAT("kernel_stack")},
	{"percpu_bytes", CGROUP_STAT("percpu")},
	{"sock_bytes", CGROUP_STAT("sock")},
	{"hugetlb_bytes", CGROUP_STAT("hugetlb")},
	{"swap_bytes", "mstat_cgroup_memory_swap_current_bytes", NULL, METRIC_GAUGE,
	 "Memory of the cgroup that is swapped out."},
	{"peak_bytes", "mstat_cgroup_memory_peak_bytes", NULL, METRIC_GAUGE,
	 "The highest usage so far, by the kernel."},
	{"oom_kills", "mstat_cgroup_memory_events", "event=\"oom_kill\"", METRIC_COUNTER,
	 "What the cgroup has met so far."},
	{"limit_hits", "mstat_cgroup_memory_events", "event=\"max\"", METRIC_COUNTER,
	 "What the cgroup has met so far."},
	{"pressure_some_ns", "mstat_cgroup_memory_pressure_waiting_seconds", NULL, METRIC_COUNTER,
	 "Time that some tasks waited for memory."},
	{"pressure_full_ns", "mstat_cgroup_memory_pressure_stalled_seconds", NULL, METRIC_COUNTER,
	 "Time that all tasks waited for memory."},
	{"processes", "mstat_tree_processes", NULL, METRIC_GAUGE, "Processes that are sampled."},
	{"processes_outside", "mstat_tree_processes_outside", NULL, METRIC_GAUGE,
	 "Processes that are sampled from outside."},
	{"tasks_sleeping", TREE_TASKS("sleeping")},
	{"tasks_running", TREE_TASKS("running")},
	{"tasks_stopped", TREE_TASKS("stopped")},
	{"tasks_uninterruptible", TREE_TASKS("uninterruptible")},
	{"tasks_iowait", TREE_TASKS("iowait")},
	{"sum_rss_bytes", "mstat_tree_memory_rss_bytes", NULL, METRIC_GAUGE,
	 "Sum of RSS over the processes."},
	{"sum_rss_anon_bytes", "mstat_tree_memory_rss_anon_bytes", NULL, METRIC_GAUGE,
	 "Sum of anonymous RSS over the processes."},
	{"sum_rss_shmem_bytes", "mstat_tree_memory_rss_shmem_bytes", NULL, METRIC_GAUGE,
	 "Sum of shared RSS over the processes."},
	{"sum_pss_bytes", "mstat_tree_memory_pss_bytes", NULL, METRIC_GAUGE,
	 "Sum of PSS over the processes."},
	{"sum_pss_anon_bytes", "mstat_tree_memory_pss_anon_bytes", NULL, METRIC_GAUGE,
	 "Sum of anonymous PSS over the processes."},
	{"sum_pss_file_bytes", "mstat_tree_memory_pss_file_bytes", NULL, METRIC_GAUGE,
	 "Sum of PSS of files over the processes."},
	{"sum_pss_shmem_bytes", "mstat_tree_memory_pss_shmem_bytes", NULL, METRIC_GAUGE,
	 "Sum of shared PSS over the processes."},
	{"pss_age_ns", "mstat_tree_memory_pss_age_seconds", NULL, METRIC_GAUGE,
	 "Age of the oldest PSS in the sums."},
	{"unattributed_anon_bytes", "mstat_tree_memory_unattributed_bytes", "type=\"anon\"",
	 METRIC_GAUGE, "Memory of the cgroup that is no process's."},
	{"unattributed_shmem_bytes", "mstat_tree_memory_unattributed_bytes", "type=\"shmem\"",
	 METRIC_GAUGE, "Memory of the cgroup that is no process's."},
	{"residual_bytes", "mstat_tree_memory_residual_bytes", NULL, METRIC_GAUGE,
	 "Usage of the cgroup less anonymous memory, page cache and kernel."},
	{"without_cache_bytes", "mstat_tree_memory_without_cache_bytes", NULL, METRIC_GAUGE,
	 "What cannot simply be dropped."},
	{"mstat_bytes", "mstat_tree_memory_mstat_bytes", NULL, METRIC_GAUGE,
	 "What mstat itself added to the tree."},
	{"heap_live_bytes", "mstat_tree_heap_live_bytes", NULL, METRIC_GAUGE,
	 "Allocated and not freed, an estimate."},
	{"heap_live_se_bytes", "mstat_tree_heap_live_se_bytes", NULL, METRIC_GAUGE,
	 "Standard error of what is live."},
	{"heap_inherited_bytes", "mstat_tree_heap_inherited_bytes", NULL, METRIC_GAUGE,
	 "Allocated before the fork and not freed, an estimate."},
	{"heap_mapped_bytes", "mstat_tree_heap_mapped_bytes", NULL, METRIC_GAUGE,
	 "Mapped by the program itself."},
	{"heap_slack_bytes", "mstat_tree_heap_slack_bytes", NULL, METRIC_GAUGE,
	 "Memory that the allocator keeps."},
	{"heap_stacks_bytes", "mstat_tree_heap_stacks_bytes", NULL, METRIC_GAUGE,
	 "Memory of the threads' stacks."},
	{"heap_rest_bytes", "mstat_tree_heap_rest_bytes", NULL, METRIC_GAUGE,
	 "Other anonymous memory."},
};

static const struct metric process_metrics[] = {
	{"self_cpu_ns", "mstat_process_sampler_cpu_seconds", NULL, METRIC_COUNTER,
	 "CPU time of the sampler in this process."},
	{"self_bytes", "mstat_process_sampler_memory_bytes", NULL, METRIC_GAUGE,
	 "Memory of the sampler in this process."},
	{"rss_bytes", "mstat_process_memory_rss_bytes", NULL, METRIC_GAUGE, "Resident memory."},
	{"hwm_bytes", "mstat_process_memory_rss_peak_bytes", NULL, METRIC_GAUGE,
	 "The highest RSS since exec."},
	{"rss_anon_bytes", PROCESS_RSS("anon")},
	{"rss_file_bytes", PROCESS_RSS("file")},
	{"rss_shmem_bytes", PROCESS_RSS("shmem")},
	{"page_tables_bytes", "mstat_process_memory_page_tables_bytes", NULL, METRIC_GAUGE,
	 "Page tables."},
	{"swap_bytes", "mstat_process_memory_swap_bytes", NULL, METRIC_GAUGE,
	 "Memory that is swapped out."},
	{"hugetlb_bytes", "mstat_process_memory_hugetlb_bytes", NULL, METRIC_GAUGE,
	 "Huge pages of hugetlbfs."},
	{"virtual_bytes", "mstat_process_memory_virtual_bytes", NULL, METRIC_GAUGE,
	 "Size of the address space."},
	{"threads", "mstat_process_threads", NULL, METRIC_GAUGE,
	 "Threads, the sampler among them."},
	{"pss_bytes", "mstat_process_memory_pss_bytes", NULL, METRIC_GAUGE,
	 "Proportional share of resident memory."},
	{"pss_anon_bytes", PROCESS_PSS("anon")},
	{"pss_file_bytes", PROCESS_PSS("file")},
	{"pss_shmem_bytes", PROCESS_PSS("shmem")},
	{"shared_clean_bytes", PROCESS_PAGES("shared_clean")},
	{"shared_dirty_bytes", PROCESS_PAGES("shared_dirty")},
	{"private_clean_bytes", PROCESS_PAGES("private_clean")},
	{"private_dirty_bytes", PROCESS_PAGES("private_dirty")},
	{"lazy_free_bytes", "mstat_process_memory_lazy_free_bytes", NULL, METRIC_GAUGE,
	 "Memory that is given back when it is needed."},
	{"anon_huge_bytes", "mstat_process_memory_anon_huge_bytes", NULL, METRIC_GAUGE,
	 "Anonymous memory in transparent huge pages."},
	{"swap_pss_bytes", "mstat_process_memory_swap_pss_bytes", NULL, METRIC_GAUGE,
	 "Proportional share of what is swapped out."},
	{"rollup_cost_ns", "mstat_process_rollup_cost_seconds", NULL, METRIC_GAUGE,
	 "CPU time that reading PSS took."},
	{"begin_ns", "mstat_process_start_time_seconds", NULL, METRIC_GAUGE,
	 "When the process began, since the epoch."},
	{"elapsed_ns", "mstat_process_elapsed_seconds", NULL, METRIC_GAUGE,
	 "How long ago the process began."},
	{"hiwater_rss_bytes", "mstat_process_memory_rss_highwater_bytes", NULL, METRIC_GAUGE,
	 "The highest RSS, by taskstats."},
	{"user_ns", "mstat_process_cpu_mode_seconds", "mode=\"user\"", METRIC_COUNTER,
	 "CPU time by mode."},
	{"system_ns", "mstat_process_cpu_mode_seconds", "mode=\"system\"", METRIC_COUNTER,
	 "CPU time by mode."},
	{"cpu_ns", "mstat_process_cpu_seconds", NULL, METRIC_COUNTER, "CPU time."},
	{"cpu_delay_count", DELAYS("cpu")},
	{"cpu_delay_ns", DELAY_TIME("cpu")},
	{"blkio_delay_count", DELAYS("blkio")},
	{"blkio_delay_ns", DELAY_TIME("blkio")},
	{"swapin_delay_count", DELAYS("swapin")},
	{"swapin_delay_ns", DELAY_TIME("swapin")},
	{"freepages_delay_count", DELAYS("freepages")},
	{"freepages_delay_ns", DELAY_TIME("freepages")},
	{"thrashing_delay_count", DELAYS("thrashing")},
	{"thrashing_delay_ns", DELAY_TIME("thrashing")},
	{"compact_delay_count", DELAYS("compact")},
	{"compact_delay_ns", DELAY_TIME("compact")},
	{"wpcopy_delay_count", DELAYS("wpcopy")},
	{"wpcopy_delay_ns", DELAY_TIME("wpcopy")},
	{"irq_delay_count", DELAYS("irq")},
	{"irq_delay_ns", DELAY_TIME("irq")},
	{"minor_faults", "mstat_process_page_faults", "type=\"minor\"", METRIC_COUNTER,
	 "Page faults."},
	{"major_faults", "mstat_process_page_faults", "type=\"major\"", METRIC_COUNTER,
	 "Page faults."},
	{"read_chars_bytes", "mstat_process_io_syscall_bytes", "operation=\"read\"", METRIC_COUNTER,
	 "Bytes through system calls."},
	{"write_chars_bytes", "mstat_process_io_syscall_bytes", "operation=\"write\"",
	 METRIC_COUNTER, "Bytes through system calls."},
	{"read_bytes", "mstat_process_io_storage_bytes", "operation=\"read\"", METRIC_COUNTER,
	 "Bytes from and to storage."},
	{"write_bytes", "mstat_process_io_storage_bytes", "operation=\"write\"", METRIC_COUNTER,
	 "Bytes from and to storage."},
	{"ticks_per_sample", "mstat_process_sample_ticks", NULL, METRIC_GAUGE,
	 "Ticks from one sample to the next."},
	{"heap_live_bytes", "mstat_process_heap_live_bytes", NULL, METRIC_GAUGE,
	 "Allocated and not freed, an estimate."},
	{"heap_live_se_bytes", "mstat_process_heap_live_se_bytes", NULL, METRIC_GAUGE,
	 "Standard error of what is live."},
	{"heap_inherited_bytes", "mstat_process_heap_inherited_bytes", NULL, METRIC_GAUGE,
	 "Allocated before the fork and not freed, an estimate."},
	{"heap_mapped_bytes", "mstat_process_heap_mapped_bytes", NULL, METRIC_GAUGE,
	 "Mapped by the program itself."},
	{"heap_slack_bytes", "mstat_process_heap_slack_bytes", NULL, METRIC_GAUGE,
	 "Memory that the allocator keeps."},
	{"heap_stacks_bytes", "mstat_process_heap_stacks_bytes", NULL, METRIC_GAUGE,
	 "Memory of the threads' stacks."},
	{"heap_rest_bytes", "mstat_process_heap_rest_bytes", NULL, METRIC_GAUGE,
	 "Other anonymous memory."},
	{"go_heap_alloc_bytes", "mstat_process_go_heap_alloc_bytes", NULL, METRIC_GAUGE,
	 "Go: bytes of live heap objects, and of dead ones that were not swept."},
	{"go_heap_sys_bytes", "mstat_process_go_heap_sys_bytes", NULL, METRIC_GAUGE,
	 "Go: address space of the heap."},
	{"go_heap_idle_bytes", "mstat_process_go_heap_idle_bytes", NULL, METRIC_GAUGE,
	 "Go: spans that hold nothing."},
	{"go_heap_inuse_bytes", "mstat_process_go_heap_inuse_bytes", NULL, METRIC_GAUGE,
	 "Go: spans that hold objects."},
	{"go_heap_released_bytes", "mstat_process_go_heap_released_bytes", NULL, METRIC_GAUGE,
	 "Go: idle spans given back to the kernel."},
	{"go_heap_objects", "mstat_process_go_heap_objects", NULL, METRIC_GAUGE,
	 "Go: objects on the heap."},
	{"go_total_alloc_bytes", "mstat_process_go_heap_allocated_bytes", NULL, METRIC_COUNTER,
	 "Go: bytes ever allocated on the heap."},
	{"go_mallocs", "mstat_process_go_heap_mallocs", NULL, METRIC_COUNTER,
	 "Go: objects ever allocated."},
	{"go_frees", "mstat_process_go_heap_frees", NULL, METRIC_COUNTER,
	 "Go: objects ever freed."},
	{"go_stack_inuse_bytes", "mstat_process_go_stack_inuse_bytes", NULL, METRIC_GAUGE,
	 "Go: stacks of goroutines."},
	{"go_stack_sys_bytes", "mstat_process_go_stack_sys_bytes", NULL, METRIC_GAUGE,
	 "Go: those, and stacks of threads."},
	{"go_mspan_inuse_bytes", "mstat_process_go_mspan_inuse_bytes", NULL, METRIC_GAUGE,
	 "Go: span structures in use."},
	{"go_mspan_sys_bytes", "mstat_process_go_mspan_sys_bytes", NULL, METRIC_GAUGE,
	 "Go: memory for span structures."},
	{"go_mcache_inuse_bytes", "mstat_process_go_mcache_inuse_bytes", NULL, METRIC_GAUGE,
	 "Go: caches of allocation in use."},
	{"go_mcache_sys_bytes", "mstat_process_go_mcache_sys_bytes", NULL, METRIC_GAUGE,
	 "Go: memory for caches of allocation."},
	{"go_buckhash_sys_bytes", "mstat_process_go_buckhash_sys_bytes", NULL, METRIC_GAUGE,
	 "Go: tables of the profiler."},
	{"go_gc_sys_bytes", "mstat_process_go_gc_sys_bytes", NULL, METRIC_GAUGE,
	 "Go: what the garbage collector needs."},
	{"go_other_sys_bytes", "mstat_process_go_other_sys_bytes", NULL, METRIC_GAUGE,
	 "Go: what else the runtime needs."},
	{"go_sys_bytes", "mstat_process_go_sys_bytes", NULL, METRIC_GAUGE,
	 "Go: all memory that the runtime has from the kernel."},
	{"go_next_gc_bytes", "mstat_process_go_next_gc_bytes", NULL, METRIC_GAUGE,
	 "Go: the heap's size at which the next collection is due."},
	{"go_last_gc_ns", "mstat_process_go_last_gc_seconds", NULL, METRIC_GAUGE,
	 "Go: when the last collection ended, since 1970."},
	{"go_num_gc", "mstat_process_go_gcs", NULL, METRIC_COUNTER, "Go: collections."},
	{"go_num_forced_gc", "mstat_process_go_gcs_forced", NULL, METRIC_COUNTER,
	 "Go: collections that the program asked for."},
	{"go_pause_total_ns", "mstat_process_go_gc_pause_seconds", NULL, METRIC_COUNTER,
	 "Go: time in which collections stopped the world."},
	{"go_pause_last_ns", "mstat_process_go_gc_pause_last_seconds", NULL, METRIC_GAUGE,
	 "Go: the last such pause."},
	{"go_pause_max_ns", "mstat_process_go_gc_pause_max_seconds", NULL, METRIC_GAUGE,
	 "Go: the longest one since the reading before."},
	{"go_gc_cpu_fraction_ppb", "mstat_process_go_gc_cpu_ratio", NULL, METRIC_GAUGE,
	 "Go: part of the CPU time that collections took."},
	{"go_goroutines", "mstat_process_go_goroutines", NULL, METRIC_GAUGE, "Go: goroutines."},
	{"jvm_heap_used_bytes", "mstat_process_jvm_heap_used_bytes", NULL, METRIC_GAUGE,
	 "Java: the heap, as of the last collection or allocation buffer."},
	{"jvm_heap_committed_bytes", "mstat_process_jvm_heap_committed_bytes", NULL, METRIC_GAUGE,
	 "Java: the heap's size now."},
	{"jvm_heap_max_bytes", "mstat_process_jvm_heap_max_bytes", NULL, METRIC_GAUGE,
	 "Java: the heap's largest size."},
	{"jvm_eden_used_bytes", "mstat_process_jvm_eden_used_bytes", NULL, METRIC_GAUGE,
	 "Java: objects in eden."},
	{"jvm_survivor_used_bytes", "mstat_process_jvm_survivor_used_bytes", NULL, METRIC_GAUGE,
	 "Java: objects in the survivor spaces."},
	{"jvm_old_used_bytes", "mstat_process_jvm_old_used_bytes", NULL, METRIC_GAUGE,
	 "Java: objects in the old generation."},
	{"jvm_metaspace_used_bytes", "mstat_process_jvm_metaspace_used_bytes", NULL, METRIC_GAUGE,
	 "Java: metaspace in use."},
	{"jvm_metaspace_committed_bytes", "mstat_process_jvm_metaspace_committed_bytes", NULL,
	 METRIC_GAUGE, "Java: metaspace committed."},
	{"jvm_gc_count", "mstat_process_jvm_gcs", NULL, METRIC_COUNTER, "Java: collections."},
	{"jvm_gc_time_ns", "mstat_process_jvm_gc_seconds", NULL, METRIC_COUNTER,
	 "Java: time in collections."},
	{"jvm_threads", "mstat_process_jvm_threads", NULL, METRIC_GAUGE, "Java: live threads."},
	{"glibc_arenas", "mstat_process_glibc_arenas", NULL, METRIC_GAUGE,
	 "malloc of glibc: arenas."},
	{"glibc_arena_bytes", "mstat_process_glibc_arena_bytes", NULL, METRIC_GAUGE,
	 "malloc of glibc: memory that its arenas hold."},
	{"glibc_mapped_bytes", "mstat_process_glibc_mapped_bytes", NULL, METRIC_GAUGE,
	 "malloc of glibc: blocks that are mappings of their own."},
	{"python_arenas", "mstat_process_python_arenas", NULL, METRIC_GAUGE,
	 "CPython: arenas of its allocator."},
	{"python_arena_bytes", "mstat_process_python_arena_bytes", NULL, METRIC_GAUGE,
	 "CPython: memory that those hold."},
	{"python_blocks", "mstat_process_python_blocks", NULL, METRIC_GAUGE,
	 "CPython: blocks in use in them."},
	{"allocator_allocated_bytes", "mstat_process_allocator_allocated_bytes", NULL, METRIC_GAUGE,
	 "jemalloc, tcmalloc: bytes in the program's hands."},
	{"allocator_active_bytes", "mstat_process_allocator_active_bytes", NULL, METRIC_GAUGE,
	 "jemalloc, tcmalloc: pages with blocks in use or in caches."},
	{"allocator_resident_bytes", "mstat_process_allocator_resident_bytes", NULL, METRIC_GAUGE,
	 "jemalloc, tcmalloc, mimalloc: memory that it has from the kernel and not given back."},
};

static const struct metric run_metrics[] = {
	{"duration_ns", "mstat_run_duration_seconds", NULL, METRIC_GAUGE, "How long the run took."},
	{"exit_status", "mstat_run_exit_status", NULL, METRIC_GAUGE,
	 "The program's end, as wait(2) has it."},
	{"peak_exact_bytes", "mstat_run_memory_peak_bytes", NULL, METRIC_GAUGE,
	 "The highest usage, by the kernel."},
	{"peak_sampled_bytes", "mstat_run_memory_peak_sampled_bytes", NULL, METRIC_GAUGE,
	 "The highest usage on a tick."},
	{"peak_gap_bytes", "mstat_run_memory_peak_gap_bytes", NULL, METRIC_GAUGE,
	 "What lies between the two peaks."},
	{"peak_time_ns", "mstat_run_memory_peak_offset_seconds", NULL, METRIC_GAUGE,
	 "When the sampled peak was, since the start."},
	{"peak_mstat_bytes", RUN_PEAK("mstat")},
	{"peak_unattributed_anon_bytes", RUN_PEAK("unattributed_anon")},
	{"peak_unattributed_shmem_bytes", RUN_PEAK("unattributed_shmem")},
	{"peak_residual_bytes", RUN_PEAK("residual")},
	{"peak_without_cache_bytes", RUN_PEAK("without_cache")},
	{"peak_heap_live_bytes", RUN_PEAK("heap_live")},
	{"peak_heap_live_se_bytes", RUN_PEAK("heap_live_se")},
	{"peak_heap_inherited_bytes", RUN_PEAK("heap_inherited")},
	{"peak_heap_mapped_bytes", RUN_PEAK("heap_mapped")},
	{"peak_heap_slack_bytes", RUN_PEAK("heap_slack")},
	{"peak_heap_stacks_bytes", RUN_PEAK("heap_stacks")},
	{"peak_heap_rest_bytes", RUN_PEAK("heap_rest")},
	{"peak_sum_rss_bytes", RUN_PEAK("sum_rss")},
	{"peak_sum_rss_file_bytes", RUN_PEAK("sum_rss_file")},
	{"peak_sum_rss_shmem_bytes", RUN_PEAK("sum_rss_shmem")},
	{"processes", "mstat_run_processes", NULL, METRIC_GAUGE, "All processes of the run."},
	{"processes_sampled", "mstat_run_processes_sampled", NULL, METRIC_GAUGE,
	 "Processes of which there are samples."},
	{"processes_inside", RUN_PROCESSES("inside")},
	{"processes_outside", RUN_PROCESSES("outside")},
	{"processes_by_exit_record", RUN_PROCESSES("exit_record")},
	{"ticks", "mstat_run_ticks", NULL, METRIC_GAUGE, "Ticks of the tree."},
	{"samples", "mstat_run_samples", NULL, METRIC_GAUGE, "Samples of processes."},
	{"samples_dropped", "mstat_run_samples_dropped", NULL, METRIC_GAUGE,
	 "Samples lost on the way."},
	{"peers_refused", "mstat_run_peers_refused", NULL, METRIC_GAUGE,
	 "Connections that were refused."},
	{"exit_records_lost", "mstat_run_exit_records_lost", NULL, METRIC_GAUGE,
	 "Exit records that were lost."},
	{"fork_events_lost", "mstat_run_fork_events_lost", NULL, METRIC_GAUGE,
	 "Fork events that were lost."},
	{"sampler_cpu_ns", "mstat_run_mstat_cpu_seconds", "where=\"samplers\"", METRIC_GAUGE,
	 "CPU time of mstat itself."},
	{"collector_cpu_ns", "mstat_run_mstat_cpu_seconds", "where=\"collector\"", METRIC_GAUGE,
	 "CPU time of mstat itself."},
	{"missed_ticks", "mstat_run_ticks_missed", NULL, METRIC_GAUGE, "Ticks without a row."},
	{"oom_kills", "mstat_run_oom_kills", NULL, METRIC_GAUGE,
	 "Processes that the OOM killer killed."},
	{"memory_max_bytes", "mstat_run_memory_limit_bytes", NULL, METRIC_GAUGE,
	 "The limit that was asked for."},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

const struct metric *metric_at(enum scope scope, unsigned i)
{
	static const struct {
		const struct metric *metric;
		size_t count;
	} tables[] = {
		[SCOPE_PROCESS] = {process_metrics, COUNT(process_metrics)},
		[SCOPE_TREE] = {tree_metrics, COUNT(tree_metrics)},
		[SCOPE_RUN] = {run_metrics, COUNT(run_metrics)},
	};

	if ((size_t)scope >= COUNT(tables) || i >= tables[scope].count)
		return NULL;
	return &tables[scope].metric[i];
}

const struct metric *metric_find(enum scope scope, const char *column)
{
	const struct metric *metric;

	for (unsigned i = 0; (metric = metric_at(scope, i)); i++)
		if (!strcmp(metric->column, column))
			return metric;
	return NULL;
}

bool metric_is_counter(enum scope scope, const char *column)
{
	const struct metric *metric = metric_find(scope, column);

	return metric && metric->kind == METRIC_COUNTER;
}
