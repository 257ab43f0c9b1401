/* SPDX-License-Identifier: ISC */
/*
 * An independent reader: the largest number that a file held, read 59 times a second until the
 * file is gone.
 * usage: watch FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct timespec period = {.tv_nsec = 1000000000 / 59};
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	long long most = 0;
	char buf[64];
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf) - 1, 0)) > 0) {
		buf[n] = '\0';
		if (atoll(buf) > most)
			most = atoll(buf);
		nanosleep(&period, NULL);
	}
	printf("%lld\n", most);
	return most == 0;
}
