/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/flags.h"
#include "tools/getoptions.h"
#include "tools/quantity.h"

const char getoptions_usage[] =
	"usage: mstat-get [flags] PID...\n"
	"       mstat-get -taskstats PID\n"
	"       mstat-get -memstats PID [-format json]\n"
	"       mstat-get -goroutines PID [-v]\n"
	"       mstat-get -cgroup PATH\n"
	"       mstat-get -o FILE -w [-r] [-n SECONDS] PID...\n"
	"       mstat-get -o FILE -w [-n SECONDS] -cgroup PATH\n"
	"Tells the memory of processes that run already, now; or records it.\n"
	"\n"
	"  -r               also of all that descends from them\n"
	"  -v               a row for each process\n"
	"  -w               again and again, until they have ended\n"
	"  -n SECONDS       from one time to the next (default 0.1)\n"
	"  -peak            also the highest RSS that each has had\n"
	"  -bytes           exact numbers of bytes\n"
	"  -taskstats PID   all that the kernel's taskstats tell of it\n"
	"  -memstats PID    runtime.MemStats of a Go program, as its heap page has them\n"
	"  -goroutines PID  a Go program's goroutines by state; with -v the stack of each\n"
	"  -format FORMAT   of -memstats: text (the default) or json\n"
	"  -cgroup PATH     memory and tasks of a cgroup: its folder, or its path as in\n"
	"                   /proc/PID/cgroup\n"
	"  -o FILE          record into a run file, with -w, until they have ended or until "
	"Ctrl-C;\n"
	"                   for mstat-decode and mstat-report\n"
	"  -h, -version     print this, or the version\n"
	"\n"
	"Exit code: 0; 1 nothing could be read; 2 usage; 3 something could not be read, the rest\n"
	"was told.\n";

#define EVERY_DEFAULT_NS UINT64_C(100000000)
#define EVERY_MIN_NS	 UINT64_C(1000000)
#define EVERY_MAX_NS	 UINT64_C(86400000000000)
/* A run file counts whole ticks in a second. */
#define EVERY_RECORD_NS UINT64_C(1000000000)
#define PID_MAX		INT32_MAX

/* Of one letter, for words of several. */
static const char shorts[] = "+:rvw";

enum flag {
	PEAK = 256,
	BYTES,
	TASKSTATS,
	MEMSTATS,
	GOROUTINES,
	FORMAT,
	CGROUP,
	N,
	O,
	VERSION,
	H,
	HELP
};

static const struct option flags[] = {
	{"r", optional_argument, NULL, 'r'},
	{"v", optional_argument, NULL, 'v'},
	{"w", optional_argument, NULL, 'w'},
	{"n", required_argument, NULL, N},
	{"peak", optional_argument, NULL, PEAK},
	{"bytes", optional_argument, NULL, BYTES},
	{"taskstats", required_argument, NULL, TASKSTATS},
	{"memstats", required_argument, NULL, MEMSTATS},
	{"goroutines", required_argument, NULL, GOROUTINES},
	{"format", required_argument, NULL, FORMAT},
	{"cgroup", required_argument, NULL, CGROUP},
	{"o", required_argument, NULL, O},
	{"version", no_argument, NULL, VERSION},
	{"h", no_argument, NULL, H},
	{"help", no_argument, NULL, HELP},
	{NULL, 0, NULL, 0},
};

FLAGS_PROGRAM(.name = "mstat-get", .flags = flags, .usage = getoptions_usage,
	      .operand = FLAGS_PIDS);

static bool read_pid(const char *text, pid_t *ret)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || pid < 1 || pid > PID_MAX)
		return false;
	*ret = (pid_t)pid;
	return true;
}

static bool read_every(const char *text, uint64_t *ret)
{
	return quantity_instant(text, ret) && *ret >= EVERY_MIN_NS && *ret <= EVERY_MAX_NS;
}

static const char *take_bool(const char *value, bool *ret)
{
	return flags_read_bool(value, ret) ? NULL : "true or false";
}

/* What is wrong with the flag's value, or NULL. */
static const char *take(int flag, const char *value, struct getoptions *options)
{
	switch (flag) {
	case 'r':
		return take_bool(value, &options->with_children);
	case 'v':
		return take_bool(value, &options->verbose);
	case 'w':
		return take_bool(value, &options->watch);
	case PEAK:
		return take_bool(value, &options->peak);
	case BYTES:
		return take_bool(value, &options->bytes);
	case N:
		return read_every(value, &options->every_ns) ? NULL : "seconds, 0.001 or more";
	case TASKSTATS:
		return read_pid(value, &options->taskstats) ? NULL : "a PID";
	case MEMSTATS:
		return read_pid(value, &options->memstats) ? NULL : "a PID";
	case GOROUTINES:
		return read_pid(value, &options->goroutines) ? NULL : "a PID";
	case FORMAT:
		options->json = strcmp(value, "json") == 0;
		return options->json || strcmp(value, "text") == 0 ? NULL : "text or json";
	case O:
		options->out = value;
		return *value ? NULL : "a file's name";
	default:
		options->cgroup = value;
		return *value ? NULL : "a cgroup";
	}
}

