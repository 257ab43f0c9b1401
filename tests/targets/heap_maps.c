/* SPDX-License-Identifier: ISC */
/*
 * Memory that the program takes from the kernel by itself.
 *   heap_maps keep     functions that keep so much
 *   heap_maps races    libheap_kernel.so was preloaded, whose calls lose a race or fail
 *   heap_maps churn    many come and go, in many threads, and in between malloc()
 */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>

#include "heap_look.h"

static size_t page;
static char *twice;

static char *map(size_t pages)
{
	char *at = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);

	HEAP_CHECK(at != MAP_FAILED);
	memset(at, 1, pages * page);
	return heap_use(at);
}

HEAP_FRAME static void whole_keeps(void)
{
	char *gone = map(7);

	HEAP_CHECK(map(10) && munmap(gone, 7 * page) == 0);
}

/* The middle goes: two pieces of three pages remain. */
HEAP_FRAME static void split_keeps(void)
{
	char *at = map(10);

	HEAP_CHECK(munmap(at + 3 * page, 4 * page) == 0);
	HEAP_CHECK(at[0] == 1 && at[9 * page] == 1);
}

/* Both ends go, the first in two steps. Nothing is unmapped twice: others may be there by then. */
HEAP_FRAME static void ends_keep(void)
{
	char *at = map(10);

	HEAP_CHECK(munmap(at, 2 * page) == 0 && munmap(at + 7 * page, 3 * page) == 0);
	HEAP_CHECK(munmap(at + 2 * page, page) == 0 && at[3 * page] == 1);
}

HEAP_FRAME static void remap_keeps(void)
{
	char *at = map(4);

	at = mremap(at, 4 * page, 64 * page, MREMAP_MAYMOVE);
	HEAP_CHECK(at != MAP_FAILED && at[0] == 1 && at[4 * page - 1] == 1);
	at = mremap(at, 64 * page, 16 * page, 0);
	HEAP_CHECK(at != MAP_FAILED && at[0] == 1);
}

