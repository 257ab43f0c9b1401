/* SPDX-License-Identifier: ISC */
/*
 * What is compared of two run files: the input is sections, the content of the one block of a file that is good
 * otherwise; or, after a first byte of 1, of one that is cut behind it. The other file is the same one, or,
 * after an odd second byte, an empty one.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/runfile_make.h"
#include "tools/diffgate.h"
#include "tools/diffview.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static FILE *out;

static int read_one(struct diffsides *sides, const uint8_t *data, size_t len, bool is_cut)
{
	int fd = make_one_block(data, len, is_cut);
	int err;

	sides->name[sides->count] = "run";
	err = diffrun_read(fd, &sides->texts, &sides->run[sides->count++]);
	close(fd);
	return err;
}

static void compare(const struct diffsides *sides)
{
	static const struct diffgate gate = {true, true, 5};
	struct diffview view = {.sides = sides, .to = out, .top = 10};
	enum diffgate_verdict verdict;
	char line[512];

	if (diffview_put(&view) < 0 ||
	    diffgate_judge(&gate, sides, &verdict, line, sizeof(line)) < 0)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct diffsides sides = {.run = calloc(2, sizeof(*sides.run)),
				  .name = calloc(2, sizeof(*sides.name)),
				  .a_count = 1};
	bool is_cut = len && *data == 1;
	bool is_other = len > 1 && data[1] % 2;

	if (!out)
		out = fopen("/dev/null", "w");
	if (len && len <= ROWS_HEADER_MAX / 2 && texts_put(&sides.texts, "", 0) == 0 &&
	    read_one(&sides, data + is_cut, len - is_cut, is_cut) == 0 &&
	    read_one(&sides, data + is_cut, is_other ? 0 : len - is_cut, is_cut) == 0)
		compare(&sides);
	diffmatch_free_sides(&sides);
	return 0;
}
