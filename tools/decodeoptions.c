/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/decodeoptions.h"
#include "tools/flags.h"
#include "tools/quantity.h"

const char decodeoptions_usage[] =
	"usage: mstat-decode [-what TABLE] [-format FORMAT] [-columns LIST] [-where TERMS]\n"
	"                    [-from TIME] [-to TIME] [-step TIME] [-o FILE] [-follow] [FILE]\n"
	"       mstat-decode -what heap [-at INSTANT] [-format FORMAT] [-o FILE] [FILE]\n"
	"Prints a run file of mstat (default: standard input) as a table of text, or, of a run\n"
	"with mstat -heap, where the memory came from.\n"
	"mstatd:NAME is a run that mstatd keeps of yours (mstatd -list; $MSTAT_SOCKET).\n"
	"\n"
	"  -what TABLE     ticks: a row a tick for the whole tree (default)\n"
	"                  samples: a row for each process at each tick\n"
	"                  processes: a row a process\n"
	"                  events: what happened, and when\n"
	"                  peak: who held what when the tree was largest\n"
	"                  phases: between the program's marks, each with its peak\n"
	"                  summary: the run as a whole\n"
	"                  heap: the functions and stacks that have allocated what was held\n"
	"  -format FORMAT  tsv (default), csv, jsonl (a JSON object a line);\n"
	"                  openmetrics: of ticks, samples, summary, with times of the day;\n"
	"                  sqlite: all tables in one database, needs -o FILE and no -what;\n"
	"                  perfetto: a trace with counters and events, for ui.perfetto.dev; no "
	"-what;\n"
	"                  of heap: text (default), folded (stacks for flame graphs), pprof\n"
	"                  (profile.proto, not to a terminal)\n"
	"  -columns LIST   these columns, in this order: time,rss,anon_bytes\n"
	"  -where TERMS    of samples, processes, events: of these processes only: pid=N and\n"
	"                  comm=NAME, with commas between; any of the pids, any of the names\n"
	"  -from TIME, -to TIME  of ticks, samples, processes, events: this part of the run\n"
	"                  (12.5, 1m30s since its start; both included)\n"
	"  -step TIME      of ticks, samples: a row for each 100ms, 1s, ... (and process), with\n"
	"                  the largest of each value, of counters the last\n"
	"  -at INSTANT     of heap: peak (of the tree; default), end (what each process held "
	"last),\n"
	"                  a time since the run's start (12.5, 1m30s), a mark's text, or #3, the "
	"third\n"
	"  -o FILE         write there (mode 0600), not to standard output\n"
	"  -follow         go on as the file grows, until the run has ended; processes, peak\n"
	"                  and summary are printed then\n"
	"  -h, -version    print this, or the version\n"
	"\n"
	"Exit code: 0; 1 the file is corrupt or something could not be read or written;\n"
	"2 usage; 3 the file is not whole, as after a crash: all that is whole was printed.\n";

const char *const decodeoptions_whats[] = {
	[DECODE_TICKS] = "ticks",	  [DECODE_SAMPLES] = "samples",
	[DECODE_PROCESSES] = "processes", [DECODE_EVENTS] = "events",
	[DECODE_PHASES] = "phases",	  [DECODE_PEAK] = "peak",
	[DECODE_SUMMARY] = "summary",	  [DECODEOPTIONS_HEAP] = "heap",
};

static const char *const formats[DECODEOPTIONS_FORMATS] = {
	[DECODEOPTIONS_TSV] = "tsv",	       [DECODEOPTIONS_CSV] = "csv",
	[DECODEOPTIONS_JSONL] = "jsonl",       [DECODEOPTIONS_SQLITE] = "sqlite",
	[DECODEOPTIONS_PERFETTO] = "perfetto", [DECODEOPTIONS_OPENMETRICS] = "openmetrics",
	[DECODEOPTIONS_TEXT] = "text",	       [DECODEOPTIONS_FOLDED] = "folded",
	[DECODEOPTIONS_PPROF] = "pprof",
};

#define TICKS	  (1u << DECODE_TICKS)
#define SAMPLES	  (1u << DECODE_SAMPLES)
#define PROCESSES (1u << DECODE_PROCESSES)
#define EVENTS	  (1u << DECODE_EVENTS)
#define PHASES	  (1u << DECODE_PHASES)
#define PEAK	  (1u << DECODE_PEAK)
#define SUMMARY	  (1u << DECODE_SUMMARY)
#define HEAP	  (1u << DECODEOPTIONS_HEAP)
#define TABLES	  (TICKS | SAMPLES | PROCESSES | EVENTS | PHASES | PEAK | SUMMARY)

