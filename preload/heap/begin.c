/* SPDX-License-Identifier: ISC */
/*
 * What makes libmstat-heap.so of libmstat.so.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/parse.h"
#include "preload/guest.h"
#include "preload/heap/allocator.h"
#include "preload/heap/areas.h"
#include "preload/heap/heap.h"
#include "preload/heap/hooks.h"
#include "preload/heap/modules.h"
#include "preload/heap/operators.h"
#include "preload/heap/report.h"
#include "preload/heap/symbol.h"
#include "preload/sampler.h"
#include "preload/valgrind.h"

#define INTERVAL_DEFAULT 524288
#define INTERVAL_MAX	 ((int64_t)1 << 40)

/* [init] */
static void find_account(void)
{
	uintptr_t start, end;

	hooks_allocator(&start, &end);
	allocator_start(start, end);
}

/* [init] Where nobody samples, nobody is told of the heap. */
static void heap_begin(void)
{
	const char *text = getenv("MSTAT_HEAP_INTERVAL");
	size_t used = 0;
	int64_t interval = text ? parse_number(text, strlen(text), &used) : 0;

	if (!guest_is_here())
		return;
	/* valgrind has the program's calls of malloc() go to its own, and complains of what unwinding reads. */
	if (valgrind_tell(VALGRIND_IS_HERE, NULL, 0)) {
		report_bypassed();
		return;
	}
	if (hooks_are_first())
		find_account();
	else
		report_bypassed();
	heap_start((uint64_t)(used && interval >= 1 && interval <= INTERVAL_MAX
				      ? interval
				      : INTERVAL_DEFAULT));
}

/* [guest] */
static size_t own_memory(void)
{
	return heap_memory() + modules_memory() + areas_memory();
}

/* [app thread] */
static void before_fork(void)
{
	symbol_before_fork();
	heap_before_fork();
}

/* [fork child] */
static void in_child(void)
{
	hooks_in_child();
	symbol_in_child();
	heap_in_child();
}

static const struct sampler_heap extension = {
	.begin = heap_begin,
	.fill = report_fill,
	.look = report_look,
	.report = report_send,
	.memory = own_memory,
	.has_news = heap_has_news,
	.before_fork = before_fork,
	.after_fork = heap_after_fork,
	.in_child = in_child,
};

/* Before entry.c's. */
__attribute__((constructor(101))) static void begin_init(void)
{
	areas_init((size_t)sysconf(_SC_PAGESIZE));
	hooks_init();
	hooks_init_rares();
	operators_init();
	sampler_heap = &extension;
}
