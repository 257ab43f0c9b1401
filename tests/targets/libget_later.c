/* SPDX-License-Identifier: ISC */
/* Loaded into mstat-get: it is two minutes and a half later than the clock of the kernel has it. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LATER_S 150

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	int err = (int)syscall(SYS_clock_gettime, clock, ret);

	ret->tv_sec += err == 0 ? LATER_S : 0;
	return err;
}
