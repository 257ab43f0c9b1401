/* SPDX-License-Identifier: ISC */
/*
 * Holds memory, and says when it does.
 * usage: collect_hold MIB MS CHILDREN [READY [GO]]
 * Waits for the file GO, fills MIB of anonymous memory, starts CHILDREN that share it, makes the
 * file READY, and keeps all that for MS; with MS 0 until the file GO is not there any more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&ts, &ts) < 0)
		;
}

static void hold(long ms, const char *go)
{
	if (ms)
		sleep_ms(ms);
	else
		while (go && access(go, F_OK) == 0)
			sleep_ms(5);
}

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) << 20 : 0;
	long ms = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
	int children = argc > 3 ? atoi(argv[3]) : 0;
	const char *ready = argc > 4 ? argv[4] : NULL;
	const char *go = argc > 5 ? argv[5] : NULL;
	char *memory;

	while (go && access(go, F_OK) != 0)
		sleep_ms(2);
	memory = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return 1;
	memset(memory, 0x5a, size);
	for (int i = 0; i < children; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (pid == 0) {
			hold(ms, go);
			return 0;
		}
	}
	if (ready)
		fclose(fopen(ready, "w"));
	hold(ms, go);
	while (wait(NULL) > 0)
		;
	return memory[size / 2] == 0x5a || size == 0 ? 0 : 1;
}
