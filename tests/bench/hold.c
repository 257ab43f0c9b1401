/* SPDX-License-Identifier: ISC */
/*
 * Holds that many MiB of anonymous memory for so many milliseconds.
 * usage: hold MIB MS
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	size_t size = argc > 2 ? strtoul(argv[1], NULL, 10) << 20 : 1 << 20;
	char *memory = malloc(size);

	if (!memory)
		return 1;
	memset(memory, 1, size);
	usleep(argc > 2 ? (useconds_t)strtoul(argv[2], NULL, 10) * 1000 : 0);
	return memory[size / 2] - 1;
}
