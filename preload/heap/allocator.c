/* SPDX-License-Identifier: ISC */
/*
 * What is called here takes the allocator's locks, walks nothing, and makes no allocation that a hook would see:
 * jemalloc merges the statistics of its arenas (50 us, more where there are hundreds of arenas), tcmalloc
 * sums up the caches of its threads (3 us), mimalloc has a counter (1 us).
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "preload/heap/account.h"
#include "preload/heap/allocator.h"
#include "preload/heap/symbol.h"

#define MIB_MAX 4u

static struct {
	uintptr_t start, end;
} module;

/* A function of that name in the allocator's module. */
static void *find(const char *name)
{
	void *at = symbol_find(name, (const void *)module.start);

	return (uintptr_t)at - module.start < module.end - module.start ? at : NULL;
}

/* ---- jemalloc: jemalloc(3) -------------------------------------------------------------------- */

static int (*mallctl)(const char *name, void *old, size_t *old_size, void *value, size_t size);
static int (*mallctlnametomib)(const char *name, size_t *mib, size_t *count);
static int (*mallctlbymib)(const size_t *mib, size_t count, void *old, size_t *old_size,
			   void *value, size_t size);

enum { EPOCH, ALLOCATED, ACTIVE, RESIDENT, NUMBERS };
static struct mib {
	size_t part[MIB_MAX], count;
} mibs[NUMBERS];

static int64_t jemalloc_number(const struct mib *mib)
{
	size_t value = 0, size = sizeof(value);

	return mallctlbymib(mib->part, mib->count, &value, &size, NULL, 0) == 0 &&
			       size == sizeof(value) && value <= INT64_MAX
		       ? (int64_t)value
		       : ACCOUNT_UNKNOWN;
}

static void jemalloc_ask(struct account *ret)
{
	int err = errno;
	uint64_t epoch = 1;

	*ret = (struct account){ACCOUNT_UNKNOWN, ACCOUNT_UNKNOWN, ACCOUNT_UNKNOWN};
	if (mallctlbymib(mibs[EPOCH].part, mibs[EPOCH].count, NULL, NULL, &epoch, sizeof(epoch)) ==
	    0) {
		ret->allocated = jemalloc_number(&mibs[ALLOCATED]);
		ret->active = jemalloc_number(&mibs[ACTIVE]);
		ret->resident = jemalloc_number(&mibs[RESIDENT]);
	}
	errno = err;
}

static bool jemalloc_is_true(const char *name)
{
	bool value = true;
	size_t size = sizeof(value);

	return mallctl(name, &value, &size, NULL, 0) == 0 && value;
}

/*
 * Without statistics there is nothing to ask. With threads of its own it starts those while it holds locks that are
 * needed here, and waits for the loader's, which may be held by who asks.
 */
static bool jemalloc_find(void)
{
	static const char *const names[NUMBERS] = {"epoch", "stats.allocated", "stats.active",
						   "stats.resident"};

	mallctl = find("mallctl");
	mallctlnametomib = find("mallctlnametomib");
	mallctlbymib = find("mallctlbymib");
	if (!mallctl || !mallctlnametomib || !mallctlbymib || !jemalloc_is_true("config.stats") ||
	    jemalloc_is_true("background_thread"))
		return false;
	for (unsigned i = 0; i < NUMBERS; i++) {
		mibs[i].count = MIB_MAX;
		if (mallctlnametomib(names[i], mibs[i].part, &mibs[i].count) != 0)
			return false;
	}
	return true;
}

/* ---- tcmalloc: gperftools/malloc_extension_c.h ------------------------------------------------ */

static int (*get_property)(const char *name, size_t *ret);

static int64_t tcmalloc_number(const char *name)
{
	size_t value = 0;

	return get_property(name, &value) && value <= INT64_MAX ? (int64_t)value : ACCOUNT_UNKNOWN;
}

static void tcmalloc_ask(struct account *ret)
{
	int err = errno;
	int64_t unmapped = tcmalloc_number("tcmalloc.pageheap_unmapped_bytes");
	int64_t empty = tcmalloc_number("tcmalloc.pageheap_free_bytes");
	int64_t all = tcmalloc_number("generic.heap_size");

	*ret = (struct account){tcmalloc_number("generic.current_allocated_bytes"), ACCOUNT_UNKNOWN,
				ACCOUNT_UNKNOWN};
	/* Another thread may have changed one of them meanwhile. */
	if (all >= 0 && unmapped >= 0 && unmapped <= all)
		ret->resident = all - unmapped;
	if (ret->resident >= 0 && empty >= 0 && empty <= ret->resident)
		ret->active = ret->resident - empty;
	errno = err;
}

static bool tcmalloc_find(void)
{
	get_property = find("MallocExtension_GetNumericProperty");
	return get_property && tcmalloc_number("generic.current_allocated_bytes") >= 0;
}

/* ---- mimalloc: mimalloc.h --------------------------------------------------------------------- */

static void (*process_info)(size_t *elapsed, size_t *user, size_t *system, size_t *rss,
			    size_t *peak_rss, size_t *commit, size_t *peak_commit, size_t *faults);

/* What is live it counts in builds for debugging only; its RSS is that of the process. */
static void mimalloc_ask(struct account *ret)
{
	size_t commit = 0;
	int err = errno;

	process_info(NULL, NULL, NULL, NULL, NULL, &commit, NULL, NULL);
	*ret = (struct account){ACCOUNT_UNKNOWN, ACCOUNT_UNKNOWN,
				commit <= INT64_MAX ? (int64_t)commit : ACCOUNT_UNKNOWN};
	errno = err;
}

static bool mimalloc_find(void)
{
	process_info = find("mi_process_info");
	return process_info != NULL;
}

void allocator_start(uintptr_t start, uintptr_t end)
{
	module.start = start;
	module.end = end;
	if (start == end)
		return;
	if (jemalloc_find())
		account_start(jemalloc_ask, start, end);
	else if (tcmalloc_find())
		account_start(tcmalloc_ask, start, end);
	else if (mimalloc_find())
		account_start(mimalloc_ask, start, end);
}
