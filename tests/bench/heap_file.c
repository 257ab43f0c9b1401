/* SPDX-License-Identifier: ISC */
/*
 * heap_file OUT STACKS MESSAGES PROGRAM LIBRARY: writes a run file as a long run with mstat -heap leaves
 * it, of a process that has PROGRAM and LIBRARY mapped: so many different stacks of real addresses in
 * them, and so many times that something has changed of one. For measuring what it takes to decode it.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/runfile.h"
#include "core/heapwire.h"

#define FREQ	 10
#define INTERVAL (512 << 10)
#define CALLS	 10000 /* different return addresses */
#define DEPTH	 40
/* How many changes one tick brings. */
#define CHANGES 500

struct module {
	const char *path;
	uint64_t start, size, offset;
	uint8_t build_id[HEAPWIRE_BUILD_ID_MAX];
	size_t build_id_len;
};

static uint64_t seed = 1;

static uint64_t below(uint64_t n)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (seed >> 33) % n;
}

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static void find_build_id(struct module *module, const uint8_t *note, size_t len)
{
	while (len >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr head;
		size_t name, desc;

		memcpy(&head, note, sizeof(head));
		name = (head.n_namesz + 3u) & ~3u;
		desc = (head.n_descsz + 3u) & ~3u;
		if (sizeof(head) + name + desc > len)
			return;
		if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 &&
		    head.n_descsz <= sizeof(module->build_id)) {
			memcpy(module->build_id, note + sizeof(head) + name, head.n_descsz);
			module->build_id_len = head.n_descsz;
		}
		note += sizeof(head) + name + desc;
		len -= sizeof(head) + name + desc;
	}
}

static void open_module(struct module *module, const char *path, uint64_t base)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat;
	const uint8_t *map;
	Elf64_Ehdr head;

	if (fd < 0 || fstat(fd, &stat) < 0)
		die(path);
	map = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		die(path);
	memcpy(&head, map, sizeof(head));
	module->path = path;
	for (unsigned i = 0; i < head.e_phnum; i++) {
		Elf64_Phdr segment;

		memcpy(&segment, map + head.e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_type == PT_NOTE)
			find_build_id(module, map + segment.p_offset, segment.p_filesz);
		if (segment.p_type == PT_LOAD && segment.p_flags & PF_X) {
			module->start = base + segment.p_vaddr;
			module->size = segment.p_filesz;
			module->offset = segment.p_offset;
		}
	}
	close(fd);
}

static uint8_t message[WIRE_MESSAGE_MAX];
static struct bytes_out out;
static struct runfile *file;

static void begin(void)
{
	out = (struct bytes_out){.p = message, .end = message + sizeof(message)};
}

static void send(void)
{
	runfile_heap(file, 1, (enum wire_kind)message[0], message + 1,
		     (size_t)(out.p - message) - 1);
}

static void put_modules(const struct module *modules)
{
	struct heapwire_modules head = {.flags = HEAPWIRE_RESTART, .interval = INTERVAL};
	struct heapwire_out to;

	begin();
	heapwire_begin_modules(&to, &out, WIRE_MODULES, &head);
	for (int i = 0; i < 2; i++)
		heapwire_put_module(
			&to, &(struct heapwire_module){.start = modules[i].start,
						       .end = modules[i].start + modules[i].size,
						       .offset = modules[i].offset,
						       .path = modules[i].path,
						       .path_len = strlen(modules[i].path),
						       .build_id = modules[i].build_id,
						       .build_id_len = modules[i].build_id_len});
	send();
}

/* Each has some of its outer frames from the one before, as stacks of one program do. */
static void put_stacks(const struct module *modules, unsigned stacks)
{
	static uint64_t call[CALLS];
	static struct heapwire_stack stack;
	struct heapwire_out to;

	for (unsigned i = 0; i < CALLS; i++) {
		const struct module *module = &modules[i % 8 == 0];

		call[i] = module->start + 1 + below(module->size);
	}
	begin();
	heapwire_begin_stacks(&to, &out, 0);
	for (unsigned i = 0; i < stacks; i++) {
		unsigned keep = stack.count ? (unsigned)below(stack.count) : 0;
		unsigned count = keep + 1 + (unsigned)below(DEPTH - keep);

		memmove(stack.frame + count - keep, stack.frame + stack.count - keep,
			keep * sizeof(*stack.frame));
		for (unsigned k = 0; k < count - keep; k++)
			stack.frame[k] = call[below(CALLS)];
		stack.count = count;
		if (heapwire_put_stack(&to, &stack))
			continue;
		send();
		begin();
		heapwire_begin_stacks(&to, &out, i);
		heapwire_put_stack(&to, &stack);
	}
	send();
}

static void put_changes(unsigned stacks, unsigned changes)
{
	struct heapwire_out to;

	for (unsigned i = 0; i < changes;) {
		begin();
		heapwire_begin_heap(&to, &out, i / CHANGES, 0);
		for (; i < changes; i++) {
			int64_t bytes = (int64_t)below(1 << 20) + 1;
			struct heapwire_sums change = {.blocks = HEAPWIRE_BLOCK,
						       .bytes = bytes,
						       .live_blocks = HEAPWIRE_BLOCK,
						       .live_bytes = bytes,
						       .live_variance = HEAPWIRE_VARIANCE / 4};

			if (!heapwire_put_sums(&to, below(stacks), &change))
				break;
			if (i % CHANGES == CHANGES - 1) {
				i++;
				break;
			}
		}
		send();
	}
}

int main(int argc, char **argv)
{
	struct rows_process process = {
		.id = 1, .pid = 4242, .ppid = 1, .comm = "heap_file", .comm_len = 9, .samples = 1};
	struct module modules[2] = {0};
	struct record summary;
	unsigned stacks, changes;
	int fd;

	if (argc != 6)
		return 2;
	stacks = (unsigned)atoi(argv[2]);
	changes = (unsigned)atoi(argv[3]);
	open_module(&modules[0], argv[4], 0x555555554000);
	open_module(&modules[1], argv[5], 0x7ffff7c00000);
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || runfile_new(fd, &file) < 0)
		die(argv[1]);
	runfile_info(file, "freq", "10", 2);
	runfile_info(file, "start_monotonic_ns", "0", 1);
	runfile_begin(file);
	process.exe = argv[4];
	process.exe_len = strlen(argv[4]);
	runfile_process(file, &process);
	put_modules(modules);
	put_stacks(modules, stacks);
	put_changes(stacks, changes);
	record_init(&summary);
	summary.reason[field_table[FIELD_PEAK_TIME].source] = REASON_OK;
	record_set(&summary, FIELD_PEAK_TIME, (int64_t)(changes / CHANGES) * 1000000000 / FREQ);
	runfile_summary(file, &summary);
	runfile_finish(file);
	if (runfile_error(file) < 0)
		die(argv[1]);
	runfile_free(file);
	return close(fd) < 0;
}