enum flag { WHAT, FORMAT, COLUMNS, WHERE, FROM, TO, STEP, AT, O, FOLLOW, H, HELP, VERSION, FLAGS };

static const struct option flags[] = {{"what", required_argument, NULL, WHAT},
				      {"format", required_argument, NULL, FORMAT},
				      {"columns", required_argument, NULL, COLUMNS},
				      {"where", required_argument, NULL, WHERE},
				      {"from", required_argument, NULL, FROM},
				      {"to", required_argument, NULL, TO},
				      {"step", required_argument, NULL, STEP},
				      {"at", required_argument, NULL, AT},
				      {"o", required_argument, NULL, O},
				      {"follow", no_argument, NULL, FOLLOW},
				      {"h", no_argument, NULL, H},
				      {"help", no_argument, NULL, HELP},
				      {"version", no_argument, NULL, VERSION},
				      {0}};

static const struct flags_words words[] = {
	{"what", decodeoptions_whats, DECODEOPTIONS_HEAP + 1},
	{"format", formats, DECODEOPTIONS_FORMATS},
	{0},
};

FLAGS_PROGRAM(.name = "mstat-decode", .flags = flags, .usage = decodeoptions_usage, .words = words,
	      .operand = FLAGS_RUN_FILES);

/* What a flag makes sense for. */
static const unsigned whats_of_flag[FLAGS] = {
	[COLUMNS] = TABLES & ~SUMMARY,
	[WHERE] = SAMPLES | PROCESSES | EVENTS,
	[FROM] = TICKS | SAMPLES | PROCESSES | EVENTS,
	[TO] = TICKS | SAMPLES | PROCESSES | EVENTS,
	[STEP] = TICKS | SAMPLES,
	[AT] = HEAP,
	[FOLLOW] = TABLES,
};

static const unsigned whats_of_format[DECODEOPTIONS_FORMATS] = {
	[DECODEOPTIONS_TSV] = TABLES,	   [DECODEOPTIONS_CSV] = TABLES,
	[DECODEOPTIONS_JSONL] = TABLES,	   [DECODEOPTIONS_SQLITE] = TABLES,
	[DECODEOPTIONS_PERFETTO] = TABLES, [DECODEOPTIONS_OPENMETRICS] = TICKS | SAMPLES | SUMMARY,
	[DECODEOPTIONS_TEXT] = HEAP,	   [DECODEOPTIONS_FOLDED] = HEAP,
	[DECODEOPTIONS_PPROF] = HEAP,
};

/* Formats that have several tables at once; these have no -what. */
static const unsigned tables_of_format[DECODEOPTIONS_FORMATS] = {
	[DECODEOPTIONS_SQLITE] = TABLES,
	[DECODEOPTIONS_PERFETTO] = TICKS | SAMPLES | EVENTS | PROCESSES | SUMMARY,
};

/* What can be said of several tables at once. */
static const bool is_of_all[FLAGS] = {
	[FORMAT] = true, [WHERE] = true, [FROM] = true, [TO] = true, [STEP] = true, [O] = true};

/* A command line being read. */
struct reading {
	struct decodeoptions *ret;
	bool given[FLAGS];
	char *error; /* borrowed, as big as that */
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static bool fail(const struct reading *reading,
						       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reading->error, reading->error_size, format, args);
	va_end(args);
	return false;
}

/* Names with commas between, in buf; returns buf. */
static const char *join(const char *const *names, unsigned n, unsigned mask, char *buf, size_t size)
{
	size_t len = 0;

	*buf = '\0';
	for (unsigned i = 0; i < n; i++) {
		if (!(mask >> i & 1) || len >= size)
			continue;
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "", names[i]);
	}
	return buf;
}

/* ---- values ------------------------------------------------------------------------------------ */

static bool choose(const struct reading *reading, enum flag flag, const char *kind,
		   const char *word, const char *const *names, unsigned n, unsigned *ret)
{
	char all[256];

	for (*ret = 0; *ret < n; ++*ret)
		if (!strcmp(word, names[*ret]))
			return true;
	return fail(reading, "-%s: unknown %s \"%s\" (%s)", flags[flag].name, kind, word,
		    join(names, n, ~0u, all, sizeof(all)));
}

