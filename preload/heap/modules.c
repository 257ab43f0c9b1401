/* SPDX-License-Identifier: ISC */
#include <elf.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "preload/heap/maps.h"
#include "preload/heap/modules.h"
#include "preload/heap/ranges.h"
#include "preload/sys.h"

/* Two lists of that many, and their texts; only what is used is ever there. */
#define MODULES_MAX 8192u
#define TEXT_MAX    (1u << 20)
#define ID_MAX	    HEAPWIRE_BUILD_ID_MAX

struct module {
	uint64_t start, end, offset, inode;
	uint32_t since;		 /* generation: it has been there at least as long */
	uint32_t path, path_len; /* in the list's text */
	uint32_t id_len;
	uint8_t id[ID_MAX];
};

struct list {
	uint32_t count;
	uint32_t text_len;
	struct module module[MODULES_MAX];
	char text[TEXT_MAX];
};

static struct {
	struct list *both; /* owned: two; NULL until the first reading */
	uint32_t current;  /* of them; a fork in the midst finds one that is whole */
	char *chunk;	   /* owned */
	uint32_t report;
} all;

/* NULL until the first reading. */
static struct list *list(void)
{
	return all.both ? &all.both[all.current] : NULL;
}

static bool get_memory(void)
{
	size_t size = 2 * sizeof(struct list) + MAPS_CHUNK;
	long at;

	if (all.both)
		return true;
	at = sys_6(SYS_mmap, 0, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at < 0 && at > -4096)
		return false;
	/* A fork between the two leaves the child with neither. */
	all.chunk = (char *)at + 2 * sizeof(struct list);
	__atomic_store_n(&all.both, (struct list *)at, __ATOMIC_RELEASE);
	return true;
}

/* " (deleted)" is not the path's. */
static size_t without_mark(const char *path, size_t len)
{
	static const char mark[] = " (deleted)";
	size_t n = sizeof(mark) - 1;

	if (len > n && __builtin_memcmp(path + len - n, mark, n) == 0)
		len -= n;
	return len < HEAPWIRE_PATH_MAX ? len : HEAPWIRE_PATH_MAX;
}

/* By the kernel, for what is mapped there may be unmapped meanwhile. */
static bool peek(uint64_t at, void *ret, size_t size)
{
	struct iovec own = {ret, size};
	struct iovec there = {(void *)(uintptr_t)at, size};

	return sys_6(SYS_process_vm_readv, sys_0(SYS_getpid), &own, 1, &there, 1, 0) == (long)size;
}

/* NT_GNU_BUILD_ID among the notes: elf(5). */
static uint32_t find_id(const uint8_t *notes, size_t len, uint8_t *ret)
{
	for (size_t at = 0; at + sizeof(Elf64_Nhdr) <= len;) {
		Elf64_Nhdr note;
		size_t name = at + sizeof(note);
		size_t desc, next;

		__builtin_memcpy(&note, notes + at, sizeof(note));
		desc = name + ((note.n_namesz + 3ul) & ~3ul);
		next = desc + ((note.n_descsz + 3ul) & ~3ul);
		if (next > len)
			return 0;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    note.n_descsz <= ID_MAX && __builtin_memcmp(notes + name, "GNU", 4) == 0) {
			__builtin_memcpy(ret, notes + desc, note.n_descsz);
			return note.n_descsz;
		}
		at = next;
	}
	return 0;
}

/* Linkers put headers and notes into a file's first page, which is mapped at base. */
static uint32_t read_id(uint64_t base, uint8_t *ret)
{
	uint8_t page[4096];
	Elf64_Ehdr head;
	uint32_t len = 0;

	if (!peek(base, page, sizeof(page)))
		return 0;
	__builtin_memcpy(&head, page, sizeof(head));
	if (__builtin_memcmp(head.e_ident, ELFMAG, SELFMAG) || head.e_ident[EI_CLASS] != ELFCLASS64)
		return 0;
	for (unsigned i = 0; i < head.e_phnum && len == 0; i++) {
		size_t at = head.e_phoff + i * sizeof(Elf64_Phdr);
		Elf64_Phdr phdr;

		if (head.e_phoff > sizeof(page) || at + sizeof(phdr) > sizeof(page))
			break;
		__builtin_memcpy(&phdr, page + at, sizeof(phdr));
		if (phdr.p_type == PT_NOTE && phdr.p_offset < sizeof(page) &&
		    phdr.p_filesz <= sizeof(page) - phdr.p_offset)
			len = find_id(page + phdr.p_offset, phdr.p_filesz, ret);
	}
	return len;
}

/* The first module that ends behind that address; NULL: none. */
static const struct module *behind(const struct list *list, uint64_t address)
{
	uint32_t i = RANGES_BEHIND(list->module, list->count, address);

	return i < list->count ? &list->module[i] : NULL;
}

