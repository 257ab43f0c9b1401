/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collector/maps.h"
#include "collector/runtimelook.h"
#include "core/parse.h"
#include "core/tick.h"

/* Of /proc/PID/stat (proc_pid_stat(5)): its longest line, and where the stack begins. */
#define STAT_MAX   2048
#define WORD_STACK 28

#define READER_EXTERN(name) extern const struct runtime_reader runtime_##name;
#define READER_ENTRY(name)  &runtime_##name,
/* RUNTIME_LIST(X): X(NAME) for each file there is; by the Makefile. */
RUNTIME_LIST(READER_EXTERN)
const struct runtime_reader *const runtime_readers[] = {RUNTIME_LIST(READER_ENTRY)};
#define READERS (sizeof(runtime_readers) / sizeof(runtime_readers[0]))
const size_t runtime_readers_count = READERS;
static_assert(READERS <= RUNTIME_READERS_MAX, "there is room for all readers");

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * TICK_SECOND + (uint64_t)ts.tv_nsec;
}

int runtime_look_open(pid_t pid, struct runtime_look *ret)
{
	char path[32];

	*ret = (struct runtime_look){.target.pid = pid};
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	ret->target.dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return ret->target.dir < 0 ? -errno : 0;
}

static void detach(struct runtime_part *part, size_t i)
{
	if (part->stage == RUNTIME_READ)
		runtime_readers[i]->detach(part->state);
	part->stage = RUNTIME_OVER;
}

void runtime_look_close(struct runtime_look *look)
{
	for (size_t i = 0; i < READERS; i++)
		detach(&look->part[i], i);
	close(look->target.dir);
}

static bool has_stage(const struct runtime_look *look, enum runtime_stage stage)
{
	for (size_t i = 0; i < READERS; i++)
		if (look->part[i].stage == stage)
			return true;
	return false;
}

bool runtime_look_is_asking(const struct runtime_look *look)
{
	return has_stage(look, RUNTIME_ASKED);
}

bool runtime_look_is_reading(const struct runtime_look *look)
{
	return has_stage(look, RUNTIME_READ);
}

/* ---- which program it is --------------------------------------------------------------------- */

static bool read_file_of(int dir, struct runtime_image *image)
{
	struct stat st;

	if (fstatat(dir, "exe", &st, 0) < 0)
		return false;
	image->dev = st.st_dev;
	image->ino = st.st_ino;
	return true;
}

static bool read_image(int dir, struct runtime_image *ret)
{
	char text[STAT_MAX];
	int fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	if (n <= 0 || !read_file_of(dir, ret))
		return false;
	ret->stack = parse_word(text, (size_t)n, WORD_STACK);
	return true;
}

static bool is_same_file(const struct runtime_image *a, const struct runtime_image *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

/* Whether it is the program that was attached. */
static bool is_same(const struct runtime_look *look)
{
	struct runtime_image now;

	return read_image(look->target.dir, &now) && is_same_file(&now, &look->image) &&
	       now.stack == look->image.stack;
}

/* ---- a look ---------------------------------------------------------------------------------- */

static bool is_wanted(const char *path)
{
	for (size_t i = 0; i < READERS; i++)
		if (runtime_readers[i]->wants && runtime_readers[i]->wants(path))
			return true;
	return false;
}

/* err: why its mappings cannot be read, as nothing else of it can then. */
static void attach(struct runtime_look *look, size_t i, int err)
{
	struct runtime_part *part = &look->part[i];

	part->text[0] = '\0';
	part->err =
		err < 0 ? err : runtime_readers[i]->attach(&look->target, &part->state, part->text);
	if (part->err == -EAGAIN)
		return;
	/* That it was not up may have been told. */
	part->is_told = false;
	part->stage = part->err == 0 ? RUNTIME_READ : RUNTIME_OVER;
}

/* All readers that do not know yet. */
static void attach_all(struct runtime_look *look)
{
	struct maps maps;
	int err;

	if (!look->image.ino)
		read_image(look->target.dir, &look->image);
	err = maps_read(look->target.dir, is_wanted, &maps);
	/* One that has ended is none of our kind, as far as is known; that we have no descriptor left may pass. */
	if (err == -ESRCH)
		err = -ENOEXEC;
	else if (err < 0 && err != -EPERM && err != -EACCES)
		err = -EAGAIN;
	look->target.maps = &maps;
	for (size_t i = 0; i < READERS; i++)
		if (look->part[i].stage == RUNTIME_ASKED)
			attach(look, i, err);
	look->target.maps = NULL;
	maps_done(&maps);
}

static void read_one(struct runtime_look *look, size_t i)
{
	struct runtime_part *part = &look->part[i];

	part->err = runtime_readers[i]->read(part->state, &look->target, &look->rec);
	if (part->err == 0)
		return;
	record_drop(&look->rec, runtime_readers[i]->source, REASON_FAILED);
	if (part->err == -EAGAIN)
		return;
	detach(part, i);
	/* That is what was found: it does not say why it is over. */
	part->text[0] = '\0';
}

/* What was read may be another program's, of which nobody has told, or another process's. */
static void check(struct runtime_look *look)
{
	struct runtime_image now;
	bool is_there = read_file_of(look->target.dir, &now);

	look->is_other = is_there && !is_same_file(&now, &look->image);
	if (is_there)
		return;
	for (size_t i = 0; i < READERS; i++)
		record_drop(&look->rec, runtime_readers[i]->source, REASON_FAILED);
}

void runtime_look(struct runtime_look *look)
{
	uint64_t before = cpu_ns();

	look->is_other = look->doubts && look->image.ino && !is_same(look);
	look->doubts = false;
	if (look->is_other)
		return;
	if (look->asks)
		attach_all(look);
	for (size_t i = 0; i < READERS; i++)
		if (look->part[i].stage == RUNTIME_READ)
			read_one(look, i);
	check(look);
	look->cost_ns = look->asks ? 0 : cpu_ns() - before;
}
