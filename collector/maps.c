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

static bool parse_maps_line(char *text, struct maps_line *ret)
{
	int path = 0;

	if (sscanf(text, "%lx-%lx %4s %lx %*x:%*x %lu %n", &ret->start, &ret->end, ret->perms,
		   &ret->offset, &ret->inode, &path) != 5 ||
	    !path)
		return false;
	ret->path = text + path;
	return true;
}

int maps_read(int dir, bool (*on_line)(void *arg, const struct maps_line *line), void *arg)
{
	int fd = openat(dir, "maps", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char text[LINE_MAX_BYTES];
	struct maps_line line;
	int err = file ? 0 : -errno;

	if (!file) {
		if (fd >= 0)
			close(fd);
		return err == -ENOENT ? -ESRCH : err;
	}
	while (fgets(text, sizeof(text), file)) {
		text[strcspn(text, "\n")] = '\0';
		if (parse_maps_line(text, &line) && !on_line(arg, &line))
			break;
	}
	err = ferror(file) ? -errno : 0;
	fclose(file);
	return err;
}
