/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collector/runtimes/go/image.h"
#include "collector/runtimes/go/memstats.h"
#include "collector/runtimes/runtime.h"
#include "core/parse.h"
#include "tools/getgo.h"
#include "tools/gomemstats.h"

/* A program that has just begun, or whose numbers move while they are read, is asked again. */
#define TRIES	 200
#define PAUSE_NS 5000000

int getgo_fail(struct getgo *go, int err, const char *what)
{
	if (err == -EPERM || err == -EACCES)
		snprintf(go->why, sizeof(go->why),
			 "%s may not be read: that takes the same user, or root", what);
	else if (err == -ESRCH || err == -ENOENT)
		snprintf(go->why, sizeof(go->why), "it is gone");
	else if (err == -EAGAIN)
		snprintf(go->why, sizeof(go->why),
			 "its runtime is not up yet, or moves too fast: again later");
	else
		snprintf(go->why, sizeof(go->why), "%s cannot be read: %s", what, strerror(-err));
	return err;
}

int getgo_open(pid_t pid, struct getgo *ret)
{
	char path[32], text[RUNTIME_TEXT_MAX] = "";
	int err;

	*ret = (struct getgo){.exe = -1};
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	ret->dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ret->dir < 0)
		return getgo_fail(ret, -errno, "it");
	ret->exe = openat(ret->dir, "exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (ret->exe < 0)
		return getgo_fail(ret, -errno, "its program");
	err = go_image_open(ret->exe, &ret->image, text);
	if (err == -ENOEXEC)
		snprintf(ret->why, sizeof(ret->why), "it is not a Go program");
	else if (err < 0)
		snprintf(ret->why, sizeof(ret->why), "%s", text);
	if (err < 0)
		return err;
	err = go_memory_open(pid, ret->dir, ret->image->is_pie, ret->image->entry, &ret->memory);
	return err < 0 ? getgo_fail(ret, err, "its memory") : 0;
}

static void pause_a_moment(void)
{
	nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
}

static uint64_t read_peak(const struct getgo *go)
{
	char text[16384];
	int fd = openat(go->dir, "status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));
	size_t len = 0;
	const char *line = parse_line(text, n > 0 ? (size_t)n : 0, "VmHWM", &len);

	if (fd >= 0)
		close(fd);
	return line ? (uint64_t)parse_number(line, len, NULL) * 1024 : 0;
}

int getgo_print_memstats(struct getgo *go, FILE *out, bool json)
{
	struct go_memstats *stats = malloc(sizeof(*stats));
	int err = stats ? -EAGAIN : -ENOMEM;

	for (unsigned i = 0; err == -EAGAIN && i < TRIES; i++) {
		if (i)
			pause_a_moment();
		err = go_memstats_read(&go->image->layout, go->image->minor, &go->memory, stats);
	}
	if (err == 0 && json)
		gomemstats_print_json(out, stats);
	else if (err == 0)
		gomemstats_print(out, stats, read_peak(go));
	free(stats);
	return err < 0 ? getgo_fail(go, err, "its runtime") : 0;
}

void getgo_close(struct getgo *go)
{
	if (go->image)
		go_image_close(go->image);
	if (go->exe >= 0)
		close(go->exe);
	if (go->dir >= 0)
		close(go->dir);
}
