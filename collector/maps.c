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

/* Takes most of the time that a line takes: for what is wanted only. */
static int take_line(const char *text, const char *path, struct maps *ret)
{
	struct maps_line *line = &ret->line[ret->count];

	if (sscanf(text, "%lx-%lx %4s %lx %*x:%*x %lu", &line->start, &line->end, line->perms,
		   &line->offset, &line->inode) != 5)
		return 0;
	line->path = strdup(path);
	if (!line->path)
		return -ENOMEM;
	ret->count++;
	return 0;
}

static int read_lines(FILE *file, bool (*is_wanted)(const char *path), struct maps *ret)
{
	char text[LINE_MAX_BYTES];
	int err = 0;

	while (err == 0 && fgets(text, sizeof(text), file)) {
		const char *path = strchr(text, '/');

		text[strcspn(text, "\n")] = '\0';
		if (path && ret->count < MAPS_MAX && is_wanted(path))
			err = take_line(text, path, ret);
	}
	return err == 0 && ferror(file) ? -errno : err;
}

int maps_read(int dir, bool (*is_wanted)(const char *path), struct maps *ret)
{
	int fd = openat(dir, "maps", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char room[READ_BYTES];
	int err = file ? 0 : -errno;

	ret->count = 0;
	if (!file) {
		if (fd >= 0)
			close(fd);
		return err == -ENOENT ? -ESRCH : err;
	}
	setvbuf(file, room, _IOFBF, sizeof(room));
	err = read_lines(file, is_wanted, ret);
	fclose(file);
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
