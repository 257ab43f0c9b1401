/* SPDX-License-Identifier: ISC */
/* What the hooks pass mappings on to: others are quick to take what was moved, and munmap() is refused. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Called before mremap() returns, when these addresses are free. */
extern void (*libheap_kernel_moved)(void *at, size_t size);
void (*libheap_kernel_moved)(void *at, size_t size);
/* What munmap() leaves mapped. */
extern void *libheap_kernel_keeps;
void *libheap_kernel_keeps;

void *mremap(void *at, size_t size, size_t to, int flags, ...)
{
	va_list args;
	void *ret;

	va_start(args, flags);
	ret = (void *)syscall(SYS_mremap, at, size, to, flags, va_arg(args, void *));
	va_end(args);
	if (ret != MAP_FAILED && ret != at && libheap_kernel_moved)
		libheap_kernel_moved(at, size);
	return ret;
}

int munmap(void *at, size_t size)
{
	if (libheap_kernel_keeps && at == libheap_kernel_keeps) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_munmap, at, size);
}
