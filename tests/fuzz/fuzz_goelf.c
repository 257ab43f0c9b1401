/* SPDX-License-Identifier: ISC */
/* A program's file, as recognising Go and its debugging information read it: any bytes. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/runtimes/go/dwarf.h"
#include "collector/runtimes/go/memstats.h"
#include "collector/runtimes/go/stripped.h"
#include "collector/runtimes/go/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is there must be enough to reckon with. */
static void reckon(const struct go_layout *layout, const uint8_t *data, size_t size)
{
	static struct go_memstats stats;
	static struct go_raw raw;

	if (go_memstats_missing(layout))
		return;
	memset(&raw, 0, sizeof(raw));
	memcpy(raw.mstats, data, size < sizeof(raw.mstats) ? size : sizeof(raw.mstats));
	memcpy(raw.controller, data, size < sizeof(raw.controller) ? size : sizeof(raw.controller));
	go_memstats_reckon(layout, (unsigned)size, &raw, &stats);
	if (stats.by_size_count > GO_CLASSES_MAX)
		__builtin_trap();
}

static void look(const struct go_elf *elf, const uint8_t *data, size_t size)
{
	struct go_elf_symbol symbols[] = {{"runtime.memstats", 0, 0}, {"runtime.allp", 0, 0}};
	char version[GO_VERSION_MAX];
	struct go_layout layout;
	uint64_t word;
	unsigned minor;

	go_version_is_go(elf);
	memset(version, 'x', sizeof(version));
	go_version_read(elf, version, &minor);
	if (strlen(version) >= GO_VERSION_MAX)
		__builtin_trap();
	go_elf_symbols(elf, symbols, 2);
	go_elf_read(elf, elf->entry, &word, sizeof(word));
	if (go_dwarf_layout(elf, &layout) == 0)
		reckon(&layout, data, size);
	if (go_stripped_by_symbols(elf, 24, &layout) == 0)
		reckon(&layout, data, size);
	if (go_stripped_by_code(elf, minor, &layout, &minor) == 0)
		reckon(&layout, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct go_elf elf;

	if (fd < 0)
		fd = memfd_create("program", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	if (go_elf_open(fd, &elf) < 0)
		return 0;
	look(&elf, data, size);
	go_elf_close(&elf);
	return 0;
}
