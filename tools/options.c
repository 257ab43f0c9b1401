/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tick.h"
#include "tools/flags.h"
#include "tools/options.h"
#include "tools/quantity.h"
#include "tools/repeat.h"

const char options_usage[] =
	"Usage: mstat [flags] [--] program [arguments]\n"
	"Runs the program and records where its memory went, over time, for the whole process\n"
	"tree. The summary goes to stderr; read the record with mstat-decode.\n"
	"\n"
	"  -o FILE            run file; a name that ends in .tsv gets a table (default\n"
	"                     PROGRAM.PID.mstat in the current folder)\n"
	"  -freq HZ           samples a second, 1 to 1000 (default 10)\n"
	"  -env K=V           set a variable for the program; may be repeated\n"
	"  -preload LIB       the sampler to inject: a path, or none (default libmstat.so)\n"
	"  -pss-stall TIME    no reading of PSS that would stall the program's memory calls for\n"
	"                     longer (default 10ms; 0 reads none)\n"
	"  -pss-budget PART   of a CPU, for reading PSS in the whole tree (default 0.5%)\n"
	"  -runtime KIND      what is read of Go, Java, Python and malloc: auto (the default) or\n"
	"                     none\n"
	"  -memory-max SIZE   limit of the program's memory: 512MiB, 1.5G, ... (K M G T are "
	"powers\n"
	"                     of 1024); beyond it the kernel kills\n"
	"  -memory-swap-max SIZE  limit of what of it may be swapped out\n"
	"  -heap              also record where the heap's memory was allocated, by sampling (not\n"
	"                     libmstat.so is injected, but libmstat-heap.so)\n"
	"  -heap-interval SIZE  a sample every so many allocated bytes on average, 1 B to 1 TiB\n"
	"                     (default 512KiB; 1 samples each allocation); implies -heap\n"
	"  -fail-above SIZE   a larger peak is a failure: exit status 123\n"
	"  -runs N            run it N times, 1 to 100: -o run.mstat makes run-1.mstat and so on,\n"
	"                     for mstat-diff; the first run that fails is the last\n"
	"  -max-size SIZE     of the record: FILE.1 has the older half, what was before is lost\n"
	"  -wait-all          wait for all that the program has started, not only for itself\n"
	"  -kill-rest         kill what is left when the program ends\n"
	"  -delayacct         switch kernel.task_delayacct on for the run: delays of I/O, "
	"swapping\n"
	"  -live              one updating line on the terminal while the program runs\n"
	"  -v                 say which cgroups are used, what is done, and what is noted of\n"
	"                     processes\n"
	"  -q                 no summary\n"
	"  -version           print the version\n"
	"  -h                 print this\n"
	"\n"
	"Exit status: the program's; 128+N when signal N ended it; 123 it succeeded, and its peak\n"
	"is above -fail-above; 125 a failure of mstat itself; 126 the program cannot be executed;\n"
	"127 it is not found.\n";

/* Two files, of some blocks each. */
#define MAX_SIZE_MIN 65536

#define HEAP_INTERVAL_DEFAULT (UINT64_C(512) << 10)
#define HEAP_INTERVAL_MAX     (UINT64_C(1) << 40)

enum flag {
	O,
	FREQ,
	ENV,
	PRELOAD,
	STALL,
	BUDGET,
	RUNTIME,
	MEMORY_MAX,
	SWAP_MAX,
	FAIL_ABOVE,
	MAX_SIZE,
	RUNS,
	HEAP,
	HEAP_INTERVAL,
	WAIT_ALL,
	KILL_REST,
	DELAYACCT,
	LIVE,
	V,
	Q,
	VERSION,
	H,
	HELP
};

static const struct option flags[] = {
	{"o", required_argument, NULL, O},
	{"freq", required_argument, NULL, FREQ},
	{"env", required_argument, NULL, ENV},
	{"preload", required_argument, NULL, PRELOAD},
	{"pss-stall", required_argument, NULL, STALL},
	{"pss-budget", required_argument, NULL, BUDGET},
	{"runtime", required_argument, NULL, RUNTIME},
	{"memory-max", required_argument, NULL, MEMORY_MAX},
	{"memory-swap-max", required_argument, NULL, SWAP_MAX},
	{"fail-above", required_argument, NULL, FAIL_ABOVE},
	{"max-size", required_argument, NULL, MAX_SIZE},
	{"runs", required_argument, NULL, RUNS},
	{"heap", optional_argument, NULL, HEAP},
	{"heap-interval", required_argument, NULL, HEAP_INTERVAL},
	{"wait-all", optional_argument, NULL, WAIT_ALL},
	{"kill-rest", optional_argument, NULL, KILL_REST},
	{"delayacct", optional_argument, NULL, DELAYACCT},
	{"live", optional_argument, NULL, LIVE},
	{"v", optional_argument, NULL, V},
	{"q", optional_argument, NULL, Q},
	{"version", no_argument, NULL, VERSION},
	{"h", no_argument, NULL, H},
	{"help", no_argument, NULL, HELP},
	{NULL, 0, NULL, 0},
};

FLAGS_PROGRAM(.name = "mstat", .flags = flags, .usage = options_usage, .operand = FLAGS_COMMAND);

static bool read_whole(const char *text, long min, long max, uint32_t *ret)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || end == text || *end || v < min || v > max)
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool read_interval(const char *text, uint64_t *ret)
{
	return quantity_size(text, ret) && *ret >= 1 && *ret <= HEAP_INTERVAL_MAX;
}

