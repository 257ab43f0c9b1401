/* SPDX-License-Identifier: ISC */
/*
 * What zstd would call in libc. The Makefile renames its calls to these: zstd works in the memory
 * that ZSTD_initStaticCCtx() was given, so it neither needs the allocator nor may it reach the
 * program's.
 */
#include <stddef.h>

void *mstat_zstd_no_malloc(size_t size);
void *mstat_zstd_no_calloc(size_t count, size_t size);
void mstat_zstd_no_free(void *ptr);
unsigned long long mstat_zstd_no_trace_begin(const void *cctx);
void mstat_zstd_no_trace_end(unsigned long long ctx, const void *trace);
void mstat_zstd_no_stack_chk_fail(void) __attribute__((noreturn));

/* [sampler] zstd returns its error memory_allocation. */
void *mstat_zstd_no_malloc(size_t size)
{
	(void)size;
	return NULL;
}

/* [sampler] */
void *mstat_zstd_no_calloc(size_t count, size_t size)
{
	(void)count;
	(void)size;
	return NULL;
}

/* [sampler] */
void mstat_zstd_no_free(void *ptr)
{
	(void)ptr;
}

/* [sampler] zstd's weak tracing hooks, which a program that has its own zstd might define. */
unsigned long long mstat_zstd_no_trace_begin(const void *cctx)
{
	(void)cctx;
	return 0;
}

/* [sampler] */
void mstat_zstd_no_trace_end(unsigned long long ctx, const void *trace)
{
	(void)ctx;
	(void)trace;
}

/* [sampler] Debian builds zstd with the stack protector; the thread's fake TCB has the canary. */
void mstat_zstd_no_stack_chk_fail(void)
{
	__builtin_trap();
}
