// SPDX-License-Identifier: ISC
// Exceptions, and what is like them, that pass by the hooks.
//   heap_throw exceptions  through frames that own memory
//   heap_throw no-memory   bad_alloc, out of operator new itself, and its handler
//   heap_throw threads     pthread_exit() and pthread_cancel() through frames with destructors
#include <new>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <vector>

#include "heap_look.h"

static volatile size_t too_much = SIZE_MAX / 4;
static int handler_calls, destroyed;

struct owner {
	char *p;
	explicit owner(size_t size) : p(new char[size])
	{
		p[0] = 'o';
	}
	~owner()
	{
		HEAP_CHECK(p[0] == 'o');
		delete[] p;
		destroyed++;
	}
};

HEAP_FRAME static void throws(int depth)
{
	owner mine((size_t)depth * 10 + 1);

	if (depth == 0)
		throw std::runtime_error(std::string(200, 'e'));
	throws(depth - 1);
	heap_use(mine.p);
}

static void do_exceptions()
{
	int caught = 0;

	for (int i = 0; i < 500; i++) {
		try {
			throws(i % 20);
		} catch (const std::exception &e) {
			HEAP_CHECK(std::string(e.what()).size() == 200);
			caught++;
		}
		try {
			std::vector<owner *> none;

			none.reserve(10);
			none.at(3);
		} catch (const std::out_of_range &) {
			caught++;
		}
	}
	HEAP_CHECK(caught == 1000);
}

static void gives_up()
{
	if (++handler_calls == 3)
		std::set_new_handler(nullptr);
}

static void throws_itself()
{
	handler_calls++;
	throw std::bad_alloc();
}

template <typename function> static bool is_refused(function allocate)
{
	owner mine(100);

	try {
		heap_use(allocate());
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

static void do_no_memory()
{
	for (int i = 0; i < 100; i++) {
		HEAP_CHECK(is_refused([] { return ::operator new(too_much); }));
		HEAP_CHECK(is_refused([] { return ::operator new[](too_much); }));
		HEAP_CHECK(is_refused([] { return new char[too_much]; }));
		HEAP_CHECK(is_refused([] { return new double[too_much]; })); // bad_array_new_length
		HEAP_CHECK(
			is_refused([] { return ::operator new(too_much, std::align_val_t(256)); }));
		HEAP_CHECK(!::operator new(too_much, std::nothrow));
		HEAP_CHECK(!::operator new[](too_much, std::nothrow));
		HEAP_CHECK(!::operator new(too_much, std::align_val_t(64), std::nothrow));
	}
	std::set_new_handler(gives_up);
	HEAP_CHECK(is_refused([] { return ::operator new(too_much); }) && handler_calls == 3);
	std::set_new_handler(throws_itself);
	HEAP_CHECK(is_refused([] { return ::operator new(too_much); }) && handler_calls == 4);
	HEAP_CHECK(!::operator new(too_much, std::nothrow) && handler_calls == 5);
	std::set_new_handler(nullptr);
}

static void *exits(void *arg)
{
	owner mine(1000);

	free(heap_use(malloc(10)));
	pthread_exit(arg);
}

static void *waits(void *arg)
{
	owner mine(1000);

	// There is no cancellation point in an allocation.
	for (unsigned i = 0;; i++) {
		heap_churn(i, 20);
		pthread_testcancel();
	}
	return arg;
}

static void do_threads()
{
	pthread_t thread;
	void *result;

	for (int i = 0; i < 50; i++) {
		HEAP_CHECK(pthread_create(&thread, nullptr, exits, &destroyed) == 0);
		HEAP_CHECK(pthread_join(thread, &result) == 0 && result == &destroyed);
		HEAP_CHECK(pthread_create(&thread, nullptr, waits, nullptr) == 0);
		heap_churn((unsigned)i, 20);
		HEAP_CHECK(pthread_cancel(thread) == 0);
		HEAP_CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
	}
	// One that is cancelled before it began has made none.
	HEAP_CHECK(destroyed >= 50);
}

HEAP_FRAME static void throw_keeps()
{
	try {
		heap_use(new char[54321]);
		throw 1;
	} catch (int) {
	}
}

int main(int argc, char **argv)
{
	const std::string how = argc > 1 ? argv[1] : "";

	if (how == "exceptions")
		do_exceptions();
	else if (how == "no-memory")
		do_no_memory();
	else if (how == "threads")
		do_threads();
	else
		return 2;
	throw_keeps();
	heap_settle();
	return heap_ok();
}
