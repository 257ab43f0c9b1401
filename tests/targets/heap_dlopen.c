/* SPDX-License-Identifier: ISC */
/*
 * Libraries come and go, and the memory that they have allocated stays.
 *   heap_dlopen FOLDER close      200 times, while a thread allocates
 *   heap_dlopen FOLDER deepbind   one whose malloc() is libc's, not the hook
 *   heap_dlopen FOLDER namespace  one with a libc of its own
 *   heap_dlopen FOLDER symbols    dlsym(), dlerror(), dl_iterate_phdr(), from many threads
 *   heap_dlopen FOLDER forks      a child is forked while a thread is within dlclose()
 *   heap_dlopen FOLDER keep       what is loaded at the end keeps some
 */
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>

#include "heap_look.h"

typedef void *keeps_fn(size_t size);
typedef void frees_fn(void *p);

static const char *folder;
static char plugin[4096], other[4096];
static volatile int ended;

static void *churns(void *arg)
{
	for (unsigned seed = 1; !ended; seed++)
		heap_churn(seed, 200);
	return arg;
}

static void *open_it(const char *path, int flags)
{
	void *library = dlopen(path, RTLD_NOW | flags);

	if (!library)
		dprintf(1, "%s\n", dlerror());
	HEAP_CHECK(library);
	return library;
}

static void do_close(void)
{
	enum { TIMES = 200 };
	static char *kept[TIMES];
	pthread_t thread;

	HEAP_CHECK(pthread_create(&thread, NULL, churns, NULL) == 0);
	for (int i = 0; i < TIMES; i++) {
		void *library = open_it(i % 2 ? plugin : other, 0);
		keeps_fn *keeps = (keeps_fn *)dlsym(library, i % 2 ? "libheap_plugin_keeps"
								   : "libheap_other_keeps");

		HEAP_CHECK(keeps && (kept[i] = keeps((size_t)i * 11 + 1)));
		HEAP_CHECK(dlclose(library) == 0);
		if (i >= 10) {
			HEAP_CHECK(kept[i - 10][(i - 10) * 11] == (i % 2 ? 1 : 3));
			free(kept[i - 10]);
		}
	}
	for (int i = TIMES - 10; i < TIMES; i++)
		free(kept[i]);
	ended = 1;
	pthread_join(thread, NULL);
}

/* Blocks that one side of the hooks allocates, and the other frees. */
static void do_deepbind(void)
{
	void *library = open_it(plugin, RTLD_DEEPBIND);
	keeps_fn *keeps = (keeps_fn *)dlsym(library, "libheap_plugin_keeps");
	frees_fn *frees = (frees_fn *)dlsym(library, "libheap_plugin_frees");

	HEAP_CHECK(keeps && frees);
	for (unsigned i = 1; i < 5000; i++) {
		char *ours = heap_use(malloc(i % 900 + 1));
		char *its = keeps(i % 700 + 1);

		HEAP_CHECK(ours && its && its[i % 700] == 1);
		frees(ours);
		its = realloc(its, i % 2000 + 1);
		HEAP_CHECK(its && its[0] == 1);
		free(its);
	}
	HEAP_CHECK(dlclose(library) == 0);
}

static void do_namespace(void)
{
	for (int i = 0; i < 5; i++) {
		void *library = dlmopen(LM_ID_NEWLM, plugin, RTLD_NOW);
		keeps_fn *keeps;
		frees_fn *frees;

		HEAP_CHECK(library);
		keeps = (keeps_fn *)dlsym(library, "libheap_plugin_keeps");
		frees = (frees_fn *)dlsym(library, "libheap_plugin_frees");
		for (unsigned n = 1; n < 1000; n++) {
			char *p = keeps(n);

			HEAP_CHECK(p && p[n - 1] == 1);
			frees(p);
		}
		HEAP_CHECK(dlclose(library) == 0);
	}
}

static int allocates(struct dl_phdr_info *info, size_t size, void *arg)
{
	int *count = arg;

	(void)size;
	++*count;
	free(heap_use(strdup(info->dlpi_name)));
	return 0;
}

