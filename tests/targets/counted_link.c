/* SPDX-License-Identifier: ISC */
/*
 * preload/link.c with a witness: where the folder that the process was started in has a file
 * "sends", each sample that the kernel has taken is counted there, at the place of the process's
 * pid. A shared page outlives whoever is killed. With the library's other objects this becomes
 * libmstat-counted.so, which is for tests.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>

#include "core/wire.h"
#include "preload/sys.h"

#define PLACES (4096u / sizeof(uint64_t)) /* in a page */

static uint64_t *open_place(void)
{
	uint64_t pid = (uint64_t)sys_0(SYS_getpid);
	long fd = sys_4(SYS_openat, AT_FDCWD, "/proc/self/cwd/sends", O_RDWR | O_CLOEXEC, 0);
	long at;

	if (fd < 0)
		return NULL;
	at = sys_6(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, pid / PLACES * 4096);
	sys_1(SYS_close, fd);
	return at < 0 && at > -4096 ? NULL : (uint64_t *)at + pid % PLACES;
}

/* The place is looked for at the hello, so that a killed process has one before its first sample. */
static long counted_call(long n, long a, long b, long c, long d, long e, long f)
{
	static uint64_t *place;
	uint8_t type = n == SYS_sendto ? *(const uint8_t *)b : 0;
	long ret;

	if (type && type != WIRE_SAMPLE && type != WIRE_FULL)
		place = open_place();
	ret = sys_call6(n, a, b, c, d, e, f);
	if (ret >= 0 && place && (type == WIRE_SAMPLE || type == WIRE_FULL))
		__atomic_fetch_add(place, 1, __ATOMIC_RELEASE);
	return ret;
}

#undef sys_6
#define sys_6(n, a, b, c, d, e, f) \
	counted_call(n, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), SYS_ARG(d), SYS_ARG(e), SYS_ARG(f))

#include "preload/link.c"
