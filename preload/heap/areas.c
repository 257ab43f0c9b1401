/* SPDX-License-Identifier: ISC */
#include <sys/mman.h>

#include "core/parse.h"
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

struct area {
	uint64_t start, end;
	uint32_t rss_kib;
	uint8_t kind;
};

static struct {
	struct area *area; /* owned; by address */
	char *chunk;	   /* owned */
	uint32_t count;
	bool is_in;	    /* the lines are of the last area */
	uint64_t guard_end; /* of the mapping before, where that was one that nobody may touch */
} all;

static bool get_memory(void)
{
	long at;

	if (all.area)
		return true;
	at = sys_6(SYS_mmap, 0, AREAS_MAX * sizeof(struct area) + MAPS_CHUNK,
		   PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at < 0 && at > -4096)
		return false;
	all.area = (struct area *)at;
	all.chunk = (char *)(all.area + AREAS_MAX);
	return true;
}

static bool is_named(const struct maps_line *line, const char *name)
{
	size_t i = 0;

	while (i < line->path_len && name[i] && line->path[i] == name[i])
		i++;
	return i == line->path_len && !name[i];
}

static bool take_mapping(const char *at, const char *end)
{
	struct maps_line line;
	struct area area;

	maps_split(at, end, &line);
	area = (struct area){line.start, line.end, 0, REST};
	/* "[anon:...]" is a name that the program gave: prctl(2), PR_SET_VMA. */
	all.is_in = (line.path_len == 0 || line.path[0] == '[') && line.perms[1] == 'w' &&
		    line.perms[3] == 'p';
	if (is_named(&line, "[heap]"))
		area.kind = HEAP;
	else if (is_named(&line, "[stack]") ||
		 (all.guard_end == area.start && area.start % ARENA_ALIGN))
		area.kind = STACK;
	if (all.is_in && all.count == AREAS_MAX)
		return false;
	if (all.is_in)
		all.area[all.count++] = area;
	all.guard_end = line.perms[0] == '-' && line.perms[1] == '-' ? area.end : 0;
	return true;
}

static bool take_line(void *arg, const char *at, const char *end)
{
	size_t len;
	const char *value;

	(void)arg;
	if (at < end && (*at < 'A' || *at > 'Z'))
		return take_mapping(at, end);
	value = all.is_in && *at == 'A' ? parse_line(at, (size_t)(end - at), "Anonymous", &len)
					: NULL;
	if (value)
		all.area[all.count - 1].rss_kib = (uint32_t)parse_number(value, len, NULL);
	return true;
}

static bool read_all(void)
{
	all.count = 0;
	all.is_in = false;
	all.guard_end = 0;
	return maps_read("/proc/thread-self/smaps", all.chunk, take_line, NULL);
}

/* [guest] Of live_each(): a sampled block lies in it. */
static void mark_heap(uint64_t address)
{
	uint32_t i = RANGES_BEHIND(all.area, all.count, address);

	if (i < all.count && all.area[i].start <= address)
		all.area[i].kind = HEAP;
}

bool areas_read(struct areas *ret)
{
	int64_t sum[3] = {0};

	if (!get_memory() || !read_all())
		return false;
	live_each(mark_heap);
	for (uint32_t i = 0; i < all.count; i++)
		sum[all.area[i].kind] += (int64_t)all.area[i].rss_kib * 1024;
	*ret = (struct areas){sum[HEAP], sum[STACK]};
	return true;
}

size_t areas_memory(void)
{
	return all.area ? all.count * sizeof(struct area) + MAPS_CHUNK : 0;
}
