/* SPDX-License-Identifier: ISC */
/*
 * Kills measured processes at random times, and tells how many samples each had sent until then.
 * usage: mstat -freq HZ -preload .../libmstat-counted.so ... -- collect_kill HZ N [SEED]
 * The file "sends" is made in the current folder. Every second kill is aimed at the sampler's work:
 * it comes within 100 us after a tick; the others 5 to 50 ms after the first sample.
 * For each on stdout, in the order of their lives: PID SENT. A pid may come up again.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIDS   4194304u /* the largest pid_max: proc(5) */
#define NS     1000000000ull
#define MS     1000000u
#define AIM_NS 100000u

extern char **environ;

static uint64_t seed;

/* xorshift: below the number given */
static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS + (uint64_t)ts.tv_nsec;
}

static void sleep_until(uint64_t at)
{
	struct timespec ts = {(time_t)(at / NS), (long)(at % NS)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* What it does is not still memory: its samples differ. */
static _Noreturn void target(void)
{
	size_t size = 64 << 10;

	for (;; size = size * 2 % (8 << 20) + 4096) {
		char *memory = malloc(size);

		memset(memory, 1, size);
		free(memory);
		usleep(300);
	}
}

/* The first sample has been sent; false: none within 20 seconds. */
static int has_begun(const uint64_t *place, uint64_t before)
{
	uint64_t end = now_ns() + 20 * NS;

	while (__atomic_load_n(place, __ATOMIC_ACQUIRE) == before) {
		if (now_ns() > end)
			return 0;
		usleep(500);
	}
	return 1;
}

static uint64_t choose(uint64_t freq, int aimed)
{
	uint64_t at = now_ns() + 5 * MS + draw(45 * MS);

	if (aimed)
		at = at * freq / NS * NS / freq + draw(AIM_NS);
	return at;
}

/* told: of each pid, what had been counted there when the one before it was killed. */
static int kill_one(const char *self, const uint64_t *places, uint64_t *told, uint64_t freq,
		    int aimed)
{
	char *argv[] = {(char *)self, "target", NULL};
	const uint64_t *place;
	int status;
	pid_t pid;

	if (posix_spawn(&pid, self, NULL, NULL, argv, environ) != 0)
		return -1;
	place = &places[pid];
	if (!has_begun(place, told[pid])) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return -1;
	}
	sleep_until(choose(freq, aimed));
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		return -1;
	printf("%d %llu\n", (int)pid, (unsigned long long)(*place - told[pid]));
	told[pid] = *place;
	return 0;
}

/* Our own sampler counts, too, where it finds the file: it never sees one that is too short. */
static uint64_t *make_places(void)
{
	size_t size = PIDS * sizeof(uint64_t);
	int fd = open("sends.new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	void *places = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0 && rename("sends.new", "sends") == 0)
		places = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return places == MAP_FAILED ? NULL : places;
}

int main(int argc, char **argv)
{
	uint64_t freq = argc > 2 ? strtoull(argv[1], NULL, 10) : 0;
	long n = argc > 2 ? atol(argv[2]) : 0;
	uint64_t *places, *told;

	if (argc > 1 && !strcmp(argv[1], "target"))
		target();
	seed = argc > 3 ? strtoull(argv[3], NULL, 10) : now_ns() | 1;
	places = make_places();
	told = calloc(PIDS, sizeof(*told));
	if (freq == 0 || !places || !told)
		return 1;
	for (long i = 0; i < n; i++)
		if (kill_one(argv[0], places, told, freq, (int)(i % 2)) < 0)
			return 1;
	return 0;
}
