/* SPDX-License-Identifier: ISC */
/*
 * Has arenas as CPython 3.11 has them (Objects/obmalloc.c), or, with FAKE_PYTHON_12, as 3.12 has them.
 *   fake_python FOLDER ARENAS [KIND]
 * FOLDER/ready then has the number of arenas, their bytes, and blocks in use; it ends when FOLDER/go is there.
 * KIND spoils it: "count" (more arenas are counted than are there), "table" (it is nowhere), "blocks" (a pool has
 * more than it has room for), "large" (a table beyond all reason), "pools" (all are used, and more than are worth
 * a look).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define POOL	   16384u
#define ARENA	   (1u << 20)
#define POOLS	   (ARENA / POOL)
#define ARENAS_MAX 128u

#define EXPORT __attribute__((visibility("default")))

struct arena {
	uintptr_t address;
	char *pool_address;
	unsigned nfreepools, ntotalpools;
	void *freepools;
	struct arena *nextarena, *prevarena;
};

struct pool {
	unsigned count, padding;
	void *freeblock;
	struct pool *nextpool, *prevpool;
	unsigned arenaindex, szidx, nextoffset, maxnextoffset;
};

#ifdef FAKE_PYTHON_12
extern const unsigned long Py_Version;
EXPORT const unsigned long Py_Version = 0x030c01c3;
extern struct runtime {
	char before[8192];
	struct arena *table;
	unsigned max;
	struct arena *unused, *usable, *lasts[POOLS + 1];
	size_t count, times, most, raw;
	char behind[4096];
} _PyRuntime;
EXPORT struct runtime _PyRuntime;
static struct arena **table = &_PyRuntime.table;
static unsigned *max = &_PyRuntime.max;
static size_t *count = &_PyRuntime.count;
#else
extern const unsigned long Py_Version;
EXPORT const unsigned long Py_Version = 0x030b09f0;
static struct arena *arenas;
static unsigned maxarenas;
static size_t narenas_currently_allocated;
static struct arena **table = &arenas;
static unsigned *max = &maxarenas;
static size_t *count = &narenas_currently_allocated;
#endif

extern const char *Py_GetVersion(void);
EXPORT const char *Py_GetVersion(void)
{
	return "fake";
}

/* The arena begins in the middle of a pool where odd is set, as a kernel's page may. Returns its blocks. */
static unsigned fill(struct arena *arena, unsigned index, unsigned pools, int odd)
{
	char *memory =
		mmap(NULL, 2 * ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *first = (char *)(((uintptr_t)memory + POOL) & ~(uintptr_t)(POOL - 1));
	unsigned blocks = 0;

	arena->address = (uintptr_t)first - (odd ? 4096 : 0);
	arena->ntotalpools = odd ? POOLS - 1 : POOLS;
	if (pools > arena->ntotalpools)
		pools = arena->ntotalpools;
	arena->nfreepools = arena->ntotalpools - pools;
	arena->pool_address = first + pools * POOL;
	for (unsigned i = 0; i < pools; i++) {
		struct pool *pool = (struct pool *)(void *)(first + i * POOL);

		pool->count = i * 7 % 50;
		pool->arenaindex = index;
		pool->szidx = i % 32;
		pool->maxnextoffset = POOL - (pool->szidx + 1) * 16;
		blocks += pool->count;
	}
	return blocks;
}

/* Of n arenas. Before they count: until then nothing agrees. */
static void spoil(const char *kind, unsigned n)
{
	if (!strcmp(kind, "table"))
		*table = (struct arena *)4096;
	if (!strcmp(kind, "blocks"))
		((struct pool *)(void *)((*table)[1].pool_address - POOL))->count = 5000;
	if (!strcmp(kind, "large"))
		*max = 1u << 31;
#ifdef FAKE_PYTHON_12
	_PyRuntime.most = _PyRuntime.times = n + 1;
#endif
	__atomic_store_n(count, !strcmp(kind, "count") ? n + 1 : n, __ATOMIC_RELEASE);
}

static void tell(const char *folder, unsigned n, unsigned blocks)
{
	char new[512], ready[512];
	FILE *file;

	snprintf(new, sizeof(new), "%s/new", folder);
	snprintf(ready, sizeof(ready), "%s/ready", folder);
	file = fopen(new, "w");
	fprintf(file, "%u %u %u\n", n, n * ARENA, blocks);
	fclose(file);
	rename(new, ready);
}

int main(int argc, char **argv)
{
	const char *kind = argc == 4 ? argv[3] : "";
	unsigned n = argc >= 3 ? (unsigned)atoi(argv[2]) : ARENAS_MAX, blocks = 0;
	char go[512];

	if (n >= ARENAS_MAX)
		return 2;
	if (n > 0) {
		*max = ARENAS_MAX;
		*table = calloc(*max, sizeof(**table));
	}
	/* One in the middle has no memory. */
	for (unsigned i = 0; i < n; i++)
		blocks += fill(&(*table)[i + (i > 2)], i + (i > 2),
			       !strcmp(kind, "pools") ? POOLS : 5 + i, i % 2);
	spoil(kind, n);
	tell(argv[1], n, blocks);
	snprintf(go, sizeof(go), "%s/go", argv[1]);
	while (access(go, F_OK) != 0)
		usleep(10000);
	return 0;
}
