/* SPDX-License-Identifier: ISC */
/* A temporary directory for each unit test: folder_setup() and folder_teardown() are its set-up and its end. */
#ifndef MSTAT_TESTS_UNIT_FOLDER_H
#define MSTAT_TESTS_UNIT_FOLDER_H

#include "tests/unit/unit.h"

#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *tmp; /* this test's directory */

static int folder_setup(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	assert_true(asprintf(&tmp, "%s/mstat-unit-XXXXXX", base && *base ? base : "/tmp") > 0);
	assert_non_null(mkdtemp(tmp));
	return 0;
}

static int folder_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int folder_teardown(void **state)
{
	int ret = nftw(tmp, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);

	(void)state;
	free(tmp);
	return ret;
}

/* A path below the temporary directory; four of them live at a time. */
__attribute__((format(printf, 1, 2))) static const char *at(const char *format, ...)
{
	static char buf[4][PATH_MAX];
	static unsigned next;
	char *path = buf[next++ % 4];
	int n = snprintf(path, PATH_MAX, "%s/", tmp);
	va_list args;

	va_start(args, format);
	vsnprintf(path + n, (size_t)(PATH_MAX - n), format, args);
	va_end(args);
	return path;
}

#endif