static void *looks(void *arg)
{
	typedef void *malloc_fn(size_t size);

	for (int i = 0; i < 300; i++) {
		malloc_fn *next = (malloc_fn *)dlsym(RTLD_NEXT, "malloc");
		int count = 0;

		HEAP_CHECK(next && dlsym(RTLD_DEFAULT, "malloc"));
		free(heap_use(next(100)));
		HEAP_CHECK(!dlsym(RTLD_DEFAULT, "libheap_nobody") && dlerror());
		HEAP_CHECK(!dlopen("/nowhere/libheap_nobody.so", RTLD_NOW) && dlerror());
		dl_iterate_phdr(allocates, &count);
		HEAP_CHECK(count >= 3);
		if (i % 10 == 0)
			HEAP_CHECK(dlclose(open_it(plugin, 0)) == 0);
	}
	return arg;
}

static void do_symbols(void)
{
	pthread_t threads[3], churner;

	HEAP_CHECK(pthread_create(&churner, NULL, churns, NULL) == 0);
	for (int i = 0; i < 3; i++)
		HEAP_CHECK(pthread_create(&threads[i], NULL, looks, NULL) == 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ended = 1;
	pthread_join(churner, NULL);
}

static void *open_name(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/lib%s.so", folder, name);
	return open_it(path, RTLD_LOCAL);
}

static void *closes(void *library)
{
	HEAP_CHECK(dlclose(library) == 0);
	return NULL;
}

/* It frees what it has inherited by the operators that the parent has found, and asks them for more. */
static void fork_once(keeps_fn *keeps, frees_fn *frees)
{
	char *inherited = keeps(100);
	pid_t pid = fork();

	if (pid == 0) {
		frees(inherited);
		frees(heap_use(keeps(10)));
		HEAP_CHECK(heap_use(keeps(6000 - 32)));
		heap_settle();
		_exit(5);
	}
	heap_reap(pid, 5);
	frees(inherited);
}

/* The library's destructor says when it runs, and waits for the fork to be over. */
static void do_forks(void)
{
	void *client = open_name("heap_client");
	void *library = open_name("heap_closes");
	keeps_fn *keeps = (keeps_fn *)dlsym(client, "libheap_client_keeps");
	frees_fn *frees = (frees_fn *)dlsym(client, "libheap_client_frees");
	int *says = dlsym(library, "libheap_closes_says");
	int *waits = dlsym(library, "libheap_closes_waits");
	int said[2], wait[2];
	pthread_t thread;
	char c = 'c';

	HEAP_CHECK(keeps && frees && says && waits && pipe(said) == 0 && pipe(wait) == 0);
	*says = said[1];
	*waits = wait[0];
	frees(heap_use(keeps(10)));
	HEAP_CHECK(pthread_create(&thread, NULL, closes, library) == 0);
	HEAP_CHECK(read(said[0], &c, 1) == 1);
	fork_once(keeps, frees);
	HEAP_CHECK(write(wait[1], &c, 1) == 1 && pthread_join(thread, NULL) == 0);
	frees(heap_use(keeps(10)));
	heap_settle();
}

/* The first is gone when the second comes, perhaps to the same addresses. */
static void do_keep(void)
{
	void *library = open_it(plugin, 0);
	keeps_fn *keeps = (keeps_fn *)dlsym(library, "libheap_plugin_keeps");

	HEAP_CHECK(heap_use(keeps(1000)));
	HEAP_CHECK(dlclose(library) == 0);
	library = open_it(other, 0);
	keeps = (keeps_fn *)dlsym(library, "libheap_other_keeps");
	HEAP_CHECK(heap_use(keeps(7000)));
	heap_settle();
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[2] : "";

	HEAP_CHECK(argc > 1);
	folder = argv[1];
	snprintf(plugin, sizeof(plugin), "%s/libheap_plugin.so", folder);
	snprintf(other, sizeof(other), "%s/libheap_other.so", folder);
	if (!strcmp(how, "close"))
		do_close();
	else if (!strcmp(how, "deepbind"))
		do_deepbind();
	else if (!strcmp(how, "namespace"))
		do_namespace();
	else if (!strcmp(how, "symbols"))
		do_symbols();
	else if (!strcmp(how, "forks"))
		do_forks();
	else if (!strcmp(how, "keep"))
		do_keep();
	else
		return 2;
	return heap_ok();
}
