/* SPDX-License-Identifier: ISC */
/*
 * heap_hold MIB: holds so much in blocks of 16 to 8,175 bytes, all touched, and after two seconds, when a
 * sampler has told of all, prints the process's private dirty memory, KiB.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	size_t left = (size_t)(argc > 1 ? atoi(argv[1]) : 1024) << 20;
	uint64_t state = 88172645463325252ull;
	static char text[8192];
	ssize_t n;
	char *at;
	int fd;

	while (left > 8192) {
		size_t size;
		void *volatile block;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		size = 16 + state % 8160;
		block = malloc(size);
		memset(block, 1, size);
		left -= size;
	}
	sleep(2);
	fd = open("/proc/self/smaps_rollup", O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	at = n > 0 ? strstr(text, "Private_Dirty:") : NULL;
	if (!at)
		return 1;
	printf("%lu\n", strtoul(at + 14, NULL, 10));
	return 0;
}
