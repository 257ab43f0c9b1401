/* SPDX-License-Identifier: ISC */
/* What the unit tests share: cmocka, fixtures, the examples of FORMAT.md, random numbers. */
#ifndef MSTAT_TESTS_UNIT_H
#define MSTAT_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UNIT_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A file below the project's root in memory of exactly its size, so that a sanitizer sees a read
 * past its end. Owned by the caller: free(). */
static inline uint8_t *unit_load(const char *path, size_t *ret_len)
{
	const char *root = getenv("MSTAT_SRC");
	char full[4096];
	uint8_t *buf;
	FILE *file;
	long len;

	snprintf(full, sizeof(full), "%s/%s", root && *root ? root : ".", path);
	file = fopen(full, "rb");
	if (!file)
		fail_msg("%s cannot be opened; MSTAT_SRC names the project's root", full);
	fseek(file, 0, SEEK_END);
	len = ftell(file);
	rewind(file);
	assert_true(len >= 0);
	buf = malloc(len ? (size_t)len : 1);
	assert_non_null(buf);
	*ret_len = fread(buf, 1, (size_t)len, file);
	assert_int_equal(*ret_len, len);
	fclose(file);
	return buf;
}

/* tests/fixtures/kernel/VERSION/FILE; owned by the caller. */
static inline uint8_t *unit_kernel(const char *version, const char *file, size_t *ret_len)
{
	char path[256];

	snprintf(path, sizeof(path), "tests/fixtures/kernel/%s/%s", version, file);
	return unit_load(path, ret_len);
}

/* The number on the line "key number" of a kernel's `about`. */
static inline int64_t unit_about(const char *version, const char *key)
{
	size_t len;
	uint8_t *text = unit_kernel(version, "about", &len);
	size_t key_len = strlen(key);
	int64_t value = -1;

	for (size_t i = 0; i + key_len < len; i++)
		if ((i == 0 || text[i - 1] == '\n') && !memcmp(text + i, key, key_len) &&
		    text[i + key_len] == ' ')
			sscanf((const char *)text + i + key_len, "%ld", &value);
	free(text);
	return value;
}

static inline int unit_hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* The bytes of the block "```hex NAME" of FORMAT.md; '#' begins a remark. Owned by the caller. */
static inline uint8_t *unit_hex(const char *name, size_t *ret_len)
{
	size_t len;
	char *text = (char *)unit_load("core/FORMAT.md", &len);
	uint8_t *buf = malloc(len);
	size_t n = 0;
	char head[128];
	char *line;

	text = realloc(text, len + 1);
	assert_non_null(text);
	text[len] = '\0';
	snprintf(head, sizeof(head), "\n```hex %s\n", name);
	line = strstr(text, head);
	if (!line)
		fail_msg("core/FORMAT.md has no example %s", name);
	line += strlen(head);
	assert_null(strstr(line, head));
	for (; strncmp(line, "```", 3); line = strchr(line, '\n') + 1) {
		for (const char *p = line; *p != '\n' && *p != '#'; p++) {
			if (*p == ' ')
				continue;
			assert_true(unit_hex_digit(p[0]) >= 0 && unit_hex_digit(p[1]) >= 0);
			buf[n++] = (uint8_t)(unit_hex_digit(p[0]) << 4 | unit_hex_digit(p[1]));
			p++;
		}
	}
	free(text);
	*ret_len = n;
	buf = realloc(buf, n ? n : 1);
	return buf;
}

/* Asserts that these bytes are the example of that name. */
static inline void unit_hex_equal(const char *name, const uint8_t *bytes, size_t len)
{
	size_t want_len;
	uint8_t *want = unit_hex(name, &want_len);

	if (want_len != len || memcmp(want, bytes, len)) {
		fprintf(stderr, "%s: the code writes\n", name);
		for (size_t i = 0; i < len; i++)
			fprintf(stderr, "%02x%c", bytes[i], i % 16 == 15 ? '\n' : ' ');
		fail_msg("%s: FORMAT.md and the code differ", name);
	}
	free(want);
}

/* xorshift64*; the same seed gives the same test. MSTAT_SEED sets another. */
static uint64_t unit_random_state;

static inline void unit_random_init(void)
{
	const char *seed = getenv("MSTAT_SEED");

	unit_random_state = seed ? strtoull(seed, NULL, 0) : 0x6d73746174;
	if (!unit_random_state)
		unit_random_state = 1;
	print_message("MSTAT_SEED=0x%llx\n", (unsigned long long)unit_random_state);
}

static inline uint64_t unit_random(void)
{
	unit_random_state ^= unit_random_state >> 12;
	unit_random_state ^= unit_random_state << 25;
	unit_random_state ^= unit_random_state >> 27;
	return unit_random_state * 0x2545f4914f6cdd1d;
}

/* A number below n. */
static inline uint64_t unit_below(uint64_t n)
{
	return (unit_random() >> 8) % n;
}

/* Small numbers, large ones, and the extremes, as values are. */
static inline int64_t unit_value(void)
{
	switch (unit_below(8)) {
	case 0:
		return INT64_MAX;
	case 1:
		return INT64_MIN;
	case 2:
		return -1;
	case 3:
		return (int64_t)unit_random();
	default:
		return (int64_t)(unit_random() >> (8 + unit_below(56)));
	}
}

#endif
