/* SPDX-License-Identifier: ISC */
/*
 * An independent reader of a file that holds a number, 59 times a second, until the file STOP is
 * there; prints the largest number.
 * usage: collect_reader FILE READY STOP
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = argc > 3 ? open(argv[1], O_RDONLY) : -1;
	unsigned long long most = 0;
	struct timespec at;

	if (fd < 0)
		return 1;
	fclose(fopen(argv[2], "w"));
	clock_gettime(CLOCK_MONOTONIC, &at);
	while (access(argv[3], F_OK) != 0) {
		char text[32] = "";
		unsigned long long now;

		if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
			break;
		now = strtoull(text, NULL, 10);
		most = now > most ? now : most;
		at.tv_nsec += 1000000000 / 59;
		if (at.tv_nsec >= 1000000000) {
			at.tv_nsec -= 1000000000;
			at.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	}
	printf("%llu\n", most);
	return 0;
}
