/* SPDX-License-Identifier: ISC */
/*
 * The file of marks, in which the program writes what it likes: pieces, each after its length and a byte
 * that says how it is written. Where all is appended, each line must be told once, in whatever pieces.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/marks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX 4096

enum how {
	APPEND,
	APPEND_UNREAD, /* and it is not read before the next piece is there */
	WRITE_ANEW,
	OVERWRITE,
	HOWS,
};

struct told {
	uint64_t count;
	bool is_appended; /* all of it */
	char text[TEXT_MAX];
	size_t len, at; /* at: where the next line begins */
};

static void on_mark(void *arg, uint64_t number, const char *text, size_t len)
{
	struct told *told = arg;
	const char *line = told->text + told->at, *end;
	size_t want;

	if (number <= told->count || len > MARKS_TEXT_MAX || memchr(text, '\n', len))
		__builtin_trap();
	/* Of very many, some are not told. */
	told->is_appended = told->is_appended && number == told->count + 1;
	told->count = number;
	if (!told->is_appended)
		return;
	if (told->at >= told->len)
		__builtin_trap();
	end = memchr(line, '\n', told->len - told->at);
	want = end ? (size_t)(end - line) : told->len - told->at;
	told->at += want + 1;
	if (len != (want < MARKS_TEXT_MAX ? want : MARKS_TEXT_MAX) || memcmp(text, line, len))
		__builtin_trap();
}

static void write_piece(int fd, enum how how, const uint8_t *piece, size_t len)
{
	if (how == WRITE_ANEW && ftruncate(fd, 0) < 0)
		abort();
	if (lseek(fd, 0, how == OVERWRITE ? SEEK_SET : SEEK_END) < 0 ||
	    write(fd, piece, len) != (ssize_t)len)
		abort();
}

static void play(struct marks *marks, const uint8_t *data, size_t size, struct told *told)
{
	uint64_t now_ns = 0;

	while (size > 2) {
		size_t len = data[0];
		enum how how = data[1] % HOWS;

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		told->is_appended = told->is_appended && how <= APPEND_UNREAD;
		write_piece(marks->fd, how, data, len);
		memcpy(told->text + told->len, data, len);
		told->len += len;
		data += len;
		size -= len;
		/* A second each: none is left out for there being too many. */
		now_ns += 1000000000u;
		if (how != APPEND_UNREAD)
			marks_read(marks, now_ns, false, on_mark, told);
	}
	marks_read(marks, now_ns + 1000000000u, true, on_mark, told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1; /* of the same file for all */
	struct told told = {.is_appended = true};
	struct marks marks;

	if (size > TEXT_MAX)
		return 0;
	if (fd < 0)
		fd = memfd_create("marks", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0)
		abort();
	marks_init(&marks);
	marks.fd = fd;
	play(&marks, data, size, &told);
	if (marks.told + marks_untold(&marks) != marks.count || marks.told > marks.count)
		__builtin_trap();
	if (told.is_appended && marks_untold(&marks) == 0 && told.at < told.len)
		__builtin_trap();
	return 0;
}