/* To a place that it is given; what was there is gone. */
HEAP_FRAME static void move_keeps(void)
{
	char *to = map(8);
	char *at = map(3);

	at = mremap(at, 3 * page, 5 * page, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	HEAP_CHECK(at == to && at[0] == 1 && at[7 * page] == 1);
}

HEAP_FRAME static void under_keeps(void)
{
	twice = map(8);
}

HEAP_FRAME static void over_keeps(void)
{
	char *at = mmap(twice + 2 * page, 2 * page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	HEAP_CHECK(at == twice + 2 * page && at[0] == 0 && twice[0] == 1);
}

HEAP_FRAME static void sbrk_keeps(void)
{
	char *at = sbrk(20 * (long)page);

	HEAP_CHECK(at != (char *)-1);
	memset(at, 1, 20 * page);
	HEAP_CHECK(sbrk(-5 * (long)page) == at + 20 * page);
}

/* A file's, which is not memory of the program's making. */
HEAP_FRAME static void file_keeps(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char *at = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, 0);

	HEAP_CHECK(at != MAP_FAILED && at[1] == 'E');
	at = mremap(at, page, 1000 * page, MREMAP_MAYMOVE);
	HEAP_CHECK(at != MAP_FAILED && at[1] == 'E');
	at = mremap(at, 1000 * page, 2000 * page, MREMAP_MAYMOVE);
	HEAP_CHECK(at != MAP_FAILED && at[1] == 'E');
	close(fd);
}

/* malloc() itself maps it: it counts once. */
HEAP_FRAME static void malloc_keeps(void)
{
	HEAP_CHECK(heap_use(malloc(3 << 20)));
	free(heap_use(realloc(heap_use(malloc(5 << 20)), 9 << 20)));
}

HEAP_FRAME static void fails(void)
{
	errno = 0;
	HEAP_CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	HEAP_CHECK(errno == EINVAL);
	HEAP_CHECK(mmap(NULL, page, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF);
	HEAP_CHECK(munmap((void *)1, page) == -1 && errno == EINVAL);
	HEAP_CHECK(mremap((void *)1, page, page, 0) == MAP_FAILED && errno == EINVAL);
	HEAP_CHECK(mmap(NULL, (size_t)1 << 62, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		   MAP_FAILED);
	HEAP_CHECK(errno == ENOMEM);
	errno = EXDEV;
	HEAP_CHECK(munmap(map(1), page) == 0 && errno == EXDEV);
}

static void do_keep(void)
{
	whole_keeps();
	split_keeps();
	ends_keep();
	remap_keeps();
	move_keeps();
	under_keeps();
	over_keeps();
	sbrk_keeps();
	file_keeps();
	malloc_keeps();
	fails();
	heap_settle();
}

HEAP_FRAME static void newcomer_keeps(void *at)
{
	char *its = mmap(at, 4 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	HEAP_CHECK(its == at);
	memset(its, 2, 4 * page);
}

/* It is there before, for its stack would be put into the same place. */
static pthread_t newcomer;
static sem_t may_come;
static void *place;

static void *comes(void *arg)
{
	HEAP_CHECK(sem_wait(&may_come) == 0);
	newcomer_keeps(place);
	return arg;
}

static void moved(void *at, size_t size)
{
	HEAP_CHECK(size == 6 * page);
	place = at;
	HEAP_CHECK(sem_post(&may_come) == 0 && pthread_join(newcomer, NULL) == 0);
}

/* Another thread has what it left before it hears of it. */
HEAP_FRAME static void raced_keeps(void (**ret_moved)(void *at, size_t size))
{
	char *to = map(8);
	char *at = map(6);

	*ret_moved = moved;
	HEAP_CHECK(mremap(at, 6 * page, 7 * page, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	*ret_moved = NULL;
	HEAP_CHECK(to[0] == 1 && to[7 * page] == 1 && at[0] == 2);
	HEAP_CHECK(munmap(at + 3 * page, page) == 0 && at[0] == 2);
}

/* What is refused changes nothing. */
HEAP_FRAME static void refused_keeps(void **ret_keeps)
{
	char *at = map(9);

	*ret_keeps = at + page;
	HEAP_CHECK(munmap(at + page, 3 * page) == -1 && errno == ENOMEM);
	*ret_keeps = NULL;
	HEAP_CHECK(mmap(at + 5 * page, page, PROT_READ, MAP_PRIVATE | MAP_FIXED, -1, 0) ==
			   MAP_FAILED &&
		   errno == EBADF);
	HEAP_CHECK(mremap(at + 2 * page, page, 2 * page, 0) == MAP_FAILED && errno == ENOMEM);
	HEAP_CHECK(at[page] == 1 && at[5 * page] == 1 && munmap(at + 8 * page, page) == 0);
}

static void do_races(void)
{
	void *ret_moved = dlsym(RTLD_DEFAULT, "libheap_kernel_moved");
	void *ret_keeps = dlsym(RTLD_DEFAULT, "libheap_kernel_keeps");

	HEAP_CHECK(ret_moved && ret_keeps);
	HEAP_CHECK(pthread_create(&newcomer, NULL, comes, NULL) == 0);
	raced_keeps(ret_moved);
	refused_keeps(ret_keeps);
	heap_settle();
}

static void *churns(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	for (int i = 0; i < 1000; i++) {
		size_t pages = heap_random(&seed) % 20 + 4;
		size_t more = heap_random(&seed) % 40 + 1;
		char *at = map(pages);

		switch (heap_random(&seed) % 4) {
		case 0:
			HEAP_CHECK(munmap(at, page) == 0);
			at += page;
			pages--;
			break;
		case 1:
			at = mremap(at, pages * page, more * page, MREMAP_MAYMOVE);
			HEAP_CHECK(at != MAP_FAILED);
			pages = more;
			break;
		case 2:
			HEAP_CHECK(mmap(at + page, page, PROT_NONE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
					0) == at + page);
			break;
		}
		HEAP_CHECK(at[0] == 1);
		heap_churn(seed, 5);
		HEAP_CHECK(munmap(at, pages * page) == 0);
	}
	return arg;
}

static void do_churn(void)
{
	pthread_t threads[4];

	for (uintptr_t i = 0; i < 4; i++)
		HEAP_CHECK(pthread_create(&threads[i], NULL, churns, (void *)i) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	heap_settle();
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	page = (size_t)sysconf(_SC_PAGESIZE);
	if (!strcmp(how, "keep"))
		do_keep();
	else if (!strcmp(how, "races"))
		do_races();
	else if (!strcmp(how, "churn"))
		do_churn();
	else
		return 2;
	return heap_ok();
}