static const struct module *same_in(const struct list *list, const struct list *now,
				    const struct module *module)
{
	const struct module *was = behind(list, module->start);

	if (!was || was->start != module->start || was->end != module->end ||
	    was->offset != module->offset || was->inode != module->inode ||
	    was->path_len != module->path_len ||
	    __builtin_memcmp(list->text + was->path, now->text + module->path, was->path_len))
		return NULL;
	return was;
}

/* What the mappings of one file share. */
struct file {
	uint64_t base; /* 0: its beginning is not mapped */
	uint32_t path, path_len;
};

static void add_module(struct list *to, const struct file *file, const struct maps_line *line,
		       uint32_t generation)
{
	struct module *module = &to->module[to->count];
	const struct module *was;

	if (to->count == MODULES_MAX)
		return;
	/* Between two reads of the file mappings come and go: one may be seen twice. */
	if (to->count > 0 && line->start < to->module[to->count - 1].end)
		return;
	*module = (struct module){
		.start = line->start,
		.end = line->end,
		.offset = line->offset,
		.inode = line->inode,
		.since = generation,
		.path = file->path,
		.path_len = file->path_len,
	};
	to->count++;
	was = same_in(list(), to, module);
	/* Where nothing was unloaded meanwhile it is the same one; else another may have its place. */
	if (was && was->since == generation) {
		module->id_len = was->id_len;
		__builtin_memcpy(module->id, was->id, ID_MAX);
		return;
	}
	if (file->base)
		module->id_len = read_id(file->base, module->id);
	if (was && was->id_len && was->id_len == module->id_len &&
	    __builtin_memcmp(was->id, module->id, was->id_len) == 0)
		module->since = was->since;
}

struct reading {
	struct list *to;
	struct file file; /* of the line before */
	uint32_t generation;
};

static bool take_line(void *arg, const char *at, const char *end)
{
	struct reading *reading = arg;
	struct list *to = reading->to;
	struct file *file = &reading->file;
	struct maps_line line;
	bool is_executable;
	size_t len;

	maps_split(at, end, &line);
	is_executable = line.perms[2] == 'x';
	if (line.path_len == 0 || (line.path[0] != '/' && (line.path[0] != '[' || !is_executable)))
		return true;
	len = without_mark(line.path, line.path_len);
	if (file->path_len != len || __builtin_memcmp(to->text + file->path, line.path, len)) {
		if (to->text_len + len > TEXT_MAX)
			return true;
		*file = (struct file){.path = to->text_len, .path_len = (uint32_t)len};
		__builtin_memcpy(to->text + to->text_len, line.path, len);
		to->text_len += (uint32_t)len;
	}
	if (line.offset == 0)
		file->base = line.start;
	if (is_executable)
		add_module(to, file, &line, reading->generation);
	return true;
}

static bool read_maps(struct list *to, uint32_t generation)
{
	struct reading reading = {.to = to, .generation = generation};

	to->count = to->text_len = 0;
	return maps_read("/proc/thread-self/maps", all.chunk, take_line, &reading);
}

static bool is_same(const struct list *a, const struct list *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!same_in(b, a, &a->module[i]) || a->module[i].since != b->module[i].since)
			return false;
	return true;
}

bool modules_read(uint32_t generation, uint32_t report)
{
	struct list *next;

	if (!get_memory())
		return false;
	next = &all.both[!all.current];
	if (!read_maps(next, generation))
		return false;
	all.report = report;
	__atomic_store_n(&all.current, !all.current, __ATOMIC_RELEASE);
	return !is_same(next, &all.both[!all.current]);
}

uint32_t modules_report(void)
{
	return all.report;
}

enum modules_answer modules_ask(const uint64_t *frame, unsigned count, uint32_t generation)
{
	enum modules_answer answer = MODULES_KNOWN;

	for (unsigned i = 0; i < count; i++) {
		const struct module *module = list() ? behind(list(), frame[i]) : NULL;

		if (!module || module->start > frame[i])
			return MODULES_UNKNOWN;
		if (module->since > generation)
			answer = MODULES_REPLACED;
	}
	return answer;
}

bool modules_get(uint32_t i, struct heapwire_module *ret)
{
	const struct module *module;

	if (!list() || i >= list()->count)
		return false;
	module = &list()->module[i];
	*ret = (struct heapwire_module){
		.start = module->start,
		.end = module->end,
		.offset = module->offset,
		.path = list()->text + module->path,
		.path_len = module->path_len,
		.build_id = module->id,
		.build_id_len = module->id_len,
		.inode = module->id_len ? 0 : module->inode,
	};
	return true;
}

size_t modules_memory(void)
{
	const struct list *now = list();

	/* What was used of both, at most. */
	return now ? 2 * (now->count * sizeof(struct module) + now->text_len) + MAPS_CHUNK : 0;
}
