/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/rootfile.h"
#include "collector/runtimes/go/elf.h"
#include "collector/runtimes/python/interpreter.h"

/* _PyRuntime of 3.12 has 460 KB. */
#define STATE_MAX (4u << 20)
/* 3.12; before, the variables stand by themselves, and later somewhere else. */
#define STATE_IN_RUNTIME 0x030cu

/* "libpython3.11.so.1.0", "libpython3.6m.so.1.0"; libpython3.so has nothing in it. */
bool interpreter_is_library(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && strncmp(name, "/libpython", 10) == 0 && isdigit((unsigned char)name[10]) &&
	       name[11] == '.' && isdigit((unsigned char)name[12]) && strstr(name, ".so");
}

/* Where it is mapped. */
static bool is_start(const struct maps_line *line)
{
	return line->offset == 0 && interpreter_is_library(line->path);
}

/* Between the addresses of a shared object as linked and as it is mapped, beginning at start. */
static int set_bias(const struct go_elf *elf, uint64_t start, struct go_memory *memory)
{
	for (size_t i = 0; i < elf->segments_count; i++)
		if (elf->segments[i].p_type == PT_LOAD) {
			memory->bias = start - (elf->segments[i].p_vaddr & ~(uint64_t)0xfff);
			return 0;
		}
	return -EBADMSG;
}

/* What is in Py_Version: 0x030b02f0 is 3.11.2; 0: it is not known. */
static unsigned read_version(const struct go_elf *elf, uint64_t address)
{
	uint64_t v;

	if (!address || go_elf_read(elf, address, &v, sizeof(v)) < 0 || v >> 24 != 3)
		return 0;
	return (unsigned)v;
}

/* a0, b0, c0 and more in the end is one before the release. */
static void name_by_version(unsigned v, char *ret)
{
	static const char *const levels[] = {"a", "b", "rc"};
	unsigned level = v >> 4 & 0xf;

	snprintf(ret, INTERPRETER_NAME_MAX, "CPython 3.%u.%u", v >> 16 & 0xff, v >> 8 & 0xff);
	if (level >= 0xa && level <= 0xc)
		snprintf(ret + strlen(ret), INTERPRETER_NAME_MAX - strlen(ret), "%s%u",
			 levels[level - 0xa], v & 0xf);
}

/* By "python3.10" in a file's name. */
static void name_by_file(const char *path, char *ret)
{
	const char *name = strrchr(path, '/');
	unsigned major, minor;

	name = name ? strstr(name, "python") : NULL;
	if (name && sscanf(name, "python%1u.%2u", &major, &minor) == 2)
		snprintf(ret, INTERPRETER_NAME_MAX, "CPython %u.%u", major, minor);
	else
		snprintf(ret, INTERPRETER_NAME_MAX, "CPython before 3.11");
}

static void find_places(const struct go_elf *elf, uint64_t bias, struct interpreter *ret)
{
	enum { ARENAS, MAX, COUNT, STATE, NAMES };
	struct go_elf_symbol names[NAMES] = {
		[ARENAS] = {.name = "arenas"},
		[MAX] = {.name = "maxarenas"},
		[COUNT] = {.name = "narenas_currently_allocated"},
		[STATE] = {.name = "obmalloc_state_main"},
	};

	if (go_elf_symbols(elf, names, NAMES) <= 0)
		return;
	if (names[ARENAS].size == 8 && names[MAX].size == 4 && names[COUNT].size == 8)
		ret->places = (struct obmalloc_places){names[ARENAS].address + bias,
						       names[MAX].address + bias,
						       names[COUNT].address + bias};
	if (names[STATE].size > 0 && names[STATE].size <= STATE_MAX) {
		ret->state = names[STATE].address + bias;
		ret->state_size = names[STATE].size;
	}
}

/* elf is the interpreter, or no CPython is in it; the process has mapped it with that bias. */
static int look(const struct go_elf *elf, const char *path, struct interpreter *ret)
{
	enum { FUNCTION, VERSION, RUNTIME, NAMES };
	struct go_elf_symbol names[NAMES] = {
		[FUNCTION] = {.name = "Py_GetVersion"},
		[VERSION] = {.name = "Py_Version"},
		[RUNTIME] = {.name = "_PyRuntime"},
	};

	unsigned version;

	if (go_elf_exports(elf, names, NAMES) <= 0 || !names[FUNCTION].address)
		return -ENOEXEC;
	version = read_version(elf, names[VERSION].address);
	if (version)
		name_by_version(version, ret->name);
	else
		name_by_file(path, ret->name);
	find_places(elf, ret->memory.bias, ret);
	/* The main interpreter, and its allocator, are in it. */
	if (!ret->state_size && version >> 16 == STATE_IN_RUNTIME &&
	    names[RUNTIME].size <= STATE_MAX) {
		ret->state = names[RUNTIME].address + ret->memory.bias;
		ret->state_size = names[RUNTIME].size;
	}
	return 0;
}

static int look_at_library(const struct runtime_target *target, const struct maps_line *library,
			   struct interpreter *ret)
{
	int fd = rootfile_open(target->dir, library->path, library->inode);
	struct go_elf elf;
	int err;

	if (fd < 0) {
		name_by_file(library->path, ret->name);
		return fd;
	}
	err = go_elf_open(fd, &elf);
	if (err == 0) {
		ret->memory.pid = target->pid;
		err = set_bias(&elf, library->start, &ret->memory);
		if (err == 0)
			err = look(&elf, library->path, ret);
		go_elf_close(&elf);
	}
	close(fd);
	return err;
}

/* The address that it is at is asked for only of an interpreter. */
static int look_at_program(const struct runtime_target *target, const struct go_elf *elf,
			   struct interpreter *ret)
{
	struct go_elf_symbol name = {.name = "Py_GetVersion"};
	char path[PATH_MAX];
	ssize_t n;
	int err;

	if (go_elf_exports(elf, &name, 1) <= 0)
		return -ENOEXEC;
	n = readlinkat(target->dir, "exe", path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	err = go_memory_open(target->pid, target->dir, elf->is_pie, elf->entry, &ret->memory);
	return err < 0 ? err : look(elf, path, ret);
}

static int find_program(const struct runtime_target *target, struct interpreter *ret)
{
	int fd = openat(target->dir, "exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct go_elf elf;
	int err;

	if (fd < 0)
		return -ENOEXEC;
	err = go_elf_open(fd, &elf) < 0 ? -ENOEXEC : 0;
	if (err == 0) {
		err = look_at_program(target, &elf, ret);
		go_elf_close(&elf);
	}
	close(fd);
	return err;
}

int interpreter_find(const struct runtime_target *target, struct interpreter *ret)
{
	const struct maps_line *library = maps_find(target->maps, is_start);

	*ret = (struct interpreter){.name = ""};
	return library ? look_at_library(target, library, ret) : find_program(target, ret);
}

bool interpreter_has_allocator(const struct interpreter *interpreter)
{
	return interpreter->places.arenas || interpreter->state_size;
}
