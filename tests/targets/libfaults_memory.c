/* SPDX-License-Identifier: ISC */
/*
 * Loaded into mstat: the allocation of the number in FAULTS_AT, and every 50th after it, fails.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

static _Atomic long count;
static long fails_at;

__attribute__((constructor)) static void init(void)
{
	const char *at = getenv("FAULTS_AT");

	fails_at = at ? atol(at) : 0;
	unsetenv("LD_PRELOAD"); /* for mstat alone */
}

static int fails(void)
{
	long n = fails_at ? ++count : 0;

	if (n < fails_at || (n - fails_at) % 50)
		return 0;
	if (fails_at)
		errno = ENOMEM;
	return fails_at != 0;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return fails() ? NULL : __libc_realloc(p, size);
}