static bool read_percent(const char *text, uint32_t *ret_ppm)
{
	const char *rest;
	double v;

	if (!quantity_decimal(text, &v, &rest) || strcmp(rest, "%") || v > 100)
		return false;
	*ret_ppm = (uint32_t)(v * 10000);
	return true;
}

static bool add_env(struct options *options, const char *text)
{
	const char **more;

	if (*text == '=' || !strchr(text, '='))
		return false;
	more = reallocarray(options->env, options->env_count + 1, sizeof(*more));
	if (!more)
		return false;
	options->env = more;
	more[options->env_count++] = text;
	return true;
}

/* What is wrong with the flag's value, or NULL. */
static const char *take(enum flag flag, const char *value, struct options *options)
{
	switch (flag) {
	case O:
		options->out = value;
		return *value ? NULL : "a file's name";
	case FREQ:
		return read_whole(value, TICK_FREQ_MIN, TICK_FREQ_MAX, &options->freq)
			       ? NULL
			       : "a whole number from 1 to 1000";
	case ENV:
		return add_env(options, value) ? NULL : "NAME=VALUE";
	case PRELOAD:
		options->preload = value;
		return *value ? NULL : "a library's path, or none";
	case STALL:
		return quantity_duration(value, &options->stall_ns) ? NULL : "a time such as 10ms";
	case BUDGET:
		return read_percent(value, &options->budget_ppm) ? NULL
								 : "a part of a CPU such as 1%";
	case RUNTIME:
		options->runtimes = strcmp(value, "none") != 0;
		return options->runtimes && strcmp(value, "auto") != 0 ? "auto or none" : NULL;
	case MEMORY_MAX:
		return quantity_size(value, &options->memory_max) && options->memory_max > 0
			       ? NULL
			       : "a size such as 512MiB";
	case SWAP_MAX:
		return quantity_size(value, &options->swap_max) ? NULL : "a size such as 512MiB";
	case FAIL_ABOVE:
		return quantity_size(value, &options->fail_above) ? NULL : "a size such as 512MiB";
	case MAX_SIZE:
		return quantity_size(value, &options->max_size) && options->max_size >= MAX_SIZE_MIN
			       ? NULL
			       : "a size of 64K or more";
	case RUNS:
		return read_whole(value, 1, REPEAT_MAX, &options->runs)
			       ? NULL
			       : "a whole number from 1 to 100";
	case HEAP:
		return flags_read_bool(value, &options->heap) ? NULL : "true or false";
	case HEAP_INTERVAL:
		options->heap = true;
		return read_interval(value, &options->heap_interval) ? NULL
								     : "a size from 1 to 1TiB";
	case WAIT_ALL:
		return flags_read_bool(value, &options->wait_all) ? NULL : "true or false";
	case KILL_REST:
		return flags_read_bool(value, &options->kill_rest) ? NULL : "true or false";
	case DELAYACCT:
		return flags_read_bool(value, &options->delayacct) ? NULL : "true or false";
	case LIVE:
		return flags_read_bool(value, &options->live) ? NULL : "true or false";
	case V:
		return flags_read_bool(value, &options->verbose) ? NULL : "true or false";
	case Q:
		return flags_read_bool(value, &options->quiet) ? NULL : "true or false";
	default:
		return NULL;
	}
}

static enum options_result bad(char *error, size_t size, const char *what, const char *word,
			       const char *rest)
{
	snprintf(error, size, "%s%.200s%s", what, word, rest);
	return OPTIONS_BAD;
}

static enum options_result read_flags(int argc, char **argv, struct options *ret, char *error,
				      size_t size)
{
	int at = 0;
	int flag;

	opterr = 0;
	for (;;) {
		int word = optind;
		const char *wrong;

		flag = getopt_long_only(argc, argv, "+:", flags, &at);
		if (flag == -1)
			return OPTIONS_RUN;
		if (flag == ':')
			return bad(error, size, "flag needs a value: ", argv[word], "");
		if (flag == '?' || !flags_is_whole(argv[word], flags[at].name))
			return bad(error, size, "unknown flag: ", argv[word], "; see mstat -h");
		if (flag == H || flag == HELP)
			return OPTIONS_HELP;
		if (flag == VERSION)
			return OPTIONS_VERSION;
		wrong = take((enum flag)flag, optarg, ret);
		if (wrong) {
			snprintf(error, size, "-%s: \"%.200s\" is not %s", flags[at].name,
				 optarg ? optarg : "", wrong);
			return OPTIONS_BAD;
		}
	}
}

enum options_result options_read(int argc, char **argv, struct options *ret, char *error,
				 size_t error_size)
{
	enum options_result result;

	*ret = (struct options){
		.freq = TICK_FREQ_DEFAULT,
		.stall_ns = 10000000,
		.budget_ppm = 5000,
		.runtimes = true,
		.memory_max = UINT64_MAX,
		.swap_max = UINT64_MAX,
		.fail_above = UINT64_MAX,
		.heap_interval = HEAP_INTERVAL_DEFAULT,
	};
	result = read_flags(argc, argv, ret, error, error_size);
	if (result != OPTIONS_RUN)
		return result;
	if (ret->wait_all && ret->kill_rest)
		return bad(error, error_size, "-wait-all and -kill-rest exclude each other", "",
			   "");
	if (ret->heap && ret->preload && !strcmp(ret->preload, "none"))
		return bad(error, error_size, "-heap and -preload none exclude each other", "", "");
	ret->command = argv + optind;
	if (optind >= argc)
		return bad(error, error_size, "no program given", "", "; see mstat -h");
	if (!ret->command[0][0])
		return bad(error, error_size, "the program's name is empty", "", "");
	return OPTIONS_RUN;
}

void options_done(struct options *options)
{
	free(options->env);
	options->env = NULL;
}