static bool read_columns(const struct reading *reading, const char *text)
{
	struct decodeoptions *options = reading->ret;
	unsigned n = 1;
	char *rest;

	for (const char *p = text; *p; p++)
		n += *p == ',';
	free(options->column);
	free(options->column_text);
	options->column = calloc(n, sizeof(*options->column));
	rest = options->column_text = strdup(text);
	if (!options->column || !rest)
		return fail(reading, "no memory");
	for (options->columns = 0; rest; options->columns++)
		options->column[options->columns] = strsep(&rest, ",");
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < i; j++)
			if (!strcmp(options->column[i], options->column[j]))
				return fail(reading, "-columns: \"%s\" is named twice",
					    options->column[i]);
	return true;
}

static bool read_where(const struct reading *reading, const char *text)
{
	int err = rowfilter_add(&reading->ret->filter, text);

	if (err == -EINVAL)
		return fail(reading,
			    "-where: \"%s\" is not pid=N or comm=NAME, with commas between", text);
	return err == 0 ? true : fail(reading, "no memory");
}

static bool read_instant(const struct reading *reading, enum flag flag, const char *text, bool *has,
			 uint64_t *ret)
{
	*has = quantity_instant(text, ret);
	return *has ? true
		    : fail(reading, "-%s: \"%s\" is no time since the run's start (12.5, 1m30s)",
			   flags[flag].name, text);
}

static bool read_step(const struct reading *reading, const char *text)
{
	uint64_t *ret = &reading->ret->step_ns;

	return (quantity_duration(text, ret) || quantity_instant(text, ret)) && *ret
		       ? true
		       : fail(reading, "-step: \"%s\" is no duration (100ms, 1s, 1m30s)", text);
}

static bool read_flag(const struct reading *reading, enum flag flag, const char *text)
{
	struct decodeoptions *options = reading->ret;
	struct rowfilter *filter = &options->filter;
	unsigned i;

	switch (flag) {
	case WHAT:
		return choose(reading, flag, "table", text, decodeoptions_whats,
			      DECODEOPTIONS_HEAP + 1, &options->what);
	case FORMAT:
		if (!choose(reading, flag, "format", text, formats, DECODEOPTIONS_FORMATS, &i))
			return false;
		options->format = i;
		return true;
	case COLUMNS:
		return read_columns(reading, text);
	case WHERE:
		return read_where(reading, text);
	case FROM:
		return read_instant(reading, flag, text, &filter->has_from, &filter->from_ns);
	case TO:
		return read_instant(reading, flag, text, &filter->has_to, &filter->to_ns);
	case STEP:
		return read_step(reading, text);
	case AT:
		options->at = text;
		return true;
	case O:
		options->output = text;
		return *text ? true : fail(reading, "-o: \"\" is no file's name");
	default:
		options->follow = true;
		return true;
	}
}

/* ---- the whole --------------------------------------------------------------------------------- */

/* Whether a flag, or a format, is for what is asked for. */
static bool check_whats(const struct reading *reading, unsigned whats, const char *name,
			const char *value)
{
	unsigned what = reading->ret->what;
	char all[256];

	if (whats >> what & 1)
		return true;
	if (whats & (whats - 1))
		return fail(
			reading, "-%s%s is not for -what %s (%s)", name, value,
			decodeoptions_whats[what],
			join(decodeoptions_whats, DECODEOPTIONS_HEAP + 1, whats, all, sizeof(all)));
	return fail(reading, "-%s%s is only for -what %s", name, value,
		    join(decodeoptions_whats, DECODEOPTIONS_HEAP + 1, whats, all, sizeof(all)));
}

static bool settle_format(const struct reading *reading)
{
	struct decodeoptions *options = reading->ret;
	char value[32];

	if (!reading->given[FORMAT])
		options->format = options->what == DECODEOPTIONS_HEAP ? DECODEOPTIONS_TEXT
								      : DECODEOPTIONS_TSV;
	snprintf(value, sizeof(value), " %s", formats[options->format]);
	if (!tables_of_format[options->format] &&
	    !check_whats(reading, whats_of_format[options->format], "format", value))
		return false;
	if ((options->format == DECODEOPTIONS_PPROF || options->format == DECODEOPTIONS_PERFETTO) &&
	    !options->output && isatty(STDOUT_FILENO))
		return fail(reading, "-format %s is not for a terminal: use -o FILE",
			    formats[options->format]);
	return true;
}

/* Flags beside a format of several tables. */
static bool settle_all(const struct reading *reading)
{
	struct decodeoptions *options = reading->ret;

	options->tables = tables_of_format[options->format];
	for (enum flag flag = 0; flag < FLAGS; flag++)
		if (reading->given[flag] && !is_of_all[flag])
			return fail(reading, "-%s is not for -format %s%s", flags[flag].name,
				    formats[options->format],
				    flag == WHAT ? ", which has several tables" : "");
	return true;
}

