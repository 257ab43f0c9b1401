// SPDX-License-Identifier: ISC
// A program that replaces operators new and delete, as the language allows.
#include <cstdlib>
#include <new>
#include <string>

#include "heap_look.h"

static long balance;

void *operator new(std::size_t size)
{
	void *p = malloc(size);

	if (!p)
		throw std::bad_alloc();
	balance++;
	return p;
}

void operator delete(void *p) noexcept
{
	balance -= p != nullptr;
	free(p);
}

void operator delete(void *p, std::size_t) noexcept
{
	balance -= p != nullptr;
	free(p);
}

extern "C" {
HEAP_FRAME static void own_new_keeps()
{
	heap_use(::operator new(4000));
}
}

int main()
{
	long before = balance;

	for (int i = 0; i < 1000; i++) {
		std::string text((std::size_t)i, 'x');

		delete static_cast<int *>(heap_use(new int));
		HEAP_CHECK(balance == before + (text.size() > 15));
	}
	own_new_keeps();
	HEAP_CHECK(balance == before + 1);
	heap_settle();
	return heap_ok();
}
