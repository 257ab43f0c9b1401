/* SPDX-License-Identifier: ISC */
/*
 * Tells its own private dirty memory, in KiB, after the guest has settled, from /proc/self. Run it
 * with an empty preload and with libmstat.so.
 * usage: dirty SECONDS
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char buf[4096];
	const char *at;
	ssize_t n;
	int fd;

	sleep(argc > 1 ? (unsigned)atoi(argv[1]) : 1);
	fd = open("/proc/self/smaps_rollup", O_RDONLY);
	n = read(fd, buf, sizeof(buf) - 1);
	at = n > 0 ? strstr(buf, "Private_Dirty:") : NULL;
	if (!at)
		return 1;
	at += strlen("Private_Dirty:");
	at += strspn(at, " ");
	n = (ssize_t)strcspn(at, " ");
	return write(1, at, (size_t)n) == n && write(1, "\n", 1) == 1 ? 0 : 1;
}
