/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <sys/mman.h>
#include <time.h>

#include "preload/heap/areas.h"
#include "preload/heap/live.h"
#include "preload/heap/maps.h"
#include "preload/heap/ranges.h"
#include "preload/sys.h"

/* Anonymous mappings; only what is used of the room is ever there. */
#define AREAS_MAX 65536u
/* glibc's arenas begin at multiples of that: HEAP_MAX_SIZE in its malloc/arena.c. */
#define ARENA_ALIGN ((uint64_t)64 << 20)

enum kind { REST, HEAP, STACK };

/* So much mincore() looks at under the lock of the mappings: 16 MiB. */
#define PAGES_ONCE 4096u
/* What one call may take: 2.5 GiB. */
#define LOOK_NS 4000000u

struct area {
	uint64_t start, end;
	uint8_t kind;
};

static struct {
	size_t page;
	struct area *area; /* owned; by address */
	char *chunk;	   /* owned; MAPS_CHUNK bytes */
	uint32_t count;
	uint64_t guard_end; /* of the mapping before, where that was one that nobody may touch */
	bool is_looking;
	uint32_t next; /* area to be looked at, */
	uint64_t from; /* and from where on */
	int64_t sum[3];
} all;

_Static_assert(MAPS_CHUNK >= PAGES_ONCE, "a byte for each page");

static bool get_memory(void)
{
	long at;

	if (all.area)
		return true;
	at = sys_6(SYS_mmap, 0, AREAS_MAX * sizeof(struct area) + MAPS_CHUNK,
		   PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at < 0 && at > -4096)
		return false;
	/* A fork between the two leaves the child with neither. */
	all.chunk = (char *)at + AREAS_MAX * sizeof(struct area);
	__atomic_store_n(&all.area, (struct area *)at, __ATOMIC_RELEASE);
	return true;
}

static bool is_named(const struct maps_line *line, const char *name)
{
	size_t i = 0;

	while (i < line->path_len && name[i] && line->path[i] == name[i])
		i++;
	return i == line->path_len && !name[i];
}

/* "[anon:...]" is a name that the program gave: prctl(2), PR_SET_VMA. */
static bool is_anonymous(const struct maps_line *line)
{
	return (line->path_len == 0 || line->path[0] == '[') && line->perms[1] == 'w' &&
	       line->perms[3] == 'p';
}

static bool take_mapping(void *arg, const char *at, const char *end)
{
	struct maps_line line;
	struct area area;

	(void)arg;
	maps_split(at, end, &line);
	area = (struct area){line.start, line.end, REST};
	if (is_named(&line, "[heap]"))
		area.kind = HEAP;
	else if (is_named(&line, "[stack]") ||
		 (all.guard_end == area.start && area.start % ARENA_ALIGN))
		area.kind = STACK;
	all.guard_end = line.perms[0] == '-' && line.perms[1] == '-' ? area.end : 0;
	if (!is_anonymous(&line))
		return true;
	if (all.count == AREAS_MAX)
		return false;
	all.area[all.count++] = area;
	return true;
}

/* [guest] Of live_each(): a sampled block lies in it. */
static void mark_heap(uint64_t address)
{
	uint32_t i = RANGES_BEHIND(all.area, all.count, address);

	if (i < all.count && all.area[i].start <= address)
		all.area[i].kind = HEAP;
}

static bool begin(void)
{
	all.count = all.next = 0;
	all.from = all.guard_end = 0;
	for (unsigned kind = 0; kind < 3; kind++)
		all.sum[kind] = 0;
	if (!get_memory() || !maps_read("/proc/thread-self/maps", all.chunk, take_mapping, NULL))
		return false;
	live_each(mark_heap);
	return true;
}

/* mincore()'s bytes are 1 where the page is there; the bits above may come to mean something. */
static unsigned count_there(const char *pages, size_t count)
{
	unsigned there = 0;

	for (size_t i = 0; i < count; i++)
		there += (unsigned)pages[i] & 1;
	return there;
}

/* A part of the area. What was unmapped meanwhile holds nothing. False: it may not be asked. */
static bool look_at(const struct area *area)
{
	uint64_t from = all.from > area->start ? all.from : area->start;
	uint64_t pages = (area->end - from) / all.page;
	long ret;

	if (pages > PAGES_ONCE)
		pages = PAGES_ONCE;
	ret = sys_3(SYS_mincore, from, pages * all.page, all.chunk);
	if (ret == 0)
		all.sum[area->kind] += (int64_t)(count_there(all.chunk, pages) * all.page);
	all.from = from + pages * all.page;
	return ret == 0 || ret == -ENOMEM || ret == -EAGAIN;
}

void areas_init(size_t page)
{
	all.page = page;
}

enum areas_answer areas_look(struct areas *ret)
{
	uint64_t began = sys_clock_ns(CLOCK_THREAD_CPUTIME_ID);

	if (!all.is_looking)
		all.is_looking = begin();
	if (!all.is_looking)
		return AREAS_FAILED;
	while (all.next < all.count) {
		const struct area *area = &all.area[all.next];

		if (area->kind == REST || all.from >= area->end) {
			all.next++;
			continue;
		}
		if (sys_clock_ns(CLOCK_THREAD_CPUTIME_ID) - began > LOOK_NS)
			return AREAS_PART;
		all.is_looking = look_at(area);
		if (!all.is_looking)
			return AREAS_FAILED;
	}
	all.is_looking = false;
	*ret = (struct areas){all.sum[HEAP], all.sum[STACK]};
	return AREAS_WHOLE;
}

size_t areas_memory(void)
{
	return all.area ? all.count * sizeof(struct area) + MAPS_CHUNK : 0;
}