static bool settle_one(const struct reading *reading)
{
	struct decodeoptions *options = reading->ret;

	options->tables = 1u << options->what;
	for (enum flag flag = 0; flag < FLAGS; flag++)
		if (reading->given[flag] && whats_of_flag[flag] &&
		    !check_whats(reading, whats_of_flag[flag], flags[flag].name, ""))
			return false;
	return true;
}

static bool settle(const struct reading *reading)
{
	struct decodeoptions *options = reading->ret;
	const struct rowfilter *filter = &options->filter;

	if (!settle_format(reading))
		return false;
	if (tables_of_format[options->format] ? !settle_all(reading) : !settle_one(reading))
		return false;
	if (options->format == DECODEOPTIONS_OPENMETRICS && options->follow)
		return fail(reading,
			    "-follow is not for -format openmetrics, which is sorted at the end");
	if (options->format == DECODEOPTIONS_SQLITE && !options->output)
		return fail(reading, "-format sqlite needs a file: -o FILE");
	if (filter->has_from && filter->has_to && filter->from_ns > filter->to_ns)
		return fail(reading, "-from is after -to");
	if (!options->at)
		options->at = "peak";
	return true;
}

/* What stands after the options. */
static bool read_operands(const struct reading *reading, int argc, char **argv)
{
	if (argc - optind > 1 && argv[optind + 1][0] == '-')
		return fail(reading, "flags stand before the run file: %s", argv[optind + 1]);
	if (argc - optind > 1)
		return fail(reading, "one run file at a time, not also \"%s\"", argv[optind + 1]);
	if (optind < argc && strcmp(argv[optind], "-") != 0)
		reading->ret->input = argv[optind];
	else if (isatty(STDIN_FILENO))
		return fail(reading, "no run file given (-h for help)");
	return true;
}

enum decodeoptions_result decodeoptions_read(int argc, char **argv, struct decodeoptions *ret,
					     char *error, size_t error_size)
{
	struct reading reading = {.ret = ret, .error = error, .error_size = error_size};
	int at = 0;

	*ret = (struct decodeoptions){.what = DECODE_TICKS};
	for (;;) {
		const char *word = argv[optind];
		int c = getopt_long_only(argc, argv, "+:", flags, &at);
		bool good;

		if (c == -1)
			break;
		if (c == ':')
			good = fail(&reading, "%s needs a value", argv[optind - 1]);
		else if (c == '?' || !flags_is_whole(word, flags[at].name))
			good = fail(&reading, "unknown option %s (-h for help)", word);
		else if (c == H || c == HELP || c == VERSION)
			return c == VERSION ? DECODEOPTIONS_VERSION : DECODEOPTIONS_HELP;
		else
			good = read_flag(&reading, (enum flag)c, optarg);
		if (!good)
			return DECODEOPTIONS_BAD;
		reading.given[c] = true;
	}
	return settle(&reading) && read_operands(&reading, argc, argv) ? DECODEOPTIONS_RUN
								       : DECODEOPTIONS_BAD;
}

void decodeoptions_done(struct decodeoptions *options)
{
	free(options->column);
	free(options->column_text);
	rowfilter_done(&options->filter);
}

/* ---- names that were missed -------------------------------------------------------------------- */

#define WORD_MAX 64

/* How many letters have to be changed, put in or left out to make one word the other; long ones are cut. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[WORD_MAX + 1];
	unsigned a_len = (unsigned)strnlen(a, WORD_MAX);
	unsigned b_len = (unsigned)strnlen(b, WORD_MAX);

	for (unsigned j = 0; j <= b_len; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a_len; i++) {
		unsigned corner = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b_len; j++) {
			unsigned change = corner + (a[i - 1] != b[j - 1]);
			unsigned other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			corner = row[j];
			row[j] = change < other ? change : other;
		}
	}
	return row[b_len];
}

#define NEAREST 3

const char *decodeoptions_nearest(const char *word, const char *const *names, unsigned n, char *buf,
				  size_t size)
{
	const char *best[NEAREST];
	unsigned off[NEAREST];
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++) {
		/* What only lacks an end is nearer than anything else. */
		unsigned d = strncmp(names[i], word, strlen(word)) ? distance(word, names[i]) : 0;
		unsigned at = count;

		while (at && d < off[at - 1])
			at--;
		if (at == NEAREST)
			continue;
		count += count < NEAREST;
		for (unsigned j = count - 1; j > at; j--) {
			off[j] = off[j - 1];
			best[j] = best[j - 1];
		}
		off[at] = d;
		best[at] = names[i];
	}
	return join(best, count, ~0u, buf, size);
}
