/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/maps.h"

/* The longest path, and the numbers before it. */
#define LINE_MAX_BYTES 4352
/* The kernel hands out a page at a time; stdio would ask for a quarter of that. */
#define READ_BYTES 4096

/* Calls for each line's text until something is wrong, or the end is wanted (1). */
static int read_lines(int dir, int (*on_text)(void *arg, const char *text, char *path), void *arg)
{
	int fd = openat(dir, "maps", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char room[READ_BYTES], text[LINE_MAX_BYTES];
	int err = file ? 0 : -errno;

	if (!file) {
		if (fd >= 0)
			close(fd);
		return err == -ENOENT ? -ESRCH : err;
	}
	setvbuf(file, room, _IOFBF, sizeof(room));
	while (err == 0 && fgets(text, sizeof(text), file)) {
		size_t len = strcspn(text, "\n");
		char *path = strchr(text, '/');

		text[len] = '\0';
		err = on_text(arg, text, path ? path : text + len);
	}
	if (err == 0 && ferror(file))
		err = -errno;
	fclose(file);
	return err < 0 ? err : 0;
}

/* Takes most of the time that a line takes: for what is wanted only. */
static bool parse_numbers(const char *text, struct maps_line *ret)
{
	return sscanf(text, "%lx-%lx %4s %lx %*x:%*x %lu", &ret->start, &ret->end, ret->perms,
		      &ret->offset, &ret->inode) == 5;
}

struct walk {
	bool (*on_line)(void *arg, const struct maps_line *line);
	void *arg;
};

static int walk_text(void *arg, const char *text, char *path)
{
	const struct walk *walk = arg;
	struct maps_line line = {.path = path};

	return parse_numbers(text, &line) && !walk->on_line(walk->arg, &line);
}

int maps_walk(int dir, bool (*on_line)(void *arg, const struct maps_line *line), void *arg)
{
	struct walk walk = {on_line, arg};

	return read_lines(dir, walk_text, &walk);
}

struct wish {
	bool (*is_wanted)(const char *path);
	struct maps *ret;
};

static int keep_text(void *arg, const char *text, char *path)
{
	const struct wish *wish = arg;
	struct maps *ret = wish->ret;
	struct maps_line *line = &ret->line[ret->count];

	if (ret->count == MAPS_MAX)
		return 1;
	if (!*path || !wish->is_wanted(path) || !parse_numbers(text, line))
		return 0;
	line->path = strdup(path);
	if (!line->path)
		return -ENOMEM;
	ret->count++;
	return 0;
}

int maps_read(int dir, bool (*is_wanted)(const char *path), struct maps *ret)
{
	struct wish wish = {is_wanted, ret};
	int err;

	ret->count = 0;
	err = read_lines(dir, keep_text, &wish);
	if (err < 0)
		maps_done(ret);
	return err;
}

void maps_done(struct maps *maps)
{
	while (maps->count)
		free(maps->line[--maps->count].path);
}

const struct maps_line *maps_find(const struct maps *maps,
				  bool (*is_it)(const struct maps_line *line))
{
	for (size_t i = 0; i < maps->count; i++)
		if (is_it(&maps->line[i]))
			return &maps->line[i];
	return NULL;
}
