/* SPDX-License-Identifier: ISC */
/* A library that is loaded and unloaded, with what needs care then: thread-local memory, a thread's
 * key, words at its beginning and end. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

int libguest_plugin_work(int number);

static __thread char local[20000] = "x";
static pthread_key_t key;

static void say(const char *text)
{
	(void)!write(1, text, strlen(text));
}

__attribute__((constructor)) static void loaded(void)
{
	pthread_key_create(&key, NULL);
	say("loaded\n");
}

__attribute__((destructor)) static void unloaded(void)
{
	pthread_key_delete(key);
	say("unloaded\n");
}

int libguest_plugin_work(int number)
{
	memset(local, number, sizeof(local));
	pthread_setspecific(key, local);
	return local[sizeof(local) - 1];
}
