/* SPDX-License-Identifier: ISC */
#include <fcntl.h>

#include "preload/heap/maps.h"
#include "preload/sys.h"

static uint64_t hex(const char **at, const char *end)
{
	uint64_t v = 0;

	for (; *at < end; (*at)++) {
		char c = **at;

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	return v;
}

static const char *skip_word(const char *at, const char *end)
{
	while (at < end && *at != ' ')
		at++;
	while (at < end && *at == ' ')
		at++;
	return at;
}

/* start-end perms offset dev inode path */
void maps_split(const char *at, const char *end, struct maps_line *ret)
{
	const char *word = at;

	*ret = (struct maps_line){.start = hex(&at, end)};
	at += at < end;
	ret->end = hex(&at, end);
	word = skip_word(word, end);
	for (unsigned i = 0; i < sizeof(ret->perms) && word + i < end; i++)
		ret->perms[i] = word[i];
	word = skip_word(word, end);
	at = word;
	ret->offset = hex(&at, end);
	word = skip_word(skip_word(word, end), end);
	for (at = word; at < end && *at >= '0' && *at <= '9'; at++)
		ret->inode = ret->inode * 10 + (uint64_t)(*at - '0');
	ret->path = skip_word(word, end);
	ret->path_len = (size_t)(end - ret->path);
}

bool maps_read(const char *path, char *chunk,
	       bool (*take)(void *arg, const char *at, const char *end), void *arg)
{
	long fd = sys_4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	size_t have = 0;
	bool good = fd >= 0;
	long n = 0;

	while (good && (n = sys_3(SYS_read, fd, chunk + have, MAPS_CHUNK - have)) > 0) {
		const char *at = chunk;
		const char *end = chunk + have + n;

		for (const char *p = at + have; p < end && good; p++)
			if (*p == '\n') {
				good = take(arg, at, p);
				at = p + 1;
			}
		have = (size_t)(end - at);
		good = good && have < MAPS_CHUNK;
		__builtin_memmove(chunk, at, have);
	}
	if (fd >= 0)
		sys_1(SYS_close, fd);
	return good && n == 0;
}
