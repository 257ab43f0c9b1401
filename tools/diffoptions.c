/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/diffoptions.h"
#include "tools/diffstats.h"
#include "tools/flags.h"
#include "tools/quantity.h"

const char diffoptions_usage[] =
	"usage: mstat-diff [flags] A B\n"
	"       mstat-diff [flags] A... -- B...\n"
	"Compares run files of mstat: peaks of the tree, of processes, and, of runs with mstat\n"
	"-heap, of stacks. With several runs a side (mstat -runs 10) it tells medians and how\n"
	"sure a difference is. mstatd:NAME is a run that mstatd keeps of yours.\n"
	"\n"
	"  -fail-above PART|SIZE  a peak that has risen by more, 5% or 100MiB, is a failure: exit\n"
	"                   code 123\n"
	"  -top N           so many processes, and stacks (default 10)\n"
	"  -bytes           exact numbers of bytes\n"
	"  -h, -version     print this, or the version\n"
	"\n"
	"Exit code: 0; 1 something could not be read or written, or the peaks that -fail-above is\n"
	"about cannot be compared; 2 usage; 3 a run is not whole, as after a crash: what is whole\n"
	"was compared; 123 the peak has risen by more than -fail-above.\n";

#define TOP_DEFAULT 10
#define TOP_MAX	    1000000

enum flag { BYTES = 256, FAIL_ABOVE, TOP, VERSION, H };

static const struct option flags[] = {
	{"bytes", optional_argument, NULL, BYTES},
	{"fail-above", required_argument, NULL, FAIL_ABOVE},
	{"top", required_argument, NULL, TOP},
	{"version", no_argument, NULL, VERSION},
	{"h", no_argument, NULL, H},
	{"help", no_argument, NULL, H},
	{NULL, 0, NULL, 0},
};

FLAGS_PROGRAM(.name = "mstat-diff", .flags = flags, .usage = diffoptions_usage,
	      .operand = FLAGS_RUN_FILES);

static bool read_top(const char *text, size_t *ret)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || v > TOP_MAX)
		return false;
	*ret = v;
	return true;
}

static bool read_gate(const char *text, struct diffgate *ret)
{
	const char *rest;
	uint64_t bytes;

	ret->is_on = true;
	ret->is_part = quantity_decimal(text, &ret->above, &rest) && !strcmp(rest, "%");
	if (ret->is_part)
		return true;
	if (!quantity_size(text, &bytes))
		return false;
	ret->above = (double)bytes;
	return true;
}

/* What is wrong with the flag's value, or NULL. */
static const char *take(int flag, const char *value, struct diffoptions *options)
{
	switch (flag) {
	case BYTES:
		return flags_read_bool(value, &options->bytes) ? NULL : "true or false";
	case FAIL_ABOVE:
		return read_gate(value, &options->gate)
			       ? NULL
			       : "a part such as 5% or a size such as 100MiB";
	default:
		return read_top(value, &options->top) ? NULL : "a whole number up to 1000000";
	}
}

static enum diffoptions_result bad(char *error, size_t size, const char *what, const char *word,
				   const char *rest)
{
	snprintf(error, size, "%s%.200s%s", what, word, rest);
	return DIFFOPTIONS_BAD;
}

static enum diffoptions_result read_flags(int argc, char **argv, struct diffoptions *ret,
					  char *error, size_t size)
{
	int at = 0;

	opterr = 0;
	for (;;) {
		const char *word = optind < argc ? argv[optind] : "";
		int flag = getopt_long_only(argc, argv, "+:", flags, &at);
		const char *wrong;

		if (flag == -1)
			return DIFFOPTIONS_RUN;
		if (flag == ':')
			return bad(error, size, "flag needs a value: ", word, " (-h for help)");
		if (flag == '?' || !flags_is_whole(word, flags[at].name))
			return bad(error, size, "unknown flag ", word, " (-h for help)");
		if (flag == H)
			return DIFFOPTIONS_HELP;
		if (flag == VERSION)
			return DIFFOPTIONS_VERSION;
		wrong = take(flag, optarg, ret);
		if (!wrong)
			continue;
		snprintf(error, size, "-%s: \"%.200s\" is not %s", flags[at].name,
			 optarg ? optarg : "", wrong);
		return DIFFOPTIONS_BAD;
	}
}

/*
 * Without a -- between them they are one and one. A -- before two, which ends the flags elsewhere, is what is left
 * where the names of A's runs came of a pattern that matches none: B's are not compared with one another.
 */
static enum diffoptions_result read_sides(char **words, size_t count, bool is_behind,
					  struct diffoptions *ret, char *error, size_t size)
{
	bool is_split = false;

	ret->name = calloc(count + 1, sizeof(*ret->name));
	if (!ret->name)
		return bad(error, size, strerror(ENOMEM), "", "");
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(words[i], "--") && !is_split) {
			ret->a_count = ret->count;
			is_split = true;
		} else if (words[i][0] == '-') {
			return bad(error, size, "flags stand before the runs: ", words[i], "");
		} else {
			ret->name[ret->count++] = words[i];
		}
	}
	if (!is_split && is_behind)
		is_split = true;
	else if (!is_split && ret->count == 2)
		ret->a_count = 1;
	else if (!is_split)
		return bad(error, size,
			   ret->count > 2 ? "which runs are to be compared with which? A... -- B..."
					  : "two runs are compared: A B, or A... -- B...",
			   "", " (-h for help)");
	if (!ret->a_count || ret->a_count == ret->count)
		return bad(error, size, "no run ", ret->a_count ? "behind" : "before", " the --");
	if (ret->a_count > DIFFSTATS_MAX || ret->count - ret->a_count > DIFFSTATS_MAX)
		return bad(error, size, "no more than 100 runs a side", "", "");
	return DIFFOPTIONS_RUN;
}

enum diffoptions_result diffoptions_read(int argc, char **argv, struct diffoptions *ret,
					 char *error, size_t error_size)
{
	enum diffoptions_result result;

	*ret = (struct diffoptions){.top = TOP_DEFAULT};
	result = read_flags(argc, argv, ret, error, error_size);
	if (result != DIFFOPTIONS_RUN)
		return result;
	return read_sides(argv + optind, (size_t)(argc - optind), !strcmp(argv[optind - 1], "--"),
			  ret, error, error_size);
}

void diffoptions_done(struct diffoptions *options)
{
	free(options->name);
	options->name = NULL;
}
