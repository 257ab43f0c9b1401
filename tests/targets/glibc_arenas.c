/* SPDX-License-Identifier: ISC */
/*
 * What glibc's malloc says of itself, for one who looks from outside.
 *   glibc_arenas THREADS MIB FOLDER [copy]
 * So many threads allocate so many MiB each in small blocks, free half of them, and one block of as many MiB; then
 * FOLDER/ready has arenas and bytes in them, and bytes mapped, by malloc_info(3) and mallinfo2(3). It ends when
 * FOLDER/go is there. With "copy" it has a second glibc, of which something is allocated, too.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 4000u

static size_t mib;
static pthread_barrier_t done, end;

static void *allocate(void *arg)
{
	size_t count = (mib << 20) / BLOCK;
	void **blocks = calloc(count, sizeof(*blocks));

	for (size_t i = 0; i < count; i++)
		blocks[i] = malloc(BLOCK);
	for (size_t i = 0; i < count; i += 2)
		free(blocks[i]);
	arg = malloc(mib << 20);
	/* The compiler shall not leave it out. */
	if (mib)
		*(volatile char *)arg = 1;
	pthread_barrier_wait(&done);
	pthread_barrier_wait(&end);
	free(arg);
	free(blocks);
	return NULL;
}

static struct mallinfo2 (*copy_info)(void);

/* A small block, and a large one. */
static int use_copy(void)
{
	void *copy = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
	void *(*copy_malloc)(size_t) = NULL;

	if (!copy)
		return 1;
	*(void **)&copy_malloc = dlsym(copy, "malloc");
	*(void **)&copy_info = dlsym(copy, "mallinfo2");
	return copy_malloc(BLOCK) && copy_malloc(1 << 20) ? 0 : 1;
}

/* The last <system type="current"> of the text is that of all arenas. */
static void tell(const char *folder)
{
	struct mallinfo2 copy = copy_info ? copy_info() : (struct mallinfo2){0};
	size_t size, heaps = copy_info ? 1 : 0, held = 0;
	char path[512], ready[520], *text = NULL;
	FILE *file = open_memstream(&text, &size);

	malloc_info(0, file);
	fclose(file);
	for (const char *at = text; (at = strstr(at, "<heap nr=")); at++)
		heaps++;
	for (const char *at = text; (at = strstr(at, "<system type=\"current\" size=\"")); at++)
		held = strtoul(at + 29, NULL, 10);
	free(text);
	snprintf(path, sizeof(path), "%s/new", folder);
	snprintf(ready, sizeof(ready), "%s/ready", folder);
	file = fopen(path, "w");
	fprintf(file, "%zu %zu %zu\n", heaps, held + copy.arena, mallinfo2().hblkhd + copy.hblkhd);
	fclose(file);
	rename(path, ready);
}

int main(int argc, char **argv)
{
	char go[512];
	unsigned threads = argc >= 4 ? (unsigned)atoi(argv[1]) : 0;
	pthread_t thread[64];

	if (argc < 4 || threads > 64)
		return 2;
	if (argc > 4 && use_copy() != 0)
		return 1;
	mib = (size_t)atoi(argv[2]);
	pthread_barrier_init(&done, NULL, threads + 1);
	pthread_barrier_init(&end, NULL, threads + 1);
	for (unsigned i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, allocate, NULL);
	pthread_barrier_wait(&done);
	tell(argv[3]);
	snprintf(go, sizeof(go), "%s/go", argv[3]);
	while (access(go, F_OK) != 0)
		usleep(10000);
	pthread_barrier_wait(&end);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	return 0;
}
