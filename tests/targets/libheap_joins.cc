// SPDX-License-Identifier: ISC
// A library whose constructor waits for a thread, the first that calls new; and which is refused memory.
#include <cstdint>
#include <new>
#include <pthread.h>
#include <stddef.h>

extern "C" int libheap_joins_works();

static volatile size_t too_much = SIZE_MAX / 4;
static int handler_calls, thread_works;

static void *allocates(void *arg)
{
	char *volatile p = new char[100];

	p[99] = 1;
	thread_works = p[99];
	delete[] p;
	return arg;
}

__attribute__((constructor)) static void joins()
{
	pthread_t thread;

	if (pthread_create(&thread, nullptr, allocates, nullptr) == 0)
		pthread_join(thread, nullptr);
}

static void gives_up()
{
	handler_calls++;
	std::set_new_handler(nullptr);
}

static bool is_refused()
{
	try {
		char *volatile p = new char[too_much];

		delete[] p;
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

int libheap_joins_works()
{
	handler_calls = 0;
	std::set_new_handler(gives_up);
	return thread_works && is_refused() && handler_calls == 1 && is_refused() &&
	       !::operator new(too_much, std::nothrow);
}
