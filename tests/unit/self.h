/* SPDX-License-Identifier: ISC */
/* This program's own file: its path, its build id, and where in it an address of ours is. */
#ifndef MSTAT_TESTS_SELF_H
#define MSTAT_TESTS_SELF_H

#include <elf.h>
#include <link.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static char self_path[4096];
static uint8_t self_build_id[64];
static size_t self_build_id_len; /* 0: it was linked without one */
static struct dl_phdr_info self_info;

static inline uint64_t self_offset(uint64_t address)
{
	for (unsigned i = 0; i < self_info.dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &self_info.dlpi_phdr[i];

		if (segment->p_type == PT_LOAD &&
		    address - self_info.dlpi_addr - segment->p_vaddr < segment->p_filesz)
			return address - self_info.dlpi_addr - segment->p_vaddr + segment->p_offset;
	}
	fail_msg("no segment has %lx", (unsigned long)address);
	return 0;
}

static inline void self_find_build_id(const uint8_t *note, size_t len)
{
	while (len >= sizeof(ElfW(Nhdr))) {
		ElfW(Nhdr) head;
		size_t all;

		memcpy(&head, note, sizeof(head));
		all = sizeof(head) + ((head.n_namesz + 3u) & ~3u) + ((head.n_descsz + 3u) & ~3u);
		if (all > len)
			return;
		if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 &&
		    head.n_descsz <= sizeof(self_build_id)) {
			self_build_id_len = head.n_descsz;
			memcpy(self_build_id, note + sizeof(head) + 4, self_build_id_len);
		}
		note += all;
		len -= all;
	}
}

/* The first that is told of is the program. */
static inline int self_take(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	self_info = *info;
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_NOTE)
			self_find_build_id(
				(const uint8_t *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
				info->dlpi_phdr[i].p_memsz);
	return 1;
}

static inline void self_open(void)
{
	assert_true(readlink("/proc/self/exe", self_path, sizeof(self_path) - 1) > 0);
	dl_iterate_phdr(self_take, NULL);
}

#endif
