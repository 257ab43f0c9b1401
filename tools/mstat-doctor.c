/* SPDX-License-Identifier: ISC */
/*
 * mstat-doctor: what mstat can measure on this machine as this user, and what would bring the rest.
 * mstat-doctor(1).
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/probe.h"
#include "tools/flags.h"
#include "tools/launch.h"
#include "tools/preload.h"

#ifndef MSTAT_VERSION
#define MSTAT_VERSION "unknown"
#endif

#if defined(__x86_64__)
#define MACHINE "x86_64"
#else
#define MACHINE "aarch64"
#endif
#define EXIT_MISSING 1
#define EXIT_USAGE   2

static const char help[] =
	"usage: mstat-doctor\n"
	"Tries what mstat can measure here, as this user, and says what would bring the\n"
	"rest.\n"
	"\n"
	"  -h, -version    print this, or the version\n"
	"\n"
	"Exit code: 0 all is there, 1 something is missing, 2 usage.\n";

/* Returns whether it is there. */
static bool tell(const char *what, bool is_there, const char *why, const char *mend)
{
	printf("%-22s %-4s %s\n", what, is_there ? "yes" : "no", why);
	if (mend)
		printf("%-22s %-4s -> %s\n", "", "", mend);
	return is_there;
}

static bool tell_library(void)
{
	char error[512], why[4200];
	char *library = preload_find(NULL, error, sizeof(error));
	bool is_there = library != NULL;

	snprintf(why, sizeof(why), "%s%s", library ? library : error,
		 library ? ", for programs of " MACHINE " with glibc" : "");
	free(library);
	return tell("sampler library", is_there, why,
		    is_there ? NULL : "make install, or mstat -preload FILE ...");
}

static bool tell_filters(void)
{
	int filters = launch_try_filters();
	char why[64];

	snprintf(why, sizeof(why),
		 filters == 0 ? "no seccomp filter" : "allowed by the %d seccomp filters", filters);
	return tell("sampler's calls", filters >= 0,
		    filters >= 0 ? why : "a seccomp filter forbids them",
		    filters >= 0 ? NULL : "podman run --security-opt seccomp=unconfined ...");
}

static int examine(void)
{
	struct probe probes[PROBES_MAX];
	size_t n = probe_all(probes);
	bool all = true;

	for (size_t i = 0; i < n; i++)
		all = tell(probes[i].what, probes[i].is_there, probes[i].why, probes[i].mend) &&
		      all;
	all = tell_library() && all;
	all = tell_filters() && all;
	return all ? 0 : EXIT_MISSING;
}

static const struct option longs[] = {
	{"h", no_argument, NULL, 'h'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},
	{0},
};

FLAGS_PROGRAM(.name = "mstat-doctor", .flags = longs, .usage = help);

int main(int argc, char **argv)
{
	int at = 0, code = 0;
	const char *word = argc > 1 ? argv[1] : "";
	int c = getopt_long_only(argc, argv, "+:", longs, &at);

	if (c == 'h' && flags_is_whole(word, longs[at].name))
		fputs(help, stdout);
	else if (c == 'v' && flags_is_whole(word, longs[at].name))
		fputs("mstat-doctor " MSTAT_VERSION "\n", stdout);
	else if (c != -1 || argc > 1) {
		fprintf(stderr, "mstat-doctor: unknown argument %s (-h for help)\n", word);
		return EXIT_USAGE;
	} else
		code = examine();
	if (fflush(stdout) == 0)
		return code;
	fprintf(stderr, "mstat-doctor: stdout: %s\n", strerror(errno));
	return EXIT_USAGE;
}
