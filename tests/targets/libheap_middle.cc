// SPDX-License-Identifier: ISC
// A library in C++ without operators of its own: what it calls are those of a library that it needs.
#include <cstddef>
#include <new>

#ifndef middle_keeps
#define middle_keeps libheap_middle_keeps
#define middle_frees libheap_middle_frees
#endif

extern "C" void *middle_keeps(size_t size);
extern "C" void middle_frees(void *p);

void *middle_keeps(size_t size)
{
	void *p = ::operator new(size);

	/* Not by a jump: the frame is looked for. */
	__asm__ volatile("" : "+r"(p));
	return p;
}

void middle_frees(void *p)
{
	::operator delete(p);
}
