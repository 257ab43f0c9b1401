/* SPDX-License-Identifier: ISC */
/*
 * Memory of every class, held at rest: anonymous, a file mapped and touched, and shared memory that
 * all of the children have touched.
 * usage: rest ANON_MIB FILE CHILDREN SHARED_MIB SECONDS
 * On stdout when all is in place, and again before it goes: CLOCK_MONOTONIC in ns.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

static size_t touch(const char *memory, size_t size)
{
	size_t sum = 0;

	for (size_t i = 0; i < size; i += PAGE)
		sum += (size_t)((const volatile char *)memory)[i];
	return sum;
}

static char *map(size_t size, int flags, int fd)
{
	int prot = fd < 0 ? PROT_READ | PROT_WRITE : PROT_READ;
	char *memory = mmap(NULL, size, prot, flags, fd, 0);

	if (memory == MAP_FAILED)
		abort();
	return memory;
}

static void map_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		abort();
	touch(map((size_t)st.st_size, MAP_SHARED, fd), (size_t)st.st_size);
	close(fd);
}

/* Lives until the pipe's other end is closed. */
static void start_child(char *shared, size_t size, const int *ends, int said)
{
	pid_t pid = fork();

	if (pid < 0)
		abort();
	if (pid)
		return;
	close(ends[1]);
	touch(shared, size);
	if (write(said, "", 1) != 1)
		_exit(1);
	_exit(read(ends[0], &(char){0}, 1) != 0);
}

static void tell_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	printf("%lld\n", (long long)ts.tv_sec * 1000000000 + ts.tv_nsec);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	size_t anon, shared;
	int children, ends[2], said[2];
	char *memory;

	if (argc < 6 || pipe(ends) < 0 || pipe(said) < 0)
		return 1;
	anon = strtoul(argv[1], NULL, 10) << 20;
	children = atoi(argv[3]);
	shared = strtoul(argv[4], NULL, 10) << 20;
	memory = map(shared, MAP_SHARED | MAP_ANONYMOUS, -1);
	memset(memory, 1, shared);
	for (int i = 0; i < children; i++)
		start_child(memory, shared, ends, said[1]);
	memset(map(anon, MAP_PRIVATE | MAP_ANONYMOUS, -1), 1, anon);
	map_file(argv[2]);
	for (int i = 0; i < children; i++)
		if (read(said[0], &(char){0}, 1) != 1)
			return 1;
	tell_time();
	sleep((unsigned)atoi(argv[5]));
	tell_time();
	close(ends[1]);
	while (wait(NULL) > 0)
		;
	return 0;
}
