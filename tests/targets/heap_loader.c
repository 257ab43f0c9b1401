/* SPDX-License-Identifier: ISC */
/*
 * A program in C with libraries, some in C++, that depend on the loader's locks and order.
 *   heap_loader FOLDER joins   the constructor waits for a thread that calls new; new is refused memory
 *   heap_loader FOLDER aligns  likewise memalign() and its like
 *   heap_loader FOLDER error   what dlerror() is about to tell outlives new, delete and memalign()
 *   heap_loader FOLDER two     two with different operators, while others come and go
 *   heap_loader FOLDER remote  one that has C++ by way of another, beside one with operators of its own
 *   heap_loader FOLDER biased  one that is loaded below the addresses it was linked for
 *   heap_loader FOLDER before  libheap_header.so was loaded at the beginning
 *   heap_loader FOLDER forks   forks while another thread calls operators for the first time
 */
#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "heap_look.h"

typedef int works_fn(void);
typedef void *keeps_fn(size_t size);
typedef void frees_fn(void *p);

static const char *folder;

static void *open_it(const char *name)
{
	char path[4096];
	void *library;

	snprintf(path, sizeof(path), "%s/lib%s.so", folder, name);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		dprintf(1, "%s\n", dlerror());
	HEAP_CHECK(library);
	return library;
}

static void do_works(const char *name, const char *function)
{
	works_fn *works = (works_fn *)dlsym(open_it(name), function);

	HEAP_CHECK(works && works());
}

static void check_error(void)
{
	const char *error = dlerror();

	HEAP_CHECK(error && strstr(error, "/nowhere/libheap_nobody.so"));
	HEAP_CHECK(!dlerror());
}

static void do_error(void)
{
	works_fn *works = (works_fn *)dlsym(open_it("heap_header"), "libheap_header_works");

	HEAP_CHECK(!dlopen("/nowhere/libheap_nobody.so", RTLD_NOW));
	free(heap_use(memalign(64, 100)));
	free(heap_use(valloc(100)));
	free(heap_use(pvalloc(100)));
	check_error();
	HEAP_CHECK(!dlopen("/nowhere/libheap_nobody.so", RTLD_NOW));
	HEAP_CHECK(works());
	check_error();
}

static void do_two(void)
{
	void *first = open_it("heap_header");
	void *second = open_it("heap_headers");
	works_fn *works = (works_fn *)dlsym(first, "libheap_header_works");
	works_fn *others_work = (works_fn *)dlsym(second, "libheap_headers_works");
	keeps_fn *keeps = (keeps_fn *)dlsym(first, "libheap_header_keeps");
	keeps_fn *other_keeps = (keeps_fn *)dlsym(second, "libheap_headers_keeps");

	HEAP_CHECK(works && others_work && keeps && other_keeps);
	for (int i = 0; i < 300; i++) {
		HEAP_CHECK(works() && others_work());
		HEAP_CHECK(dlclose(open_it("heap_other")) == 0);
	}
	HEAP_CHECK(heap_use(keeps(1000 - 32)) && heap_use(other_keeps(3000 - 32)));
	heap_settle();
}

/* What one of the two gets the other frees, and the operators of the first library never see it. */
static void do_remote(void)
{
	works_fn *works = (works_fn *)dlsym(open_it("heap_header"), "libheap_header_works");
	void *remote = open_it("heap_remote");
	keeps_fn *keeps = (keeps_fn *)dlsym(remote, "libheap_remote_keeps");
	frees_fn *frees = (frees_fn *)dlsym(remote, "libheap_remote_frees");
	keeps_fn *middle_keeps = (keeps_fn *)dlsym(remote, "libheap_middle_keeps");
	frees_fn *middle_frees = (frees_fn *)dlsym(remote, "libheap_middle_frees");

	HEAP_CHECK(works && keeps && frees && middle_keeps && middle_frees);
	for (size_t i = 1; i < 300; i++) {
		middle_frees(heap_use(keeps(i)));
		frees(heap_use(middle_keeps(i)));
		HEAP_CHECK(works());
	}
	HEAP_CHECK(heap_use(keeps(5000)));
	heap_settle();
}

/* The library's frames are passed on the way to this one. */
HEAP_FRAME static void biased_keeps(keeps_fn *keeps)
{
	HEAP_CHECK(heap_use(keeps(4000 - 32)));
}

static void do_biased(void)
{
	void *library = open_it("heap_biased");
	works_fn *works = (works_fn *)dlsym(library, "libheap_biased_works");
	keeps_fn *keeps = (keeps_fn *)dlsym(library, "libheap_biased_keeps");
	struct link_map *map;

	HEAP_CHECK(works && keeps && dlinfo(library, RTLD_DI_LINKMAP, &map) == 0);
	HEAP_CHECK((intptr_t)map->l_addr < 0);
	for (int i = 0; i < 300; i++)
		HEAP_CHECK(works());
	biased_keeps(keeps);
	heap_settle();
}

static void do_before(void)
{
	works_fn *works = (works_fn *)dlsym(RTLD_DEFAULT, "libheap_header_works");

	HEAP_CHECK(works && works());
}

static works_fn *forking_works;
static volatile bool may_go;

static void *calls_first(void *arg)
{
	while (!may_go)
		;
	for (;;)
		forking_works();
	return arg;
}

static void fork_once(int spins)
{
	struct timespec ms = {0, 1000000};
	pthread_t thread;
	pid_t pid;

	forking_works = (works_fn *)dlsym(open_it("heap_plain"), "libheap_plain_works");
	HEAP_CHECK(forking_works && pthread_create(&thread, NULL, calls_first, NULL) == 0);
	nanosleep(&ms, NULL);
	may_go = true;
	while (spins-- > 0)
		__asm__ volatile("");
	pid = fork();
	if (pid == 0) {
		HEAP_CHECK(forking_works());
		_exit(0);
	}
	for (int i = 0; i < LOOK_SECONDS * 1000; i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			_exit(5);
		nanosleep(&ms, NULL);
	}
	kill(pid, SIGKILL);
	_exit(7);
}

static void do_forks(void)
{
	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();

		if (pid == 0)
			fork_once(i % 100 * 60);
		heap_reap(pid, 5);
	}
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[2] : "";

	HEAP_CHECK(argc > 1);
	folder = argv[1];
	if (!strcmp(how, "joins"))
		do_works("heap_joins", "libheap_joins_works");
	else if (!strcmp(how, "aligns"))
		do_works("heap_aligns", "libheap_aligns_works");
	else if (!strcmp(how, "error"))
		do_error();
	else if (!strcmp(how, "two"))
		do_two();
	else if (!strcmp(how, "remote"))
		do_remote();
	else if (!strcmp(how, "biased"))
		do_biased();
	else if (!strcmp(how, "before"))
		do_before();
	else if (!strcmp(how, "forks"))
		do_forks();
	else
		return 2;
	return heap_ok();
}
