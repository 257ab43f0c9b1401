// SPDX-License-Identifier: ISC
// All forms of operators new and delete, each of which counts once.
#include <cstddef>
#include <new>

#include "heap_look.h"

struct alignas(256) wide {
	char bytes[256];
};

struct classy {
	char bytes[48];
	static void *operator new(std::size_t size)
	{
		return ::operator new(size + 16);
	}
	static void operator delete(void *p)
	{
		::operator delete(p);
	}
};

static const std::align_val_t aligned{128};

extern "C" {
HEAP_FRAME static void *new_keeps()
{
	return heap_use(::operator new(101));
}
HEAP_FRAME static void *new_array_keeps()
{
	return heap_use(::operator new[](202));
}
HEAP_FRAME static void *new_nothrow_keeps()
{
	return heap_use(::operator new(303, std::nothrow));
}
HEAP_FRAME static void *new_array_nothrow_keeps()
{
	return heap_use(::operator new[](404, std::nothrow));
}
HEAP_FRAME static void *new_aligned_keeps()
{
	return heap_use(::operator new(640, aligned));
}
HEAP_FRAME static void *new_array_aligned_keeps()
{
	return heap_use(::operator new[](768, aligned));
}
HEAP_FRAME static void *new_aligned_nothrow_keeps()
{
	return heap_use(::operator new(896, aligned, std::nothrow));
}
HEAP_FRAME static void *new_array_aligned_nothrow_keeps()
{
	return heap_use(::operator new[](1024, aligned, std::nothrow));
}
HEAP_FRAME static void *new_wide_keeps()
{
	return heap_use(new wide[3]);
}
HEAP_FRAME static void *new_class_keeps()
{
	return heap_use(new classy);
}
HEAP_FRAME static void *new_placement_keeps()
{
	static char place[64];

	return heap_use(new (place) char[64]);
}
}

static void check(void *p, std::size_t alignment, std::size_t size)
{
	HEAP_CHECK(p && reinterpret_cast<uintptr_t>(p) % alignment == 0);
	memset(p, 1, size);
}

// All that can be allocated, and in pairs all that can be freed.
static void all()
{
	check(new_keeps(), 16, 101);
	check(new_array_keeps(), 16, 202);
	check(new_nothrow_keeps(), 16, 303);
	check(new_array_nothrow_keeps(), 16, 404);
	check(new_aligned_keeps(), 128, 640);
	check(new_array_aligned_keeps(), 128, 768);
	check(new_aligned_nothrow_keeps(), 128, 896);
	check(new_array_aligned_nothrow_keeps(), 128, 1024);
	check(new_wide_keeps(), 256, 768);
	check(new_class_keeps(), 16, 48);
	check(new_placement_keeps(), 1, 64);
}

static void pairs()
{
	::operator delete(new_keeps());
	::operator delete (new_keeps(), std::size_t{101});
	::operator delete[](new_array_keeps());
	::operator delete[](new_array_keeps(), std::size_t{202});
	::operator delete(new_nothrow_keeps(), std::nothrow);
	::operator delete[](new_array_nothrow_keeps(), std::nothrow);
	::operator delete(new_aligned_keeps(), aligned);
	::operator delete (new_aligned_keeps(), std::size_t{640}, aligned);
	::operator delete[](new_array_aligned_keeps(), aligned);
	::operator delete[](new_array_aligned_keeps(), std::size_t{768}, aligned);
	::operator delete(new_aligned_nothrow_keeps(), aligned, std::nothrow);
	::operator delete[](new_array_aligned_nothrow_keeps(), aligned, std::nothrow);
	delete[] static_cast<wide *>(new_wide_keeps());
	delete static_cast<classy *>(new_class_keeps());
	::operator delete(heap_use(nullptr));
}

int main()
{
	for (int i = 0; i < 200; i++)
		pairs();
	for (int i = 0; i < 3; i++)
		all();
	heap_churn(1, 1000);
	heap_settle();
	return heap_ok();
}
