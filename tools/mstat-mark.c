/* SPDX-License-Identifier: ISC */
/*
 * mstat-mark: appends a line to the file that MSTAT_MARK names. mstat-mark(1).
 *
 * It stands in scripts that are run with mstat and without: what keeps it from its work is no
 * failure, and it never waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/flags.h"

#ifndef MSTAT_VERSION
#define MSTAT_VERSION "unknown"
#endif

#define EXIT_USAGE 2
/* The collector cuts a line there. */
#define TEXT_MAX 256

static const char help[] = "usage: mstat-mark [--] TEXT...\n"
			   "Marks this instant on the timeline of the mstat that runs the caller.\n"
			   "\n"
			   "  -h, -version    print this, or the version\n"
			   "\n"
			   "Exit code: 0, also where no mstat is there; 2 usage.\n";

/* One line of all words. Returns its length. */
static size_t join(char **words, char *ret, size_t size)
{
	size_t len = 0;

	for (char **word = words; *word; word++) {
		if (word != words && len < size - 1)
			ret[len++] = ' ';
		for (const char *p = *word; *p && len < size - 1; p++)
			ret[len++] = *p == '\n' ? ' ' : *p;
	}
	ret[len++] = '\n';
	return len;
}

/* In one write: lines of several writers do not mix. Returns 0 or a negative errno. */
static int append(const char *path, const char *line, size_t len)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -ENOENT;
	else if (write(fd, line, len) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int mark(char **words)
{
	const char *path = getenv("MSTAT_MARK");
	char line[TEXT_MAX + 1];
	size_t len = join(words, line, sizeof(line));
	int err;

	if (!path || !*path)
		return 0;
	/* A limit on the size of files is no reason to die. */
	signal(SIGXFSZ, SIG_IGN);
	err = append(path, line, len);
	if (err < 0 && getenv("MSTAT_DEBUG"))
		fprintf(stderr, "mstat-mark: %s: %s\n", path, strerror(-err));
	return 0;
}

static int print(const char *text)
{
	fputs(text, stdout);
	return fflush(stdout) == 0 ? 0 : 1;
}

static const struct option longs[] = {
	{"h", no_argument, NULL, 'h'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},
	{0},
};

FLAGS_PROGRAM(.name = "mstat-mark", .flags = longs, .usage = help);

int main(int argc, char **argv)
{
	int at = 0;
	const char *word = argc > 1 ? argv[1] : "";
	int c = getopt_long_only(argc, argv, "+:", longs, &at);

	if (c == 'h' && flags_is_whole(word, longs[at].name))
		return print(help);
	if (c == 'v' && flags_is_whole(word, longs[at].name))
		return print("mstat-mark " MSTAT_VERSION "\n");
	if (c != -1) {
		fprintf(stderr, "mstat-mark: unknown option %s (-h for help)\n", word);
		return EXIT_USAGE;
	}
	if (optind == argc) {
		fputs("mstat-mark: no text given (-h for help)\n", stderr);
		return EXIT_USAGE;
	}
	return mark(argv + optind);
}
