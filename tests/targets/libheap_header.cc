// SPDX-License-Identifier: ISC
// A library with operators new and delete of its own, which put a header before each block.
#include <cstdlib>
#include <new>
#include <string>
#include <unistd.h>

#ifndef HEADER_MARK
#define HEADER_MARK  0x1111
#define header_keeps libheap_header_keeps
#define header_works libheap_header_works
#define HEADER_FIRST true
#endif

extern "C" void *header_keeps(size_t size);
extern "C" int header_works();

struct header {
	size_t mark, size, rest[2];
};

static long balance;

void *operator new(size_t size)
{
	auto *head = static_cast<header *>(malloc(sizeof(header) + size));

	if (!head)
		throw std::bad_alloc();
	head->mark = HEADER_MARK;
	head->size = size;
	balance++;
	return head + 1;
}

void operator delete(void *p) noexcept
{
	auto *head = static_cast<header *>(p) - 1;

	if (!p)
		return;
	if (head->mark != HEADER_MARK) {
		(void)!write(1, "not ours\n", 9);
		_exit(4);
	}
	head->mark = 0;
	balance--;
	free(head);
}

void operator delete(void *p, size_t) noexcept
{
	::operator delete(p);
}

/* Of the constructors' time. */
static char *volatile early = new char;

void *header_keeps(size_t size)
{
	return ::operator new(size);
}

/* libstdc++ is bound to the operators of the first that has brought it. */
static bool text_works()
{
	std::string text(100, 'x');

	text += text;
	return text.size() == 200 && balance >= 1;
}

int header_works()
{
	long before;
	bool works;

	delete early;
	early = nullptr;
	before = balance;
	works = !HEADER_FIRST || text_works();
	for (int i = 0; i < 100; i++) {
		char *volatile p = new char[(size_t)i + 1];
		int *volatile q = new int(i);

		/* new[] is libstdc++'s, and calls the first's new. */
		works = works && balance == before + 1 + HEADER_FIRST;
		delete[] p;
		delete q;
	}
	return works && balance == before;
}
