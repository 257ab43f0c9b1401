/* SPDX-License-Identifier: ISC */
/*
 * System calls without libc: no symbol is imported, errno is not touched, no cancellation point is
 * passed. They return the kernel's value: a negative errno on failure. syscall(2).
 */
#ifndef MSTAT_PRELOAD_SYS_H
#define MSTAT_PRELOAD_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
static inline long sys_call6(long n, long a, long b, long c, long d, long e, long f)
{
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
static inline long sys_call6(long n, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#else
#error "no system calls for this architecture"
#endif

/* Any argument of a system call as a register's worth. */
#define SYS_ARG(x)	     ((long)(x))
#define sys_0(n)	     sys_call6(n, 0, 0, 0, 0, 0, 0)
#define sys_1(n, a)	     sys_call6(n, SYS_ARG(a), 0, 0, 0, 0, 0)
#define sys_2(n, a, b)	     sys_call6(n, SYS_ARG(a), SYS_ARG(b), 0, 0, 0, 0)
#define sys_3(n, a, b, c)    sys_call6(n, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), 0, 0, 0)
#define sys_4(n, a, b, c, d) sys_call6(n, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), SYS_ARG(d), 0, 0)
#define sys_5(n, a, b, c, d, e) \
	sys_call6(n, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), SYS_ARG(d), SYS_ARG(e), 0)
#define sys_6(n, a, b, c, d, e, f) \
	sys_call6(n, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), SYS_ARG(d), SYS_ARG(e), SYS_ARG(f))

/* The time of a clock in ns. */
static inline uint64_t sys_clock_ns(int clock)
{
	int64_t ts[2] = {0, 0};

	sys_2(SYS_clock_gettime, clock, ts);
	return (uint64_t)ts[0] * 1000000000u + (uint64_t)ts[1];
}

#endif
