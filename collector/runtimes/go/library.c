/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/maps.h"
#include "collector/rootfile.h"
#include "collector/runtimes/go/library.h"
#include "collector/runtimes/go/version.h"
#include "collector/runtimes/runtime.h"

/*
 * Go's heap has arenas of this size, at multiples of it, and asks for the first one below that address (at
 * 0xc000000000, since 1.26 anywhere): far below where the kernel puts programs and libraries by itself.
 */
#define ARENA_SIZE ((uint64_t)64 << 20)
#define ARENA_END  ((uint64_t)1 << 46)
/* What the program has loaded; more is not looked at. */
#define FILES_MAX 256

struct search {
	int dir;	/* borrowed */
	char *text;	/* borrowed */
	uint64_t inode; /* of the file that was looked at last */
	unsigned files;
	bool is_found;
};

/* Mappings come by their addresses: of most programs it is the first line that ends this. */
static bool on_arena(void *arg, const struct maps_line *line)
{
	bool *ret = arg;

	*ret = line->start > 0 && line->start < ARENA_END && line->start % ARENA_SIZE == 0 &&
	       line->inode == 0;
	return !*ret && line->start < ARENA_END;
}

/* It is shown to people, and may be anything. */
static void tell(const char *path, const char *version, char *text)
{
	snprintf(text, RUNTIME_TEXT_MAX,
		 "%s in a shared library, %.40s: only programs of Go are read",
		 version[0] ? version : "Go", strrchr(path, '/') + 1);
	for (; *text; text++)
		if (!isprint((unsigned char)*text))
			*text = '?';
}

static void look(struct search *s, const char *path, uint64_t inode)
{
	char version[GO_VERSION_MAX];
	int fd = rootfile_open(s->dir, path, inode);
	struct go_elf elf;
	unsigned minor;

	if (fd < 0)
		return;
	if (go_elf_open(fd, &elf) == 0) {
		s->is_found = go_version_is_go(&elf);
		go_version_read(&elf, version, &minor);
		if (s->is_found)
			tell(path, version, s->text);
		go_elf_close(&elf);
	}
	close(fd);
}

static bool on_file(void *arg, const struct maps_line *line)
{
	struct search *s = arg;

	if (line->perms[2] != 'x' || line->path[0] != '/' || line->inode == s->inode)
		return true;
	s->inode = line->inode;
	look(s, line->path, line->inode);
	return !s->is_found && ++s->files < FILES_MAX;
}

int go_library_find(int dir, char *text)
{
	struct search s = {.dir = dir, .text = text};
	bool has_arena = false;

	if (maps_walk(dir, on_arena, &has_arena) < 0 || !has_arena ||
	    maps_walk(dir, on_file, &s) < 0)
		return -ENOENT;
	return s.is_found ? 0 : -ENOENT;
}
