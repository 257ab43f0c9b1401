/* SPDX-License-Identifier: ISC */
/*
 * What jemalloc, tcmalloc or mimalloc, as preloaded, says of itself, while the same is asked within malloc().
 *   heap_account FOLDER MIB [FORKS]
 *   heap_account threads
 * Keeps so many MiB in small blocks, and has threads that allocate, free and ask until FOLDER/go is there.
 * FOLDER/ready then has allocated, active and resident bytes; 0 stands for what it does not tell. With FORKS so many
 * children are forked meanwhile, which do likewise for a while. threads: has jemalloc start and end threads of
 * its own for a second, whose memory is allocated while it holds its locks. It says "ok".
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK	1000u
#define THREADS 4u

static int (*mallctl)(const char *name, void *old, size_t *old_size, void *value, size_t size);
static int (*property)(const char *name, size_t *ret);
static void (*info)(size_t *, size_t *, size_t *, size_t *, size_t *, size_t *, size_t *, size_t *);

static int is_over;

static size_t number(const char *name)
{
	size_t ret = 0, size = sizeof(ret);

	if (mallctl)
		mallctl(name, &ret, &size, NULL, 0);
	else if (property)
		property(name, &ret);
	return ret;
}

static void ask(size_t ret[3])
{
	uint64_t epoch = 1;

	memset(ret, 0, 3 * sizeof(*ret));
	if (mallctl) {
		mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch));
		ret[0] = number("stats.allocated");
		ret[1] = number("stats.active");
		ret[2] = number("stats.resident");
	} else if (property) {
		ret[0] = number("generic.current_allocated_bytes");
		ret[2] = number("generic.heap_size") - number("tcmalloc.pageheap_unmapped_bytes");
		ret[1] = ret[2] - number("tcmalloc.pageheap_free_bytes");
	} else if (info) {
		info(NULL, NULL, NULL, NULL, NULL, &ret[2], NULL, NULL);
	}
}

/* Whole blocks at a time, so that what is allocated stays nearly the same. */
static void churn(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		volatile char *block = malloc(20000);

		block[0] = 1;
		free((void *)(uintptr_t)block);
	}
}

static void *work(void *arg)
{
	size_t told[3];

	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
		churn(50);
		ask(told);
		usleep(1000);
	}
	return arg;
}

/* Their stacks are larger than what glibc keeps for the next thread, with its thread block. */
static void start_threads(void)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, (size_t)64 << 20);
	pthread_setattr_default_np(&attr);
	for (time_t end = time(NULL) + 2; time(NULL) < end;)
		for (uint8_t on = 2; on-- > 0;)
			mallctl("background_thread", NULL, NULL, &on, sizeof(on));
}

static void find_functions(void)
{
	*(void **)&mallctl = dlsym(RTLD_DEFAULT, "mallctl");
	*(void **)&property = dlsym(RTLD_DEFAULT, "MallocExtension_GetNumericProperty");
	*(void **)&info = dlsym(RTLD_DEFAULT, "mi_process_info");
}

static void tell(const char *folder)
{
	char new[512], ready[512];
	size_t told[3];
	FILE *file;

	snprintf(new, sizeof(new), "%s/new", folder);
	snprintf(ready, sizeof(ready), "%s/ready", folder);
	file = fopen(new, "w");
	ask(told);
	fprintf(file, "%zu %zu %zu\n", told[0], told[1], told[2]);
	fclose(file);
	rename(new, ready);
}

static int fork_some(unsigned forks)
{
	for (unsigned i = 0; i < forks; i++) {
		pid_t child = fork();
		int status = 0;

		if (child == 0) {
			churn(2000);
			_exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	size_t count = argc >= 3 ? ((size_t)atoi(argv[2]) << 20) / BLOCK : 0;
	void **kept = malloc((count + 1) * sizeof(*kept));
	pthread_t thread[THREADS];
	char go[512];
	int bad;

	find_functions();
	if (argc == 2 && mallctl) {
		start_threads();
		puts("ok");
		return 0;
	}
	if (argc < 3)
		return 2;
	for (size_t i = 0; i < count; i++)
		memset(kept[i] = malloc(BLOCK), 1, BLOCK);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, work, NULL);
	bad = fork_some(argc > 3 ? (unsigned)atoi(argv[3]) : 0);
	tell(argv[1]);
	snprintf(go, sizeof(go), "%s/go", argv[1]);
	while (access(go, F_OK) != 0)
		usleep(10000);
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (size_t i = 0; i < count; i++)
		free(kept[i]);
	free(kept);
	puts(bad ? "a child failed" : "ok");
	return bad;
}