/* Whether the word is -rvw or the like, of which getopt has found the long flags to be none. */
static bool is_bundle(const char *word)
{
	return word[0] == '-' && word[1] && strspn(word + 1, "rvw") == strlen(word + 1);
}

static enum getoptions_result bad(char *error, size_t size, const char *what, const char *word,
				  const char *rest)
{
	snprintf(error, size, "%s%.200s%s", what, word, rest);
	return GETOPTIONS_BAD;
}

static const char *name_of(int flag)
{
	for (const struct option *f = flags; f->name; f++)
		if (f->val == flag)
			return f->name;
	return "";
}

static enum getoptions_result read_flags(int argc, char **argv, struct getoptions *ret, char *error,
					 size_t size)
{
	opterr = 0;
	for (;;) {
		const char *word = optind < argc ? argv[optind] : "";
		int flag = getopt_long_only(argc, argv, shorts, flags, NULL);
		const char *wrong;

		if (flag == -1)
			return GETOPTIONS_RUN;
		if (flag == ':')
			return bad(error, size, "flag needs a value: ", word, " (-h for help)");
		if (flag == '?' || !(is_bundle(word) || flags_is_whole(word, name_of(flag))))
			return bad(error, size, "unknown flag ", word, " (-h for help)");
		if (flag == H || flag == HELP)
			return GETOPTIONS_HELP;
		if (flag == VERSION)
			return GETOPTIONS_VERSION;
		wrong = take(flag, optarg, ret);
		if (!wrong)
			continue;
		snprintf(error, size, "-%s: \"%.200s\" is not %s", name_of(flag),
			 optarg ? optarg : "", wrong);
		return GETOPTIONS_BAD;
	}
}

static enum getoptions_result read_pids(char **words, size_t count, struct getoptions *ret,
					char *error, size_t size)
{
	ret->pids = calloc(count, sizeof(*ret->pids));
	if (!ret->pids)
		return bad(error, size, strerror(ENOMEM), "", "");
	for (size_t i = 0; i < count; i++) {
		if (words[i][0] == '-')
			return bad(error, size, "flags stand before the PIDs: ", words[i], "");
		if (!read_pid(words[i], &ret->pids[i]))
			return bad(error, size, "no PID: ", words[i], " (-h for help)");
	}
	ret->pid_count = count;
	return GETOPTIONS_RUN;
}

/* What does not go together, or NULL. */
static const char *find_conflict(const struct getoptions *options, bool has_pids)
{
	bool records_group = options->out && options->cgroup;
	int alone = !!options->taskstats + !!options->memstats + !!options->goroutines +
		    !!options->cgroup;

	if (alone &&
	    (has_pids || options->with_children || (options->verbose && !options->goroutines) ||
	     (options->watch && !records_group) || alone > 1))
		return "-taskstats, -memstats, -goroutines and -cgroup stand alone, with one thing "
		       "each";
	if (options->json && !options->memstats)
		return "-format json is for -memstats";
	if (!options->out)
		return NULL;
	if ((alone && !options->cgroup) || !options->watch)
		return "-o records again and again: it wants -w, and PIDs or -cgroup";
	if (options->verbose || options->peak || options->bytes)
		return "-o records, and shows nothing: -v, -peak and -bytes are not for it";
	if (options->every_ns > EVERY_RECORD_NS)
		return "-o records once a second or more often: -n is 1 at most";
	return NULL;
}

enum getoptions_result getoptions_read(int argc, char **argv, struct getoptions *ret, char *error,
				       size_t error_size)
{
	enum getoptions_result result;
	const char *conflict;

	*ret = (struct getoptions){.every_ns = EVERY_DEFAULT_NS};
	result = read_flags(argc, argv, ret, error, error_size);
	if (result != GETOPTIONS_RUN)
		return result;
	conflict = find_conflict(ret, optind < argc);
	if (conflict)
		return bad(error, error_size, conflict, "", "");
	if (ret->taskstats || ret->memstats || ret->goroutines || ret->cgroup)
		return GETOPTIONS_RUN;
	if (optind == argc)
		return bad(error, error_size, "no PID given (-h for help)", "", "");
	return read_pids(argv + optind, (size_t)(argc - optind), ret, error, error_size);
}

void getoptions_done(struct getoptions *options)
{
	free(options->pids);
	options->pids = NULL;
}
