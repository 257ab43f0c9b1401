// SPDX-License-Identifier: ISC
// Allocates and frees when most has ended already: destructors of static and thread-local objects, of
// threads' keys, functions of atexit().
#include <pthread.h>
#include <string>
#include <vector>

#include "heap_look.h"

static pthread_key_t keys[20];
static int left;

struct holder {
	std::vector<std::string> words;
	explicit holder(const char *name)
	{
		for (int i = 0; i < 50; i++)
			words.push_back(std::string(name) + std::string((size_t)i * 7, 'x'));
	}
	~holder()
	{
		HEAP_CHECK(words.size() == 50 && words[49].size() >= 49 * 7);
		words.push_back(std::string(3000, 'y'));
		free(heap_use(malloc(777)));
		words.clear();
		words.shrink_to_fit();
	}
};

static holder at_once("static");
static thread_local holder of_thread("thread");

// Sets the key again: destructors are called up to four times.
static void key_ends(void *value)
{
	char *p = static_cast<char *>(value);

	HEAP_CHECK(p[0] >= 1 && p[99] == 'k');
	if (--p[0] > 0) {
		char *next = static_cast<char *>(malloc(100));

		memcpy(next, p, 100);
		for (auto key : keys)
			if (!pthread_getspecific(key)) {
				pthread_setspecific(key, next);
				next = nullptr;
				break;
			}
		free(next);
	}
	free(p);
	__atomic_fetch_add(&left, 1, __ATOMIC_RELAXED);
}

static void *thread(void *arg)
{
	HEAP_CHECK(of_thread.words.size() == 50);
	for (auto key : keys) {
		char *p = static_cast<char *>(malloc(100));

		memset(p, 'k', 100);
		p[0] = 3;
		pthread_setspecific(key, p);
	}
	heap_churn((unsigned)(uintptr_t)arg, 500);
	if ((uintptr_t)arg % 2)
		pthread_exit(arg);
	return arg;
}

static void last()
{
	static holder of_last("made within exit()");

	heap_churn(3, 1000);
	heap_ok();
}

int main()
{
	pthread_t threads[16];

	atexit(last);
	for (auto &key : keys)
		HEAP_CHECK(pthread_key_create(&key, key_ends) == 0);
	for (int round = 0; round < 10; round++) {
		for (uintptr_t i = 0; i < 16; i++)
			HEAP_CHECK(pthread_create(&threads[i], nullptr, thread,
						  reinterpret_cast<void *>(i)) == 0);
		for (auto id : threads)
			pthread_join(id, nullptr);
	}
	HEAP_CHECK(left >= 16 * 20 * 10 && of_thread.words.size() == 50);
	exit(0);
}
