/* SPDX-License-Identifier: ISC */
/*
 * Holds that many MiB for so many milliseconds, frees them, and becomes another program, or ends.
 * usage: record_exec MIB MS [PROGRAM ARG...]
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	size_t size = argc > 2 ? strtoul(argv[1], NULL, 10) << 20 : 0;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (argc < 3 || memory == MAP_FAILED)
		return 1;
	madvise(memory, size, MADV_NOHUGEPAGE);
	memset(memory, 1, size);
	usleep((useconds_t)strtoul(argv[2], NULL, 10) * 1000);
	if (getenv("KEEP") == NULL)
		munmap(memory, size);
	if (argc > 3)
		execvp(argv[3], argv + 3);
	return argc > 3;
}
