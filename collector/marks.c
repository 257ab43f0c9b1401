/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/marks.h"

#define SECOND_NS 1000000000u
#define READ_SIZE 16384

/* To whom a line is told. */
struct reading {
	struct marks *marks;
	marks_sink *sink;
	void *arg;
};

void marks_init(struct marks *marks)
{
	*marks = (struct marks){.fd = -1, .path = "/dev/null"};
}

int marks_open(struct marks *marks, const char *socket_path)
{
	int err;

	marks_init(marks);
	snprintf(marks->path, sizeof(marks->path), "%s" MARKS_SUFFIX, socket_path);
	marks->fd = open(marks->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	err = marks->fd < 0 ? -errno : 0;
	/* Any user in the tree may append. Who does not know the path, of 128 random bits, may not. */
	if (err == 0 && fchmod(marks->fd, 0622) < 0)
		err = -errno;
	if (err < 0)
		marks_close(marks);
	return err;
}

static bool may_tell(struct marks *marks)
{
	if (marks->told >= MARKS_IN_RUN || marks->in_second >= MARKS_IN_SECOND)
		return false;
	marks->in_second++;
	marks->told++;
	return true;
}

static void end_line(struct reading *r)
{
	struct marks *marks = r->marks;

	if (!marks->in_gap) {
		marks->count++;
		if (may_tell(marks))
			r->sink(r->arg, marks->count, marks->line, marks->line_len);
	}
	marks->in_gap = marks->in_line = false;
	marks->line_len = 0;
}

static void add_text(struct marks *marks, const char *text, size_t len)
{
	size_t room = sizeof(marks->line) - marks->line_len;

	memcpy(marks->line + marks->line_len, text, len < room ? len : room);
	marks->line_len += len < room ? len : room;
	marks->in_line = true;
}

static void take_bytes(struct reading *r, const char *p, size_t len)
{
	while (len) {
		const char *end = memchr(p, '\n', len);
		size_t n = end ? (size_t)(end - p) : len;

		add_text(r->marks, p, n);
		if (!end)
			return;
		end_line(r);
		p += n + 1;
		len -= n + 1;
	}
}

/* Remembers the last bytes of what was read. */
static void keep_tail(struct marks *marks, const char *p, size_t len)
{
	size_t size = sizeof(marks->tail);
	size_t old;

	if (len > size) {
		p += len - size;
		len = size;
	}
	old = marks->tail_len < size - len ? marks->tail_len : size - len;
	memmove(marks->tail, marks->tail + marks->tail_len - old, old);
	memcpy(marks->tail + old, p, len);
	marks->tail_len = old + len;
}

static ssize_t read_at(const struct marks *marks, char *buf, size_t len, uint64_t offset)
{
	ssize_t n;

	do
		n = pread(marks->fd, buf, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n;
}

/* `>` in place of `>>` is an easy mistake, and harms nobody. */
static bool is_written_anew(const struct marks *marks, uint64_t size)
{
	char now[sizeof(marks->tail)];

	if (size < marks->offset)
		return true;
	return read_at(marks, now, marks->tail_len, marks->offset - marks->tail_len) !=
		       (ssize_t)marks->tail_len ||
	       memcmp(now, marks->tail, marks->tail_len) != 0;
}

static void restart(struct reading *r)
{
	/* It will not get an end any more. */
	if (r->marks->in_line)
		end_line(r);
	r->marks->offset = 0;
	r->marks->tail_len = 0;
}

/* What is too much to be read is passed over, to the end: no mark shall come late for it. */
static void pass_over(struct marks *marks, uint64_t size)
{
	if (marks->offset >= size)
		return;
	marks->passed += size - marks->offset;
	marks->offset = size;
	marks->tail_len = 0;
	marks->line_len = 0;
	marks->in_line = marks->in_gap = true;
}

static void read_to(struct reading *r, uint64_t size)
{
	struct marks *marks = r->marks;
	uint64_t until =
		size - marks->offset > MARKS_READ_MAX ? marks->offset + MARKS_READ_MAX : size;
	char buf[READ_SIZE];

	while (marks->offset < until) {
		uint64_t left = until - marks->offset;
		ssize_t n =
			read_at(marks, buf, left < sizeof(buf) ? left : sizeof(buf), marks->offset);

		if (n <= 0)
			return;
		take_bytes(r, buf, (size_t)n);
		keep_tail(marks, buf, (size_t)n);
		marks->offset += (uint64_t)n;
	}
	pass_over(marks, size);
}

void marks_read(struct marks *marks, uint64_t now_ns, bool is_last, marks_sink *sink, void *arg)
{
	struct reading r = {marks, sink, arg};
	struct stat st;

	if (now_ns - marks->second_ns >= SECOND_NS) {
		marks->second_ns = now_ns;
		marks->in_second = 0;
	}
	if (marks->fd < 0 || fstat(marks->fd, &st) < 0)
		return;
	if ((uint64_t)st.st_size != marks->offset ||
	    memcmp(&st.st_mtim, &marks->changed, sizeof(st.st_mtim)) != 0) {
		marks->changed = st.st_mtim;
		if (is_written_anew(marks, (uint64_t)st.st_size))
			restart(&r);
		read_to(&r, (uint64_t)st.st_size);
	}
	if (is_last && marks->in_line)
		end_line(&r);
}

uint64_t marks_untold(const struct marks *marks)
{
	return marks->count - marks->told;
}

void marks_close(struct marks *marks)
{
	if (marks->fd >= 0) {
		unlink(marks->path);
		close(marks->fd);
	}
	marks_init(marks);
}
