/* SPDX-License-Identifier: ISC */
/*
 * mstat-diff: what has changed from some runs to others.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/diffgate.h"
#include "tools/diffmatch.h"
#include "tools/diffoptions.h"
#include "tools/diffrun.h"
#include "tools/diffview.h"
#include "tools/input.h"

#ifndef MSTAT_VERSION
#define MSTAT_VERSION "unknown"
#endif

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* corrupt, unreadable, not to be compared, or not to be written */
	EXIT_USAGE = 2,
	EXIT_CUT = 3,	  /* a file is not whole */
	EXIT_ABOVE = 123, /* as mstat's own */
};

static int complain(const char *name, const char *why)
{
	fprintf(stderr, "mstat-diff: %s: %s\n", name, why);
	return EXIT_FAILED;
}

/* ---- reading --------------------------------------------------------------------------------------- */

/* One line for what is wrong with a file, and the exit code for it. */
static int report_input(const char *name, const struct diffrun *run, int err)
{
	switch (err) {
	case 0:
	case -ENODATA:
		fprintf(stderr, "mstat-diff: %s: cut at byte %" PRIu64 ": %s; %s\n", name,
			run->offset, run->why,
			err ? "there is nothing to compare" : "what is before it is compared");
		return EXIT_CUT;
	case -EBADMSG:
		fprintf(stderr, "mstat-diff: %s: corrupt at byte %" PRIu64 ": %s\n", name,
			run->offset, run->why);
		return EXIT_FAILED;
	case -EOPNOTSUPP:
	case -ENOMEM:
		return complain(name, run->why);
	default:
		return complain(name, strerror(-err));
	}
}

/* Returns whether it can be compared; *code is raised where something is wrong. */
static bool read_run(const char *name, struct texts *texts, struct diffrun *ret, int *code)
{
	char why[320];
	int fd = input_open_again(name, why, sizeof(why));
	int err;

	if (fd < 0) {
		*code = complain(name, why);
		return false;
	}
	err = diffrun_read(fd, texts, ret);
	close(fd);
	if (err < 0 || ret->is_cut)
		*code = report_input(name, ret, err);
	return err == 0;
}

static bool read_runs(const struct diffoptions *options, struct diffsides *sides, int *code)
{
	sides->a_count = options->a_count;
	sides->run = calloc(options->count, sizeof(*sides->run));
	sides->name = calloc(options->count, sizeof(*sides->name));
	if (!sides->run || !sides->name || texts_put(&sides->texts, "", 0) != 0) {
		*code = complain("no memory", "there are too many runs");
		return false;
	}
	while (sides->count < options->count) {
		size_t i = sides->count++;

		sides->name[i] = options->name[i];
		if (!read_run(sides->name[i], &sides->texts, &sides->run[i], code))
			return false;
	}
	sides->cut = diffstats_cut(sides->a_count, sides->count - sides->a_count);
	if (sides->cut < 0)
		*code = complain("runs", "no memory");
	return sides->cut >= 0;
}

/* ---- telling --------------------------------------------------------------------------------------- */

static int put_view(const struct diffoptions *options, const struct diffsides *sides)
{
	struct diffview view = {
		.sides = sides, .to = stdout, .is_exact = options->bytes, .top = options->top};
	int err = diffview_put(&view);

	if (err < 0)
		return complain("no memory", "the runs have too much to compare");
	errno = EIO;
	if (fflush(stdout) != 0 || ferror(stdout))
		return complain("standard output", strerror(errno));
	return EXIT_OK;
}

static int judge(const struct diffgate *gate, const struct diffsides *sides)
{
	enum diffgate_verdict verdict;
	char line[512];

	if (!gate->is_on)
		return EXIT_OK;
	if (diffgate_judge(gate, sides, &verdict, line, sizeof(line)) < 0)
		return complain("-fail-above", "no memory");
	if (line[0])
		fprintf(stderr, "mstat-diff: %s\n", line);
	switch (verdict) {
	case DIFFGATE_ABOVE:
		return EXIT_ABOVE;
	case DIFFGATE_CUT:
		return EXIT_CUT;
	case DIFFGATE_UNLIKE:
		return EXIT_FAILED;
	default:
		return EXIT_OK;
	}
}

/* Of several things that are wrong the gate's verdict comes first, for that is what was asked for. */
static int compare(const struct diffoptions *options)
{
	struct diffsides sides = {.run = NULL};
	int code = EXIT_OK;

	if (read_runs(options, &sides, &code)) {
		int written = put_view(options, &sides);
		int verdict = judge(&options->gate, &sides);

		if (written != EXIT_OK)
			code = written;
		if (verdict != EXIT_OK)
			code = verdict;
	}
	diffmatch_free_sides(&sides);
	return code;
}

static int print(const char *text)
{
	if (fputs(text, stdout) < 0 || fflush(stdout) < 0)
		return complain("standard output", strerror(errno));
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	struct diffoptions options;
	char error[512];
	int code = EXIT_OK;

	signal(SIGPIPE, SIG_IGN);
	switch (diffoptions_read(argc, argv, &options, error, sizeof(error))) {
	case DIFFOPTIONS_HELP:
		code = print(diffoptions_usage);
		break;
	case DIFFOPTIONS_VERSION:
		code = print("mstat-diff " MSTAT_VERSION "\n");
		break;
	case DIFFOPTIONS_BAD:
		fprintf(stderr, "mstat-diff: %s\n", error);
		code = EXIT_USAGE;
		break;
	case DIFFOPTIONS_RUN:
		code = compare(&options);
		break;
	}
	diffoptions_done(&options);
	return code;
}
