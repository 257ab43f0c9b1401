/* SPDX-License-Identifier: ISC */
/*
 * The thread's floating-point environment: fenv(3). A program may have had exceptions made signals (feenableexcept(),
 * gfortran's -ffpe-trap), which cannot be handled where signals are blocked: they end it. And what it has not raised
 * itself it must not find raised.
 */
#ifndef MSTAT_PRELOAD_FP_H
#define MSTAT_PRELOAD_FP_H

#include <stdint.h>

struct fp {
	uint64_t control, status;
};

/* Ours from now on: nothing traps. */
static inline void fp_enter(struct fp *ret_was)
{
#if defined(__x86_64__)
	ret_was->control = __builtin_ia32_stmxcsr();
	__builtin_ia32_ldmxcsr(0x1f80);
#else
	__asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr"
			 : "=r"(ret_was->control), "=r"(ret_was->status));
	__asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0) : "memory");
#endif
}

/* As it was. */
static inline void fp_leave(const struct fp *was)
{
#if defined(__x86_64__)
	__builtin_ia32_ldmxcsr((unsigned)was->control);
#else
	__asm__ volatile("msr fpcr, %0\n\tmsr fpsr, %1"
			 :
			 : "r"(was->control), "r"(was->status)
			 : "memory");
#endif
}

#endif
