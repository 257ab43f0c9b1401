/* SPDX-License-Identifier: ISC */
/*
 * What the tools of valgrind cannot see by themselves, told by client requests: five instructions
 * that do nothing elsewhere. valgrind/valgrind.h, memcheck.h, helgrind.h and drd.h have the numbers.
 */
#ifndef MSTAT_PRELOAD_VALGRIND_H
#define MSTAT_PRELOAD_VALGRIND_H

#include <stddef.h>
#include <stdint.h>

enum valgrind_request {
	VALGRIND_IS_HERE = 0x1001,	 /* the core: the number of valgrinds below which we run */
	VALGRIND_UNDEFINED = 0x4d430001, /* memcheck: may be written */
	VALGRIND_UNTRACKED = 0x48470127, /* helgrind: is shared in ways that it does not know */
	VALGRIND_DRD_SUPPRESSED = 0x44520002, /* drd: likewise */
};

static inline uint64_t valgrind_tell(enum valgrind_request request, const void *at, size_t size)
{
	uint64_t result = 0;

#if defined(__x86_64__)
	volatile uint64_t args[6] = {request, (uint64_t)(uintptr_t)at, size, 0, 0, 0};

	__asm__ volatile("rolq $3, %%rdi; rolq $13, %%rdi\n\t"
			 "rolq $61, %%rdi; rolq $51, %%rdi\n\t"
			 "xchgq %%rbx, %%rbx"
			 : "+d"(result)
			 : "a"(args)
			 : "cc", "memory");
#else
	(void)request;
	(void)at;
	(void)size;
#endif
	return result;
}

#endif
